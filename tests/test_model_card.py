"""The card inside a model file."""

import zipfile
from contextlib import suppress

import pytest

from pipeline import model_card
from pipeline.errors import ModelError
from pipeline.model_card import ModelCard

CARD = ModelCard(("a", "b"), (8, 8, 1), "digits", "d", 0, "s", 1)


@pytest.fixture
def path(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    return tmp_path / "m.keras"


def test_a_card_comes_back(path):
    model_card.put(CARD, path)
    assert model_card.get(path) == model_card.find(path) == CARD


def test_an_archive_without_a_card(path):
    assert model_card.find(path) is None
    with pytest.raises(ModelError, match="without class names of convtune"):
        model_card.get(path)


def test_a_card_that_is_none_is_not_the_same_as_no_card(path):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(model_card.MEMBER, '{"classes": "ab"}')
    with pytest.raises(ModelError, match="without class names of convtune"):
        model_card.find(path)


def test_whatever_byte_of_the_directory_is_damaged(path):
    model_card.put(CARD, path)
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        start = archive.start_dir
    for place in range(start, len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x81]) + whole[place + 1 :])
        with suppress(ModelError):
            assert model_card.find(path) in (CARD, None)
