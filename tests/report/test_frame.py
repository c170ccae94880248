"""Trials as a pandas frame."""

import pandas as pd
import pytest

from pipeline.errors import JobError
from pipeline.report.frame import check_parquet, trials_frame, write_parquet
from pipeline.study.trial import TrialState
from tests.report.made_up import record

MIXED = [
    record(0, 0.9, params={"blocks": 1, "rate": 0.1, "flip": True, "pool": "max", "any": 1, "dropout": 0}),
    record(1, None, TrialState.FAILED, params={"blocks": 2, "rate": 0.2, "any": "x", "dropout": 0.5}, reason="bad"),
]


def test_every_column_has_the_type_of_its_values():
    types = {name: str(dtype) for name, dtype in trials_frame(MIXED).dtypes.items()}
    assert types == {
        **{"trial": "int64", "state": "string", "score": "float64", "epochs": "int64", "seconds": "float64"},
        **{"parameters": "Int64", "macs": "Int64", "reason": "string", "blocks": "Int64", "rate": "float64"},
        **{"flip": "boolean", "pool": "string", "any": "string", "dropout": "float64"},
    }


def test_what_a_trial_does_not_have_is_missing():
    row = trials_frame(MIXED).iloc[1]
    assert [name for name, value in row.items() if pd.isna(value)] == ["score", "flip", "pool"]


def test_parquet_keeps_types_and_columns_even_without_a_row(tmp_path):
    for records in (MIXED, []):
        frame = trials_frame(records, MIXED)
        write_parquet(frame, tmp_path / "new" / "t.parquet")
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "new" / "t.parquet"), frame)


def test_a_folder_is_no_parquet_file(tmp_path):
    with pytest.raises(JobError, match="is a folder"):
        check_parquet(tmp_path)
