"""The summary that a person reads when a study ends."""

from collections import Counter

from pipeline.console import show
from pipeline.explain.write import PAGE
from pipeline.metrics import METRICS
from pipeline.report.leaderboard import describe_infeasible, render_leaderboard
from pipeline.search.stop_reason import StopReason
from pipeline.steps.best_model import BestModel
from pipeline.study.paths import StudyPaths
from pipeline.study.record import TrialRecord, best
from pipeline.study.trial import TrialState

_MORE = {
    StopReason.TIME_UP: "",
    StopReason.NO_TIME: "",
    StopReason.SCORE_REACHED: " --stop-at SCORE",
    StopReason.NO_BETTER: " --patience N",
}
"""What the command that continues a study must change, where more trials alone would not do."""


def print_summary(
    paths: StudyPaths,
    records: list[TrialRecord],
    infeasible: Counter[str],
    reason: StopReason,
    best_model: BestModel | None,
) -> None:
    """Prints the leaderboard, how the best model does on the test images, where it is, and what to do next."""
    states = Counter(record.state for record in records)
    counts = ", ".join(f"{states[state]} {state}" for state in TrialState if states[state])
    print(f"\nStudy {paths.name}: {reason} ({counts or 'no trials'})")
    if infeasible:
        print(describe_infeasible(infeasible))
    if best(records) is None:
        _print_why_no_model(paths, records, infeasible, reason)
        return
    print()
    show(render_leaderboard(records, study=paths.argument))
    print()
    if front := sum(record.front for record in records):
        print(f"On the Pareto front:           {front} trial{'s' if front != 1 else ''}; see {paths.plots}")
    if best_model is not None:
        _print_best_model(best_model)
    print(f"Best model:                    {paths.best_model}")
    if (page := paths.explanation / PAGE).is_file():
        print(f"What it sees:                  {page}")
    if paths.report.is_file():
        print(f"Report of the study:           {paths.report}")
    print(f"Compare all trials in MLflow:  convtune ui {paths.argument}")
    print(f"Take the best model with you:  convtune export {paths.argument}")
    if reason in _MORE:
        print(f"Go on:                         convtune tune --study {paths.argument}{_MORE[reason]}")


def _print_best_model(model: BestModel) -> None:
    metric, score = METRICS[model.metric], model.test_scores.get(model.metric)
    formatted = "not defined for the test images" if score is None else f"{score:.4f}"
    print(f"Test {metric.label} of the best model (trial {model.trial}): {formatted}")
    if model.caveat:
        print(f"Not trained to its end:        {model.caveat}")
    print(f"Model registry:                {model.registry_note}")


def _print_why_no_model(
    paths: StudyPaths, records: list[TrialRecord], infeasible: Counter[str], reason: StopReason
) -> None:
    reasons = Counter(record.result.reason for record in records if record.result.reason) or infeasible
    print(f"No trial left a model. Most frequent reason: {reasons.most_common(1)[0][0] if reasons else reason}")
    if records:
        print(f"What the libraries said: {paths.log}")
    else:
        print("Begin another study with a wider space or --limit")
