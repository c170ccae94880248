"""What a person reads when a study ends."""

from collections import Counter

from rich.console import Console

from pipeline.folder import StudyFolder
from pipeline.record import Record
from pipeline.report.leaderboard import leaderboard
from pipeline.trial import State


def summary(
    folder: StudyFolder,
    records: list[Record],
    infeasible: Counter[str],
    why: str,
    winner: Record | None = None,
    accuracy: float = 0.0,
    registered: str = "",
) -> None:
    """Prints the leaderboard, how the best model does on the test images, where it is, and what to do next."""
    console = Console(highlight=False, soft_wrap=False)
    states = Counter(record.state for record in records)
    counts = ", ".join(f"{states[state]} {state}" for state in State if states[state])
    passed_over = f"; {infeasible.total()} infeasible proposals passed over" if infeasible else ""
    console.print(f"\nStudy {folder.name}: {why} ({counts or 'no trials'}{passed_over})")
    if winner is None:
        reasons = Counter(record.outcome.reason for record in records if record.outcome.reason) or infeasible
        console.print(f"No trial left a model. Most frequent reason: {reasons.most_common(1)[0][0] if reasons else why}")
        console.print(f"What the libraries said: {folder.log}")
        return
    console.print(leaderboard(records))
    console.print(f"Test accuracy of the best model (trial {winner.number}): {accuracy:.4f}")
    console.print(f"Best model:  {folder.best_model}", soft_wrap=True)
    console.print(f"Registry:    {registered}", soft_wrap=True)
    console.print("Compare all trials in MLflow:  convtune ui", soft_wrap=True)
    console.print(f"Take the best model with you:  convtune export {folder.name}", soft_wrap=True)
