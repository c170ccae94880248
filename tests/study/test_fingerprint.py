"""What a study keeps while it is resumed."""

import json
from dataclasses import fields, replace

import pytest

from pipeline.errors import StudyError
from pipeline.files import write_text
from pipeline.study.data_facts import DataFacts
from pipeline.study.fingerprint import (
    _CHANGES,
    StudyFingerprint,
    check_fingerprint,
    check_words,
    differences,
    write_fingerprint,
)
from pipeline.study.paths import StudyPaths

SAME = {"space": "s", "dataset": "d", "epochs": 10, "seed": 0}


@pytest.fixture
def begun(tmp_path):
    """The paths of a study that has begun."""
    paths = StudyPaths(tmp_path / "mine")
    write_fingerprint(paths, StudyFingerprint(**SAME, run="run"))
    write_text(paths.job, "data: digits\n")
    return paths


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"space": "x"}, "a different space"),
        ({"dataset": "x"}, "different data"),
        ({"epochs": 3}, "--epochs 10;"),
        ({"seed": 8}, "--seed 0;"),
        ({"metric": "log_loss"}, "--metric accuracy;"),
        ({"objective": "score,macs"}, "--objective score;"),
        ({"code": "c"}, "another HyperModel, another version of its file, or other --pixels or --class-weight;"),
    ],
)
def test_a_study_keeps_its_fingerprint(begun, change, told):
    assert check_fingerprint(begun, StudyFingerprint(**SAME, id="new")).run == "run"
    with pytest.raises(StudyError, match=f"was begun with {told}"):
        check_fingerprint(begun, StudyFingerprint(**SAME | change))


def test_a_refusal_of_other_data_names_both(tmp_path):
    paths = StudyPaths(tmp_path / "mine")
    before = DataFacts("photos", "/data/photos", "0123456789", (48, 64, 3), ("cat", "dog"), {"train": 1200, "test": 34})
    write_fingerprint(paths, StudyFingerprint(**SAME, data=before))
    write_text(paths.job, "data: photos\n")
    now = replace(before, digest="fedcba9876", sizes={"train": 1201, "test": 34})
    with pytest.raises(StudyError) as refused:
        check_fingerprint(paths, StudyFingerprint(**SAME | {"dataset": "x"}, data=now))
    assert "/data/photos (1,234 images 48x64x3, digest 01234567)" in str(refused.value)
    assert "now got /data/photos (1,235 images 48x64x3, digest fedcba98)" in str(refused.value)


def test_every_field_is_compared_but_the_run_and_what_follows_from_others():
    others = {"run", "content", "split", "id", "data"}
    assert {field.name for field in fields(StudyFingerprint)} - others == set(_CHANGES)


NEW = SAME | {"content": "c", "split": "seed 0"}


@pytest.mark.parametrize(
    ("one", "other", "reasons"),
    [
        (SAME, SAME | {"space": "x", "epochs": 99, "code": "x", "run": "x"}, []),
        (SAME, SAME | {"metric": "log_loss"}, ["metric log_loss"]),
        (SAME, SAME | {"seed": 1}, ["split by seed 1"]),
        (SAME, SAME | {"dataset": "x"}, ["other data or another image size"]),
        (NEW, NEW | {"dataset": "x"}, []),
        (NEW, NEW | {"dataset": "x", "content": "x", "seed": 1}, ["other data"]),
        (NEW, NEW | {"dataset": "x", "seed": 1, "split": "seed 1"}, ["split by seed 1"]),
        (NEW | {"split": "given"}, NEW | {"seed": 1, "split": "given"}, []),
        (NEW, SAME | {"metric": "log_loss", "seed": 1}, ["metric log_loss", "split by seed 1"]),
    ],
)
def test_scores_compare_on_the_same_images_by_the_same_metric(one, other, reasons):
    assert differences(StudyFingerprint(**one), StudyFingerprint(**other)) == reasons
    assert bool(differences(StudyFingerprint(**other), StudyFingerprint(**one))) == bool(reasons)


def test_a_new_study_has_no_run(tmp_path):
    assert check_fingerprint(StudyPaths(tmp_path / "new"), StudyFingerprint(**SAME)) == StudyFingerprint(**SAME)


def test_an_unreadable_one_is_an_error_of_one_line(begun):
    begun.fingerprint.write_text("[")
    with pytest.raises(StudyError, match=r"study\.json: unreadable, so this study cannot be resumed"):
        check_fingerprint(begun, StudyFingerprint(**SAME))


def test_a_study_of_the_old_words_is_told_the_new_ones(begun):
    check_words(begun)
    begun.fingerprint.write_text(json.dumps(SAME | {"run": "", "objective": "accuracy", "code": ""}))
    with pytest.raises(StudyError, match=r"'score' was called 'value'.*choose another --study") as refused:
        check_words(begun)
    assert "\n" not in str(refused.value)


def test_the_words_of_no_study_and_of_an_unreadable_one_are_not_judged(begun, tmp_path):
    check_words(StudyPaths(tmp_path / "absent"))
    begun.fingerprint.write_text("[")
    check_words(begun)
