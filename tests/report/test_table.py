"""The trials as a frame, CSV and JSON."""

import io
import json
import math
from dataclasses import replace

import pandas as pd

from pipeline.record import with_front
from pipeline.report.select import Selection
from pipeline.report.table import COLUMNS, as_json, columns, csv_text, table
from pipeline.trial import State
from tests.report.made_up import record

ALWAYS = ("number", "state", "value", "epochs", "seconds", "parameters", "macs", "reason")
RECORDS = [
    record(0, 0.875, values={"blocks": 1, "filters_1": 16, "flip": True, "learning_rate": 0.1}),
    record(
        1, None, State.FAILED, reason="loss is nan, in epoch 1", values={"blocks": 2, "filters_1": 32, "filters_2": 64}
    ),
]


def test_a_row_a_trial_and_a_column_a_parameter():
    frame = table(RECORDS)
    assert list(frame.columns) == [*ALWAYS, "blocks", "filters_1", "filters_2", "flip", "learning_rate"]
    assert list(frame["number"]) == [0, 1]
    assert list(frame["state"]) == ["complete", "failed"]
    assert frame["value"].dtype == float
    assert math.isnan(frame["value"][1])
    assert frame["filters_2"][0] is None
    assert frame["filters_2"][1] == 64


def test_values_keep_their_types():
    frame = table(RECORDS)
    assert frame["flip"][0] is True
    assert isinstance(frame["filters_2"][1], int)


def test_no_trials_is_an_empty_table():
    assert list(table([]).columns) == list(ALWAYS)
    assert csv_text([]) == ",".join(ALWAYS) + "\n"
    assert as_json([]) == []


def test_columns_of_the_whole_study_stay_when_few_trials_are_shown():
    assert list(table(RECORDS[:1], RECORDS).columns) == list(table(RECORDS).columns)
    assert list(table([], RECORDS).columns) == list(table(RECORDS).columns)


def test_csv_reads_back():
    text = csv_text(RECORDS)
    frame = pd.read_csv(io.StringIO(text))
    assert list(frame["macs"]) == [2_100_000, 2_100_000]
    assert frame["reason"][1] == "loss is nan, in epoch 1"
    assert text.splitlines()[1] == "0,complete,0.875,3,1.25,12345,2100000,,1,16,,True,0.1"


def test_json_has_exactly_the_promised_keys():
    keys = {"number", "state", "value", "params", "epochs", "seconds", "parameters", "macs", "reason"}
    assert [set(one) for one in as_json(RECORDS)] == [keys, keys]
    assert as_json(RECORDS)[0]["params"] == {"blocks": 1, "filters_1": 16, "flip": True, "learning_rate": 0.1}


def test_a_parameter_called_as_a_column_has_a_column_of_its_own():
    record_ = record(0, 0.875, values={"epochs": 5, "value": 2.0, "filters": 16})
    frame = table([record_])
    assert list(frame.columns) == [*ALWAYS, "parameter.epochs", "parameter.value", "filters"]
    assert (frame["epochs"][0], frame["parameter.epochs"][0], frame["parameter.value"][0]) == (3, 5, 2.0)
    assert as_json([record_])[0]["params"] == {"epochs": 5, "value": 2.0, "filters": 16}
    assert Selection(where=("parameter.epochs>4",), sort="parameter.value").of([record_]) == [record_]
    assert Selection(where=("epochs>4",)).of([record_]) == []


def test_json_never_has_nan():
    found = as_json([*RECORDS, record(2, math.nan), record(3, math.inf)])
    assert [one["value"] for one in found] == [0.875, None, None, None]
    json.dumps(found, allow_nan=False)


FRONT = with_front([record(0, 0.9, costs={"latency_ms": 1.23456}), record(1, 0.8, macs=9_000_000)], ("macs",))


def test_the_front_and_the_latency_have_columns_where_there_are_any():
    assert columns(FRONT) == COLUMNS
    assert columns(FRONT[1:]) == tuple(name for name in COLUMNS if name != "latency_ms")
    assert list(table(RECORDS[:1], FRONT).columns)[: len(COLUMNS)] == list(COLUMNS)
    lines = csv_text(FRONT).splitlines()
    assert lines[1].startswith("0,complete,0.9,True,3,1.25,12345,2100000,1.2346,,")
    assert lines[2].startswith("1,complete,0.8,False,3,1.25,12345,9000000,,,")


def test_json_says_who_is_on_the_front():
    found = as_json(FRONT)
    assert [(one["front"], one["latency_ms"]) for one in found] == [(True, 1.2346), (False, None)]


def test_costs_that_were_not_counted_are_empty():
    uncounted = [replace(one, costs={}) for one in RECORDS]
    assert [(one["parameters"], one["macs"]) for one in as_json(uncounted)] == [(None, None)] * 2
    assert csv_text(uncounted).splitlines()[1].startswith("0,complete,0.875,3,1.25,,,,")
