from pipeline.study.history import append_history, read_history
from pipeline.study.trial import EpochReport


def test_history_is_one_row_per_epoch_and_a_repeated_trial_begins_anew(tmp_path):
    path = tmp_path / "trials" / "0007" / "history.csv"
    for epoch in (1, 2):
        append_history(path, EpochReport(7, epoch, {"loss": 0.5, "val_accuracy": 0.25}, 1.5 * epoch))
    assert path.read_text().splitlines() == ["epoch,loss,val_accuracy,seconds", "1,0.5,0.25,1.50", "2,0.5,0.25,3.00"]
    append_history(path, EpochReport(7, 1, {"loss": 0.4, "val_accuracy": 0.5}, 1.0))
    assert path.read_text().splitlines() == ["epoch,loss,val_accuracy,seconds", "1,0.4,0.5,1.00"]


def test_what_is_written_is_read_back_up_to_a_line_that_was_cut_off(tmp_path):
    path = tmp_path / "history.csv"
    assert read_history(path, 7) == []
    reports = [EpochReport(7, epoch, {"loss": 0.5, "val_accuracy": float("inf")}, 1.5 * epoch) for epoch in (1, 2)]
    for report in reports:
        append_history(path, report)
    assert read_history(path, 7) == reports
    with path.open("a") as file:
        file.write("3,0.5,0.")
    assert read_history(path, 7) == reports


def test_a_history_that_is_a_link_does_not_change_what_it_leads_to(tmp_path):
    (tmp_path / "theirs.txt").write_text("precious")
    (tmp_path / "history.csv").symlink_to(tmp_path / "theirs.txt")
    append_history(tmp_path / "history.csv", EpochReport(0, 1, {"loss": 0.5}, 1.0))
    assert (tmp_path / "theirs.txt").read_text() == "precious"
    assert (tmp_path / "history.csv").read_text().startswith("epoch,loss")


def test_a_history_that_cannot_be_read_has_no_epochs(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("epoch,loss,seconds\n" + "x" * 200_000)
    assert read_history(path, 7) == []
    path.unlink()
    path.mkdir()
    assert read_history(path, 7) == []
