"""``convtune explain``."""

import argparse
from contextlib import nullcontext

import keras
import numpy as np
import pytest
from PIL import Image

from pipeline.cli import explain, main
from pipeline.errors import ConvtuneError
from pipeline.executors import InlineExecutor
from tests.export.tiny_model import write_tiny_model


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "pipeline.training.worker.keras_worker", lambda description, **environment: nullcontext(InlineExecutor())
    )
    for name, grey in (("dark.png", 0), ("light.png", 250)):
        Image.fromarray(np.full((9, 12, 3), grey, np.uint8)).save(name)
    return tmp_path


def run(*words):
    parser = argparse.ArgumentParser()
    explain.arguments(parser)
    return explain.run(parser.parse_args(words))


def test_a_page_and_pictures_of_some_images(here, capsys):
    write_tiny_model(here / "m.keras")
    (here / "no.png").write_text("milk")
    assert run("m.keras", "*.png", "--top", "2", "--unit", "conv:0,5") == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0].startswith("dark.png: predicted cat (0.")
    assert lines[1].startswith("light.png: predicted owl (0.")
    assert lines[2] == "Page:      explain/m/index.html"
    assert said.err.startswith("warning: no.png: ")
    html = (here / "explain" / "m" / "index.html").read_text()
    assert (
        html.count("Receptive field of unit 0,5 of the 6x6 map of conv") == 2 * 2
    )  # caption and text for those who do not see
    assert html.count("Grad-CAM: ") == 2


def test_line_breaks_and_terminal_codes_in_names(here, capsys):
    write_tiny_model(here / "m.keras", classes=("a\nb", "c\x1b[31m", "<b>\x85"))
    (here / "dark.png").rename("da\nrk.png")
    assert run("m.keras", "da\nrk.png") == 0
    assert capsys.readouterr().out.startswith(r"da\nrk.png: predicted a\nb (0.")
    html = (here / "explain" / "m" / "index.html").read_text()
    assert r"&lt;b&gt;\x85" in html
    assert "\x1b" not in html


def test_the_best_model_of_a_study(here, capsys):
    write_tiny_model(here / "studies" / "mine" / "best.keras")
    (here / "studies" / "mine" / "job.yaml").write_text("data: digits\n")
    assert run("mine", "dark.png") == 0
    assert (here / "explain" / "mine" / "index.html").is_file()
    assert run("./studies/mine", "dark.png", "--output", "out") == 0
    assert (here / "out" / "1-dark.png").is_file()


def test_black_may_be_a_negative_number(here, capsys):
    images = keras.Input((8, 8, 3))
    keras.Model(images, keras.layers.Conv2D(2, 3)(images)).save("other.keras")
    assert main(["explain", "other.keras", "dark.png", "--pixels", "-1", "1"]) == 0
    html = (here / "explain" / "other" / "index.html").read_text()
    assert "Pixels entered the model as -1 (black) to 1 (white), as requested." in html


@pytest.mark.parametrize("word", ["./m.keras", "folder//m.keras", "folder/../m.keras"])
def test_the_default_output_of_a_file_however_it_is_written(here, capsys, word):
    for place in (here, here / "folder"):
        write_tiny_model(place / "m.keras")
    assert run(word, "dark.png") == 0
    assert [path.name for path in (here / "explain").iterdir()] == ["m"]


def test_an_archive_with_a_damaged_directory(here):
    path = write_tiny_model(here / "m.keras")
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02")] = 0
    path.write_bytes(content)
    with pytest.raises(ConvtuneError, match=r"m\.keras: expected a \.keras file"):
        run("m.keras", "dark.png")


def test_an_output_that_is_not_allowed_is_refused_before_any_work(here, monkeypatch):
    write_tiny_model(here / "m.keras")
    monkeypatch.setattr("pipeline.training.worker.keras_worker", lambda what: pytest.fail("work"))
    with pytest.raises(ConvtuneError, match=r"--output: \. holds other files"):
        run("m.keras", "dark.png", "--output", ".")


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--unit", "conv"], "expected LAYER:ROW,COLUMN"),
        (["--unit", "conv:1"], "expected LAYER:ROW,COLUMN"),
        (["--unit", ":1,2"], "expected LAYER:ROW,COLUMN"),
        (["--unit", "conv:-1,2"], "expected LAYER:ROW,COLUMN"),
        (["--pixels", "0", "white"], "--pixels: expected a number, got 'white'"),
        (["--pixels", "1", "1"], "expected two different numbers"),
        (["--pixels", "0", "inf"], "--pixels: expected a number, got 'inf'"),
        (["--top", "0"], "--top: expected a whole number from 1"),
    ],
)
def test_flags_that_are_not_allowed(words, part, capsys):
    try:
        code = main(["explain", "m.keras", "dark.png", *words])
    except SystemExit as end:  # argparse's way
        code = end.code
    assert code == 2
    assert part in capsys.readouterr().err


def test_a_page_of_more_images_than_anybody_reads(here):
    write_tiny_model(here / "m.keras")
    with pytest.raises(ConvtuneError, match="at most 100 images on a page, got 101"):
        run("m.keras", *["dark.png"] * 101)
