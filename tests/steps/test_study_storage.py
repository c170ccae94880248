"""Where a study's trials are is noted before they are there."""

from types import SimpleNamespace

import pytest

from pipeline.steps import study_storage
from pipeline.study.database import ServerDatabase, database_of
from pipeline.study.objective import Objective
from pipeline.study.paths import StudyPaths


def test_a_process_killed_while_it_makes_the_study_on_its_server_has_noted_where(tmp_path, monkeypatch):
    """The next one finds the name and removes it there; else it would be taken for ever."""

    def killed(*args):
        raise SystemExit

    monkeypatch.setattr(study_storage, "StudyStorage", killed)
    paths = StudyPaths(tmp_path)
    database = ServerDatabase("postgresql://h/d", "mine", begun=False)
    job = SimpleNamespace(pruner="asha", full_epochs=3, as_file=dict)
    problem = SimpleNamespace(space=None, objective=Objective())
    with pytest.raises(SystemExit):
        study_storage.open_storage(SimpleNamespace(paths=paths, database=database, job=job, problem=problem))
    assert database_of(paths) == ServerDatabase("postgresql://h/d", "mine")
