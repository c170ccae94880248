"""The facts that a study notes of its dataset, which describe it without the images."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class DataFacts:
    """A dataset in words and numbers: see ``Dataset``. ``sizes`` has the number of images of each split."""

    name: str
    source: str
    digest: str
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    sizes: Mapping[str, int]

    def __str__(self) -> str:
        """Where its images are, how many, their shape, and the beginning of the digest, in a few words."""
        place = self.source if self.source not in ("", self.name) else self.name
        shape = "x".join(map(str, self.shape))
        return f"{place} ({sum(self.sizes.values()):,} images {shape}, digest {self.digest[:8]})"
