"""The scripts and the notebook in examples/ run as they are."""

import json
import runpy
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image

from pipeline.executors import EXECUTORS
from pipeline.study.history import append_history
from pipeline.study.trial import EpochReport
from tests.end_to_end.conftest import ROOT
from tests.report.made_up import record, study

EXAMPLES = ROOT / "examples"
TESTED = {"from_python.py", "learning_curves.py", "compare_studies.ipynb"}
ELSEWHERE = {"build.py", "job.yaml"}
"""Those that test_docs runs."""


def run(name, monkeypatch, *words):
    """Runs a script in this process."""
    monkeypatch.setattr(sys, "argv", [name, *map(str, words)])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")


def test_every_example_is_tested():
    assert {path.name for path in EXAMPLES.iterdir() if path.is_file()} == TESTED | ELSEWHERE


@pytest.fixture(scope="module")
def folder(tmp_path_factory, empty_store):
    made = tmp_path_factory.mktemp("examples")
    shutil.copyfile(empty_store, made / "mlflow.db")
    return made


@pytest.fixture(scope="module")
def printed(folder):
    """What ``from_python.py`` prints. Its worker is this process; that a script may start some, test_local shows."""
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        patch.chdir(folder)
        patch.setitem(EXECUTORS, "local", EXECUTORS["inline"])
        run("from_python.py", patch)
    assert err.getvalue() == ""
    return out.getvalue()


@pytest.mark.slow
def test_from_python(printed, folder):
    lines = printed.splitlines()
    assert lines[0].split() == ["trial", "state", "score", "epochs", "parameters", "blocks", "learning_rate"]
    assert [line.split()[0] for line in lines[1:4]] == ["0", "1", "2"]
    assert "is the best: accuracy 0." in printed
    assert (folder / "studies" / "from-python" / "best.keras").is_file()


def test_learning_curves(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    paths = study(tmp_path / "studies" / "mine", [record(n, 0.5 + n / 10, model="m") for n in range(3)])
    for number in (0, 2):
        for epoch in (1, 2):
            append_history(paths.history(number), EpochReport(number, epoch, {"val_accuracy": 0.3 * epoch}, 1.0))
    run("learning_curves.py", monkeypatch, "mine", "curves.png")
    assert capsys.readouterr().out == "wrote curves.png: 3 trials\n"
    assert min(Image.open("curves.png").size) > 300


def test_the_notebook_has_no_outputs():
    notebook = nbformat.read(EXAMPLES / "compare_studies.ipynb", as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


@pytest.mark.slow
@pytest.mark.usefixtures("printed")
def test_the_notebook_runs(folder, monkeypatch):
    """After ``from_python.py``, whose study it has as well. It trains in its own kernel, which imports Keras anyway."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(folder)
    text = (EXAMPLES / "compare_studies.ipynb").read_text(encoding="utf-8")
    notebook = nbformat.reads(text.replace("settings = {", 'settings = {\\"executor\\": \\"inline\\", '), as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    data = [output.data for output in outputs if "data" in output]
    assert sum("image/png" in one for one in data) == 2
    assert "Study <b>large</b>: 2 trials, best accuracy 0." in data[0]["text/html"]
    assert json.loads(data[-1]["text/plain"].replace("'", '"')).keys() == {"from-python", "large"}
