"""``convtune datasets``."""

import json

from pipeline.cli import main
from pipeline.data import NAMED_DATASETS


def test_one_line_per_dataset(capsys):
    assert main(["datasets"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[: len(NAMED_DATASETS)]] == list(NAMED_DATASETS)
    assert lines[len(NAMED_DATASETS)] == ""


def test_a_line_says_shape_count_classes_and_where_it_comes_from(capsys):
    main(["datasets"])
    lines = {line.split()[0]: " ".join(line.split()) for line in capsys.readouterr().out.splitlines() if line}
    assert lines["mnist5k"].startswith("mnist5k 28x28x1 5,000 images 10 classes included ")
    assert lines["cifar100"].startswith("cifar100 32x32x3 60,000 images 100 classes downloads ")
    for name, dataset in NAMED_DATASETS.items():
        assert lines[name].endswith(dataset.description)


def test_closes_with_folders_and_npz(capsys):
    main(["datasets"])
    closing = capsys.readouterr().out.split("\n\n")[1]
    assert "folder" in closing
    assert ".npz" in closing


def test_json(capsys):
    assert main(["datasets", "--json"]) == 0
    datasets = {dataset["name"]: dataset for dataset in json.loads(capsys.readouterr().out)}
    assert list(datasets) == list(NAMED_DATASETS)
    assert datasets["mnist"]["shape"] == [28, 28, 1]
    assert datasets["mnist"]["images"] == 70_000
    assert datasets["mnist"]["classes"] == 10
    assert datasets["mnist"]["download"] is True
    assert datasets["digits"]["download"] is False
