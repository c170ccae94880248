"""``convtune doctor``: all its checks once; each has tests of its own in ``tests/doctor``."""

from pipeline.cli import main
from pipeline.doctor import CHECKS


def test_a_healthy_folder_then_one_with_a_damaged_study(here, here_alone, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(here))  # without nvidia-smi
    assert main(["doctor"]) == 0
    lines = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    assert [subject for _, subject, _ in lines] == list(CHECKS)
    assert "problem" not in {level for level, _, _ in lines}
    assert sorted(path.name for path in here.iterdir()) == ["mlflow.db"]
    (here / "studies" / "bad").mkdir(parents=True)
    (here / "studies" / "bad" / "study.json").write_text("{")
    assert main(["doctor"]) == 1
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("problem")]
    assert line.endswith("or run `convtune delete bad`")
