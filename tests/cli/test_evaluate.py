"""``convtune evaluate``."""

import argparse
import json
from contextlib import nullcontext
from operator import attrgetter

import numpy as np
import pytest
from PIL import Image

from pipeline.cli import evaluate, main
from pipeline.data import load
from pipeline.errors import DataError, ModelError
from pipeline.executors import InlineExecutor
from pipeline.export import formats
from pipeline.metrics import METRICS, compute_metrics
from pipeline.training import measured_latency
from pipeline.training.predict import predict_dataset
from pipeline.training.runnable_model import RunnableModel
from tests.export.added_format import ADDED
from tests.export.tiny_model import write_tiny_model

DIGITS = tuple("0123456789")
SOME = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1), np.uint8)


def digits(seed):
    return load("digits", seed=seed, fetch=lambda name, folder: None)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.keras"
    return write_tiny_model(path, classes=DIGITS, seed=3, digest=digits(3).digest)


@pytest.fixture(scope="module")
def pets(tmp_path_factory):
    """A model of three classes: cat, dog, owl."""
    return write_tiny_model(tmp_path_factory.mktemp("pets") / "pets.keras")


@pytest.fixture(autouse=True)
def inline(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    executor = nullcontext(InlineExecutor())
    monkeypatch.setattr("pipeline.training.worker.model_worker", lambda description: executor)
    monkeypatch.setattr(measured_latency, "_SECONDS", 0.0)
    monkeypatch.setattr(measured_latency, "_FEWEST_CALLS", 2)


def run(*words):
    parser = argparse.ArgumentParser()
    evaluate.arguments(parser)
    return evaluate.run(parser.parse_args([str(word) for word in words]))


def scores(model, data, rows):
    return compute_metrics(data.labels[rows], predict_dataset(RunnableModel(model), data, rows))


def test_json_of_the_split_that_was_never_trained_on(model, capsys):
    assert run(model, "--data", "digits", "--json") == 0
    said = capsys.readouterr()
    result = json.loads(said.out)
    data = digits(3)
    of_scores = {"n", "scores", "intervals", "confidence", "classes", "per_class", "confusion", "calibration"}
    assert set(result) == {"split", "model", "format", "latency", "megabytes", "machine"} | of_scores
    assert result["split"] == "test"
    assert result["n"] == len(data.test) == np.sum(result["confusion"])
    assert list(result["scores"]) == list(METRICS)
    assert result["scores"] == pytest.approx(scores(model, data, data.test))
    assert result["classes"] == list(DIGITS)
    ratios = {"precision", "precision_interval", "recall", "recall_interval", "f1"}
    assert set(result["per_class"][0]) == {"class", "support"} | ratios
    intervals = {name: ends for name, ends in result["intervals"].items() if ends}
    assert {"accuracy", "log_loss", "roc_auc"} <= intervals.keys()
    assert all(low <= result["scores"][name] <= high for name, (low, high) in intervals.items())
    assert (result["model"], result["format"]) == (str(model), "keras")
    assert [latency["batch"] for latency in result["latency"]] == [1, 32]
    assert all(0 < latency["p50_ms"] <= latency["p95_ms"] for latency in result["latency"])
    assert result["megabytes"] == model.stat().st_size / 1e6
    assert result["machine"]["cores"] >= 1
    assert said.err == ""


def test_another_split_and_seed(model, capsys):
    run(model, "--data", "digits", "--split", "validation", "--seed", "5", "--json")
    said = capsys.readouterr()
    data = digits(5)
    assert json.loads(said.out)["scores"] == pytest.approx(scores(model, data, data.validation))
    assert "note: split by seed 5, trained with seed 3" in said.err


def test_for_people(model, capsys):
    assert run(model, "--data", "digits", "--split", "train") == 0
    said = capsys.readouterr()
    assert said.err.startswith("digits: 1,797 images 8x8x1, 10 classes: ")
    lines = said.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("Scores on 1,25")
    assert lines[2].split(maxsplit=1) == ["score", "95 % interval"]
    data = digits(3)
    expected = scores(model, data, data.train)
    words = [f"{METRICS[name].label:<17}  {score:.4f}" for name, score in expected.items()]
    assert [line[:25] for line in lines[3:9]] == words
    assert "to" in lines[3].split()
    assert [line[:17] for line in lines[9:11]] == ["calibration error", "mean confidence  "]
    assert lines[12].split() == ["class", "precision", "recall", "95", "%", "interval", "F1", "images"]
    assert lines[23:25] == ["", "Confusions"]
    assert lines[25].split() == ["true", "\\", "predicted", *DIGITS]
    assert lines[37].startswith("Time of a call on ")
    assert [line.split()[-1] for line in lines[38:]] == ["ms"] * 4 + ["MB"]


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_metric_that_is_not_defined(tmp_path, capsys, form):
    few = write_tiny_model(tmp_path / "few.keras", classes=("0", "1", "2"), shape=(8, 8, 1))
    assert run(few, "--data", save(tmp_path / "mine.npz", 3), *form) == 0
    said = capsys.readouterr().out
    if form:
        undefined = [name for name, score in json.loads(said)["scores"].items() if score is None]
        assert undefined == ["top5_accuracy"]
    else:
        assert ["top-5", "accuracy", "n/a", "needs", "6", "classes"] in [line.split() for line in said.splitlines()]


def save(path, classes, channels=1):
    images = np.zeros((60, 8, 8, channels), np.uint8)
    labels = np.arange(60) % classes
    np.savez(path, x_train=images, y_train=labels)
    return path


def test_other_data_of_the_same_classes_is_noted(model, tmp_path, capsys):
    run(model, "--data", save(tmp_path / "mine.npz", 10), "--json")
    whole = "and has no test images of its own: measured whole, but may have images that the model was trained on"
    assert capsys.readouterr().err == f"note: not the data of the study (digits), {whole}\n"
    run(model, "--data", tmp_path / "mine.npz", "--split", "all", "--json")
    seen = "note: not the data of the study (digits), but may have images that the model was trained on\n"
    assert capsys.readouterr().err == seen


def test_classes_in_another_order_are_matched(tmp_path, capsys):
    names, other = ("cat", "dog", "owl"), ("owl", "cat", "dog")
    straight = write_tiny_model(tmp_path / "straight.keras", classes=names)
    for number, name in enumerate(names):
        (tmp_path / "images" / name).mkdir(parents=True)
        for position in range(12):
            picture = np.full((8, 8), 20 * position + number, np.uint8)
            Image.fromarray(picture).save(tmp_path / "images" / name / f"{position}.png")
    reordered = reorder(straight, tmp_path / "reordered.keras", other)
    results = []
    for model_file in (straight, reordered):
        run(model_file, "--data", tmp_path / "images", "--split", "test", "--json")
        results.append(json.loads(capsys.readouterr().out))
    order = [other.index(name) for name in names]
    assert results[0]["classes"] == results[1]["classes"] == list(names)
    predicted, predicted_reordered = (np.array(result["confusion"]).sum(axis=0) for result in results)
    np.testing.assert_array_equal(predicted_reordered, predicted[order])
    data = load(str(tmp_path / "images"), seed=3, fetch=None)
    probabilities = predict_dataset(RunnableModel(straight), data, data.test)
    expected = compute_metrics(data.labels[data.test], probabilities[:, order])
    assert results[1]["scores"] == pytest.approx({**expected, "top5_accuracy": None})


def reorder(source, target, classes):
    """The same network, whose metadata name its outputs in another order."""
    import zipfile
    from dataclasses import replace

    from pipeline.study.model_metadata import MEMBER, read_metadata, write_metadata

    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            if name != MEMBER:
                new.writestr(name, old.read(name))
    write_metadata(replace(read_metadata(source), classes=classes), target)
    return target


@pytest.mark.parametrize("alarms", [True, False])
def test_macro_f1_of_classes_without_images_is_explained(tmp_path, capsys, alarms):
    there = write_tiny_model(tmp_path / "m.keras", classes=("0", "1", "2"), bias=99.0 if alarms else -99.0)
    np.savez(tmp_path / "mine.npz", x_train=np.zeros((6, 8, 8), np.uint8), y_train=np.arange(6) % 2 + 1)
    run(there, "--data", tmp_path / "mine.npz", "--json")
    explained = "note: macro F1 counts 0 as 0: no images, but some are taken for it\n" in capsys.readouterr().err
    assert explained == alarms


def test_a_class_that_the_model_has_not_is_named(tmp_path):
    few = write_tiny_model(tmp_path / "few.keras", classes=("0", "1", "2"), shape=(8, 8, 1))
    message = r"expected data with classes of the model \(0, 1, 2\), but it also has 3, 4; rename or remove"
    with pytest.raises(ModelError, match=message):
        run(few, "--data", save(tmp_path / "mine.npz", 5))


def test_some_of_the_classes_will_do(model, tmp_path, capsys):
    run(model, "--data", save(tmp_path / "few.npz", 3))
    said = capsys.readouterr()
    assert "note: few has no images of 3, 4, 5, 6, 7 and 2 more\n" in said.err
    lines = said.out.splitlines()
    assert said.err.startswith("few: 60 images 8x8x1, 3 classes, measured whole\n")
    assert lines[0] == "Scores on 60 images, all of them, with 95 % intervals"
    rows = {line.split()[0]: line.split()[1:] for line in lines[13:23]}
    assert list(rows) == list(DIGITS)
    assert rows["7"] == ["0.0000", "n/a", "n/a", "n/a", "0"]
    assert rows["2"][-1] == "20"


def paint(root, *names, count=5):
    for label, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for number in range(count):
            Image.fromarray(np.full((8, 8), 40 * number + label, np.uint8)).save(root / name / f"{number}.png")
    return root


@pytest.mark.parametrize(
    ("names", "words", "split", "count"),
    [
        (("cat", "dog"), (), "all", 10),
        (("cat",), (), "all", 5),
        (("test/cat", "test/dog"), (), "test", 10),
        (("Training/cat", "Training/dog", "Testing/cat"), (), "test", 5),
        (("cat", "dog"), ("--split", "test"), "test", 2),
        (("train/cat", "train/dog", "test/cat"), ("--split", "all"), "all", 15),
        (("val/cat", "val/dog", "train/owl"), ("--split", "val"), "val", 10),
    ],
)
def test_what_is_measured_of_other_data(pets, tmp_path, capsys, names, words, split, count):
    assert run(pets, "--data", paint(tmp_path / "photos", *names), "--json", *words) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["split"], result["n"]) == (split, count)
    assert [row["class"] for row in result["per_class"]][-1] == "owl"
    assert all((row["recall"] is None) == (row["support"] == 0) for row in result["per_class"])


def test_a_split_without_images_is_refused(pets, tmp_path):
    with pytest.raises(DataError, match="--split: photos has no training images; choose one of test, all"):
        run(pets, "--data", paint(tmp_path / "photos", "test/cat", "test/dog"), "--split", "train")


def test_the_data_that_the_model_was_trained_on_is_told(model, capsys):
    run(model, "--data", "digits", "--split", "all", "--json")
    said = capsys.readouterr()
    assert json.loads(said.out)["n"] == 1797
    assert said.err == "note: the model was trained on, or chosen by, some of the images\n"


@pytest.mark.parametrize(("has", "wants"), [(3, 1), (1, 3)])
def test_images_get_the_channels_of_the_model(tmp_path, capsys, has, wants):
    there = write_tiny_model(tmp_path / "m.keras", classes=DIGITS, shape=(8, 8, wants))
    assert run(there, "--data", save(tmp_path / "mine.npz", 10, channels=has), "--json") == 0
    assert json.loads(capsys.readouterr().out)["n"] == 60


def test_a_folder_that_was_read_for_training_is_not_decoded_again(tmp_path, monkeypatch, capsys):
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


def test_every_format_tells_its_name_and_exact_ones_give_the_same(model, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(formats, "FORMATS", {**formats.FORMATS, "added": ADDED})
    results = []
    for export_format in sorted(formats.FORMATS.values(), key=attrgetter("exact"), reverse=True):
        target = tmp_path / export_format.name / export_format.file_name
        target.parent.mkdir()
        export_format.write(model, target, SOME)
        run(target.parent, "--data", "digits", "--json")
        results.append(json.loads(capsys.readouterr().out))
        assert results[-1]["format"] == export_format.name
    for result in [result for result in results if formats.FORMATS[result["format"]].exact]:
        assert result["scores"] == pytest.approx(results[0]["scores"], abs=1e-4)
        assert result["confusion"] == results[0]["confusion"]


def test_two_models_are_compared_on_the_same_images(model, tmp_path, capsys):
    """The second one has another shape, and another order of classes."""
    second = write_tiny_model(tmp_path / "second.keras", classes=DIGITS[::-1], shape=(12, 10, 3), weights=2, bias=0.0)
    assert run(model, "--data", "digits", "--compare", second, "--json") == 0
    said = capsys.readouterr()
    result = json.loads(said.out)
    comparison, other = result["comparison"], result["comparison"]["second"]
    assert other["model"] == str(second)
    assert comparison["accuracies"] == [result["scores"]["accuracy"], other["scores"]["accuracy"]]
    counts = ("both_right", "only_first_right", "only_second_right", "both_wrong")
    assert sum(comparison[name] for name in counts) == result["n"] == other["n"] == len(digits(3).test)
    assert 0 <= comparison["p_value"] <= 1
    seen = "not the data of the study (digits), but may have images that the model was trained on"
    assert said.err == f"note: {second}: {seen}\n"


def test_a_comparison_for_people(model, capsys):
    assert run(model, "--data", "digits", "--compare", model) == 0
    *lines, sentence = capsys.readouterr().out.splitlines()
    assert lines[2:4] == [f"first   {model}", f"second  {model}"]
    assert lines[5].split() == ["first", "95", "%", "interval", "second", "95", "%", "interval"]
    assert max(map(len, lines[5:])) <= 80
    assert sentence.startswith("No difference beyond chance at 5 %: ")
    assert "p = 1, " in sentence


def test_a_comparison_on_images_that_the_models_know_is_no_proof(model, capsys):
    assert run(model, "--data", "digits", "--split", "all", "--compare", model) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "Some of these images have trained or chosen one of them: new ones may say otherwise."


def test_data_is_read_once_for_each_form(model, tmp_path, monkeypatch):
    forms = []

    def read(source, size, seed, **rest):
        forms.append((size, rest["channels"]))
        return load(source, image_size=size, channels=rest["channels"], seed=seed, fetch=lambda name, folder: None)

    monkeypatch.setattr("pipeline.data.load_with_progress.load_with_progress", read)
    second = write_tiny_model(tmp_path / "second.keras", classes=DIGITS, shape=(12, 10, 3))
    run(model, "--data", "digits", "--compare", model, "--json")
    run(model, "--data", "digits", "--compare", second, "--json")
    assert forms == [((8, 8), 1), ((8, 8), 1), ((12, 10), 3)]


def test_a_model_of_another_task_is_refused(model, pets, capsys):
    assert main(["evaluate", str(model), "--data", "digits", "--compare", str(pets)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        f"convtune: --compare: {pets} is a model of another task, with the classes cat, dog, owl; "
        f"expected those of {model}: 0, 1, 2, 3, 4 and 5 more\n"
    )


def test_an_unknown_dataset_is_named_in_one_line(model):
    with pytest.raises(DataError) as caught:
        run(model, "--data", "absent")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "required: --data"),
        (
            ["--data", "digits", "--split", "tests"],
            "--split: expected one of test, val, train, all, did you mean 'test'?",
        ),
        (["--data", "digits", "--seed", "-1"], "--seed: expected a whole number from 0, got '-1'"),
    ],
)
def test_a_bad_flag_is_one_line(model, capsys, words, message):
    with pytest.raises(SystemExit) as caught:
        main(["evaluate", str(model), *words])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_what_is_not_a_model(tmp_path):
    (tmp_path / "m.keras").write_text("no")
    with pytest.raises(ModelError, match=r"m\.keras"):
        run(tmp_path / "m.keras", "--data", "digits")
