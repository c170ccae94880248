"""Which folders are splits of a dataset, by their names."""

import re
from collections.abc import Iterable, Iterator

from pipeline.data.split import TEST, TRAIN, VALIDATION

_WORDS = {
    **dict.fromkeys(("train", "training", "trn"), TRAIN),
    **dict.fromkeys(("validation", "valid", "val", "evaluation", "eval", "dev"), VALIDATION),
    **dict.fromkeys(("test", "testing", "tst", "holdout"), TEST),
}
"""The split of each word that names one."""

_FILLER = "(?:set|dataset|data|images?|imgs?|pictures|pics|photos|folder|files|split)*"
"""What may stand before and after such a word, as in ``train_images`` and ``TestSet``."""

_NAME = re.compile(f"{_FILLER}({'|'.join(sorted(_WORDS, key=len, reverse=True))}){_FILLER}")


def split_folders(names: Iterable[str]) -> dict[str, int]:
    """The split of each name that names one. Case, digits and punctuation do not matter.

    Other words may stand beside the word if another folder has the same and another split.

    >>> split_folders(["Training", "test_images", "val2017", "cat", "train station"])
    {'Training': 0, 'test_images': 2, 'val2017': 1}
    >>> split_folders(["signs_train", "signs_test", "toys_train"])
    {'signs_train': 0, 'signs_test': 2}
    """
    names = list(names)
    direct = {name: _WORDS[match[1]] for name in names if (match := _NAME.fullmatch(_letters(name)))}
    families: dict[str, dict[str, int]] = {}
    for name in names:
        for rest, split in _first_or_last_word(name):
            families.setdefault(rest, {})[name] = split
    for family in families.values():
        if len(set(family.values())) > 1:
            direct = family | direct
    return {name: direct[name] for name in names if name in direct}


def _letters(name: str) -> str:
    return re.sub("[^a-z]", "", name.lower())


def _first_or_last_word(name: str) -> Iterator[tuple[str, int]]:
    """The name without its first or last word, where that names a split, and the split."""
    words = re.findall("[a-z]+", name.lower())
    for position in {0, len(words) - 1} if len(words) > 1 else ():
        if words[position] in _WORDS:
            yield " ".join(words[:position] + words[position + 1 :]), _WORDS[words[position]]
