"""Bad input through the real command line: one line that says what to do, exit code 2, and nothing left behind."""

import json
import os
import shlex
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, nullcontext
from pathlib import Path

import numpy as np
import pytest

from pipeline.cli import main
from pipeline.executors import InlineExecutor
from tests.cli import bad_files as bad

ROOT = Path(__file__).resolve().parents[2]
TUNE = "tune --executor inline --data "
DIGITS = TUNE + "digits "


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty current folder. Commands that need Keras find it in this process: a worker takes 6 seconds to start."""
    monkeypatch.chdir(tmp_path)
    inline = nullcontext(InlineExecutor())
    monkeypatch.setattr("pipeline.training.worker.keras_worker", lambda description, **environment: inline)
    monkeypatch.setattr("pipeline.training.worker.model_worker", lambda description: inline)
    monkeypatch.setattr("pipeline.steps.workers.available_memory", lambda: 4_000_000_000)
    monkeypatch.setattr("pipeline.steps.workers.gpus", list)
    return tmp_path


def everything(folder):
    """All paths below a folder and the content of files, without those that the reading of a study may leave."""
    paths = (path for path in folder.rglob("*") if not path.name.startswith(("optuna.db", ".lock")))
    return {path: path.read_bytes() if path.is_file() else None for path in paths}


def run(command):
    """Runs a command and returns its exit code."""
    try:
        return main(shlex.split(command))
    except SystemExit as end:  # argparse raises it
        return end.code


def refused(capfd, command, execute=run):
    """The line that a refused command prints. Asserts that it leaves nothing else."""
    before = everything(Path())
    capfd.readouterr()
    code = execute(command)
    out, err = capfd.readouterr()
    assert (code, out) == (2, ""), out + err
    assert everything(Path()) == before
    assert "Traceback" not in err
    lines = without_progress(err)
    assert len(lines) == 1, err
    [line] = lines
    assert line.startswith("convtune")
    return line


def without_progress(err):
    """The lines of stderr that do not only say what takes a while."""
    return [line for line in err.splitlines() if not line.endswith(" ...") and not line.startswith("warning: ")]


def case(name, make, command, *parts):
    """``make`` makes the bad file; the line of the error has each of ``parts``."""
    return pytest.param(make, command, parts, id=name)


def words(name, command, *parts):
    return case(name, bad.nothing, command, *parts)


def of_study(name, command, *parts):
    return case(name, bad.begun, command, *parts)


def photos(name, make, *parts):
    return case(name, make, TUNE + "photos", *parts)


def npz(name, make, *parts):
    return case(name, make, TUNE + "data.npz", "data.npz: ", *parts)


def arrays(name, changes, *parts):
    return npz(name, bad.npz(**changes), *parts)


def space(name, text, *parts):
    """A space file; the last part follows its name."""
    return case(name, bad.text("mine.yaml", text), DIGITS + "--space mine.yaml", *parts[:-1], "mine.yaml: " + parts[-1])


def hyperparameter(name, text, *parts):
    """A space file with these hyperparameters."""
    return space(name, f"family: plain\nhyperparameters: {{{text}}}\n", *parts[:-1], "hyperparameters" + parts[-1])


def job(name, text, *parts):
    return case(name, bad.text("job.yaml", text), "tune job.yaml", "job.yaml: ", *parts)


def predict(name, make, *parts):
    """``predict`` with one good image."""
    return case(name, bad.both(make, lambda: bad.photo("x.png")), "predict m.keras x.png", *parts)


def evaluate(name, make, *parts):
    return case(name, make, "evaluate m.keras --data digits", *parts)


COMMAND_LINES = [
    words("unknown command", "tun", "'tun'", "did you mean 'tune'?"),
    words("unknown flag", "tune --trails 3", "convtune tune: ", "'--trails'", "did you mean '--trials'?"),
    words("unknown flag of a deep command", "spaces show quick --jsn", "'--jsn'", "did you mean '--json'?"),
    words("a word too many", "promote one two", "unknown argument 'two'"),
    words("flag without value", "tune --epochs", "--epochs", "expected one argument"),
    words("no model", "predict", "MODEL"),
    words("quiet and verbose", "tune -q -v", "-v", "not allowed with"),
    words("no data", "tune", "--data is missing", "convtune datasets"),
    words("empty data", "tune --data '' --trials '' --study ''", "--data is missing"),
    words("no trials", DIGITS + "--trials 0", "convtune tune: --trials: expected a whole number from 1, got '0'; see"),
    words("half a trial", DIGITS + "--trials 1.5", "--trials: expected a whole number from 1, got '1.5'"),
    words("epochs x", DIGITS + "--epochs x", "--epochs: expected a whole number from 1, got 'x'"),
    words("epochs of 5000 digits", DIGITS + f"--epochs {'9' * 5000}", "--epochs: "),
    words("no workers", DIGITS + "--workers 0", "--workers: expected a whole number from 1, or auto, got '0'"),
    words(
        "more workers than memory holds",
        "tune --data digits --workers 250",
        "--workers: expected at most 6, ",
        "4.0 GB",
    ),
    words("workers by a word", DIGITS + "--workers many", "--workers: expected a whole number from 1, or auto, got"),
    words("a GPU by a word", DIGITS + "--gpus some", "--gpus: expected all, none or GPUs as nvidia-smi numbers them"),
    words("a GPU that is not there", "tune --data digits --gpus 7", "--gpus: expected none, ", "no GPU here, got 7"),
    words("GPUs of this process", DIGITS + "--gpus none", "--gpus: expected nothing with --executor inline"),
    words("trials per no GPU", "tune --data digits --per-gpu 2", "--per-gpu: expected nothing without a GPU, got 2"),
    words("trials per hidden GPU", "tune --data digits --per-gpu 2 --gpus none", "--per-gpu: ", "--gpus none, got 2"),
    words("no trials per GPU", "tune --data digits --per-gpu 0", "--per-gpu: expected a whole number from 1, or auto"),
    words("stop at 150 %", DIGITS + "--stop-at 1.5", "--stop-at: expected a score that accuracy can reach, 0 to 1"),
    words("stop at no score", DIGITS + "--stop-at nan", "--stop-at: expected a score such as 0.95, got 'nan'"),
    words("stop at a word", DIGITS + "--stop-at best", "--stop-at: expected a score such as 0.95, got 'best'"),
    words("stop at less than 0", DIGITS + "--metric log_loss --stop-at=-1", "--stop-at: ", "log_loss", "at least 0"),
    words("no patience", DIGITS + "--patience 0", "--patience: expected a whole number from 1, got '0'"),
    words("no models kept", DIGITS + "--keep-models 0", "--keep-models: expected a whole number from 1, or all"),
    words(
        "a cluster for a local study", "tune --data digits --ray-address h:1", "--ray-address: expected nothing with "
    ),
    words("no time for a trial", DIGITS + "--trial-timeout 0", "--trial-timeout: expected a time above 0", "'0'"),
    words("a trial of some hours", DIGITS + "--trial-timeout long", "--trial-timeout: expected a time", "'long'"),
    words(
        "a trial that nothing can end",
        DIGITS + "--trial-timeout 2h --executor inline",
        "--trial-timeout: expected an executor that can end a trial, got --executor inline; use --executor local",
    ),
    words(
        "a new study whose failures are to be tried again",
        DIGITS + "--study new --retry-failed",
        "--retry-failed: expected a study that has begun, got the new one new; give its --study",
    ),
    words("negative seed", DIGITS + "--seed -1", "--seed: expected a whole number from 0, got '-1'"),
    words("negative time", DIGITS + "--time -5", "--time: expected a time above 0 such as 10m", "'-5'"),
    words("negative minutes", DIGITS + "--time=-5m", "--time: expected a time above 0", "'-5m'"),
    words("no time", DIGITS + "--time 0s", "--time: expected a time above 0", "'0s'"),
    words("time of no unit", DIGITS + f"--time {'1' * 60}y", "--time: expected a time above 0"),
    words("time without end", DIGITS + f"--time {'9' * 400}", "--time: expected a time above 0"),
    words("image size 0", DIGITS + "--image-size 0", "--image-size: expected 1 to 4096 pixels per side, got '0'"),
    words("image size abc", DIGITS + "--image-size abc", "--image-size: ", "such as 64 or 64x48", "'abc'"),
    words("unknown search", DIGITS + "--search bayes", "--search: ", "did you mean 'bayesian'?", "'bayes'"),
    words("unknown metric", DIGITS + "--metric accurcy", "--metric: ", "did you mean 'accuracy'?", "'accurcy'"),
    words("unknown objective", DIGITS + "--objective score,mac", "--objective: ", "did you mean 'macs'?"),
    words("no score among the objectives", DIGITS + "--objective macs", "--objective: expected score among them"),
    words("a metric as objective", DIGITS + "--objective f1_macro,macs", "--objective: ", "--metric f1_macro"),
    words("objective of before", DIGITS + "--objective accuracy", "'accuracy' is called 'score'", "--metric accuracy"),
    words("the word for the score of before", DIGITS + "--objective value,macs", "'value' is called 'score' now"),
    words("unknown pruner", DIGITS + "--pruner asah", "--pruner: ", "did you mean 'asha'?"),
    words("unknown precision", DIGITS + "--precision float64", "--precision: ", "auto, float32"),
    words("MySQL", DIGITS + "--storage mysql://me:secret@h/d", "--storage: ", "postgresql://", "got 'mysql://h/d'"),
    *(
        words(
            f"a password in a mistyped address, {address}",
            DIGITS + f"--storage '{address}'",
            "--storage: ",
            "got '...@h/d'",
        )
        for address in ("postgresql:me sec: ret@h/d", "postgresql//me:sec ret@h/d")
    ),
    *(
        words(f"storage {address}", DIGITS + f"--storage '{address}'", "--storage: expected a PostgreSQL database", end)
        for address, end in {
            "me:secret@h/d": "got 'h/d'",
            "postgresql//me:secret@h/d": "got 'postgresql//h/d'",
            "postgresql:/me:secret@h/d": "got 'postgresql:/h/d'",
            "host=h password=secret dbname=d": "got 'host=h password=... dbname=d'",
            "postgresql+psycopg2://me:secret@h/d": "got 'postgresql+psycopg2://h/d'",
            "postgresql://me:secret@h": "got 'postgresql://h'",
            "sqlite:///x.db": "got 'sqlite:///x.db'",
        }.items()
    ),
    *(
        words(f"{flag} {text!r}", f"tune --data digits {flag}={shlex.quote(text)}", f"{flag}: expected ", "got ")
        for flag in ("--workers", "--gpus", "--per-gpu", "--executor", "--trial-timeout", "--keep-models", "--storage")
        for text in (" ", "-1", "0x10", "1e3", "nan", "1,x", "a\nb", "\x1b[31m", "9" * 400)
        if (flag, text) != ("--trial-timeout", "9" * 400)
    ),
    *(
        words(f"a job that contradicts itself: {flags}", f"tune --data digits {flags}", f"{flags.split()[0]}: expected")
        for flags in (
            "--workers 2 --executor inline",
            "--per-gpu 2 --executor inline",
            "--gpus 0 --executor ray",
            "--per-gpu 2 --executor ray",
            "--ray-address auto --executor inline",
            "--gpus 0,0",
            "--gpus 0,none",
            "--gpus GPU-1234",
            "--workers 257",
            "--per-gpu 65",
        )
    ),
    words("a host of nobody", "ui --host nowhere.invalid", "--host: expected a name or an address", "nowhere.invalid"),
    of_study("two answers to what is kept", "delete s --models --keep-runs", "--keep-runs: not allowed with"),
    of_study("nobody to ask", "delete s", "--yes: nobody can be asked"),
    of_study("unknown study to delete", "delete t --yes", "unknown study 't'", "studies here: s"),
    words("a folder that is no study to delete", "delete /proc --yes", "unknown study '/proc'"),
    words("no folder of studies", "studies nowhere", "nowhere: no such folder; expected one that holds studies"),
    words("a word for the doctor", "doctor x", "unknown argument 'x'"),
    words("unknown executor", "tune --data digits --executor slurm", "--executor: ", "local, inline, ray"),
    words("try garbage", DIGITS + "--try garbage", "--try: ", "unknown start point garbage"),
    words("try nothing", DIGITS + "--try ' '", "--try: expected name=value"),
    words("limit what is no cost", DIGITS + "--limit mac=5", "--limit: ", "unknown limit mac, did you mean 'macs'?"),
    words(
        "limit by nothing",
        DIGITS + "--limit macs=0",
        "--limit: ",
        "expected a whole number above 0 such as 5_000_000 or 5M, got 0",
    ),
    words("limit without value", DIGITS + "--limit macs", "--limit: expected name=value"),
    words("try a key twice", DIGITS + "--try blocks=1,blocks=2", "--try: blocks is given twice"),
    words("try an unknown key", DIGITS + "--try blokcs=1", "--try: ", "blokcs", "did you mean 'blocks'?"),
    words("try outside the space", DIGITS + "--try blocks=9", "--try: ", "blocks", "9 is outside 2 to 4"),
    words("set garbage", DIGITS + "--set garbage", "--set: expected name=value", "'garbage'"),
    words("set an unknown key", DIGITS + "--set kernal=3", "--set: ", "kernal", "did you mean 'kernel'?"),
    words("set an illegal value", DIGITS + "--set norm=bath", "--set: ", "norm: 'bath' is not one of none, batch"),
    words("weigh classes wrongly", DIGITS + "--class-weight balansed", "--class-weight: ", "did you mean 'balanced'?"),
    words(
        "weigh classes in two ways",
        DIGITS + "--class-weight balanced --set class_weight=none",
        "--class-weight: balanced, but --set has class_weight=none; give one of them",
    ),
    words("set another type", DIGITS + "--set blocks=two", "--set: ", "blocks: expected a whole number, got 'two'"),
    words("a grid without end", DIGITS + "--search grid", "learning_rate is a continuous range", "random or bayesian"),
    words("unknown space", DIGITS + "--space quik", "unknown space quik", "did you mean 'quick'?"),
    words("unknown space to show", "spaces show plane", "unknown space plane", "did you mean 'plain'?"),
    words("unknown study to export", "export missing", "unknown study 'missing'"),
    words("unknown study to sync", "sync missing", "unknown study 'missing'"),
    words("study of dots", DIGITS + "--study ..", "study '..': expected a name"),
    words("port 0", "ui --port 0", "--port: expected a whole number from 1, got '0'"),
    words("port too high", "ui --port 70000", "--port: ", "65535", "70000"),
    words("no store to show", "ui", "mlflow.db: no such file", "run `convtune tune` here first"),
    of_study("unknown study of ui", "ui t", "unknown study 't'", "studies here: s"),
    of_study("ui without a store", "ui s", "mlflow.db: no such file", "`convtune tune`"),
    of_study("unknown study", "trials t", "unknown study 't'", "studies here: s"),
    of_study("unknown study to go on with", "tune --study t", "'t'", "studies here: s; to start one, add --data"),
    of_study("unknown study to explain", "explain t photo.png", "unknown study 't'", "studies here: s"),
    of_study("study without a model", "explain s photo.png", "study s: no trial has a model", "trials s"),
    of_study("unknown column", "trials s --where socre>0.5", "--where", "'socre'", "did you mean 'score'?"),
    of_study("where without value", "trials s --where score>", "--where: expected COLUMN"),
    of_study("where of a word", "trials s --where score>high", "--where", "score is a number, got 'high'"),
    of_study("unknown column to sort", "trials s --sort accuracy", "--sort: unknown column 'accuracy'"),
    of_study("no second study", "trials s t", "unknown study 't'", "studies here: s"),
    of_study(
        "comparison by params", "trials s ./studies/s --sort blocks", "unknown column 'blocks'", "columns of a comp"
    ),
    of_study("parquet over a file", "trials s --parquet studies/s/job.yaml", "--parquet: studies/s/job.yaml is there"),
    of_study("parquet over a folder", "trials s --parquet studies", "--parquet: studies is a folder"),
    of_study("parquet and csv", "trials s --parquet x --csv", "--csv: not allowed with argument --parquet"),
    of_study("top 0", "trials s --top 0", "--top: expected a whole number from 1, got '0'"),
    of_study("unknown format", "export s --format kers", "--format: unknown 'kers'", "did you mean 'keras'?"),
    of_study("trial not there", "export s --trial 7", "trial 7 does not exist"),
    of_study("empty flags of export", "export s --trial '' --output ''", "no trial has a model; the files", "trials s"),
    case(
        "try what these images are too small for",
        bad.text("mine.yaml", "family: plain\nhyperparameters: {kernel: {choice: [1, 15]}, padding: valid}\n"),
        DIGITS + "--space mine.yaml --try kernel=15",
        "--try: ",
        "change the point",
        "or the images' size",
    ),
]

DATA = [
    words("missing folder", TUNE + "photos", "photos: no such dataset", "expected an image folder"),
    words("misspelt name", TUNE + "digit", "digit: no such dataset", "did you mean 'digits'?"),
    words("home of nobody", TUNE + "~nobody-here/x", "~nobody-here/x: no such dataset"),
    words("name too long", TUNE + "a" * 300 + " --study s", "no such dataset"),
    photos("a text file", bad.text("photos", "x"), "photos: neither a folder nor an .npz file"),
    photos("empty folder", bad.folder("photos"), "photos: the folder is empty", "expected a folder of images for each"),
    photos("no class folders", bad.no_class_folder, "photos: no class folders in it"),
    photos("one class", bad.one_class, "photos: only one class, 'class0'", "at least two"),
    photos("class without images", bad.class_without_images, "photos/class2: no images", "add some or remove"),
    photos("class with one image", bad.one_image_in_a_class, "class 'rare' has 1 training image;", "add images"),
    photos("class in one split only", bad.class_only_in_test, "'fox' is in test and not in train"),
    photos("truncated JPEG", bad.truncated_jpeg, "1 of 9 images cannot be read", "10%", "remove class0/cut.jpg (image"),
    photos("decompression bomb", bad.bomb, "1 of 9 images cannot be read", "class0/bomb.png (too large)"),
    photos("text as .png", bad.text_as_png, "replace or remove class1/notes.png (not an image)"),
    npz("dangling link", bad.link("data.npz", "gone"), "no such dataset"),
    npz("no archive", bad.text("data.npz", "no arrays"), "not a readable .npz file", "numpy.savez"),
    npz("pickled objects", bad.pickled, "y_train holds pickled Python objects, which are never loaded"),
    npz("a pickle", bad.pickle_file, "not a readable .npz file", "numpy.savez"),
    arrays("no images in it", {"x_train": None}, "x_train is missing"),
    arrays("unknown array", {"x_tset": np.zeros(1)}, "unknown array 'x_tset'", "did you mean 'x_test'?"),
    arrays("images of rank 2", {"x_train": np.zeros((20, 64), "u1")}, "x_train", "(20, 64); expected (n, height, "),
    arrays("images of 2 channels", {"x_train": np.zeros((20, 8, 8, 2), "u1")}, "x_train", "1, 3 or 4 channels"),
    arrays("too few labels", {"y_train": np.arange(19) % 2}, "y_train has the shape (19,); expected (20,)"),
    arrays("several labels", {"y_train": np.ones((20, 2), int)}, "y_train[0] is not one-hot: expected a single 1"),
    arrays("float labels", {"y_train": np.arange(20) % 2 * 0.5}, "y_train: a label is 0.5; expected whole numbers"),
    arrays("labels from -1", {"y_train": np.arange(20) % 2 - 1}, "y_train: a label is -1; expected 0 to"),
    arrays("one label", {"y_train": np.zeros(20, int)}, "y_train: only one class"),
    arrays("label with one image", {"y_train": np.arange(20) // 19}, "class '1' has 1 training image;"),
    arrays(
        "label of another split",
        {"x_test": np.zeros((1, 8, 8), "u1"), "y_test": [5]},
        "class '5' has 0 training images",
    ),
    arrays("pixels of -3", {"x_train": np.full((20, 8, 8), -3)}, "x_train: pixels of -3; expected 0..65,535"),
    arrays("complex pixels", {"x_train": np.zeros((20, 8, 8), complex)}, "x_train: pixels are complex128"),
    case(
        "too few classes for a metric",
        bad.npz(),
        TUNE + "data.npz --metric top5_accuracy",
        "--metric: top5_accuracy needs at least 6 classes, and data has 2",
    ),
    npz("NaN pixel", bad.nan_pixel, "x_train[3, 1, 2] is nan; expected finite pixels"),
]

CIRCLE = "norm: {choice: [none, batch], when: {head: flatten}}, head: {choice: [flatten, average], when: {norm: batch}}"
SPACES = [
    words("missing space file", DIGITS + "--space mine.yaml", "mine.yaml: no such file"),
    case("space file is a folder", bad.folder("mine.yaml"), DIGITS + "--space ./mine.yaml", "mine.yaml: is a folder"),
    case("space of bytes", bad.content("b.yml", b"\xff\xfe"), DIGITS + "--space b.yml", "b.yml: ", "not UTF-8 text"),
    space("YAML error", "family: plain\nhyperparameters: {blocks: [1\n", "line 3, column 1: "),
    space("tab in YAML", "family: plain\nhyperparameters:\n\tblocks: 1\n", "line 3, column 1: "),
    space("a tag that runs code", "family: !!python/object/apply:os.mkdir [executed]\n", "line 1, column 9: "),
    space("empty space file", "", "the file is empty"),
    space("unknown key", "family: plain\nparmeters: {}\n", "did you mean 'hyperparameters'?", "unknown key parmeters"),
    space(
        "key of before", "family: plain\nparameters: {blocks: 2}\n", "parameters: this key is called hyperparameters"
    ),
    space("key twice", "family: plain\nfamily: plain\n", "line 2, column 1: duplicate key 'family'"),
    space("unknown family", "family: plane\n", "did you mean 'plain'?", "family: unknown family plane"),
    space("unknown limit", "family: plain\nlimits: {mac: 5}\n", "did you mean 'macs'?", "limits: unknown key mac"),
    space("limit of 0", "family: plain\nlimits: {macs: 0}\n", "limits: macs: expected a whole number above 0"),
    space(
        "memory of 0",
        "family: plain\nlimits: {memory: 0GB}\n",
        "limits: memory: expected bytes above 0 (more than 1 MB)",
    ),
    space("memory in words", "family: plain\nlimits: {memory: 2 gigs}\n", "2 gigs", "limits: memory: expected bytes"),
    space("no latency", "family: plain\nlimits: {latency_ms: 0}\n", "limits: latency_ms: expected milliseconds"),
    space("latency below 0", "family: plain\nlimits: {latency_ms: -2}\n", "-2", "limits: latency_ms: expected milli"),
    space("latency in words", "family: plain\nlimits: {latency_ms: fast}\n", "fast", "limits: latency_ms: expected"),
    space("start outside", "family: plain\nstart_from: [{blocks: 5}]\n", "start_from, point 1: blocks: 5 is outside"),
    space(
        "start without network",
        "family: plain\nhyperparameters: {groups: {choice: [1, 3]}}\nstart_from: {a: {groups: 3}}\n",
        "3 groups do not divide",
        "start_from, point a: no network on any image: ",
    ),
    space("start of what", "family: plain\nstart_from: [{blocs: 5}]\n", "mean 'blocks'?", "start_from, point 1: "),
    hyperparameter(
        "unknown hyperparameter", "fliters: 8", "did you mean 'filters'?", ".fliters: unknown hyperparameter"
    ),
    hyperparameter("unknown form", "blocks: {itn: [1, 2]}", "did you mean 'int'?", ".blocks: unknown key itn"),
    hyperparameter("empty choice", "filters: {choice: []}", ".filters: choice is empty; list at least one value"),
    hyperparameter("a choice twice", "filters: {choice: [8, 8]}", ".filters: choice lists 8 twice"),
    hyperparameter("reversed range", "blocks: {int: [3, 1]}", ".blocks: the range is reversed: 3 is above 1"),
    hyperparameter(
        "log of 0", "dropout: {float: [0, 0.5], log: true}", ".dropout: log needs a lowest value above 0, got 0"
    ),
    hyperparameter("step of 0", "dropout: {float: [0, 0.5], step: 0}", ".dropout: step: expected a number above 0"),
    hyperparameter("illegal constant", "dropout: 1.5", ".dropout: 1.5 is above"),
    hyperparameter(
        "unknown parent", "filters: {choice: [8], when: {blokcs: 1}}", "'blocks'?", ".filters: when: blokcs: "
    ),
    hyperparameter(
        "impossible parent", "blocks: 2, filters: {choice: [8], when: {blocks: 3}}", ".filters: when: blocks can"
    ),
    hyperparameter("cycle", CIRCLE, "norm -> head -> norm", ": conditions form a cycle: "),
]

JOBS = [
    words("missing job", "tune job.yaml", "job.yaml: no such file"),
    job("YAML error in a job", "data: digits\ntrials: [1\n", "line 3, column 1: "),
    job("list as a job", "- digits\n", "expected 'key: value' lines"),
    job("unknown key of a job", "data: digits\ntrails: 3\n", "unknown key 'trails'", "did you mean 'trials'?"),
    job("list as a number", "data: digits\ntrials: [3]\n", "trials: expected a whole number from 1, got [3]"),
    job("true as a number", "data: digits\nepochs: true\n", "epochs: expected a whole number from 1, got True"),
    job("number as a path", "data: 5\n", "data: expected a word, got 5"),
    job(
        "metric as an objective", "data: digits\nobjective: accuracy\n", "objective: 'accuracy' is called 'score' here"
    ),
    job("unknown metric of a job", "data: digits\nmetric: f1\n", "metric: expected one of accuracy, "),
    case("zero byte in a name", bad.text("j.yaml", 'data: digits\nstudy: "a\\0b"\n'), "tune j.yaml", "expected a name"),
    case("job without data", bad.text("j.yaml", "trials: 3\n"), "tune j.yaml", "--data is missing"),
    case("damaged job of a study", bad.text("studies/s/job.yaml", "data: [\n"), "tune --study s", "job.yaml: line 2, "),
    case(
        "job of a study from before scores",
        bad.text("studies/s/job.yaml", "data: digits\nobjective: accuracy,macs\n"),
        "tune --study s",
        "studies/s/job.yaml: objective: 'accuracy' is called 'score' here",
        "metric: accuracy",
    ),
    case("study of no identity", bad.text("studies/s/job.yaml", "data: digits\n"), DIGITS + "--study s", "study.json"),
    case("damaged storage", bad.both(bad.begun, bad.text("studies/s/optuna.db", "x" * 999)), "trials s", "optuna.db: "),
]

PLACES = [
    words("study in /proc", DIGITS + "--study /proc/x/y", "/proc/x/y: cannot write there", "choose a --study path"),
    words("study name too long", DIGITS + "--study " + "a" * 300, "cannot write there (File name too long)"),
    words("new folders above the study", TUNE + "photos --study a/b/c", "photos: no such dataset"),
    words("a way up and down", TUNE + "photos --study a/../../b/c", "photos: no such dataset"),
    case(
        "study in a folder of the user's", bad.folder("mine"), TUNE + "photos --study ./mine", "photos: no such dataset"
    ),
    words("a worker is there already", "tune --data photos --study a/b", "photos: no such dataset"),
    case("study below a file", bad.text("file", ""), DIGITS + "--study file/s", "file/s: cannot write there"),
    case("studies is a file", bad.text("studies", ""), DIGITS, "studies/digits-quick-1: cannot write there"),
    case(
        "export below a file",
        bad.begun_with(bad.model),
        "export s --format keras --output studies/s/job.yaml/x",
        "studies/s/job.yaml/x: cannot write there",
        "choose another --output",
    ),
]

NO_MODEL = [
    ("missing model", bad.nothing, ("m.keras: no such model file", "convtune export")),
    ("text as model", bad.text("m.keras", "no model"), ("m.keras: expected a .keras file", "convtune export")),
    ("zip that is no model", bad.plain_zip, ("m.keras: a model without class names", "convtune export")),
    ("metadata of another shape", bad.metadata_only(shape=[8]), ("m.keras: a model without class names",)),
    ("metadata of one word", bad.metadata_only(classes="01"), ("m.keras: a model without class names",)),
]
MODELS = [
    *(predict(f"{name} to predict", make, *parts) for name, make, parts in NO_MODEL),
    *(evaluate(f"{name} to evaluate", make, *parts) for name, make, parts in NO_MODEL),
    predict("metadata without model", bad.metadata_only(), "m.keras: Keras cannot read this model"),
    predict("code to predict with", bad.lambda_model(), "m.keras: Keras cannot read this model", "Lambda"),
    case("code to evaluate", bad.both(bad.lambda_model(), bad.npz()), "evaluate m.keras --data data.npz", "Lambda"),
    case("code to export", bad.begun_with(bad.lambda_model), "export s", "0000/model.keras: Keras cannot", "Lambda"),
    case(
        "text to export",
        bad.begun_with(lambda path: bad.text(path, "no model")),
        "export s",
        "studies/s/trials/0000/model.keras: expected a .keras file",
    ),
    evaluate("other classes", bad.metadata_only(), "m.keras: expected data with classes of the model", "also has 2, 3"),
    case("no data", bad.metadata_only(), "evaluate m.keras", "--data"),
    case("missing data", bad.metadata_only(), "evaluate m.keras --data photos", "photos: no such dataset"),
    case(
        "unknown split", bad.metadata_only(), "evaluate m.keras --data digits --split tset", "--split: ", "mean 'test'?"
    ),
    case("empty seed", bad.metadata_only(), "evaluate m.keras --data digits --seed ''", "with classes of the model"),
    case("missing images", bad.model(), "predict m.keras a.png b.png", "a.png: does not exist; expected an image"),
    case("no image in a folder", bad.both(bad.metadata_only(), bad.folder("d")), "predict m.keras d", "d: no image in"),
    case("glob without match", bad.metadata_only(), "predict m.keras '*.webp'", "*.webp: no file matches"),
    case(
        "no class to show",
        bad.metadata_only(),
        "predict m.keras x.png --top 0",
        "--top: expected a whole number from 1",
    ),
]


def explain(name, make, flags, *parts):
    """``explain`` with one good image."""
    return case(name, bad.both(make, lambda: bad.photo("p.png")), f"explain m.keras p.png {flags}", *parts)


EXPLAIN = [
    explain("missing model to explain", bad.nothing, "", "m.keras: no such model file"),
    explain("text as model to explain", bad.text("m.keras", "no model"), "", "m.keras: expected a .keras file"),
    explain("code to explain", bad.lambda_model(), "", "m.keras: Keras cannot read this model", "Lambda"),
    explain("no convolutions", bad.dense_model, "", "m.keras: expected a network with convolutions (Conv2D)"),
    explain("two inputs", bad.two_inputs, "", "expected a model with one image input, got 2 inputs (image, numbers)"),
    explain("unknown layer", bad.model(), "--unit cnv:0,0", "--unit: no layer 'cnv' with a map, did you mean 'conv'?"),
    explain("no such unit", bad.model(), "--unit conv:6,0", "--unit: conv has a map of 6x6", "got 6,0"),
    explain("no unit", bad.model(), "--unit 5", "--unit: expected LAYER:ROW,COLUMN"),
    explain("output over files", bad.both(bad.model(), bad.text("d/x", "")), "--output d", "d holds other files"),
    explain("output below a file", bad.both(bad.model(), bad.text("f", "")), "--output f/d", "f/d: cannot write there"),
    case("text", bad.both(bad.model(), bad.text("x.png", "a")), "explain m.keras x.png", "x.png: not an image"),
    case("nothing to explain", bad.both(bad.metadata_only(), bad.folder("d")), "explain m.keras d", "d: no image in"),
]


@pytest.mark.parametrize(("make", "command", "parts"), COMMAND_LINES + DATA + SPACES + JOBS + PLACES + MODELS + EXPLAIN)
def test_one_line_exit_code_2_and_nothing_left_behind(capfd, make, command, parts):
    make()
    line = refused(capfd, command)
    assert [part for part in parts if part not in line] == [], line
    assert not Path(bad.PROOF).exists()


@pytest.fixture
def silent():
    """The address of a port that nothing listens on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


@pytest.mark.parametrize(
    ("uri", "part"),
    [
        ("http://127.0.0.1:port", "Invalid url"),
        ("foo://bar", "foo://bar: MLflow's store cannot be used"),
        ("http://[::1", "Invalid IPv6 URL"),
        ("sqlite:///", "expected a file, as in sqlite:///mlflow.db"),
        ("sqlite:////proc/x/mlflow.db", "/proc/x/mlflow.db: expected MLflow's SQLite file or a place for it"),
    ],
)
def test_a_store_that_cannot_be(capfd, monkeypatch, uri, part):
    """One that does not answer is waited for: tests/end_to_end/test_mlflow_away.py."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert part in refused(capfd, DIGITS)


def test_without_a_command_the_help_is_shown_and_nothing_has_been_done(capfd):
    assert run("") == 2
    out, err = capfd.readouterr()
    assert out.startswith("usage: convtune ")
    assert "search for the best network" in out
    assert err == ""


def test_a_store_that_is_no_database(capfd):
    Path("mlflow.db").write_text("dear diary" * 99)
    assert "mlflow.db: expected MLflow's SQLite file or a place for it: file is not" in refused(capfd, DIGITS)


def test_a_store_that_is_another_database(capfd):
    with closing(sqlite3.connect("mlflow.db")) as database:
        database.execute("CREATE TABLE songs (title TEXT)")
    assert "mlflow.db: an SQLite file, but none of MLflow's" in refused(capfd, DIGITS)


def test_a_cache_that_cannot_be_written(capfd, monkeypatch):
    monkeypatch.setenv("CONVTUNE_CACHE", "/proc/x")
    nothing_to_measure = DIGITS + "--image-size 8 --limit macs=none"
    assert "/proc/x: the cache cannot be written" in refused(capfd, nothing_to_measure)


def test_a_port_that_is_taken(capfd):
    Path("mlflow.db").touch()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert f"--port: cannot listen on 127.0.0.1:{port}" in refused(capfd, f"ui --port {port}")


def test_a_folder_that_is_gone(capfd, here):
    (here / "gone").mkdir()
    os.chdir(here / "gone")
    (here / "gone").rmdir()
    assert run(DIGITS) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("convtune: ")
    os.chdir(here)


def start(command):
    """The command in a process of its own, as a terminal starts it."""
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline", *shlex.split(command)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "command", "part"),
    [
        (bad.nothing, "tune --trails 3", "did you mean '--trials'?"),
        (bad.pickled, "tune --data data.npz --workers 1", "never loaded"),
    ],
)
def test_in_a_process_of_its_own_with_its_worker(capfd, make, command, part):
    make()
    assert part in refused(capfd, command, lambda command: start(command).wait(60))
    assert not Path(bad.PROOF).exists()


@pytest.mark.slow
def test_a_backend_that_is_not_there_is_one_line_and_leaves_no_study(capfd, here, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "nonsense")
    assert start("tune --data digits --study mine").wait(60) == 2
    out, err = capfd.readouterr()
    lines = without_progress(err)
    assert len(lines) == 1, err
    [line] = lines
    assert (out, line.startswith("convtune: KERAS_BACKEND=nonsense: Keras cannot start")) == ("", True)
    assert not Path("studies").exists()


def test_a_name_that_cannot_be_encoded_is_printed_all_the_same(capfd, here):
    name = os.fsdecode(b"photo\xff.png")
    bad.photo("photo.png")
    Path("photo.png").rename(name)
    bad.model()()
    assert main(["predict", "m.keras", name, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)[0]["file"] == r"photo\xff.png"


@pytest.mark.slow
def test_ctrl_c_while_images_are_read(capfd, here, monkeypatch, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("CONVTUNE_CACHE", str(cache))
    images, labels = np.zeros((20_000, 64, 64), np.uint8), np.arange(20_000) % 2
    np.savez("data.npz", x_train=images, y_train=labels)
    process = start("tune --data data.npz --image-size 100 --workers 1")
    deadline = time.monotonic() + 60
    while not list(cache.glob("entries/.*/images.npy")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(20) == 130
    out, err = capfd.readouterr()
    assert (out, without_progress(err)) == ("", ["convtune: interrupted"])
    assert [path.name for path in here.iterdir()] == ["data.npz"]
    assert list(cache.glob("entries/*")) == []
