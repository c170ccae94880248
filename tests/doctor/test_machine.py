"""Memory and disk."""

import pytest

from pipeline.doctor import machine
from pipeline.doctor.finding import Level
from pipeline.doctor.machine import check_disk, check_memory, judge_disk


@pytest.mark.parametrize(
    ("free", "level"), [(500e6, Level.PROBLEM), (1.5e9, Level.NOTE), (1e12, Level.OK)], ids=["none", "few", "all"]
)
def test_memory(monkeypatch, free, level):
    monkeypatch.setattr(machine, "available_memory", lambda: int(free))
    monkeypatch.setattr(machine, "count_cores", lambda: 8)
    assert check_memory()[0].level is level


@pytest.mark.parametrize(("free", "level"), [(0.5e9, Level.PROBLEM), (2e9, Level.NOTE), (1e11, Level.OK)])
def test_disk(tmp_path, free, level):
    assert judge_disk("studies", tmp_path, free).level is level


def test_the_cache_is_looked_at_where_it_is_on_another_disk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONVTUNE_CACHE", str(tmp_path / "not" / "there"))
    assert [finding.fact.partition(" for ")[2].split()[0] for finding in check_disk()] == ["studies"]
