"""The metadata inside a model file."""

import json
import zipfile
from contextlib import suppress
from dataclasses import replace

import pytest

from pipeline.errors import ModelError
from pipeline.study.model_metadata import MEMBER, ModelMetadata, find_metadata, read_metadata, write_metadata

METADATA = ModelMetadata(("a", "b"), (8, 8, 1), "digits", "d", 0, "s", 1)


@pytest.fixture
def path(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    return tmp_path / "m.keras"


@pytest.mark.parametrize("metadata", [METADATA, replace(METADATA, score=0.25, metric="log_loss")])
def test_metadata_comes_back(path, metadata):
    write_metadata(metadata, path)
    assert read_metadata(path) == find_metadata(path) == metadata


def test_an_archive_without_metadata(path):
    assert find_metadata(path) is None
    with pytest.raises(ModelError, match="without class names of convtune"):
        read_metadata(path)


@pytest.mark.parametrize(
    "text",
    [
        '{"classes": "ab"}',
        "[]",
        json.dumps(METADATA.as_dict() | {"value": 0.5}),
        json.dumps(METADATA.as_dict() | {"metric": 1}),
        json.dumps(METADATA.as_dict() | {"score": "0.5"}),
        json.dumps(METADATA.as_dict() | {"trial": None}),
        json.dumps(METADATA.as_dict() | {"white": 0}),
        json.dumps(METADATA.as_dict() | {"shape": [8, 8, 2]}),
    ],
)
def test_invalid_metadata_is_not_the_same_as_none(path, text):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(MEMBER, text)
    with pytest.raises(ModelError, match="without class names of convtune"):
        find_metadata(path)


def test_metadata_that_unpacks_to_gigabytes_is_not_unpacked(path):
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MEMBER, json.dumps(METADATA.as_dict()) + " " * 10_000_000)
    with pytest.raises(ModelError, match="without class names of convtune"):
        find_metadata(path)


def test_whatever_byte_of_the_directory_is_damaged(path):
    write_metadata(METADATA, path)
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        start = archive.start_dir
    for position in range(start, len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x81]) + whole[position + 1 :])
        with suppress(ModelError):
            assert find_metadata(path) in (METADATA, None)
