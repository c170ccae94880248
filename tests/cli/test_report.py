"""``convtune report``."""

import subprocess
import sys
import webbrowser
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.study.trial import TrialState
from tests.report.made_up import evaluated, record, study

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    root = tmp_path_factory.mktemp("cli")
    records = [record(0, 0.9, model="m"), record(1, 0.5, TrialState.PRUNED)]
    evaluated(study(root / "studies" / "full", records))
    study(root / "studies" / "empty", [])
    return root


@pytest.fixture
def root(studies, monkeypatch):
    monkeypatch.chdir(studies)
    return studies


def test_it_is_written_from_the_folder_without_keras_and_mlflow(studies):
    code = (
        "import sys\nfrom pipeline.cli import main\nassert main(['report', 'full']) == 0\n"
        "print(*[name for name in ('keras', 'tensorflow', 'jax', 'torch', 'mlflow') if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=studies,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == ["Report:  studies/full/report.html", ""]
    assert (studies / "studies" / "full" / "report.html").is_file()


def test_another_file_that_is_opened(root, capsys, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or False)
    assert main(["report", "full", "--output", "new/page.html", "--open"]) == 0
    assert opened == [(root / "new" / "page.html").as_uri()]
    captured = capsys.readouterr()
    assert captured.out == "Report:  new/page.html\n"
    assert "warning: no browser could be started; open new/page.html in one" in captured.err


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["empty"], "no trial has ended with a score (there are none yet)"),
        (["fulll"], "unknown study 'fulll' (no studies/fulll/job.yaml), did you mean 'full'?"),
        (["full", "--output", "studies"], "--output: expected a file that ends in .html, got studies"),
        (["full", "--output", "report.pdf"], "give one such as report.html"),
        (["full", "--output", "studies/full/job.yaml/r.html"], "studies/full/job.yaml"),
    ],
)
def test_what_cannot_be_written_is_one_line(root, capsys, words, part):
    before = sorted(root.rglob("*"))
    assert main(["report", *words]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.endswith(" ...")]
    assert len(lines) == 1
    assert part in lines[0]
    assert sorted(root.rglob("*")) == before
