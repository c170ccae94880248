"""Bad input through the real command line: one line that says what to do, exit code 2, and nothing left behind."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from pipeline.cli import main
from pipeline.executors import Inline
from tests.cli import bad_files as bad

ROOT = Path(__file__).resolve().parents[2]
TUNE = "tune --executor inline "
DIGITS = TUNE + "--data digits "


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty current folder; commands that need Keras find it in this process, not in a worker 6 seconds away."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pipeline.loading.keras_worker", lambda what, **environment: nullcontext(Inline()))
    return tmp_path


def everything():
    """Path, size and time of change of all that is below the current folder."""
    found = {str(path): path.lstat() for path in Path().rglob("*")}
    return {name: (stat.st_size, stat.st_mtime_ns) for name, stat in found.items() if not Path(name).is_dir()} | {
        name: None for name in found if Path(name).is_dir()
    }


def exit_code(words):
    try:
        return main(words)
    except SystemExit as end:  # argparse's way
        return end.code


def refused(capfd, command):
    """The line that a refused command prints, once it is known to have left nothing else."""
    before = everything()
    code = exit_code(shlex.split(command))
    out, err = capfd.readouterr()
    assert (code, out) == (2, ""), err
    assert everything() == before
    assert "Traceback" not in err
    lines = err.splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("convtune")
    return lines[0]


def case(name, make, command, *parts):
    """``make`` makes the bad file; ``parts`` must be in the line."""
    return pytest.param(make, command, parts, id=name)


COMMAND_LINES = [
    case("no command", bad.nothing, "", "convtune: ", "COMMAND", "--help"),
    case("unknown command", bad.nothing, "tun", "'tun'", "tune"),
    case("no data", bad.nothing, "tune", "--data is missing", "convtune datasets"),
    case("empty data", bad.nothing, "tune --data ''", "--data is missing"),
    case("unknown flag", bad.nothing, "tune --trails 3", "convtune tune: ", "'--trails'", "did you mean '--trials'?"),
    case("unknown flag of a deep command", bad.nothing, "spaces show quick --jsn", "spaces show: ", "'--json'"),
    case("a word too many", bad.nothing, "trials one two", "unknown argument 'two'"),
    case("flag without value", bad.nothing, "tune --epochs", "--epochs", "expected one argument"),
    case("flag without its model", bad.nothing, "predict", "MODEL"),
    case("quiet and verbose", bad.nothing, "tune -q -v", "-v", "not allowed with"),
    case("trials 0", bad.nothing, "tune --data digits --trials 0", "--trials: expected a whole number from 1, got '0'"),
    case("trials of a half", bad.nothing, "tune --data digits --trials 1.5", "--trials", "'1.5'"),
    case("epochs x", bad.nothing, "tune --data digits --epochs x", "--epochs: expected a whole number", "'x'"),
    case("epochs of 5000 digits", bad.nothing, f"tune --data digits --epochs {'9' * 5000}", "--epochs: "),
    case("workers 0", bad.nothing, "tune --data digits --workers 0", "--workers: expected a whole number from 1"),
    case("seed -1", bad.nothing, "tune --data digits --seed -1", "--seed: expected a whole number from 0, got '-1'"),
    case("negative time", bad.nothing, "tune --data digits --time -5", "--time: expected a time above 0 such as 10m"),
    case("negative time with unit", bad.nothing, "tune --data digits --time=-5m", "--time: expected a time above 0"),
    case("time 0", bad.nothing, "tune --data digits --time 0s", "--time: expected a time above 0"),
    case("time of no unit", bad.nothing, f"tune --data digits --time {'1' * 60}y", "--time: expected a time above 0"),
    case("time without end", bad.nothing, f"tune --data digits --time {'9' * 400}", "--time: "),
    case("image size 0", bad.nothing, "tune --data digits --image-size 0", "--image-size: expected 1 to 4096 pixels"),
    case("image size abc", bad.nothing, "tune --data digits --image-size abc", "--image-size: ", "64x48", "'abc'"),
    case("unknown search", bad.nothing, "tune --data digits --search bayes", "--search: ", "did you mean 'bayesian'?"),
    case("unknown pruner", bad.nothing, "tune --data digits --pruner asah", "--pruner: ", "did you mean 'asha'?"),
    case("unknown precision", bad.nothing, "tune --data digits --precision float64", "--precision: ", "float32"),
    case("unknown executor", bad.nothing, "tune --data digits --executor ray", "--executor: ", "local, inline"),
    case("try garbage", bad.nothing, "tune --data digits --try garbage", "--try: expected name=value", "'garbage'"),
    case("try twice the same", bad.nothing, "tune --data digits --try blocks=1,blocks=2", "--try: ", "blocks is given twice"),
    case("try an unknown key", bad.nothing, DIGITS + "--try blokcs=1", "--try: ", "blokcs", "did you mean blocks?"),
    case("try outside the space", bad.nothing, DIGITS + "--try blocks=9", "--try: ", "blocks", "9 is outside 1 to 3"),
    case(
        "try what these images are too small for",
        bad.text("big.yaml", "family: plain\nparameters: {kernel: {choice: [3, 15]}, padding: {choice: [valid, same]}}\n"),
        DIGITS + "--space big.yaml --try kernel=15,padding=valid",
        "--try: ",
        "change the point or the images' size",
    ),
    case("set garbage", bad.nothing, "tune --data digits --set garbage", "--set: expected name=value", "'garbage'"),
    case("set an unknown key", bad.nothing, "tune --data digits --set kernal=3", "--set: ", "did you mean kernel?"),
    case("set an illegal value", bad.nothing, "tune --data digits --set norm=bath", "--set: ", "norm", "'bath' is not one of"),
    case("set a value of another type", bad.nothing, "tune --data digits --set blocks=two", "--set: ", "blocks", "'two'"),
    case("a grid without end", bad.nothing, DIGITS + "--search grid", "learning_rate is a continuous range", "random"),
    case("unknown space", bad.nothing, "tune --data digits --space quik", "unknown space quik", "did you mean quick?"),
    case("unknown study", bad.begun, "trials t", "unknown study 't'", "studies here: s"),
    case("unknown study to export", bad.nothing, "export missing", "unknown study 'missing'"),
    case("study of a dot", bad.nothing, DIGITS + "--study ..", "study '..': expected a name"),
    case("unknown column", bad.begun, "trials s --where vlaue>0.5", "--where", "'vlaue'", "did you mean 'value'?"),
    case("where without value", bad.begun, "trials s --where value>", "--where: expected COLUMN"),
    case("where of a word", bad.begun, "trials s --where value>high", "--where", "value is a number, got 'high'"),
    case("sort by nothing there", bad.begun, "trials s --sort accuracy", "--sort: unknown column 'accuracy'"),
    case("top 0", bad.begun, "trials s --top 0", "--top: expected a whole number from 1, got '0'"),
    case("unknown format", bad.begun, "export s --format kers", "--format: unknown 'kers'", "did you mean 'keras'?"),
    case("trial that is not there", bad.begun, "export s --trial 7", "trial 7 does not exist"),
    case("no trial with a model", bad.begun, "export s", "no trial has left a model", "convtune trials s"),
    case("empty trial is the best", bad.begun, "export s --trial '' --output ''", "no trial has left a model"),
    case("unknown split", bad.card_only(), "evaluate m.keras --data digits --split tset", "--split: ", "'test'"),
    case("evaluate without data", bad.card_only(), "evaluate m.keras", "--data"),
    case("port 0", bad.nothing, "ui --port 0", "--port: expected a whole number from 1, got '0'"),
    case("port too high", bad.nothing, "ui --port 70000", "--port: ", "65535", "70000"),
    case("no store to show", bad.nothing, "ui", "mlflow.db", "run `convtune tune` here first"),
    case("unknown space to show", bad.nothing, "spaces show plane", "unknown space plane", "did you mean plain?"),
]

DATA = [
    case("missing folder", bad.nothing, TUNE + "--data photos", "photos: no such dataset", "expected an image folder"),
    case("misspelt name", bad.nothing, TUNE + "--data digit", "digit: no such dataset", "did you mean digits?"),
    case("home of nobody", bad.nothing, TUNE + "--data ~nobody-here/x", "~nobody-here/x: no such dataset"),
    case("name too long", bad.nothing, TUNE + f"--data {'a' * 300}", "no such dataset"),
    case("a text file", bad.text("photos", "x"), TUNE + "--data photos", "photos: neither a folder nor an .npz file"),
    case("empty folder", lambda: Path("photos").mkdir(), TUNE + "--data photos", "photos: the folder is empty", "class"),
    case("no class folders", bad.no_class_folder, TUNE + "--data photos", "photos: no class folders in it"),
    case("one class", lambda: bad.photos(1), TUNE + "--data photos", "only one class, 'class0'", "at least two"),
    case("class without images", bad.class_without_images, TUNE + "--data photos", "photos/class2: no images"),
    case("class with one image", bad.one_image_in_a_class, TUNE + "--data photos", "'rare' has 1 training image;", "add"),
    case("class in one split only", bad.class_only_in_test, TUNE + "--data photos", "'fox' is in test and not in train"),
    case("truncated JPEG", bad.truncated_jpeg, TUNE + "--data photos", "1 of 9 images are broken", "10%", "class0/cut.jpg"),
    case("decompression bomb", bad.bomb, TUNE + "--data photos", "class0/bomb.png", "decompression bomb", "scale it down"),
    case("text as .png", bad.text_as_png, TUNE + "--data photos", "class1/notes.png: no image", "expected JPEG, PNG"),
    case("dangling link", lambda: (bad.photos(), Path("photos/x").symlink_to("gone"), Path("photos/class0/5.png").symlink_to("photos"), Path("data.npz").symlink_to("gone")), TUNE + "--data data.npz", "data.npz: no such dataset"),
    case("no archive", bad.text("data.npz", "no arrays"), TUNE + "--data data.npz", "data.npz: no readable .npz file"),
    case("pickled objects", bad.pickled, TUNE + "--data data.npz", "y_train holds pickled Python objects", "never loaded"),
    case("a pickle", bad.pickle_file, TUNE + "--data data.npz", "data.npz: no readable .npz file", "numpy.savez"),
    case("no images in it", bad.npz(x_train=None), TUNE + "--data data.npz", "data.npz: x_train is missing"),
    case("unknown array", bad.npz(x_tset=np.zeros(1)), TUNE + "--data data.npz", "'x_tset'", "did you mean x_test?"),
    case("images of rank 2", bad.npz(x_train=np.zeros((20, 64), np.uint8)), TUNE + "--data data.npz", "x_train has the shape (20, 64)", "expected (n, height, width)"),
    case("images of 2 channels", bad.npz(x_train=np.zeros((20, 8, 8, 2), np.uint8)), TUNE + "--data data.npz", "x_train", "1, 3 or 4 channels"),
    case("too few labels", bad.npz(y_train=np.arange(19) % 2), TUNE + "--data data.npz", "y_train has the shape (19,)", "expected (20,)"),
    case("one-hot labels", bad.npz(y_train=np.eye(2, dtype=int)[np.arange(20) % 2]), TUNE + "--data data.npz", "y_train", "argmax"),
    case("float labels", bad.npz(y_train=np.arange(20) % 2.0), TUNE + "--data data.npz", "y_train: labels are float64", "int64"),
    case("labels from -1", bad.npz(y_train=np.arange(20) % 2 - 1), TUNE + "--data data.npz", "y_train: a label is -1"),
    case("labels from 1", bad.npz(y_train=np.arange(20) % 2 + 1), TUNE + "--data data.npz", "y_train: no image of class 0"),
    case("one label", bad.npz(y_train=np.zeros(20, int)), TUNE + "--data data.npz", "y_train: only one class"),
    case("label with one image", bad.npz(y_train=np.arange(20) // 19), TUNE + "--data data.npz", "class '1' has 1 training"),
    case("label of another split", bad.npz(x_test=np.zeros((2, 8, 8), np.uint8), y_test=np.array([0, 5])), TUNE + "--data data.npz", "no image of class 5"),
    case("NaN pixel", bad.nan_pixel, TUNE + "--data data.npz", "x_train[3, 1, 2] is nan", "expected finite pixels"),
    case("pixels of 300", bad.npz(x_train=np.full((20, 8, 8), 300, np.int32)), TUNE + "--data data.npz", "x_train: pixels of 300", "0..255"),
    case("complex pixels", bad.npz(x_train=np.zeros((20, 8, 8), complex)), TUNE + "--data data.npz", "x_train: pixels are complex128"),
]  # fmt: skip

MINE = "tune --data digits --space mine.yaml"
SPACES = [
    case("YAML error", bad.text("mine.yaml", "family: plain\nparameters: {blocks: [1\n"), MINE, "mine.yaml: line 3, column 1: "),
    case("tab in YAML", bad.text("mine.yaml", "family: plain\nparameters:\n\tblocks: 1\n"), MINE, "mine.yaml: line 3, column 1: "),
    case("a tag that runs code", bad.text("mine.yaml", "family: !!python/object/apply:os.mkdir [executed]\n"), MINE, "mine.yaml: line 1, column 9: "),
    case("missing space file", bad.nothing, MINE, "mine.yaml: no such file"),
    case("space file is a folder", lambda: Path("mine.yaml").mkdir(), MINE, "mine.yaml: is a folder"),
    case("empty space file", bad.text("mine.yaml", ""), MINE, "mine.yaml: the file is empty"),
    case("space file of bytes", lambda: Path("mine.yaml").write_bytes(b"\xff\xfe\x00"), MINE, "mine.yaml: ", "UTF-8"),
    case("unknown key", bad.text("mine.yaml", "family: plain\nparmeters: {}\n"), MINE, "mine.yaml: unknown key parmeters", "did you mean parameters?"),
    case("key twice", bad.text("mine.yaml", "family: plain\nfamily: plain\n"), MINE, "mine.yaml: line 2, column 1: duplicate key"),
    case("unknown family", bad.text("mine.yaml", "family: plane\n"), MINE, "mine.yaml: family: unknown family plane", "did you mean plain?"),
    case("unknown parameter", bad.space("fliters: 8"), MINE, "mine.yaml: parameters.fliters: unknown parameter", "did you mean filters?"),
    case("unknown form", bad.space("blocks: {itn: [1, 2]}"), MINE, "mine.yaml: parameters.blocks: unknown key itn", "did you mean int?"),
    case("empty choice", bad.space("filters: {choice: []}"), MINE, "mine.yaml: parameters.filters: choice is empty; list at least one value"),
    case("choice of one twice", bad.space("filters: {choice: [8, 8]}"), MINE, "mine.yaml: parameters.filters: choice lists 8 twice"),
    case("reversed range", bad.space("blocks: {int: [3, 1]}"), MINE, "mine.yaml: parameters.blocks: the range is reversed: 3 is above 1"),
    case("log of 0", bad.space("dropout: {float: [0.0, 0.5], log: true}"), MINE, "mine.yaml: parameters.dropout: log needs a lowest value above 0, got 0"),
    case("step of 0", bad.space("dropout: {float: [0.0, 0.5], step: 0}"), MINE, "mine.yaml: parameters.dropout: step: expected a number above 0"),
    case("value out of its range", bad.space("dropout: 1.5"), MINE, "mine.yaml: parameters.dropout: 1.5 is above"),
    case("condition on an unknown parameter", bad.space("filters: {choice: [8], when: {blokcs: 1}}"), MINE, "mine.yaml: parameters.filters: when: blokcs: unknown parameter", "did you mean blocks?"),
    case("condition that never holds", bad.space("blocks: 2, filters: {choice: [8], when: {blocks: 3}}"), MINE, "mine.yaml: parameters.filters: when: blocks can never be 3"),
    case("cycle", bad.space("norm: {choice: [none, batch], when: {head: flatten}}, head: {choice: [flatten, average], when: {norm: batch}}"), MINE, "mine.yaml: parameters: conditions go in a circle", "norm -> head"),
    case("start point outside", bad.space("blocks: {int: [1, 2]}", "start_from: [{blocks: 5}]"), MINE, "mine.yaml: start_from, point 1: blocks: 5 is outside 1 to 2"),
    case("start point of an unknown key", bad.space("blocks: {int: [1, 2]}", "start_from: [{blocs: 1}]"), MINE, "mine.yaml: start_from, point 1: ", "did you mean blocks?"),
    case("unknown limit", bad.space("blocks: 1", "limits: {mac: 5}"), MINE, "mine.yaml: limits: unknown key mac", "did you mean macs?"),
    case("limit of 0", bad.space("blocks: 1", "limits: {macs: 0}"), MINE, "mine.yaml: limits: macs: expected a whole number above 0"),
]  # fmt: skip

JOBS = [
    case("missing job", bad.nothing, "tune job.yaml", "job.yaml: no such file"),
    case("YAML error in a job", bad.text("job.yaml", "data: digits\ntrials: [1\n"), "tune job.yaml", "job.yaml: line 3, column 1: "),
    case("list as a job", bad.text("job.yaml", "- digits\n"), "tune job.yaml", "job.yaml: expected 'key: value' lines"),
    case("unknown key of a job", bad.text("job.yaml", "data: digits\ntrails: 3\n"), "tune job.yaml", "job.yaml: unknown key 'trails'", "did you mean 'trials'?"),
    case("wrong type in a job", bad.text("job.yaml", "data: digits\ntrials: [3]\n"), "tune job.yaml", "job.yaml: trials: expected a whole number from 1, got [3]"),
    case("true is no number", bad.text("job.yaml", "data: digits\nepochs: true\n"), "tune job.yaml", "job.yaml: epochs: expected a whole number"),
    case("number is no path", bad.text("job.yaml", "data: 5\n"), "tune job.yaml", "job.yaml: data: expected a word, got 5"),
    case("zero byte in a name", bad.text("job.yaml", 'data: digits\nstudy: "a\\0b"\nexecutor: inline\n'), "tune job.yaml", "cannot write there", "--study"),
    case("job without data", bad.text("job.yaml", "trials: 3\n"), "tune job.yaml", "--data is missing"),
    case("damaged job of a study", bad.text("studies/s/job.yaml", "data: [\n"), "tune --study s", "studies/s/job.yaml: line 2, column 1: "),
    case("study without identity", bad.text("studies/s/job.yaml", "data: digits\nexecutor: inline\n"), "tune --study s", "studies/s/study.json", "choose another --study"),
    case("damaged storage", lambda: (bad.begun(), Path("studies/s/optuna.db").write_text("no database" * 99)), "trials s", "studies/s/optuna.db"),
]  # fmt: skip

PLACES = [
    case("study in /proc", bad.nothing, DIGITS + "--study /proc/x/y", "/proc/x/y: cannot write there", "choose a --study path"),
    case("study below a file", bad.text("file", ""), DIGITS + "--study file/s", "file/s: cannot write there"),
    case("studies is a file", bad.text("studies", ""), DIGITS, "studies/digits-quick-1: cannot write there"),
    case("study name too long", bad.nothing, DIGITS + f"--study {'a' * 300}", "cannot write there"),
    case("export below a file", bad.begun_with(bad.model("studies/s/trials/0000/model.keras")), "export s --format keras --output studies/s/job.yaml/x", "studies/s/job.yaml/x: cannot write there", "choose another --output"),
]  # fmt: skip

MODELS = [
    case(f"{name}, {command.split()[0]}", make, command, *parts)
    for name, make, parts in (
        ("missing model", bad.nothing, ("m.keras: no such model file", "convtune export")),
        ("text as model", bad.text("m.keras", "no model"), ("m.keras: expected a .keras file", "convtune export")),
        ("zip that is no model", bad.plain_zip, ("m.keras: a .keras file without class names", "convtune export")),
        ("card of wrong values", bad.card_only(shape=[8]), ("m.keras: a .keras file without class names",)),
    )
    for command in ("predict m.keras x.png", "evaluate m.keras --data digits")
] + [
    case("card of a word", bad.card_only(classes="cat"), "predict m.keras x.png", "m.keras: "),
    case("card of no number", bad.card_only(seed="x"), "evaluate m.keras --data digits", "m.keras: "),
    case("model without layers", bad.card_only(), "evaluate m.keras --data digits --seed ''", "m.keras: ", "classes"),
    case("card without model", bad.card_only(), "predict m.keras m.keras", "m.keras: Keras cannot read this model"),
    case("Lambda, predict", bad.lambda_model(), "predict m.keras m.keras", "m.keras: Keras cannot read this model", "Lambda"),
    case("Lambda, evaluate", bad.lambda_model(), "evaluate m.keras --data d.npz", "x"),
    case("Lambda, export", bad.begun_with(bad.lambda_model("studies/s/trials/0000/model.keras")), "export s --output out", "model.keras", "Lambda"),
    case("text, export", bad.begun_with(bad.text("studies/s/trials/0000/model.keras", "x")), "export s", "0000/model.keras: expected a .keras file"),
    case("data of other classes", bad.card_only(classes=["cat", "dog"]), "evaluate m.keras --data digits", "m.keras: expected data with the 2 classes", "only the model has: cat, dog"),
    case("data of other channels", bad.card_only(classes=[*"0123456789"], shape=[8, 8, 3]), "evaluate m.keras --data digits", "m.keras: expected images of 3 channel(s), got 1"),
    case("evaluate on nothing", bad.card_only(), "evaluate m.keras --data photos", "photos: no such dataset"),
    case("predict in an empty folder", lambda: (bad.card_only()(), Path("photos").mkdir()), "predict m.keras photos", "photos: no image in this folder"),
    case("glob without match", bad.card_only(), "predict m.keras *.webp", "*.webp: no file matches"),
    case("missing image", bad.model(), "predict m.keras x.png", "x.png: cannot be read (No such file"),
    case("text as image", lambda: (bad.model()(), bad.text("x.png", "milk")()), "predict m.keras x.png", "x.png: no image; expected JPEG"),
    case("top 0 of predict", bad.card_only(), "predict m.keras x.png --top 0", "--top: expected a whole number from 1"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "command", "parts"), COMMAND_LINES + DATA + SPACES + JOBS + PLACES + MODELS)
def test_one_line_exit_code_2_and_nothing_left_behind(capfd, make, command, parts):
    make()
    capfd.readouterr()
    line = refused(capfd, command)
    for part in parts:
        assert part in line
    assert not Path(bad.PROOF).exists()
