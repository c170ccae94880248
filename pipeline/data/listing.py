"""The listing of a source: what it has at one time, without a look into its files."""

from typing import NamedTuple


class Listing(NamedTuple):
    """The images of a source by the names, sizes and times of its files.

    ``place`` is the source as the user gave it, ``images`` their number. ``key`` changes when a file is added, removed,
    renamed, resized or touched.
    """

    place: str
    images: int
    key: str


def describe_change(then: Listing, now: Listing) -> str:
    """The numbers of images at two times, for people.

    >>> describe_change(Listing("pets", 1200, "a"), Listing("pets", 1201, "b"))
    '1,200 images then, 1,201 now'
    >>> describe_change(Listing("pets", 24, "a"), Listing("pets", 24, "b"))
    '24 images then, 24 now, and other names, sizes or times of files'
    """
    numbers = f"{then.images:,} images then, {now.images:,} now"
    return numbers if then.images != now.images else f"{numbers}, and other names, sizes or times of files"
