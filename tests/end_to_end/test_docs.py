"""What README and space files tell people to type is typed here, on small data and for few epochs."""

import json
import re
import shlex
import shutil
import tomllib
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest
import tensorflow as tf
import yaml
from PIL import Image
from sklearn.datasets import load_digits

from pipeline import space as spaces
from pipeline.cli import main
from pipeline.cli.tune import arguments
from tests.end_to_end.conftest import ROOT, Shell

README = (ROOT / "README.md").read_text(encoding="utf-8")
WITHOUT_SESSION = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
COMMANDS = re.findall(r"^ {4}(\S.+)$", WITHOUT_SESSION, re.MULTILINE)
SHIPPED = sorted(path.stem for path in (ROOT / "search_spaces").glob("*.yaml"))


def without_comment(command: str) -> list[str]:
    return shlex.split(command, comments=True)


CONVTUNE = [words[1:] for words in map(without_comment, COMMANDS) if words[0] == "convtune"]
TRAINED = {words[words.index("--space") + 1] for words in CONVTUNE if words[0] == "tune" and "--space" in words}
OTHERS = [words for words in map(without_comment, COMMANDS) if words[0] != "convtune"]


@pytest.fixture(scope="module")
def user(tmp_path_factory, empty_store) -> Shell:
    """A user's folder with ``photos``: three classes of real digits, twelve of each."""
    folder = tmp_path_factory.mktemp("reader")
    shutil.copyfile(empty_store, folder / "mlflow.db")
    shutil.copytree(ROOT / "examples", folder / "examples")
    digits = load_digits()
    for label in range(3):
        (folder / "photos" / str(label)).mkdir(parents=True)
        for number, index in enumerate(np.flatnonzero(digits.target == label)[:12]):
            image = Image.fromarray((digits.images[index] * 15).astype(np.uint8)).resize((24, 24))
            image.save(folder / "photos" / str(label) / f"{number}.png")
    Image.fromarray((digits.images[0] * 15).astype(np.uint8)).save(folder / "photo.png")
    return Shell(folder)


@contextmanager
def untraced():
    """Networks of many layers take seconds until TensorFlow has traced them: 10 s for the spaces and a few photos."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def made_small(words: list[str]) -> list[str]:
    """The same command for one trial of one epoch, in this process; what goes on keeps the epochs it was begun with."""
    if words[0] == "export":
        return [*words, "--format", "keras,litert"]  # the others have tests of their own
    if words[0] != "tune":
        return words
    small = re.sub(r"--trials \d+", "--trials 1", shlex.join(words))
    return [*shlex.split(small), "--epochs", "1", "--executor", "inline"] + (
        [] if "--trials" in small else ["--trials", "1"]
    )


@pytest.mark.slow
@pytest.mark.usefixtures("here_alone", "only_tested")
def test_every_convtune_command_of_the_readme_runs_in_its_order(user, monkeypatch):
    monkeypatch.chdir(user.folder)
    assert {words[0] for words in CONVTUNE} >= {"tune", "trials", "export", "predict", "evaluate", "explain"}
    for words in CONVTUNE:
        with untraced() if words[:3] == ["tune", "--data", "photos"] else nullcontext():
            assert main(made_small(words)) == 0, words


def test_every_other_command_of_the_readme_is_known_to_this_test():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for words in OTHERS:
        assert words[0] == "make", words
        assert words[1] in targets
    for extra in re.findall(r"\.\[(\w+)\]", README):
        assert extra in extras
    for run in re.findall(r"mlflow run \. --env-manager local(( -P \w+=\S+)+)", README):
        offered = yaml.safe_load((ROOT / "MLproject").read_text())["entry_points"]["main"]["parameters"]
        assert set(re.findall(r"-P (\w+)=", run[0])) <= set(offered)


def test_commands_within_the_text_exist():
    for words in re.findall(r"`convtune ([a-z]+)", README):
        assert (ROOT / "pipeline" / "cli" / f"{words}.py").is_file()


def test_files_that_the_readme_names_exist():
    for name in re.findall(r"`((?:docs|examples|search_spaces|bench)/[\w./]*|[A-Z]+\.md)`", README):
        assert (ROOT / name).exists(), name


def test_the_space_in_the_readme_is_one(tmp_path):
    [example] = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "own.yaml").write_text(example)
    assert len(spaces.load(str(tmp_path / "own.yaml")).start_from) == 1


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 150
    assert max(image.stat().st_size for image in (ROOT / "docs" / "images").iterdir()) < 300_000


@pytest.mark.slow
@pytest.mark.usefixtures("here_alone", "only_tested")
@pytest.mark.parametrize("name", sorted({*SHIPPED} - TRAINED))
def test_every_space_trains(user, name, monkeypatch):
    """Those that no command of the README has trained already."""
    flags = f"--data photos --space {name} --trials 1 --epochs 1 --study space-{name} --executor inline"
    monkeypatch.chdir(user.folder)
    with untraced():
        assert main(["tune", *flags.split()]) == 0


@pytest.mark.parametrize("name", SHIPPED)
def test_the_command_at_the_top_of_a_space_is_right(name):
    import argparse

    text = (ROOT / "search_spaces" / f"{name}.yaml").read_text(encoding="utf-8")
    [command] = re.findall(r"^# command: +convtune tune (.+)$", text, re.MULTILINE)
    parser = argparse.ArgumentParser()
    arguments(parser)
    assert spaces.load(parser.parse_args(shlex.split(command)).space).name == name
    assert re.search(r"^# minutes: +\d", text, re.MULTILINE)
    assert re.search(r"^# score: +\S", text, re.MULTILINE)


@pytest.mark.slow
def test_the_example_job_runs(user, monkeypatch, capsys):
    monkeypatch.chdir(user.folder)
    flags = "--trials 1 --epochs 1 --executor inline"
    assert main(["tune", str(ROOT / "examples" / "job.yaml"), *flags.split()]) == 0
    capsys.readouterr()
    assert main(["trials", "example", "--json"]) == 0
    [trial] = json.loads(capsys.readouterr().out)
    own = yaml.safe_load((ROOT / "examples" / "job.yaml").read_text())["try"][0]
    assert trial["params"]["learning_rate"] == own["learning_rate"]
