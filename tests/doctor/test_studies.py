"""The studies of a folder."""

from pipeline.doctor.finding import Level
from pipeline.doctor.studies import check_studies
from pipeline.search.stop_reason import StopReason
from pipeline.study.trial import TrialState
from tests.report.made_up import record, study


def test_studies(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [str(finding) for finding in check_studies()] == ["0 studies in studies"]
    study(tmp_path / "studies" / "done", [record(0, 0.9)], reason=StopReason.TRIALS_DONE)
    study(tmp_path / "studies" / "cut off", [record(0, None, TrialState.RUNNING)])
    study(tmp_path / "studies" / "torn", [record(0, 0.9)]).storage.write_text("no database")
    away = study(tmp_path / "studies" / "on a server", [record(0, 0.9)])
    away.server.write_text('{"address": "postgresql://a/b", "study": "s"}')
    summary, cut, torn, server = check_studies()
    assert str(summary) == "4 studies in studies"
    assert (cut.level, torn.level, server.level) == (Level.NOTE, Level.PROBLEM, Level.NOTE)
    asks = "`convtune studies --storage ADDRESS` asks one of your own"
    assert str(server) == f"1 study keeps its trials on a server that was not asked, postgresql://a/b; {asks}"
    assert str(cut) == "cut off was interrupted after 1 trial; go on with `convtune tune --study 'cut off'`"
    assert str(torn).startswith("studies/torn/optuna.db: Optuna's storage failed (")
