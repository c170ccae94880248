"""The folder that somebody without convtune can use."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from pipeline.data.decode import decode
from pipeline.errors import ModelError
from pipeline.export import FORMATS, export
from pipeline.export.export_folder import new_export, script_name, write_beside
from pipeline.export.samples import make_up_samples
from pipeline.study.model_metadata import read_metadata
from pipeline.training.predict import predict_arrays
from tests.export.image_files import save_deep
from tests.export.tiny_model import write_tiny_model

CLASSES = ("cat", "dog | wolf", "über")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("model") / "model.keras", CLASSES, shape=(8, 10, 3))


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    target = tmp_path_factory.mktemp("exports") / "mine"
    made_up = make_up_samples((8, 10, 3))
    samples = replace(made_up, calibration=made_up.images)
    with new_export(target) as folder:
        results = export(model, folder, list(FORMATS), samples)
        write_beside(folder, read_metadata(model), results, samples.source, "# Card\n")
    return target


def test_everything_is_there(exported):
    scripts = {script_name(export_format.key) for export_format in FORMATS.values()}
    models = {export_format.file_name for export_format in FORMATS.values()}
    beside = {"labels.json", "signature.json", "model_card.md", "read_image.py"}
    assert {path.name for path in exported.iterdir()} == scripts | models | beside
    assert json.loads((exported / "labels.json").read_text("utf-8")) == list(CLASSES)
    assert os.listdir(exported.parent) == ["mine"]


def test_the_signature(exported):
    signature = json.loads((exported / "signature.json").read_text("utf-8"))
    assert signature["proven_on"] == "100 images of random pixels"
    assert (signature["mode"], signature["white"]) == ("RGB", None)
    onnx, int8 = signature["formats"]["onnx"], signature["formats"]["litert_int8"]
    assert (onnx["file"], onnx["shape"], onnx["size"]) == ("model.onnx", [None, None, None, 3], None)
    assert onnx["pixels"] == "float32"
    assert onnx["range"] == "0 to 255; as float32 also 0 to 1, with fractions"
    assert (int8["file"], int8["shape"], int8["size"]) == ("model_int8.tflite", [None, 8, 10, 3], [10, 8])
    assert (int8["pixels"], int8["range"]) == ("float32", "0 to 255")
    assert 0 <= onnx["proof"]["difference"] <= 1e-4
    assert onnx["output_shape"] == [None, 3]


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_the_script_classifies_where_convtune_is_not(name, model, exported, tmp_path):
    """A large picture, turned by its EXIF tag, one with transparency, and some of more than 8 bits."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (60, 80, 3), np.uint8)
    upright = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    clear = Image.fromarray(np.dstack([pixels, np.zeros((60, 80), np.uint8)]), "RGBA")
    clear.save(tmp_path / "clear.png")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    script = exported / script_name(FORMATS[name].key)
    (tmp_path / "notes.png").write_text("no picture")
    deep = save_deep(tmp_path, 8, 10)
    images = ["turned.png", "clear.png", *(file.name for file in deep)]
    command = [sys.executable, str(script), *images, "notes.png"]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr.splitlines()[-1]) == (1, "notes.png: cannot identify image file 'notes.png'")
    lines = ran.stdout.splitlines()
    decoded = [decode(file, (8, 10, 3)) for file in deep]
    expected = [predict_arrays(model, image[None])[0] for image in (pixels, np.full_like(pixels, 255), *decoded)]
    for line, file, probabilities in zip(lines, images, expected, strict=True):
        path, _, rest = line.partition(": ")
        label, _, probability = rest.rpartition(" ")
        assert (path, label) == (file, CLASSES[probabilities.argmax()])
        tolerance = 1e-4 if FORMATS[name].exact else 0.1
        assert float(probability) == pytest.approx(probabilities.max(), abs=tolerance)


@pytest.mark.slow
def test_a_script_without_images_says_how_it_is_used(exported):
    ran = subprocess.run([sys.executable, str(exported / "predict_onnx.py")], capture_output=True, text=True)
    assert ran.returncode == 1
    assert "python predict_onnx.py IMAGE" in ran.stderr


@pytest.mark.slow
def test_a_script_says_in_one_line_that_an_image_is_missing(exported):
    ran = subprocess.run([sys.executable, exported / "predict_onnx.py", "gone.png"], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "gone.png: [Errno 2] No such file or directory: 'gone.png'\n"


def test_a_model_card_that_somebody_has_changed_is_not_replaced(exported, tmp_path):
    folder = shutil.copytree(exported, tmp_path / "mine")
    card = folder / "model_card.md"
    with new_export(folder) as unchanged:
        shutil.copytree(exported, unchanged, dirs_exist_ok=True)
    card.write_text("# Card\nLicence: CC0\n")
    with pytest.raises(ModelError, match=r"model_card\.md is not as convtune wrote it"), new_export(folder):
        pytest.fail("entered")
    assert card.read_text() == "# Card\nLicence: CC0\n"
    with new_export(folder, force=True) as forced:
        (forced / "signature.json").write_text("{}")
    assert sorted(path.name for path in folder.iterdir()) == ["signature.json"]
    card.write_text("# A card of an export that noted no digest\n")
    with pytest.raises(ModelError, match=r"model_card\.md is not as"), new_export(folder):
        pytest.fail("entered")
    card.rename(tmp_path / "card.md")
    with new_export(folder):
        pass


def test_an_earlier_export_is_replaced_whole(tmp_path, capsys):
    for word in ("first", "second"):
        with new_export(tmp_path / "a" / "b") as folder:
            (folder / "signature.json").write_text("{}")
            (folder / f"model{'.keras' if word == 'first' else '.onnx'}").write_text(word)
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == ["model.onnx", "signature.json"]
    assert capsys.readouterr().err == f"note: replaces the earlier export in {tmp_path / 'a' / 'b'}\n"


@pytest.mark.parametrize(
    ("present", "foreign"),
    [
        (["notes.txt"], "notes.txt"),
        (["signature.json", "model.keras", "notes.txt"], "notes.txt"),
        (["model.keras"], "model.keras"),
        ([".git"], ".git"),
    ],
)
def test_a_folder_with_anything_else_is_refused(present, foreign, tmp_path):
    for name in present:
        (tmp_path / name).write_text("mine")
    with (
        pytest.raises(ModelError, match=f"not empty, it has '{foreign}'; choose another --output"),
        new_export(tmp_path),
    ):
        pytest.fail("entered")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(present)


def test_an_empty_folder_is_taken(tmp_path):
    with new_export(tmp_path / "mine") as folder:
        (folder / "model.keras").write_text("model")
    assert (tmp_path / "mine" / "model.keras").read_text() == "model"


def test_nothing_is_left_when_the_export_fails(tmp_path):
    def fail():
        with new_export(tmp_path / "mine") as folder:
            (folder / "model.keras").write_text("half")
            raise ModelError("it differs")

    with pytest.raises(ModelError, match="differs"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "mine").write_text("a file")
    with pytest.raises(ModelError, match="mine: not empty, it has 'mine'"), new_export(tmp_path / "mine"):
        pytest.fail("entered")
