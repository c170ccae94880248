"""The runs of trials are brought level with what the study knows: after a kill, and in an empty store."""

from dataclasses import replace

from pipeline.study.trial import EpochReport, TrialState
from pipeline.tracking import connect
from tests.tracking.records import make_record

BEGAN = 1_700_000_000.5


def ended(number, state=TrialState.COMPLETE, score=0.75, epochs=2):
    record = make_record(number, state, score, epochs=epochs, seconds=4.25, device="cpu")
    return replace(record, trial=replace(record.trial, began=BEGAN + number))


def history(number):
    rates = {"epoch_learning_rate": 0.1}
    return [
        EpochReport(number, epoch, {"loss": 1 / epoch, "val_accuracy": score, **rates}, 2.0 * epoch)
        for epoch, score in ((1, 0.75), (2, 0.5))
    ]


def level(store, begin_study, study, records):
    """Brings the runs level in a session of its own; the numbers of the trials that were written."""
    tracker = connect(store)
    assert begin_study(tracker, study) == study
    tracker.bring_level(records, history)
    tracker.close()
    assert tracker.problems == []
    return tracker._runs.renewed


def test_what_a_killed_process_had_not_sent_arrives_once(tracker, study, store, begin_study, client, children):
    for number in range(3):
        tracker.trial_started(replace(ended(number), result=make_record(number).result))
    for report in history(0):
        tracker.epoch_ended(ended(0), report)
    tracker.trial_ended(ended(0))
    tracker.trial_ended(ended(2, TrialState.INTERRUPTED, None, 0))
    tracker.close()  # trial 1 had not been ended, 2 was repeated since, 3 never sent
    before = children(study)[0].info.run_id
    records = [ended(0), ended(1, TrialState.FAILED, None, 0), ended(2), ended(3, TrialState.PRUNED), make_record(4)]

    assert level(store, begin_study, study, records) == {1, 2, 3}
    runs = children(study)
    assert {number: (run.info.status, run.data.tags["state"]) for number, run in runs.items()} == {
        0: ("FINISHED", "complete"),
        1: ("FAILED", "failed"),
        2: ("FINISHED", "complete"),
        3: ("KILLED", "pruned"),
    }
    assert runs[0].info.run_id == before
    assert level(store, begin_study, study, records) == set()
    assert {run.info.run_id for run in children(study).values()} == {run.info.run_id for run in runs.values()}


def test_a_run_that_was_written_later_is_the_same_as_one_that_was_sent(
    tracker, study, store, begin_study, client, children
):
    tracker.trial_started(replace(ended(0), result=make_record(0).result))
    for report in history(0):
        tracker.epoch_ended(ended(0), report)
    tracker.trial_ended(ended(0))
    tracker.close()
    level(store, begin_study, study, [ended(1)])
    sent, written = children(study)[0], children(study)[1]
    metrics = {name: value for name, value in sent.data.metrics.items() if not name.startswith("system/")}
    assert written.data.metrics == metrics
    assert written.data.params == sent.data.params
    own = {"mlflow.runName", "seed", "number"}
    assert {key: tag for key, tag in written.data.tags.items() if key not in own} == {
        key: tag for key, tag in sent.data.tags.items() if key not in own
    }
    scores = [client.get_metric_history(run.info.run_id, "val_accuracy") for run in (sent, written)]
    assert [[(one.step, one.value) for one in score] for score in scores] == [[(1, 0.75), (2, 0.5)]] * 2
    assert (written.info.start_time, written.info.end_time) == (1_700_000_001_500, 1_700_000_005_750)
    assert [(one.inputs.dataset_inputs[0].dataset.name) for one in (sent, written)] == ["mnist5k"] * 2


def test_two_runs_of_one_trial_become_one(tracker, study, store, begin_study, client, begin, children):
    begin(0)
    tracker.close()
    run = children(study)[0]
    client.create_run(run.info.experiment_id, tags=dict(run.data.tags))
    level(store, begin_study, study, [ended(0)])
    assert children(study)[0].info.status == "FINISHED"
