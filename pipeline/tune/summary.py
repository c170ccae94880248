"""What a person reads when a study ends."""

from collections import Counter

from pipeline.folder import StudyFolder
from pipeline.printing import show
from pipeline.record import Record, best
from pipeline.report.leaderboard import infeasible_line, leaderboard
from pipeline.report.look.look import PAGE
from pipeline.search.loop import TIME_UP
from pipeline.tracking import place_to_look
from pipeline.trial import State
from pipeline.tune.finish import Winner


def summary(
    folder: StudyFolder,
    records: list[Record],
    infeasible: Counter[str],
    why: str,
    winner: Winner | None,
) -> None:
    """Prints the leaderboard, how the best model does on the test images, where it is, and what to do next."""
    states = Counter(record.state for record in records)
    counts = ", ".join(f"{states[state]} {state}" for state in State if states[state])
    print(f"\nStudy {folder.name}: {why} ({counts or 'no trials'})")
    if infeasible:
        print(infeasible_line(infeasible))
    if best(records) is None:
        reasons = Counter(record.outcome.reason for record in records if record.outcome.reason) or infeasible
        print(f"No trial left a model. Most frequent reason: {reasons.most_common(1)[0][0] if reasons else why}")
        if records:
            print(f"What the libraries said: {folder.log}")
        else:
            print("Begin another study with a wider space or --limit")
        return
    print()
    show(leaderboard(records))
    print()
    if front := sum(record.front for record in records):
        print(f"On the Pareto front:           {front} trial{'s' if front != 1 else ''}; see {folder.plots}")
    if winner is not None:
        print(f"Test accuracy of the best model (trial {winner.trial}): {winner.accuracy:.4f}")
        print(f"Model registry:                {winner.registry}")
    print(f"Best model:                    {folder.best_model}")
    if (page := folder.look / PAGE).is_file():
        print(f"What it sees:                  {page}")
    print(f"Compare all trials in MLflow:  {place_to_look(None)}")
    print(f"Take the best model with you:  convtune export {folder.argument}")
    if why == TIME_UP:
        print(f"Go on:                         convtune tune --study {folder.argument}")
