"""Names of classes that may be meant to be the same."""

from collections.abc import Iterator, Sequence

_LONG = 6
"""Letters from which on names that differ in one letter are taken for typing errors."""


def similar_names(names: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of names that differ only in case, punctuation or a plural s, or in one letter of a long word.

    Names that differ in their digits, or in a letter of a short word, are not similar.

    >>> similar_names(["cat", "Cat", "cats", "class_1", "class_2", "sunflower", "sunflowr", "house", "mouse"])
    [('cat', 'Cat'), ('cat', 'cats'), ('sunflower', 'sunflowr')]
    """
    first: dict[str, str] = {}
    pairs = []
    for name in names:
        forms = set(_forms(name))
        if like := next((first[form] for form in sorted(forms, key=len, reverse=True) if form in first), None):
            pairs.append((like, name))
        for form in forms:
            first.setdefault(form, name)
    return pairs


def _forms(name: str) -> Iterator[str]:
    """Texts of which similar names share one: the plain word, and the word without each of its letters."""
    word = "".join(filter(str.isalnum, name.casefold()))
    yield (word.removesuffix("s") or word) if word else name
    if word.isalpha() and len(word) >= _LONG:
        yield word
        for position in range(len(word)):
            yield f"{word[:position]}?{word[position + 1 :]}"
            yield f"{word[:position]}{word[position + 1 :]}"
