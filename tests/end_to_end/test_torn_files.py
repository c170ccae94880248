"""Files of a study that were cut off while they were written, as by a full disk."""

import csv
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pipeline import doctor
from pipeline.cli import main
from pipeline.report import study_report

pytestmark = pytest.mark.usefixtures("undrawn", "only_tested")

DERIVED = ("trials.csv", "test.json", "holder.json", "best.keras", "trials/0000/history.csv", "trials/0000/model.keras")
NEEDED = ("job.yaml", "space.yaml", "study.json", "optuna.db")
MINE = Path("studies/mine")


def in_one_file():
    """Brings the study's database into one file, as it is once the process that ran it has ended."""
    with closing(sqlite3.connect(MINE / "optuna.db")) as connection:
        connection.execute("VACUUM INTO 'whole.db'")
    for more in ("-wal", "-shm"):
        (MINE / f"optuna.db{more}").unlink(missing_ok=True)
    Path("whole.db").replace(MINE / "optuna.db")


def cut(name, keep=0.5):
    file = MINE / name
    content = file.read_bytes() if file.exists() else b"{"
    file.write_bytes(content[: int(len(content) * keep)])


@pytest.mark.parametrize("keep", [0, 0.5])
def test_what_follows_from_the_storage_is_written_again(tune, keep):
    assert tune("--pruner", "none", "--trials", "2") == 0
    for name in DERIVED:
        cut(name, keep)
    assert main(["tune", "--study", "mine", "--trials", "4"]) == 0
    rows = list(csv.DictReader((MINE / "trials.csv").read_text().splitlines()))
    assert [row["state"] for row in rows] == ["complete"] * 4
    assert (MINE / "best.keras").read_bytes() == b"a model"
    assert '"best_model"' in (MINE / "test.json").read_text()
    assert not (MINE / "holder.json").exists()


@pytest.mark.parametrize("keep", [0, 0.5])
def test_without_the_others_a_study_is_refused_in_a_line_that_names_it_and_nothing_is_written(tune, capsys, keep):
    assert tune("--pruner", "none", "--trials", "2") == 0
    in_one_file()
    for name in NEEDED:
        before = (MINE / name).read_bytes()
        cut(name, keep)
        left = {path: path.read_bytes() for path in MINE.rglob("*") if path.is_file()}
        capsys.readouterr()
        assert main(["tune", "--study", "mine", "--trials", "4"]) == 2, name
        error = capsys.readouterr().err.splitlines()[-1]
        assert name in error, error
        files = {path: path.read_bytes() for path in MINE.rglob("*") if path.is_file()}
        assert {path: files[path] for path in left} == left, name
        (MINE / name).write_bytes(before)
    assert main(["tune", "--study", "mine", "--trials", "3"]) == 0


DAMAGES = {
    "empty": lambda content: b"",
    "half": lambda content: content[: len(content) // 2],
    "rubbish": lambda content: bytes(range(256)) * 4,
    "UTF-16": lambda content: content.decode("utf-8", "replace").encode("utf-16"),
}
GONE = {"gone": lambda content: None}
READERS = (["trials", "mine"], ["studies"], ["report", "mine"], ["doctor"])
SENDERS = (["sync", "mine"], ["ui", "mine", "--no-open"])
"""They take longer, and read what the others do."""
DRAWN = {"optuna.db": "draw_search", "trials/0001/history.csv": "draw_search", "test.json": "evaluation_plots"}
"""What plots of a report are drawn from, and by what: 0.3 s each time."""


def damaged(file, before, spoil):
    content = spoil(before or b"{}")
    if content is None:
        file.unlink(missing_ok=True)
    else:
        file.write_bytes(content)


@pytest.mark.usefixtures("here_alone")
def test_every_damaged_file_is_named_or_set_aside_and_never_a_traceback(tune, capsys, monkeypatch):
    monkeypatch.setattr("pipeline.cli.ui._serve", lambda *_: 0)
    assert tune("--pruner", "none", "--trials", "2") == 0
    in_one_file()
    checks = {subject: check for subject, check in doctor.CHECKS.items() if subject in ("storage", "studies")}
    monkeypatch.setattr(doctor, "CHECKS", checks)  # the others read nothing of a study
    draw = {name: getattr(study_report, name) for name in DRAWN.values()}
    for name in (*NEEDED, *DERIVED, "trials/0001/history.csv"):
        for plots in draw:
            monkeypatch.setattr(study_report, plots, draw[plots] if DRAWN.get(name) == plots else lambda *_: {})
        file = MINE / name
        before = file.read_bytes() if file.exists() else None
        for damage, spoil in (DAMAGES | (GONE if name in NEEDED else {})).items():
            damaged(file, before, spoil)
            for command in (*READERS, *(SENDERS if name in NEEDED and damage in ("half", *GONE) else ())):
                capsys.readouterr()
                code = main(command)
                out, err = capsys.readouterr()
                assert code in (0, 1, 2), (name, damage, command)
                assert "Traceback" not in out + err
                if code == 2:
                    [line] = [line for line in err.splitlines() if line.startswith("convtune: ")]
                    assert name in line, (name, damage, command, line)
        damaged(file, before, lambda _, before=before: before)
