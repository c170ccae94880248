import re

from pipeline.tracking.entities import metrics, params


def test_names_that_mlflow_cannot_hold_are_made_so_that_it_can():
    names = [param.key for param in params({"units[0]": 1, "conv/filters 2": 2, "left out": None})]
    names += [metric.key for metric in metrics({"top(5)": 0.5}, 0)]
    assert names == ["units-0-", "conv/filters 2", "top-5-"]
    assert all(re.fullmatch(r"[\w\-. :/]+", name) for name in names)
