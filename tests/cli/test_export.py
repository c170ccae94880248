"""``convtune export``."""

import argparse
import json
import shutil
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from mlflow import MlflowClient
from PIL import Image

from pipeline.cli import export, main
from pipeline.data.load_with_progress import load_with_progress
from pipeline.errors import JobError, ModelError, StudyError, TrackingError
from pipeline.executors import InlineExecutor
from pipeline.export import FORMATS
from pipeline.study.model_metadata import read_metadata
from pipeline.study.trial import TrialState
from tests.export.added_format import ADDED
from tests.export.tiny_model import write_tiny_model
from tests.report.made_up import record, study

RECORDS = [
    record(0, 0.8, model="x"),
    record(1, 0.9, model="x"),
    record(2, 0.7, TrialState.PRUNED, reason="pruned after epoch 2"),
    record(3, 0.99, model="deleted since"),
    record(4, 0.98, TrialState.INTERRUPTED, reason="its process ended"),
]


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    root = tmp_path_factory.mktemp("export")
    folder = study(root / "studies" / "s", RECORDS)
    write_tiny_model(folder.model(0), trial=0)
    write_tiny_model(folder.model(1), trial=1, score=0.9)
    write_tiny_model(folder.model(4), trial=4)  # left by an earlier run of a trial that is repeated
    elsewhere = study(root / "elsewhere" / "s", RECORDS[:1])
    write_tiny_model(elsewhere.model(0), trial=0)
    study(root / "studies" / "none", RECORDS[2:3])
    study(root / "studies" / "lost", RECORDS[3:4])
    return root


@pytest.fixture
def root(studies, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("studies", "elsewhere"):
        Path(name).symlink_to(studies / name)
    inline = nullcontext(InlineExecutor())
    monkeypatch.setattr("pipeline.training.worker.keras_worker", lambda description, **environment: inline)
    return tmp_path


def run(*words):
    parser = argparse.ArgumentParser()
    export.arguments(parser)
    return export.run(parser.parse_args(words))


def test_the_best_model_that_is_there(root, capsys):
    assert run("s", "--format", "keras,saved-model") == 0
    output, notes = capsys.readouterr()
    lines = output.splitlines()
    assert lines[0] == "Trial 1 of study s, accuracy 0.9000 on validation images"
    assert lines[1] == "Each file run in its own runtime on 100 images of random pixels:"
    assert lines[2].split("  ")[0] == "file"
    assert [line.split()[0] for line in lines[3:5]] == ["model.keras", "saved_model"]
    beside = "labels.json, signature.json, model_card.md, and a script for each file with read_image.py"
    assert " ".join(lines[6:8]) == f"exports/s: also {beside}"
    assert lines[8:] == [
        "Use it:  python exports/s/predict_keras.py IMAGE...",
        "Use it:  python exports/s/predict_saved_model.py IMAGE...",
    ]
    assert json.loads(Path("exports/s/labels.json").read_text()) == ["cat", "dog", "owl"]
    assert read_metadata(Path("exports/s/model.keras")).trial == 1
    assert Path("exports/s/saved_model/saved_model.pb").is_file()
    assert "the data of study s cannot be used" in notes
    assert "so the files are proven on made-up images" in notes


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder of 20 pictures of each class of the tiny model, in train, val and test."""
    root = tmp_path_factory.mktemp("pictures") / "pets"
    random = np.random.default_rng(0)
    for label, name in enumerate(("cat", "dog", "owl")):
        for number in range(20):
            split = ("train", "train", "train", "val", "test")[number % 5]
            file = root / split / name / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            pixels = random.integers(0, 60 + 90 * label, (16, 16), np.uint8)
            Image.fromarray(pixels).save(file)
    return root


def test_proven_on_pictures(root, pictures, capsys):
    words = ("s", "--data", str(pictures), "--format", "keras,litert", "--quantize", "int8", "--json")
    assert run(*words) == 0
    output, notes = capsys.readouterr()
    content = json.loads(output)
    of_files = "8 of them also at their own size where a file takes any"
    assert content["proven_on"] == f"12 validation, 12 test and 36 training images of pets, {of_files}"
    assert (content["folder"], content["trial"]) == ("exports/s", 1)
    exact, rounded = content["files"]
    assert (exact["format"], rounded["format"]) == ("keras", "litert-int8")
    assert exact["accuracy"] == exact["accuracy_of_model"] == rounded["accuracy_of_model"]
    assert rounded["path"] == "exports/s/model_int8.tflite"
    assert (exact["own_size"], rounded["own_size"]) == (8, 0)
    assert "is not the data that the model was trained on (digits)" in notes
    assert notes.startswith("note: --quantize int8: model_int8.tflite takes the place of model.tflite; leave out")
    card = Path("exports/s/model_card.md").read_text()
    assert "Measured on the 12 test images of pets, not the data of its training." in card
    assert "| owl | 4 |" in card


def test_int8_without_data_is_refused(root, capsys):
    expected = "litert-int8 is calibrated with training images, but the data of study s cannot be used"
    with pytest.raises(ModelError, match=rf"^{expected} .*; name the data with --data$"):
        run("s", "--quantize", "int8")
    assert capsys.readouterr().out == ""
    assert not Path("exports").exists()


def test_int8_without_training_images_is_refused(root, pictures, tmp_path):
    shutil.copytree(pictures / "test", tmp_path / "held_out" / "test")
    words = ("s", "--data", str(tmp_path / "held_out"), "--format", "litert", "--quantize", "int8")
    with pytest.raises(ModelError, match=r"there are none among 12 test images of held_out.*; name data that has some"):
        run(*words)
    assert not Path("exports").exists()


def test_data_of_another_task_is_refused(root, pictures, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(pictures / "train", other)
    (other / "owl").rename(other / "wolf")
    with pytest.raises(ModelError, match=r"expected data with the classes of the model, cat, dog, owl, got .*wolf"):
        run("s", "--data", str(other), "--format", "keras")
    assert not Path("exports").exists()


@pytest.mark.parametrize(
    ("words", "formats"),
    [
        ([], ["keras", "saved-model", "onnx", "litert"]),
        (["--format", ""], ["keras", "saved-model", "onnx", "litert"]),
        (["--format", "onnx,keras,onnx"], ["onnx", "keras"]),
        (["--quantize", "float16"], ["keras", "saved-model", "onnx", "litert-float16"]),
        (["--precision", "float16", "--format", "onnx"], ["onnx-float16"]),
        (["--precision", "float32", "--format", "onnx"], ["onnx"]),
        (["--format", "litert,onnx", "--quantize", "int8"], ["litert-int8", "onnx"]),
    ],
)
def test_the_formats_that_flags_ask_for(words, formats):
    parser = argparse.ArgumentParser()
    export.arguments(parser)
    assert export._choose_formats(parser.parse_args(["s", *words])) == formats


def test_formats_without_their_packages_are_left_out_by_default(monkeypatch, capsys):
    monkeypatch.setitem(FORMATS, "onnx", replace(FORMATS["onnx"], runtime=("no_such_module",), converter=()))
    parser = argparse.ArgumentParser()
    export.arguments(parser)
    assert export._choose_formats(parser.parse_args(["s"])) == ["keras", "saved-model", "litert"]
    note = "note: without onnx, whose packages are missing; `pip install 'convtune[onnx]'`\n"
    assert capsys.readouterr().err == note
    with pytest.raises(ModelError, match="onnx needs no_such_module, which is not installed"):
        export._choose_formats(parser.parse_args(["s", "--format", "onnx"]))


@pytest.mark.parametrize(
    ("given", "target"),
    [
        ("s", "exports/s"),
        ("studies/s", "exports/s"),
        ("elsewhere/s", "elsewhere/s/export"),
        ("studies/s/trials/0001", "exports/0001"),
        ("studies/s/trials/0001/model.keras", "exports/0001"),
    ],
)
def test_models_of_one_name_do_not_meet(root, capsys, given, target):
    assert run(given, "--format", "keras") == 0
    assert f"\n{target}: also labels.json" in capsys.readouterr().out
    assert Path(target, "model.keras").is_file()


def test_a_trial_a_folder_and_a_format(root, capsys):
    assert run("s", "--trial", "0", "--output", "here", "--format", "keras", "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert set(content) == {"folder", "trial", "proven_on", "files"}
    assert content["files"][0]["path"] == "here/model.keras"
    assert content["trial"] == 0
    assert read_metadata(Path("here/model.keras")).trial == 0
    beside = {"labels.json", "signature.json", "model_card.md", "predict_keras.py", "read_image.py"}
    assert {path.name for path in Path("here").iterdir()} == {"model.keras", *beside}


@pytest.fixture
def store(root, empty_store):
    """A client of the store in the current folder."""
    shutil.copyfile(empty_store, "mlflow.db")
    return MlflowClient(f"sqlite:///{root}/mlflow.db")


def runs_in(store):
    return store.search_runs([store.get_experiment_by_name("convtune").experiment_id])


def logged_model(store, run):
    (output,) = run.outputs.model_outputs
    return store.get_logged_model(output.model_id)


def test_pushed_under_an_alias(root, pictures, capsys, store):
    """Twice: the second version takes the alias from the first. The registry has the model with its class names.

    The pictures are not those of its training: nothing that was measured on them is said of it.
    """
    words = ("s", "--data", str(pictures), "--format", "keras", "--push", "champion")
    said = "version 1 of convtune-digits is its champion now"
    assert run(*words) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"Model registry:  {said}"
    assert run(*words, "--json") == 0
    registered = json.loads(capsys.readouterr().out)["registered"]
    assert registered == "version 2 of convtune-digits is its champion now, instead of version 1"
    version = store.get_model_version_by_alias("convtune-digits", "champion")
    assert (version.version, version.tags["trial"], version.tags["score"]) == (2, "1", "0.9")
    assert (version.tags["data"], version.tags["digest"]) == ("digits", "c")
    assert not [name for name in version.tags if name.startswith("test_")]
    latest = runs_in(store)[0]
    assert (latest.info.status, latest.inputs.dataset_inputs) == ("FINISHED", [])
    assert {one.key: one.dataset_name for one in logged_model(store, latest).metrics} == {"val_accuracy": None}
    model = Path(urlsplit(version.source).path) / "data" / "model.keras"
    assert read_metadata(model).classes == ("cat", "dog", "owl")


@pytest.fixture
def own(root, pictures):
    """A study of the pictures, whose one model stopped after 3 of 10 epochs."""
    data = load_with_progress(str(pictures), (8, 8), 3, quiet=True, channels=1, for_training=False)
    folder = study(root / "own", [record(0, 0.8, planned=10, reason="time was up", model="x", params={"blocks": 2})])
    folder.job.write_text(f"data: {pictures}\nstudy: own\n")
    write_tiny_model(folder.model(0), trial=0, score=0.8, dataset=data.name, digest=data.digest)
    return data


def test_a_pushed_model_is_told_of_with_the_facts_of_its_own_data(own, store):
    assert run("./own", "--format", "keras", "--push", "staging", "--register", "our pets") == 0
    (pushed,) = runs_in(store)
    model, version = logged_model(store, pushed), store.get_model_version_by_alias("our pets", "staging")
    assert version.tags["digest"] == own.content
    assert version.tags["caveat"] == "trained for 3 of 10 epochs (time was up)"
    assert model.params == {"blocks": "2"}
    scores = {one.key: one.value for one in model.metrics}
    assert scores["val_accuracy"] == 0.8
    assert float(version.tags["test_accuracy"]) == pytest.approx(scores["test_accuracy"], rel=1e-5)
    assert {(one.dataset_name, one.dataset_digest) for one in model.metrics} == {("pets", own.digest[:36])}
    assert [entry.dataset.name for entry in pushed.inputs.dataset_inputs] == ["pets"]
    assert "'models:/our pets@champion'" in store.get_registered_model("our pets").description


def test_a_push_that_fails_leaves_the_export_and_no_run_that_runs(root, store, capsys, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", store.create_experiment("nowhere", "file:///proc/nowhere"))
    refused = r"artifact store file:///proc/nowhere.* cannot be used .*; the model is not registered; make that place"
    for form in ([], ["--json"]):
        with pytest.raises(TrackingError, match=refused):
            run("s", "--format", "keras", "--push", "champion", *form)
        assert "model.keras" in capsys.readouterr().out
    assert Path("exports/s/model_card.md").is_file()
    runs = store.search_runs([store.get_experiment_by_name("nowhere").experiment_id])
    assert [run.info.status for run in runs] == ["FAILED", "FAILED"]
    assert store.search_registered_models() == []


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["s"], TrackingError, r"MLflow's store cannot be used: Connection refused; start the server or set"),
        (["studies/s/trials/0001"], JobError, r"--push: the name .* is not named; give --register NAME, or the study"),
        (["s", "--trial", "0"], JobError, r"--push: .*0000/model\.keras does not say its score"),
    ],
)
def test_what_cannot_be_pushed_is_not_exported_either(root, monkeypatch, capsys, words, error, message):
    """No data is read, and no worker starts."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setattr("pipeline.cli.model_data.find_data", None)
    with pytest.raises(error, match=message):
        run(*words, "--format", "keras", "--push", "champion")
    assert capsys.readouterr().out == ""
    assert not Path("exports").exists()


def test_a_format_that_is_added(root, capsys, monkeypatch):
    """It takes a file, and a line in the table."""
    monkeypatch.setitem(FORMATS, "added", ADDED)
    assert run("s", "--format", "added") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].startswith("model.json  0.0")
    assert lines[-1] == "Use it:  python exports/s/predict_added.py IMAGE..."
    assert Path("exports/s/model.json").is_file()


def test_an_added_format_that_writes_another_model_is_refused(root, monkeypatch):
    def load(target):
        predict = ADDED.load(target)
        return lambda images: predict(images) * 0.99

    monkeypatch.setitem(FORMATS, "added", replace(ADDED, load=load))
    with pytest.raises(ModelError, match=r"model\.json differs from the model by 0\.0"):
        run("s", "--format", "added")
    assert not Path("exports").exists()


def test_the_help_names_the_formats(capsys):
    with pytest.raises(SystemExit) as end:
        main(["export", "--help"])
    assert end.value.code == 0
    assert "any of keras, saved-model, onnx, litert (default: keras," in " ".join(capsys.readouterr().out.split())


def test_every_rounded_format_has_one_way_to_ask_for_it(capsys):
    """A flag, which an error names; the name of the format is none for ``--format``."""
    for name in (name for name, export_format in FORMATS.items() if not export_format.exact):
        with pytest.raises(SystemExit):
            main(["export", "s", "--format", name])
        advice = capsys.readouterr().err.split("give ")[1].split(";")[0]
        parser = argparse.ArgumentParser()
        export.arguments(parser)
        assert export._choose_formats(parser.parse_args(["s", *advice.split()])) == [name]


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (
            ["s", "--trial", "2"],
            StudyError,
            r"trial 2 has no model \(pruned after epoch 2\); only trials 0, 1 have one",
        ),
        (["s", "--trial", "3"], StudyError, r"trial 3 has no model \(its file is gone\); only trials 0, 1 have one"),
        (["s", "--trial", "4"], StudyError, r"trial 4 has no model \(its process ended\); only trials 0, 1 have one"),
        (["s", "--trial", "9"], StudyError, "trial 9 does not exist; only trials 0, 1 have one"),
        (["none"], StudyError, "study none: no trial has a model; see"),
        (["lost"], StudyError, "study lost: no trial has a model; the files of their models are gone; see"),
        (["none", "--trial", "2"], StudyError, "no trial has one"),
        (["unknown"], StudyError, "unknown study"),
        (["s", "--register", "pets"], JobError, "--register: names the model in the registry; add --push ALIAS"),
        (["s", "--format", "keras", "--quantize", "int8"], JobError, "--quantize: rounds the format litert; add it"),
        (["studies/s/trials/0001", "--trial", "1"], JobError, "--trial: studies/s/trials/0001 is a single model"),
        (["s", "--output", "studies/s/job.yaml"], ModelError, "not empty, it has 'job.yaml'"),
        (["s", "--output", "studies/s/job.yaml/here"], ModelError, "cannot write there"),
    ],
)
def test_bad_input(root, words, error, message):
    with pytest.raises(error, match=message):
        run(*words)
    assert not Path("exports").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["s", "--trial", "x"], "--trial: expected a whole number from 0, got 'x'"),
        (
            ["s", "--format", "kera"],
            "--format: unknown 'kera', did you mean 'keras'?; formats are keras, saved-model, onnx, litert;",
        ),
        (["s", "--format", "keras,"], "--format: unknown ''"),
        (["s", "--push", "latest"], "--push: expected an alias such as champion"),
        (["s", "--push", "V2"], "--push: expected an alias such as champion"),
        (["s", "--push", "a/b"], "--push: expected an alias such as champion"),
        (["s", "--register", "a/b"], "--register: expected a name without / and :"),
    ],
)
def test_invalid_flags(root, capsys, words, message):
    with pytest.raises(SystemExit) as end:
        main(["export", *words])
    assert end.value.code == 2
    output = capsys.readouterr()
    assert message in output.err
    assert output.err.count("\n") == 1
    assert output.out == ""
    assert not Path("exports").exists()
