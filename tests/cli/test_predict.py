"""``convtune predict``."""

import argparse
import csv
import json
import shutil
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.cli import predict
from pipeline.errors import DataError, JobError, ModelError
from pipeline.executors import InlineExecutor
from pipeline.export import formats
from tests.export.added_format import ADDED
from tests.export.tiny_model import write_tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(write_tiny_model(tmp_path_factory.mktemp("model") / "model.keras"))


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pipeline.training.worker.model_worker", lambda description: nullcontext(InlineExecutor()))
    for name, grey in (("z.png", 0), ("b/2.png", 255), ("b/1.JPG", 0), ("b/deep/3.bmp", 128), ("[x].png", 5)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((9, 12, 3), grey, np.uint8)).save(tmp_path / name)
    (tmp_path / "b" / "notes.txt").write_text("no image")
    (tmp_path / "nothing").mkdir()
    return tmp_path


def run(*words):
    parser = argparse.ArgumentParser()
    predict.arguments(parser)
    return predict.run(parser.parse_args(words))


def test_one_line_per_file_best_class_first(model, photos, capsys):
    assert run(model, "z.png", "b/2.png") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["z.png", "cat"], ["b/2.png", "owl"]]
    for line in lines:
        shares = [float(word) for word in line.split()[2::2]]
        assert len(shares) == 3
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(1, abs=0.02)


def test_json(model, photos, capsys):
    assert run(model, "z.png", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert list(row) == ["file", "class", "probability", "probabilities"]
    assert row["file"] == "z.png"
    assert row["class"] == next(iter(row["probabilities"])) == "cat"
    assert row["probability"] == row["probabilities"]["cat"]
    assert set(row["probabilities"]) == {"cat", "dog", "owl"}
    assert sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-4)


def test_top(model, photos, capsys):
    run(model, "z.png", "--top", "1", "--json")
    assert list(json.loads(capsys.readouterr().out)[0]["probabilities"]) == ["cat"]


def test_a_bad_file_is_warned_of_and_the_rest_goes_on(model, photos, capsys):
    assert run(model, "b/notes.txt", "z.png", "missing.png", "--json") == 1
    said = capsys.readouterr()
    assert [row["file"] for row in json.loads(said.out)] == ["z.png"]
    warnings = said.err.splitlines()
    assert len(warnings) == 2
    assert warnings[0].startswith("warning: b/notes.txt: ")
    assert warnings[1].startswith("warning: missing.png: ")


def test_csv(photos, capsys):
    odd = write_tiny_model(photos / "odd.keras", classes=("file", 'a "b", c', "probability"))
    shutil.copy("z.png", "b/x, y.png")
    assert run(str(odd), "b", "--csv") == 0
    said = capsys.readouterr()
    header, *rows = csv.reader(said.out.splitlines())
    columns = ["probability_file", 'probability_a "b", c', "probability_probability"]
    assert header == ["file", "class", "probability", *columns]
    assert [row[0] for row in rows] == ["b/1.JPG", "b/2.png", "b/deep/3.bmp", "b/x, y.png"]
    for row in rows:
        shares = [float(cell) for cell in row[3:]]
        assert sum(shares) == pytest.approx(1, abs=1e-5)
        assert float(row[2]) == max(shares) == float(row[3 + odd_classes(header).index(row[1])])
    assert said.err == "b: passed over 1 file that is no image (1 .txt)\n"


def odd_classes(header):
    return [column.removeprefix("probability_") for column in header[3:]]


@pytest.mark.parametrize(
    ("form", "printed"), [([], ""), (["--json"], "[]\n"), (["--csv"], "file,class,probability,probability_cat,")]
)
def test_where_no_file_can_be_read_the_table_is_empty(model, photos, capsys, form, printed):
    assert run(model, "b/notes.txt", "missing.png", *form) == 1
    said = capsys.readouterr()
    assert said.out.startswith(printed)
    assert said.out.count("\n") == len(form)
    assert [line.split(": ")[1] for line in said.err.splitlines()][:2] == ["b/notes.txt", "missing.png"]
    assert said.err.splitlines()[2] == "warning: none of the 2 files could be read as an image"


def test_of_many_classes_a_line_has_the_first_five(photos, capsys):
    many = str(write_tiny_model(photos / "many.keras", classes=tuple(f"class-{number}" for number in range(100))))
    assert run(many, "z.png", "b/2.png") == 0
    said = capsys.readouterr()
    assert [len(line.split()) for line in said.out.splitlines()] == [1 + 2 * 5] * 2
    assert said.err == "note: the 5 most probable of 100 classes; --top N shows more, --csv and --json all\n"
    for more, shown in ((["--top", "7"], 7), (["--json"], 100)):
        run(many, "z.png", *more)
        said = capsys.readouterr()
        assert (said.out.count("class-") - ("--json" in more), said.err) == (shown, "")


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"]])
def test_a_file_that_cannot_be_read_is_in_the_exit_code(model, photos, capsys, form):
    (photos / "b" / "broken.png").write_text("milk")
    assert run(model, "b", *form) == 1
    said = capsys.readouterr()
    assert said.out.count("b/2.png") == 1
    assert "broken.png" not in said.out
    assert said.err.splitlines()[-1].startswith("warning: b/broken.png: not an image; ")


def test_another_format_gives_the_same(model, photos, capsys):
    added = photos / "model.json"
    ADDED.write(Path(model), added, None)
    printed = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(formats, "FORMATS", {**formats.FORMATS, "added": ADDED})
        for word in (model, str(added)):
            assert run(word, "b", "--csv") == 0
            printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]


def test_csv_has_all_classes(model, photos):
    with pytest.raises(JobError, match="--top: CSV has a column for each class"):
        run(model, "z.png", "--csv", "--top", "2")


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_model_that_gives_no_numbers(photos, capsys, form):
    broken = write_tiny_model(photos / "broken.keras", bias=float("nan"))
    with pytest.raises(ModelError, match=r"broken\.keras: expected probabilities, but the model gives NaN"):
        run(str(broken), "missing.png", "z.png", *form)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["missing.png", "b/none.png"], DataError, "missing.png: does not exist; expected an image file or a folder"),
        (["nothing"], DataError, "nothing: no image in this folder"),
        (["*.webp"], DataError, r"\*\.webp: no file matches"),
    ],
)
def test_bad_input(model, photos, words, error, message):
    with pytest.raises(error, match=message):
        run(model, *words)


@pytest.mark.parametrize("top", ["0", "-1", "1.5", "x", "9" * 5000])
def test_top_must_be_a_whole_number(model, photos, capsys, top):
    with pytest.raises(SystemExit) as caught:
        run(model, "z.png", f"--top={top}")
    assert caught.value.code == 2
    assert "--top: expected a whole number from 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("model", "message"),
    [("absent.keras", "no such model file"), ("z.png", "expected a model such as model.keras"), ("b", "b: ")],
)
def test_what_is_not_a_model(photos, model, message):
    with pytest.raises(ModelError, match=message):
        run(model, "z.png")
