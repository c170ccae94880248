"""Checks the studies of this folder: which were interrupted, and which are damaged."""

import shlex

from pipeline.doctor.finding import Finding, note, ok, problem
from pipeline.errors import printable
from pipeline.quantity import counted
from pipeline.report.study_list import (
    ListedStudy,
    StudyState,
    copies_of_one,
    list_studies,
    servers_not_asked,
    studies_in,
)
from pipeline.study.paths import ROOT


def check_studies() -> list[Finding]:
    """How many studies are below ``studies``, and each that is interrupted, damaged or a copy."""
    found = studies_in(ROOT) if ROOT.is_dir() else []
    studies = list_studies(found)
    running = sum(study.state is StudyState.RUNNING for study in studies)
    summary = ok(f"{counted(len(studies), 'study', 'studies')} in {ROOT}" + (f", {running} running" if running else ""))
    told = servers_not_asked(studies, "convtune studies")
    more = [note(*remark) for remark in [*copies_of_one(found), *([told] if told else [])]]
    return [summary, *(finding for study in studies if (finding := _judge(study)) is not None), *more]


def _judge(study: ListedStudy) -> Finding | None:
    name = shlex.quote(study.name)
    if study.state is StudyState.DAMAGED:
        fact, _, _ = study.problem.rpartition("; ")  # of another command
        return problem(printable(fact or study.problem), f"restore that file, or run `convtune delete {name}`")
    if study.state is StudyState.INTERRUPTED:
        trials = counted(study.trials or 0, "trial")
        return note(
            f"{printable(study.name)} was interrupted after {trials}", f"go on with `convtune tune --study {name}`"
        )
    return None
