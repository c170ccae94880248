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
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from pipeline.metrics import Direction, Metric

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


def varied(runs: Sequence[Run]) -> list[str]:
    """The params that are not the same in all runs, by name; a missing one differs from every value."""
    names = sorted({name for run in runs for name in run.data.params})
    return [name for name in names if len({run.data.params.get(name) for run in runs}) > 1]


def key_of(study: str) -> str:
    """The key of the view of a study's run: short, as it stands in addresses."""
    return study[:8]


def describe_view(study: str, name: str, trials: Sequence[Run], metric: Metric, now: int) -> str:
    """The value of the tag: the view named after the study ``name``, made at ``now`` (milliseconds since 1970).

    ``study`` is the id of the study's run, ``trials`` are the runs below it. ``run`` is ours: it tells our views from
    those that people save.
    """
    packed = base64.b64encode(zlib.compress(json.dumps(_state(study, trials, metric)).encode())).decode()
    named = {"name": f"{name}: trials by score", "createdAt": now, "updatedAt": now}
    return json.dumps(named | {"run": study, "state": f"deflate;{packed}"})


def _state(study: str, trials: Sequence[Run], metric: Metric) -> dict[str, Any]:
    """What the UI shows: filter, order, columns, charts."""
    params = varied(trials)
    columns = [*(_column("metrics", name) for name in COLUMNS), *(_column("params", name) for name in params)]
    sections = _sections()
    return {
        "searchFilter": f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{study}'",
        "orderByKey": _column("metrics", "score"),
        "orderByAsc": metric.direction is Direction.MINIMIZE,
        "selectedColumns": columns,
        "columnOrder": columns,
        "columnWidths": dict.fromkeys(columns, _WIDTH),
        "compareRunCharts": _charts(_axes(trials, params), metric.logged_as),
        "compareRunSections": sections,
        "isAccordionReordered": True,  # else the UI puts its own sections first
        "runsHiddenMode": "SHOW_ALL",
        "hideEmptyCharts": True,
    }


def _column(kind: str, name: str) -> str:
    return f"{kind}.`{name}`"


def _axes(trials: Sequence[Run], params: Sequence[str]) -> list[str]:
    """The params for parallel coordinates, where a trial without one of them is left out.

    So a param that exists only beside certain values of others is none, unless all trials that have a score have it.
    """
    scored = [run for run in trials if "score" in run.data.metrics]
    return [name for name in params if all(name in run.data.params for run in scored)][:_MOST_AXES]


def _sections() -> list[dict[str, Any]]:
    """Our charts, then what the UI makes of the metrics by itself, folded up."""
    own = [(_HYPERPARAMETERS, {"columns": 1, "cardHeight": 310}), (_TRAINING, {"columns": 2, "cardHeight": 340})]
    more = [(name, {"display": False}) for name in ("Model metrics", "System metrics")]
    fixed = {"display": True, "isReordered": False, "deleted": False, "isGenerated": False}
    return [{"uuid": name, "name": name} | fixed | settings for name, settings in own + more]


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
