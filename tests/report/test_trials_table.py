"""The trials as CSV and JSON."""

import csv
import io
import json
import math
from dataclasses import replace

from pipeline.report.selection import Selection
from pipeline.report.trials_table import COLUMNS, as_csv, as_json, csv_columns, needed_columns
from pipeline.study.record import mark_front
from pipeline.study.trial import TrialState
from tests.report.made_up import record

ALWAYS = ("trial", "state", "score", "epochs", "seconds", "parameters", "macs", "reason")
RECORDS = [
    record(0, 0.875, params={"blocks": 1, "filters_1": 16, "flip": True, "learning_rate": 0.1}),
    record(
        1,
        None,
        TrialState.FAILED,
        reason="loss is nan, in epoch 1",
        params={"blocks": 2, "filters_1": 32, "filters_2": 64},
    ),
]


def rows_of(*records_and_among):
    return list(csv.DictReader(io.StringIO(as_csv(*records_and_among))))


def test_one_row_per_trial_and_one_column_per_hyperparameter():
    first, second = rows_of(RECORDS)
    assert list(first) == [*ALWAYS, "blocks", "filters_1", "filters_2", "flip", "learning_rate"]
    assert (first["trial"], first["state"], first["filters_2"], first["flip"]) == ("0", "complete", "", "True")
    assert (second["state"], second["score"], second["filters_2"]) == ("failed", "", "64")


def test_no_trials_is_an_empty_table():
    assert as_csv([]) == ",".join(ALWAYS) + "\n"
    assert as_json([]) == []


def test_columns_of_the_whole_study_stay_when_few_trials_are_shown():
    header = as_csv(RECORDS).splitlines()[0]
    assert as_csv(RECORDS[:1], RECORDS).splitlines()[0] == header
    assert as_csv([], RECORDS) == header + "\n"


def test_csv_reads_back():
    text = as_csv(RECORDS)
    rows = rows_of(RECORDS)
    assert [row["macs"] for row in rows] == ["2100000", "2100000"]
    assert rows[1]["reason"] == "loss is nan, in epoch 1"
    assert text.splitlines()[1] == "0,complete,0.875,3,1.25,12345,2100000,,1,16,,True,0.1"


def test_json_has_exactly_the_promised_keys():
    keys = {"trial", "state", "score", "params", "epochs", "seconds", "parameters", "macs", "reason"}
    assert [set(row) for row in as_json(RECORDS)] == [keys, keys]
    assert as_json(RECORDS)[0]["params"] == {"blocks": 1, "filters_1": 16, "flip": True, "learning_rate": 0.1}


def test_a_hyperparameter_called_like_a_column_has_a_column_of_its_own():
    record_ = record(0, 0.875, params={"epochs": 5, "score": 2.0, "filters": 16})
    [row] = rows_of([record_])
    assert list(row) == [*ALWAYS, "hyperparameter.epochs", "hyperparameter.score", "filters"]
    assert (row["epochs"], row["hyperparameter.epochs"], row["hyperparameter.score"]) == ("3", "5", "2.0")
    assert as_json([record_])[0]["params"] == {"epochs": 5, "score": 2.0, "filters": 16}
    assert Selection(where=("hyperparameter.epochs>4",), sort="hyperparameter.score").of([record_]) == [record_]
    assert Selection(where=("epochs>4",)).of([record_]) == []


def test_json_never_has_nan():
    rows = as_json([*RECORDS, record(2, math.nan), record(3, math.inf)])
    assert [row["score"] for row in rows] == [0.875, None, None, None]
    json.dumps(rows, allow_nan=False)


FRONT = mark_front(
    [
        record(0, 0.9, minimized=("macs",), costs={"latency_ms": 1.23456}),
        record(1, 0.8, minimized=("macs",), macs=9_000_000),
    ]
)


def test_the_front_and_the_latency_have_columns_where_there_are_any():
    of_one_study = [name for name in COLUMNS if name not in ("study", "metric")]
    assert list(needed_columns(FRONT)) == of_one_study
    assert list(needed_columns(FRONT[1:])) == [name for name in of_one_study if name != "latency_ms"]
    assert csv_columns(FRONT)[: len(of_one_study)] == of_one_study
    lines = as_csv(FRONT).splitlines()
    assert lines[1].startswith("0,complete,0.9,True,3,1.25,12345,2100000,1.2346,,")
    assert lines[2].startswith("1,complete,0.8,False,3,1.25,12345,9000000,,,")


def test_trials_of_several_studies_are_told_apart():
    several = [replace(record, study=name) for name in ("one", "other") for record in FRONT]
    assert needed_columns(several) == COLUMNS
    assert [line.split(",")[:3] for line in as_csv(several).splitlines()[1::2]] == [
        ["one", "accuracy", "0"],
        ["other", "accuracy", "0"],
    ]
    assert list(as_json(several)[2])[:3] == ["study", "metric", "trial"]


def test_json_says_who_is_on_the_front():
    rows = as_json(FRONT)
    assert [(row["front"], row["latency_ms"]) for row in rows] == [(True, 1.2346), (False, None)]


def test_costs_that_were_not_counted_are_empty():
    uncounted = [replace(record, trial=replace(record.trial, costs={})) for record in RECORDS]
    assert [(row["parameters"], row["macs"]) for row in as_json(uncounted)] == [(None, None)] * 2
    assert as_csv(uncounted).splitlines()[1].startswith("0,complete,0.875,3,1.25,,,,")
