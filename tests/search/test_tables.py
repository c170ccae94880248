"""The tables of the search: samplers and pruners; a new one is one record."""

import csv

import pytest

from pipeline.cli import main
from pipeline.executors import EXECUTORS
from pipeline.schema import job_schema
from pipeline.search.pruners import PRUNERS, Pruner
from pipeline.search.pruners.pruner import first_rung
from pipeline.search.samplers import SAMPLERS, Sampler, SearchPlan
from pipeline.space import complete
from pipeline.space.limits import COSTS
from pipeline.study.objective import MINIMIZED
from tests.end_to_end.pretend import PRETEND, SPACE


@pytest.mark.parametrize("table", [SAMPLERS, PRUNERS])
def test_records_stand_under_their_names_and_say_what_they_do(table):
    for name, record in table.items():
        assert record.name == name
        assert record.help


def test_what_can_be_minimised_is_a_cost():
    assert set(MINIMIZED.values()) <= set(COSTS)


def test_the_first_rung_is_no_earlier_than_a_tenth_of_the_epochs():
    assert all(first_rung(epochs) >= epochs / 10 for epochs in range(1, 300))
    assert first_rung(1) == 2
    assert first_rung(52) == 6


def offered(key, capsys):
    """Whether a name is offered: by ``convtune tune --help`` and by the schema of job files."""
    with pytest.raises(SystemExit):
        main(["tune", "--help"])
    flags, names = capsys.readouterr().out, job_schema()["properties"][key]["enum"]
    return lambda name: name in names and f"|{name}" in flags


@pytest.fixture
def tune(here, monkeypatch):
    """Runs a study of a small space through the command line; its rows of ``trials.csv``."""
    monkeypatch.setitem(EXECUTORS, "inline", PRETEND)
    (here / "mine.yaml").write_text(SPACE)

    def run(*flags):
        common = [
            "tune",
            "-q",
            "--data",
            "digits",
            "--space",
            "mine.yaml",
            "--epochs",
            "3",
            "--executor",
            "inline",
            "--study",
            "mine",
        ]
        assert main([*common, *flags]) == 0
        with (here / "studies" / "mine" / "trials.csv").open() as file:
            return list(csv.DictReader(file))

    return run


def test_a_new_sampler_is_one_record(tune, monkeypatch, capsys):
    def widest_first(space, seed):
        return SearchPlan((complete(space, {"filters": width, "kernel": 3}) for width in (32, 16, 8, 4)), None)

    monkeypatch.setitem(SAMPLERS, "widest", Sampler("widest", "the widest first", widest_first))
    assert offered("search", capsys)("widest")
    rows = tune("--search", "widest", "--pruner", "none")
    assert [row["filters"] for row in rows] == ["32", "16", "8", "4"]


def test_a_new_pruner_is_one_record(tune, monkeypatch, capsys):
    from optuna.pruners import BasePruner

    class Impatient(BasePruner):
        def prune(self, study, trial):
            return trial.number > 0 and trial.last_step >= 2

    monkeypatch.setitem(
        PRUNERS, "impatient", Pruner("impatient", "stops all but the first", lambda epochs: Impatient())
    )
    assert offered("pruner", capsys)("impatient")
    rows = tune("--search", "grid", "--pruner", "impatient")
    assert [(row["state"], row["epochs"]) for row in rows] == [("complete", "3"), *[("pruned", "2")] * 7]
