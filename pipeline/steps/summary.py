"""The summary that a person reads when a study ends."""

from collections import Counter

from pipeline.console import show
from pipeline.explain.write import PAGE
from pipeline.quantity import counted
from pipeline.report.answer import describe_numbers, describe_states
from pipeline.report.evaluated_model import BestModel
from pipeline.report.findings import Findings
from pipeline.report.leaderboard import describe_infeasible, render_leaderboard


def print_summary(found: Findings, best_model: BestModel | None) -> None:
    """Prints the leaderboard, how the best model does on the test images, where it is, and what to do next."""
    trials, paths = found.trials, found.trials.paths
    print(f"\nStudy {paths.name}: {trials.reason} ({describe_states(found) or 'no trials'})")
    if trials.infeasible:
        print(describe_infeasible(trials.infeasible))
    if found.best is None:
        _print_why_no_model(found)
    else:
        print()
        show(render_leaderboard(trials.records, study=paths.argument))
        print()
        _print_best(found, best_model)
    for sentence, command in found.next:
        _print(sentence, command)


def _print_best(found: Findings, model: BestModel | None) -> None:
    paths = found.trials.paths
    if found.front:
        _print("On the Pareto front", f"{counted(found.front, 'trial')}; see {paths.plots}")
    if found.test is not None and found.best is not None:
        score, interval = found.test.value, found.test.interval
        value = "not defined for the test images" if score is None else f"{score:.4f}"
        sure = f" (95 %: {interval})" if interval else ""
        print(f"Test {found.test.metric.label} of the best model (trial {found.best.number}): {value}{sure}")
    if found.tied:
        _print("As good on validation images", describe_numbers(found.tied))
    if model is not None and model.caveat:
        _print("Not trained to its end", model.caveat)
    if model is not None:
        _print("Model registry", model.registry_note)
    _print("Best model", paths.best_model)
    if (page := paths.explanation / PAGE).is_file():
        _print("What it sees", page)
    if paths.report.is_file():
        _print("Report of the study", paths.report)


def _print(name: str, value: object) -> None:
    print(f"{f'{name}:':<30} {value}")


def _print_why_no_model(found: Findings) -> None:
    records, trials = found.trials.records, found.trials
    reasons = Counter(record.result.reason for record in records if record.result.reason) or Counter(trials.infeasible)
    why = reasons.most_common(1)[0][0] if reasons else trials.reason
    print(f"No trial left a model. Most frequent reason: {why}")
    if records:
        print(f"What the libraries said: {trials.paths.log}")
    elif trials.reason is None or not trials.reason.gives_up:
        print("Begin another study with a wider space or --limit")
