"""Folders of studies: made-up trials in a real storage, of which files, values and rows are broken."""

import contextlib
import io
import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from optuna.storages import RDBStorage
from optuna.storages._rdb.storage import _VersionManager

from bench.fuzz.mutate import Sample, broken_bytes, broken_text, broken_value
from pipeline.api.model_file import find_model_file
from pipeline.cli import main
from pipeline.errors import ConvtuneError
from pipeline.job.request import read_stored_job
from pipeline.report.evaluated_model import read_evaluated_model
from pipeline.report.study_report import write_report
from pipeline.report.study_trials import read_trials
from pipeline.search.importance import read_importances
from pipeline.search.optuna_study import load_trials
from pipeline.study.fingerprint import read_fingerprint
from pipeline.study.holder import read_holder, this_process
from pipeline.study.paths import StudyPaths
from pipeline.study.trial import TrialState
from tests.report.made_up import TESTED, evaluated, record, study

_TABLES = {
    "studies": ("study_name",),
    "study_user_attributes": ("key", "value_json"),
    "trials": ("number", "state", "datetime_start"),
    "trial_user_attributes": ("key", "value_json"),
    "trial_system_attributes": ("key", "value_json"),
    "trial_params": ("param_name", "param_value", "distribution_json"),
    "trial_values": ("objective", "value", "value_type"),
}
"""The columns of Optuna's storage that are changed."""


@dataclass(frozen=True)
class Change:
    """A file with another content; or, by ``row``, a value of the storage: table, column, row number, new value."""

    file: str = ""
    content: bytes = field(default=b"", repr=False)
    row: tuple[str, str, int, Any] | None = None


def cases(folder: Path) -> st.SearchStrategy[tuple[tuple[Change, ...], int]]:
    """Changes of a study that is made in ``folder``, and a number, by which a few reports are written."""
    original = folder / "original"
    _make(original)
    head = RDBStorage(f"sqlite:///{original}/optuna.db").get_head_version()
    _VersionManager.get_head_version = lambda self: head  # found anew at each opening, which takes most of a case
    files = {path.name: Sample(path.read_bytes()) for path in sorted(original.iterdir()) if path.is_file()}
    changes = st.one_of(_in_file(files), _in_storage(original / "optuna.db"), _in_storage(original / "optuna.db"))
    return st.tuples(st.lists(changes, min_size=1, max_size=3).map(tuple), st.integers(0, 39))


def _make(path: Path) -> None:
    states = [TrialState.COMPLETE] * 4 + [TrialState.PRUNED, TrialState.FAILED, TrialState.INTERRUPTED]
    records = [
        record(
            number,
            None if state is TrialState.FAILED else 0.5 + number / 20,
            state,
            model="model.keras",
            began=1.8e9 + number,
            slot=number % 2,
        )
        for number, state in enumerate(states)
    ]
    paths = evaluated(study(path, records, ("macs", "macs", "possible")), trial=3)
    paths.holder.write_text(json.dumps(asdict(this_process())))
    paths.model(0).parent.mkdir(parents=True)
    paths.model(0).write_bytes(b"no model")
    paths.history(0).write_text("epoch,loss,seconds\n1,0.5,1.0\n")
    assert TESTED["classes"]


@st.composite
def _in_file(draw: st.DrawFn, files: dict[str, bytes]) -> Change:
    name = draw(st.sampled_from(list(files)))
    content = files[name]
    if name.endswith(".json") and draw(st.booleans()):
        return Change(name, json.dumps(draw(broken_value(json.loads(content)))).encode())
    if name.endswith((".json", ".yaml")) and draw(st.booleans()):
        return Change(name, draw(broken_text(content.decode())).encode("utf-8", "surrogatepass"))
    return Change(name, draw(broken_bytes(content)))


def _in_storage(database: Path) -> st.SearchStrategy[Change]:
    """Changes of one value of a table; JSON keeps being JSON, most of the time."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        stored = {
            (table, column): [row[0] for row in connection.execute(f"SELECT {column} FROM {table}")]
            for table, columns in _TABLES.items()
            for column in columns
        }

    @st.composite
    def change(draw: st.DrawFn) -> Change:
        table, column = draw(st.sampled_from(list(stored)))
        number = draw(st.integers(0, len(stored[table, column]) - 1))
        value = stored[table, column][number]
        if column.endswith("_json") and draw(st.integers(0, 4)):
            value = json.dumps(draw(broken_value(json.loads(value))))
        elif isinstance(value, str):
            value = draw(broken_text(value))
        else:
            value = draw(st.sampled_from([None, -1, 0, 1, 7, 2**40, 0.5, "x", b"x", 1e300]))
        return Change(row=(table, column, number, value))

    return change()


def read(case: tuple[tuple[Change, ...], int], folder: Path) -> str:
    """Changes a copy of the study and asks it all that commands ask; "read" if they all have an answer."""
    changes, number = case
    path = folder / "study"
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(folder / "original", path)
    for change in changes:
        _apply(change, path)
    questions: list[Callable[[StudyPaths], object]] = [
        read_fingerprint,
        read_stored_job,
        read_evaluated_model,
        read_holder,
        read_importances,
        _find_model,
        lambda paths: _command("trials", str(paths.path)),
        lambda paths: _command("trials", str(paths.path), "--json", "--where", "score>=0.5", "--sort", "score"),
        lambda paths: _command("studies", str(paths.path), "--json"),
    ]
    if number == 0:  # plots take seconds
        questions.append(lambda paths: write_report(read_trials(str(paths.path)), folder / "report.html"))
    answers = [_ask(question, StudyPaths(path)) for question in questions]
    return "read" if all(answers) else "ConvtuneError"


def _apply(change: Change, path: Path) -> None:
    if change.row is None:
        (path / change.file).write_bytes(change.content)
        return
    table, column, number, value = change.row
    if isinstance(value, str):
        value = value.encode("utf-8", "replace").decode()
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path / "optuna.db")) as connection:
        ids = [row[0] for row in connection.execute(f"SELECT rowid FROM {table}")]
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (value, ids[number]))
        connection.commit()


def _ask(question: Callable[[StudyPaths], object], paths: StudyPaths) -> bool:
    try:
        return question(paths) != 2
    except ConvtuneError as error:
        if "\n" in str(error):
            raise AssertionError("an error of several lines") from error
        return False


def _find_model(paths: StudyPaths) -> Path:
    _, records, _ = load_trials(str(paths.path))
    model = find_model_file(paths, records, None)
    assert model.resolve().is_relative_to(paths.path.resolve())
    return model


def _command(*words: str) -> int:
    """A command's exit code; it prints nothing here."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return main(words)
