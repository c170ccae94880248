from pipeline.study.history import append_history
from pipeline.study.trial import EpochReport


def test_history_is_one_row_per_epoch_and_a_repeated_trial_begins_anew(tmp_path):
    path = tmp_path / "trials" / "0007" / "history.csv"
    for epoch in (1, 2):
        append_history(path, EpochReport(7, epoch, {"loss": 0.5, "val_accuracy": 0.25}, 1.5 * epoch))
    assert path.read_text().splitlines() == ["epoch,loss,val_accuracy,seconds", "1,0.5,0.25,1.50", "2,0.5,0.25,3.00"]
    append_history(path, EpochReport(7, 1, {"loss": 0.4, "val_accuracy": 0.5}, 1.0))
    assert path.read_text().splitlines() == ["epoch,loss,val_accuracy,seconds", "1,0.4,0.5,1.00"]
