"""Which folders are splits of a dataset, by their names."""

import re
from collections.abc import Iterable, Iterator, Mapping

from pipeline.data.split import TEST, TRAIN, VALIDATION

_WORDS = {
    **dict.fromkeys(("train", "training", "trn"), TRAIN),
    **dict.fromkeys(("validation", "valid", "val", "evaluation", "eval", "dev"), VALIDATION),
    **dict.fromkeys(("test", "testing", "tst", "holdout"), TEST),
}
"""The split of each word that names one."""

_EITHER = ("evaluation", "eval")
"""Words for validation or test, whichever is not there."""

_FILLER = "(?:set|dataset|data|images?|imgs?|pictures|pics|photos|folder|files|split)*"
"""Words that may stand before or after the name of a split, as in ``train_images`` and ``TestSet``."""

_NAME = re.compile(f"{_FILLER}({'|'.join(sorted(_WORDS, key=len, reverse=True))}){_FILLER}")


def split_folders(names: Iterable[str]) -> dict[str, int]:
    """The split of each name that names one. Case, digits and punctuation do not matter.

    Other words may stand beside the word if another folder has the same and another split. ``eval`` is test where
    another folder is validation and none is test.

    >>> split_folders(["Training", "test_images", "val2017", "cat", "train station"])
    {'Training': 0, 'test_images': 2, 'val2017': 1}
    >>> split_folders(["signs_train", "signs_test", "toys_train"])
    {'signs_train': 0, 'signs_test': 2}
    >>> split_folders(["train", "dev", "eval"])
    {'train': 0, 'dev': 1, 'eval': 2}
    """
    names = list(names)
    words = {name: match[1] for name in names if (match := _NAME.fullmatch(_letters(name)))}
    families: dict[str, dict[str, str]] = {}
    for name in names:
        for rest, word in _first_or_last_word(name):
            families.setdefault(rest, {})[name] = word
    for family in families.values():
        if len({_WORDS[word] for word in family.values()}) > 1:
            words = family | words
    meanings = _meanings(set(words.values()))
    return {name: meanings[words[name]] for name in names if name in words}


def _meanings(words: set[str]) -> Mapping[str, int]:
    """The split of each word, where these are used."""
    splits = {_WORDS[word] for word in words - set(_EITHER)}
    is_test = VALIDATION in splits and TEST not in splits
    return _WORDS | dict.fromkeys(_EITHER, TEST) if is_test else _WORDS


def _letters(name: str) -> str:
    return re.sub("[^a-z]", "", name.lower())


def _first_or_last_word(name: str) -> Iterator[tuple[str, str]]:
    """The name without its first or last word, where that names a split, and the word."""
    words = re.findall("[a-z]+", name.lower())
    for position in {0, len(words) - 1} if len(words) > 1 else ():
        if words[position] in _WORDS:
            yield " ".join(words[:position] + words[position + 1 :]), words[position]
