"""Several studies side by side: what each has searched, its best trial, and whether their scores compare."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from pipeline.errors import JobError, nearest, printable
from pipeline.report.trials_table import ABSENT, print_cell
from pipeline.report.wide_table import WideTable
from pipeline.study.fingerprint import StudyFingerprint, differences
from pipeline.study.record import TrialRecord, ranked
from pipeline.study.trial import TrialState

_COUNTED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED)

_OPTIONAL = (TrialState.INTERRUPTED,)
"""Counted where a study has some: such a trial is repeated when its study goes on."""

_BY_SCORE = ("score", "test", "rank")
"""The columns by which nothing is sorted unless scores compare."""

_SHOWN = ("study", "trials", "best", "score", "test", "epochs", "parameters", "macs", "seconds")

_SEARCHED, _IF_DIFFERENT = ("data", "space", "metric"), ("image_size", "class_weight")
"""The words on what was searched; the second ones where they differ among studies with trials."""


@dataclass(frozen=True)
class ComparedStudy:
    """A study as a comparison shows it.

    ``name`` is how a command names it. ``tested`` is the number of the trial whose model has the ``test_scores``, by
    metric (None, and none, before a best model was tested). ``image_size`` is as in a job file ("" where the space
    decides it), ``class_weight`` ``none``, ``balanced`` or ``searched``.
    """

    name: str
    data: str
    space: str
    fingerprint: StudyFingerprint
    records: Sequence[TrialRecord]
    tested: int | None = None
    test_scores: Mapping[str, float | None] = field(default_factory=dict)
    image_size: str = ""
    class_weight: str = ""

    def cells(self) -> dict[str, Any]:
        """The values of all columns; None where one is unknown.

        ``best`` is the number of the best trial, whose are also score, test score, epochs, parameters and MACs.
        ``seconds`` is what all trials took together.
        """
        states = Counter(record.state for record in self.records)
        top = next(iter(ranked(self.records)), None)
        return {
            "study": self.name,
            "data": self.data,
            "space": self.space,
            "metric": self.fingerprint.metric,
            "image_size": self.image_size or None,
            "class_weight": self.class_weight or None,
            **{state.value: states[state] for state in (*_COUNTED, *_OPTIONAL)},
            "best": top and top.number,
            "score": top and top.score,
            "test": self.test_scores.get(self.fingerprint.metric) if top and top.number == self.tested else None,
            "epochs": top and top.result.epochs,
            "parameters": top and top.parameters,
            "macs": top and top.macs,
            "seconds": sum(record.result.seconds for record in self.records),
        }


def describe_differences(studies: Sequence[ComparedStudy]) -> list[str]:
    """One line for each study whose scores do not compare with those of the first, with the reasons."""
    first, *others = studies
    return [
        printable(f"Scores of {other.name} do not compare with those of {first.name}: {', '.join(reasons)}")
        for other in others
        if (reasons := differences(first.fingerprint, other.fingerprint))
    ]


def check_sortable(column: str, studies: Sequence[ComparedStudy]) -> None:
    """JobError for sorting by scores that do not compare."""
    if column.lower() in _BY_SCORE and (lines := describe_differences(studies)):
        reason = lines[0].replace("Scores", "scores", 1)
        raise JobError(f"--sort {column}: {reason}; leave it out, or name only studies that compare")


def sort_studies(
    studies: Sequence[ComparedStudy], column: str | None, reverse: bool = False, top: int | None = None
) -> list[ComparedStudy]:
    """The first ``top`` of the studies by a column, low to high unless ``reverse``; as they are where it is None.

    One without a value comes last. JobError for an unknown column, and for scores that do not compare.
    """
    if column is not None:
        rows = {id(study): study.cells() for study in studies}
        columns = list(next(iter(rows.values())))
        if column not in columns:
            there = f"columns of a comparison are {', '.join(columns)}"
            raise JobError(f"--sort: unknown column {column!r}{nearest(column, columns)}; {there}")
        check_sortable(column, studies)
        present = [study for study in studies if rows[id(study)][column] is not None]
        absent = [study for study in studies if rows[id(study)][column] is None]
        studies = sorted(present, key=lambda study: rows[id(study)][column], reverse=reverse) + absent
    return list(studies[:top])


def render_comparison(studies: Sequence[ComparedStudy]) -> RenderableType:
    """One row per study in the order given; then what the columns mean, and which scores do not compare."""
    rows = [study.cells() for study in studies]
    counted = [*_COUNTED, *(state for state in _OPTIONAL if any(row[state.value] for row in rows))]
    for row in rows:
        row["trials"] = "/".join(str(row[state.value]) for state in counted)
    columns = {name: [Text(_print(name, row[name])) for row in rows] for name in _SHOWN}
    begun = [row for study, row in zip(studies, rows, strict=True) if study.records]
    words = [*_SEARCHED, *(name for name in _IF_DIFFERENT if len({row[name] for row in begun}) > 1)]
    searched = [Text(" ".join(f"{name}={_print(name, row[name])}" for name in words)) for row in rows]
    legend = f"trials: {'/'.join(counted)}; best: number of the trial that the row shows"
    return Group(
        WideTable(columns, "searched", searched, words=("study",)),
        Text(legend, "dim"),
        *(Text(line, "yellow") for line in describe_differences(studies)),
    )


def _print(column: str, value: Any) -> str:
    if column == "test":
        return ABSENT if value is None else print_cell("score", value)
    return printable(print_cell(column, value))
