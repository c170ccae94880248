"""The prepared view of a study in MLflow's UI: its trials by score, and charts of them.

MLflow's UI keeps a view as a tag of the experiment, and opens it by the tag's key in the address. The format is not
documented; this is what the UI of MLflow 3.17 writes when somebody saves a view.
"""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from mlflow.entities import Run

from pipeline.metrics import Direction, Metric
from pipeline.tracking.entities import allowed_name
from pipeline.tracking.trial_runs import trials_filter

TAG = "mlflow.sharedViewState."
"""What the tags of views begin with; the key of the view follows."""

COLUMNS = ("score", "epochs", "seconds", "parameters")
"""The metrics that the table shows, before the hyperparameters that varied."""

_MOST_AXES = 12
"""The most hyperparameters in parallel coordinates: more cannot be read."""

_WIDTH = 100
"""The width of a column in pixels: a score with four decimals, and most names."""

_CHART = {"deleted": False, "isGenerated": False}
_HYPERPARAMETERS, _TRAINING = "Hyperparameters and score", "Training and size"
"""The names of our sections; where the first one leaves something out, its name says that instead."""


def varied(runs: Sequence[Run]) -> list[str]:
    """The params that are not the same in all runs, by name; a missing one differs from every value."""
    names = sorted({name for run in runs for name in run.data.params})
    return [name for name in names if len({run.data.params.get(name) for run in runs}) > 1]


def key_of(study: str) -> str:
    """The key of the view of a study's run: short, as it stands in addresses."""
    return study[:8]


def describe_view(
    study: str, name: str, trials: Sequence[Run], metric: Metric, importances: Mapping[str, float], now: int
) -> str:
    """The value of the tag: the view named after the study ``name``, made at ``now`` (milliseconds since 1970).

    ``study`` is the id of the study's run, ``trials`` are the runs of its trials; ``importances`` are those of the
    hyperparameters, as far as they are known. ``run`` is ours: it tells our views from those that people save.
    """
    state = _state(study, trials, metric, {allowed_name(name): share for name, share in importances.items()})
    packed = base64.b64encode(zlib.compress(json.dumps(state).encode())).decode()
    named = {"name": f"{name}: trials by score", "createdAt": now, "updatedAt": now}
    return json.dumps(named | {"run": study, "state": f"deflate;{packed}"})


def _state(study: str, trials: Sequence[Run], metric: Metric, importances: Mapping[str, float]) -> dict[str, Any]:
    """What the UI shows: filter, order, columns, charts."""
    params = varied(trials)
    columns = [*(_column("metrics", name) for name in COLUMNS), *(_column("params", name) for name in params)]
    common = _common(trials, params)
    axes = _axes(common, importances)
    return {
        "searchFilter": trials_filter(study),
        "orderByKey": _column("metrics", "score"),
        "orderByAsc": metric.direction is Direction.MINIMIZE,
        "selectedColumns": columns,
        "columnOrder": columns,
        "columnWidths": dict.fromkeys(columns, _WIDTH),
        "compareRunCharts": _charts(axes, metric.logged_as),
        "compareRunSections": _sections(_heading(len(axes), len(common), len(params), bool(importances))),
        "isAccordionReordered": True,  # else the UI puts its own sections first
        "runsHiddenMode": "SHOW_ALL",
        "hideEmptyCharts": True,
    }


def _column(kind: str, name: str) -> str:
    return f"{kind}.`{name}`"


def _common(trials: Sequence[Run], params: Sequence[str]) -> list[str]:
    """The params that all trials with a score have.

    Parallel coordinates have axes for these alone: the UI leaves out a trial without a value on one of them.
    """
    scored = [run for run in trials if "score" in run.data.metrics]
    return [name for name in params if all(name in run.data.params for run in scored)]


def _axes(common: Sequence[str], importances: Mapping[str, float]) -> list[str]:
    """The axes of parallel coordinates: at most 12 params, the most important ones, in the order of the table."""
    kept = sorted(common, key=lambda name: -importances.get(name, 0.0))[:_MOST_AXES]
    return [name for name in common if name in kept]


def _heading(axes: int, common: int, varied: int, by_importance: bool) -> str:
    """The name of the section of parallel coordinates: which hyperparameters are its axes, where some have none.

    The UI shows about 43 characters of it.

    >>> _heading(3, 3, 3, by_importance=True), _heading(12, 20, 20, by_importance=False)
    ('Hyperparameters and score', 'First 12 of 20 hyperparameters')
    >>> _heading(12, 20, 20, by_importance=True), _heading(2, 2, 3, by_importance=True)
    ('12 most important of 20 hyperparameters', '2 of 3 hyperparameters: of every trial')
    >>> _heading(12, 20, 30, by_importance=True)
    '12 most important of 20 of every trial'
    """
    if axes < common:
        order = f"{axes} most important" if by_importance else f"First {axes}"
        return f"{order} of {common} {'hyperparameters' if common == varied else 'of every trial'}"
    return _HYPERPARAMETERS if common == varied else f"{axes} of {varied} hyperparameters: of every trial"


def _sections(heading: str) -> list[dict[str, Any]]:
    """Our charts, then what the UI makes of the metrics by itself, folded up."""
    own = [(_HYPERPARAMETERS, {"columns": 1, "cardHeight": 310}), (_TRAINING, {"columns": 2, "cardHeight": 340})]
    more = [(name, {"display": False}) for name in ("Model metrics", "System metrics")]
    fixed = {"display": True, "isReordered": False, "deleted": False, "isGenerated": False}
    sections = [{"uuid": name, "name": name} | fixed | settings for name, settings in own + more]
    sections[0]["name"] = heading
    return sections


def _charts(axes: Sequence[str], curve: str) -> list[dict[str, Any]]:
    charts = [
        _chart("LINE", _TRAINING, metricKey=curve, selectedMetricKeys=[curve], **_LINE),
        _chart("SCATTER", _TRAINING, xaxis=_axis("parameters"), yaxis=_axis("score"), runsCountToCompare=100),
    ]
    if axes:
        parallel = {"selectedParams": list(axes), "selectedMetrics": ["score"], "showAllRuns": True}
        charts.insert(0, _chart("PARALLEL", _HYPERPARAMETERS, **parallel))
    return charts


def _chart(kind: str, section: str, **settings: Any) -> dict[str, Any]:
    return {"uuid": kind.lower(), "type": kind, "metricSectionId": section} | _CHART | settings


def _axis(metric: str) -> Mapping[str, str]:
    return {"key": metric, "type": "METRIC"}


_LINE = {
    "lineSmoothness": 0,
    "xAxisScaleType": "linear",
    "scaleType": "linear",
    "range": {},
    "xAxisKey": "step",
    "selectedXAxisMetricKey": "",
    "yAxisKey": "metric",
    "yAxisExpressions": [],
    "ignoreOutliers": False,
    "useGlobalXaxisKey": True,
    "useGlobalLineSmoothing": True,
}
"""The settings of a line chart that the UI expects."""
