"""The fingerprint of a study: everything that must stay the same when it is resumed."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from pipeline.errors import StudyError
from pipeline.files import write_text
from pipeline.metrics import DEFAULT_METRIC
from pipeline.study.data_facts import DataFacts
from pipeline.study.objective import SCORE
from pipeline.study.paths import StudyPaths


@dataclass(frozen=True)
class StudyFingerprint:
    """``space`` and ``dataset`` are digests, ``objective`` is as in a job file, ``run`` is the study's MLflow run.

    ``code`` stands for the user's code that builds the models, "" where there is none. ``content`` stands for the files
    of the dataset, whatever size their images have, and ``split`` says what divides them: ``seed 0``, or ``given``
    (both "" in a study of an older version). Neither needs to stay the same, since ``dataset`` and ``seed`` do.
    ``id`` is the study's own, which its run in MLflow has as a tag, and ``data`` describes the dataset ("" and None
    in a study of an older version).
    """

    space: str
    dataset: str
    epochs: int
    seed: int
    run: str = ""
    metric: str = DEFAULT_METRIC.name
    objective: str = SCORE
    code: str = ""
    content: str = ""
    split: str = ""
    id: str = ""
    data: DataFacts | None = None


_CHANGES = {
    "code": "another HyperModel, another version of its file, or other --pixels or --class-weight",
    "space": "a different space (or --set, --limit, --class-weight)",
    "dataset": "different data (or --image-size)",
    "epochs": "--epochs {}",
    "seed": "--seed {}",
    "metric": "--metric {}",
    "objective": "--objective {}",
}
"""The words for each field when a study was begun with another value of it."""


def check_words(paths: StudyPaths) -> None:
    """StudyError for a study that was begun before its words were these: it has no metric. It cannot be resumed."""
    try:
        content = json.loads(paths.fingerprint.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return  # ``check_fingerprint`` says so
    if isinstance(content, dict) and "metric" not in content:
        raise StudyError(
            f"study {paths.name} was begun when 'score' was called 'value', 'params' 'values' and 'hyperparameters' "
            "'parameters'; choose another --study to begin a new one"
        )


def check_fingerprint(paths: StudyPaths, now: StudyFingerprint) -> StudyFingerprint:
    """The fingerprint ``now``, with the run and the id of a study that has begun here.

    StudyError unless the study began with the same fingerprint.
    """
    if not paths.exists:
        return now
    before = read_fingerprint(paths)
    for name, change in _CHANGES.items():
        if getattr(before, name) != getattr(now, name):
            change = _other_data(before, now) if name == "dataset" else change.format(getattr(before, name))
            raise StudyError(f"study {paths.name} was begun with {change}; choose another --study to begin a new one")
    return replace(now, run=before.run, id=before.id or now.id)


def _other_data(before: StudyFingerprint, now: StudyFingerprint) -> str:
    """Names both datasets, as far as an older version has noted them."""
    both = f": {before.data}, and now got {now.data}" if before.data and now.data else ""
    return _CHANGES["dataset"] + both


def read_fingerprint(paths: StudyPaths) -> StudyFingerprint:
    """The fingerprint of a study that has begun; StudyError when it cannot be read."""
    try:
        content = json.loads(paths.fingerprint.read_text(encoding="utf-8"))
        data = content.pop("data", None)
        return StudyFingerprint(**content, data=_data_facts(data) if data else None)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise StudyError(
            f"{paths.fingerprint}: unreadable, so this study cannot be resumed; choose another --study"
        ) from None


def _data_facts(noted: Mapping[str, Any]) -> DataFacts:
    height, width, channels = map(int, noted["shape"])
    known = {"shape": (height, width, channels), "classes": tuple(map(str, noted["classes"]))}
    return DataFacts(**{**noted, **known})


def differences(one: StudyFingerprint, other: StudyFingerprint) -> list[str]:
    """The reasons why scores of two studies do not compare, as words for the other; empty where they do.

    >>> differences(StudyFingerprint("s", "d", 3, 0), StudyFingerprint("t", "d", 9, 1, metric="log_loss"))
    ['metric log_loss', 'split by seed 1']
    """
    reasons = [f"metric {other.metric}"] if one.metric != other.metric else []
    if one.dataset != other.dataset and (one.content != other.content or not one.content):
        known = one.content and other.content
        return [*reasons, "other data" if known else "other data or another image size"]
    if one.seed != other.seed and "given" not in (one.split, other.split):
        reasons.append(f"split by seed {other.seed}")
    return reasons


def write_fingerprint(paths: StudyPaths, fingerprint: StudyFingerprint) -> None:
    """Writes ``study.json``, which makes the folder ours."""
    write_text(paths.fingerprint, json.dumps(asdict(fingerprint), indent=1))
