import re

from pipeline.tracking.entities import to_metrics, to_params


def test_characters_that_mlflow_refuses_in_names_are_replaced():
    names = [param.key for param in to_params({"units[0]": 1, "conv/filters 2": 2, "left out": None})]
    names += [metric.key for metric in to_metrics({"top(5)": 0.5}, 0)]
    assert names == ["units-0-", "conv/filters 2", "top-5-"]
    assert all(re.fullmatch(r"[\w\-. :/]+", name) for name in names)
