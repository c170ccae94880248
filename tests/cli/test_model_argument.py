"""Studies, model files and folders, found by what a user types after predict, evaluate, explain and export."""

import argparse
import json
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.cli import evaluate, explain, export, predict
from pipeline.cli.model_argument import ModelSource, add_model, find_keras_model, find_model
from pipeline.errors import JobError, ModelError, StudyError
from pipeline.export import formats
from pipeline.study.model_metadata import MEMBER, ModelMetadata, write_metadata
from pipeline.study.paths import StudyPaths
from tests.export import added_format
from tests.report.made_up import record, study

ADDED = replace(added_format.ADDED, is_at=lambda path: path.suffix == ".json" and path.is_file())
METADATA = ModelMetadata(("cat", "dog"), (8, 8, 1), "digits", "d", 0, "mine", 3)


def find(*words, finder=find_model):
    parser = argparse.ArgumentParser()
    add_model(parser)
    return finder(parser.parse_args(words))


def find_keras(*words):
    return find(*words, finder=lambda args: find_keras_model(args, "others have no layers"))


def write_model(path, metadata=METADATA):
    """An archive with nothing but metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    if metadata is not None:
        write_metadata(metadata, path)
    return path


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def begin_study(folder):
    folder.mkdir(parents=True)
    (folder / "job.yaml").write_text("data: digits\n")
    return StudyPaths(folder)


@pytest.mark.parametrize("command", [predict, evaluate, explain, export])
def test_four_commands_take_it_alike(command):
    parser, shared = argparse.ArgumentParser(), argparse.ArgumentParser()
    command.arguments(parser)
    add_model(shared)
    helps = {action.dest: action.help for action in parser._actions}
    assert {action.dest: action.help for action in shared._actions}.items() <= helps.items()


def test_a_file_with_and_without_metadata():
    write_model(Path("ours.keras"))
    write_model(Path("other.keras"), None)
    assert find("./ours.keras") == ModelSource(Path("ours.keras"), "ours")
    assert find("ours.keras").require_metadata() == METADATA
    assert find("other.keras") == ModelSource(Path("other.keras"), "other")
    with pytest.raises(ModelError, match=r"other\.keras: a model without class names"):
        find("other.keras").require_metadata()


def test_a_file_of_the_old_form_has_no_metadata():
    Path("old.h5").write_bytes(b"not a zip archive")
    assert find_keras("old.h5") == ModelSource(Path("old.h5"), "old")
    with pytest.raises(ModelError, match=r"old\.h5: expected a model such as model\.keras"):
        find("old.h5").require_metadata()


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("exports/mine/model.keras", ["exports/mine", "exports/mine/", "./exports/mine", "exports/mine/model.keras"]),
        ("exports/mine/data/model.keras", ["exports/mine", "exports/mine/data/model.keras"]),
        ("mine/best.keras", ["mine", "mine/best.keras"]),
    ],
)
def test_a_folder_and_the_file_in_it_are_the_same_model(file, words):
    write_model(Path(file))
    Path("exports/mine").mkdir(parents=True, exist_ok=True)
    Path("exports/mine/MLmodel").touch()
    for word in words:
        assert find(word) == ModelSource(Path(file), "mine")


@pytest.mark.parametrize("word", [".", "..", "./"])
def test_the_current_folder_and_that_above(word, monkeypatch):
    write_model(Path("model.keras"))
    Path("below").mkdir()
    monkeypatch.chdir("below" if word == ".." else ".")
    assert find(word).require_metadata() == METADATA


def test_the_best_model_of_a_study_by_name_and_by_path():
    for paths in (begin_study(Path("studies/mine")), begin_study(Path("elsewhere/other"))):
        write_model(paths.best_model)
        for word in {paths.argument, str(paths.path), f"{paths.path}/"}:
            assert find(word) == ModelSource(paths.best_model, paths.name, paths)


def test_a_study_and_a_folder_of_one_name(capsys):
    best = write_model(begin_study(Path("studies/mine")).best_model)
    write_model(Path("mine/model.keras"))
    assert find("mine").file == best
    assert capsys.readouterr().err == (
        "note: mine is the study here; for the model in the folder of that name, give ./mine\n"
    )
    assert find("./mine").file == Path("mine/model.keras")
    assert find("studies/mine").file == best
    assert capsys.readouterr().err == ""


def test_the_best_trial_that_has_a_model_and_any_other():
    paths = study(Path("studies/mine"), [record(number, 0.9 - number / 10, model="x") for number in range(5)])
    for number in (2, 4):
        write_model(paths.model(number))
    assert find("mine").file == paths.model(2)
    assert find("mine", "--trial", "4").file == paths.model(4)
    write_model(paths.best_model, METADATA)  # of trial 3, whose own file is gone
    assert find("mine").file == paths.model(2)
    assert find("mine", "--trial", "3").file == paths.best_model


def test_a_study_without_a_model():
    begin_study(Path("studies/mine"))
    with pytest.raises(StudyError, match="study mine: no trial has a model; see `convtune trials mine`"):
        find("mine")


@pytest.mark.parametrize("name", ["no.keras", "no.h5"])
def test_a_file_that_is_missing(name):
    with pytest.raises(ModelError, match="no such model file"):
        find(name)


def test_what_is_neither():
    begin_study(Path("studies/mine"))
    with pytest.raises(StudyError, match=r"'mien'.*did you mean 'mine'.*; expected a study, a model file or an exp"):
        find("mien")


def test_a_folder_without_a_model(folder):
    (folder / "here").mkdir()
    with pytest.raises(
        ModelError, match=r"here: nothing called model\.keras.* in this folder; expected a study, a model"
    ):
        find("here")


def write_saved_model(path, text=None):
    """What is seen of a SavedModel without opening it."""
    (path / "assets.extra").mkdir(parents=True)
    (path / "saved_model.pb").touch()
    (path / "assets.extra" / MEMBER).write_text(json.dumps(METADATA.as_dict()) if text is None else text)
    return path


@pytest.fixture
def more_formats(monkeypatch):
    monkeypatch.setattr(formats, "FORMATS", {**formats.FORMATS, "added": ADDED})


def write_added(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"metadata": METADATA.as_dict()}))
    return path


def test_every_format_by_its_own_path_and_by_its_folder(more_formats, capsys):
    for written in (write_saved_model(Path("exports/one/saved_model")), write_added(Path("exports/two/model.json"))):
        for word in (str(written), str(written.parent)):
            model = find(word)
            assert model == ModelSource(written, written.parent.name)
            assert model.require_metadata() == METADATA
    assert find("exports/two").format is ADDED
    assert find(str(write_added(Path("mine.json")))).name == "mine"
    assert capsys.readouterr().err == ""


def test_of_several_models_the_first_of_the_table_is_taken(more_formats, capsys):
    write_added(Path("exports/mine/model.json"))
    write_saved_model(Path("exports/mine/saved_model"))
    assert find("exports/mine").file == Path("exports/mine/saved_model")
    note = "note: exports/mine has no model.keras; taking its saved_model (also there: model.json)\n"
    assert capsys.readouterr().err == note
    write_model(Path("exports/mine/model.keras"))
    assert find("exports/mine").file == Path("exports/mine/model.keras")
    assert capsys.readouterr().err == ""


def test_what_a_worker_gets_can_be_sent_to_it():
    """The functions of all formats, too."""
    written = [write_model(Path("m.keras")), write_saved_model(Path("saved_model"))]
    for file in written:
        runnable = find(str(file)).runnable()
        assert pickle.loads(pickle.dumps(runnable)) == runnable
    for export_format in formats.FORMATS.values():
        assert pickle.loads(pickle.dumps(export_format.load)) is export_format.load


def test_other_formats_have_no_layers():
    write_saved_model(Path("exports/mine/saved_model"))
    for word in ("exports/mine", "exports/mine/saved_model"):
        with pytest.raises(ModelError, match=r"saved_model: expected a \.keras file, since others have no layers"):
            find_keras(word)


@pytest.mark.parametrize(
    ("command", "words", "reason"),
    [(explain, ["photo.png"], "others have no layers"), (export, [], "every format is made from that")],
)
def test_each_command_says_why_it_takes_keras_models_alone(command, words, reason):
    write_saved_model(Path("saved_model"))
    parser = argparse.ArgumentParser()
    command.arguments(parser)
    with pytest.raises(ModelError, match=rf"saved_model: expected a \.keras file, since {reason}; name that"):
        command.run(parser.parse_args(["saved_model", *words]))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[1]", '{"classes": ["a", "a"]}', "[" * 100_000])
def test_another_format_without_valid_metadata(text):
    path = write_saved_model(Path("saved_model"), text)
    with pytest.raises(ModelError, match="saved_model: a model without class names of convtune; give one"):
        find(str(path)).require_metadata()


def test_a_package_that_is_not_installed_is_named(monkeypatch):
    needs = replace(ADDED, name="added", runtime=("no_such_module",), extra="odd")
    monkeypatch.setattr(formats, "FORMATS", {"added": needs})
    model = find(str(write_added(Path("m.json"))))
    for use in (model.require_metadata, model.runnable):
        with pytest.raises(ModelError, match=r"added needs no_such_module, which is not.*install 'convtune\[odd\]'"):
            use()


def test_a_trial_of_a_single_model():
    write_model(Path("m.keras"))
    with pytest.raises(JobError, match=r"--trial: m\.keras is a single model; name its study"):
        find("m.keras", "--trial", "1")
