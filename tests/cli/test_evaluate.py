"""``convtune evaluate``."""

import argparse
import json
from contextlib import nullcontext

import numpy as np
import pytest

from pipeline.cli import evaluate
from pipeline.data import load
from pipeline.errors import ConvtuneError, DataError, JobError, ModelError
from pipeline.executors import Inline
from pipeline.training.predict import over_dataset
from tests.export.tiny_model import write_tiny_model

DIGITS = tuple("0123456789")


def digits(seed):
    return load("digits", seed=seed, fetch=lambda name, folder: None)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.keras"
    return write_tiny_model(path, classes=DIGITS, seed=3, digest=digits(3).digest)


@pytest.fixture(autouse=True)
def inline(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pipeline.loading.keras_worker", lambda what, **environment: nullcontext(Inline()))


def run(*words):
    parser = argparse.ArgumentParser()
    evaluate.arguments(parser)
    return evaluate.run(parser.parse_args([str(word) for word in words]))


def accuracy(model, data, rows):
    return float(np.mean(over_dataset(model, data, rows).argmax(axis=1) == data.labels[rows]))


def test_json_of_the_split_that_was_never_trained_on(model, capsys):
    assert run(model, "--data", "digits", "--json") == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    data = digits(3)
    assert set(found) == {"split", "n", "accuracy", "classes", "per_class", "confusion"}
    assert found["split"] == "test"
    assert found["n"] == len(data.test) == np.sum(found["confusion"])
    assert found["accuracy"] == pytest.approx(accuracy(model, data, data.test))
    assert found["classes"] == list(DIGITS)
    assert set(found["per_class"][0]) == {"class", "precision", "recall", "f1", "support"}
    assert said.err == ""


def test_another_split_and_seed(model, capsys):
    run(model, "--data", "digits", "--split", "validation", "--seed", "5", "--json")
    said = capsys.readouterr()
    data = digits(5)
    assert json.loads(said.out)["accuracy"] == pytest.approx(accuracy(model, data, data.validation))
    assert "note: split by seed 5, trained with seed 3" in said.err


def test_for_people(model, capsys):
    assert run(model, "--data", "digits", "--split", "train") == 0
    said = capsys.readouterr()
    assert said.err.startswith("digits: 1,797 images 8x8x1, 10 classes: ")
    lines = said.out.splitlines()
    assert lines[0].startswith("Accuracy on 1,25")
    assert lines[2].split() == ["class", "precision", "recall", "F1", "images"]
    assert lines[15].split() == ["true", "\\", "predicted", *DIGITS]


def save(path, classes, channels=1):
    images = np.zeros((60, 8, 8, channels), np.uint8)
    labels = np.arange(60) % classes
    np.savez(path, x_train=images, y_train=labels)
    return path


def test_other_data_of_the_same_classes_is_noted(model, tmp_path, capsys):
    run(model, "--data", save(tmp_path / "mine.npz", 10), "--json")
    assert "note: not the data the model was trained on (digits)" in capsys.readouterr().err


def test_classes_in_another_order_are_matched(tmp_path, capsys):
    names = ("cat", "dog", "owl")
    there = write_tiny_model(tmp_path / "there.keras", classes=names)
    from PIL import Image

    for number, name in enumerate(names):
        (tmp_path / "images" / name).mkdir(parents=True)
        for position in range(12):
            picture = np.full((8, 8), 20 * position + number, np.uint8)
            Image.fromarray(picture).save(tmp_path / "images" / name / f"{position}.png")
    run(there, "--data", tmp_path / "images", "--json")
    straight = json.loads(capsys.readouterr().out)
    turned = reorder(there, tmp_path / "turned.keras", ("owl", "cat", "dog"))
    run(turned, "--data", tmp_path / "images", "--json")
    found = json.loads(capsys.readouterr().out)
    order = [("owl", "cat", "dog").index(name) for name in names]
    assert found["classes"] == straight["classes"] == list(names)
    predicted = np.array(straight["confusion"]).sum(axis=0)
    np.testing.assert_array_equal(np.array(found["confusion"]).sum(axis=0), predicted[order])


def reorder(source, target, classes):
    """The same network, whose card names its outputs in another order."""
    import zipfile
    from dataclasses import replace

    from pipeline import model_card

    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            if name != model_card.MEMBER:
                new.writestr(name, old.read(name))
    model_card.put(replace(model_card.get(source), classes=classes), target)
    return target


def test_other_classes_are_named(model, tmp_path):
    with pytest.raises(
        ModelError,
        match=r"expected data with the 10 classes of the model \(only the model has: 3, 4, 5, 6, 7 and 2 more\)",
    ):
        run(model, "--data", save(tmp_path / "few.npz", 3))


@pytest.mark.parametrize(("has", "wants"), [(3, 1), (1, 3)])
def test_images_get_the_channels_of_the_model(tmp_path, capsys, has, wants):
    there = write_tiny_model(tmp_path / "m.keras", classes=DIGITS, shape=(8, 8, wants))
    assert run(there, "--data", save(tmp_path / "mine.npz", 10, channels=has), "--json") == 0
    assert json.loads(capsys.readouterr().out)["n"] == 10


def test_a_folder_that_was_read_for_training_is_not_decoded_again(tmp_path, monkeypatch, capsys):
    from PIL import Image

    monkeypatch.setenv("CONVTUNE_CACHE", str(tmp_path / "cache"))
    for label, name in enumerate(("cat", "dog", "owl")):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(12):
            pixels = np.full((11, 9, 3), 20 * number + label, np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number}.png")
    trained_on = load(str(tmp_path / "photos"), seed=3, fetch=None)
    there = write_tiny_model(tmp_path / "m.keras", shape=trained_on.shape, digest=trained_on.digest)
    assert run(there, "--data", tmp_path / "photos", "--json") == 0
    assert capsys.readouterr().err == ""
    assert list((tmp_path / "cache" / "entries").iterdir()) == [trained_on.folder]


def test_a_model_that_gives_no_numbers(tmp_path, capsys):
    broken = write_tiny_model(tmp_path / "broken.keras", classes=DIGITS, bias=float("nan"))
    with pytest.raises(ModelError, match=r"broken\.keras: expected probabilities, but the model gives NaN"):
        run(broken, "--data", "digits")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--data", "absent"], DataError),
        (["--data", "digits", "--split", "tests"], JobError),
        (["--data", "digits", "--seed", "-1"], JobError),
    ],
)
def test_bad_input_is_one_line(model, words, error):
    with pytest.raises(error) as caught:
        run(model, *words)
    assert isinstance(caught.value, ConvtuneError)
    assert "\n" not in str(caught.value)


def test_a_model_that_is_none(tmp_path):
    (tmp_path / "m.keras").write_text("no")
    with pytest.raises(ModelError, match=r"m\.keras"):
        run(tmp_path / "m.keras", "--data", "digits")
