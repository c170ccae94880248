"""The exception tree: every error that a user can cause or fix is a ConvtuneError of one line."""

import difflib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

_HARMLESS = "\u00a0\u200c\u200d\u3000"
"""Characters of names in many languages that Python does not call printable: spaces, and joiners of letters."""

_LONGEST = 200
"""Characters of another library's error that are shown."""


class ConvtuneError(Exception):
    """One line for the terminal: where, what was expected, what came, and what to do."""


class JobError(ConvtuneError):
    """A flag or a key of a job file is invalid."""


class SpaceError(ConvtuneError):
    """A space file, or a point of a space, is invalid."""


class DataError(ConvtuneError):
    """A dataset cannot be read or used."""


class StudyError(ConvtuneError):
    """A study is unknown, is locked by another process, or was asked to become a different one."""


class StorageAwayError(StudyError):
    """The server with a study's trials does not answer, or refuses this user: nothing is wrong with the study."""


class TrackingError(ConvtuneError):
    """A tracking server does not answer, or refuses."""


class StoreAwayError(TrackingError):
    """MLflow's store does not answer now, or refuses this user: a study can do without it for a while.

    ``passes``: it may answer later.
    """

    def __init__(self, line: str, passes: bool) -> None:
        super().__init__(line)
        self.passes = passes


class ModelError(ConvtuneError):
    """A model file cannot be read, or does not give back what was saved."""


class WorkerError(ConvtuneError):
    """A worker process died, or failed outside a trial."""


class MachineError(WorkerError):
    """The machine failed a task, which may do better another time: a full disk, no memory, a GPU that is gone."""


def nearest(word: str, candidates: Iterable[str]) -> str:
    """``, did you mean 'x'?`` for the candidate that is most like ``word``; empty when none is.

    Case does not matter. A beginning that only one candidate has stands for it.

    >>> nearest("fliters", ["filters", "blocks"]), nearest("ASHA", ["asha", "none"]), nearest("acc", ["accuracy"])
    (", did you mean 'filters'?", ", did you mean 'asha'?", ", did you mean 'accuracy'?")
    """
    names = {candidate.casefold(): candidate for candidate in candidates}
    word = word.casefold()
    begun = [name for name in names if word and name.startswith(word)]
    matches = difflib.get_close_matches(word, names, 1) or (begun if len(begun) == 1 else [])
    return f", did you mean {names[matches[0]]!r}?" if matches else ""


def nearest_or_all(word: str, candidates: Iterable[str]) -> str:
    """Like ``nearest``, but names all the candidates when none is near.

    >>> nearest_or_all("grod", ["grid", "plain"]), nearest_or_all("xxxx", ["grid", "plain"])
    (", did you mean 'grid'?", '; there are grid, plain')
    """
    candidates = list(candidates)
    return nearest(word, candidates) or f"; there are {', '.join(candidates)}"


@contextmanager
def error_at(where: str) -> Iterator[None]:
    """Puts ``where`` in front of a SpaceError that is raised inside, such as a file or a key."""
    try:
        yield
    except SpaceError as error:
        raise SpaceError(f"{where}: {error}") from None


def first_line(error: BaseException) -> str:
    r"""Another library's error in one line of at most 200 characters: its class, then the first line with text.

    >>> first_line(ValueError("\n  no such layer\n  in this model"))
    'ValueError: no such layer'
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return ": ".join([type(error).__name__, *lines[:1]])[:_LONGEST]


def printable(text: object) -> str:
    r"""A path, a name or an error fit for one line of a terminal or of a file: what is not printable is escaped.

    File systems allow any bytes in a name, line breaks and terminal codes included. Bytes that are not UTF-8 become
    ``\xce``, so that two such names stay different.

    >>> print(printable("a\nb.png"), printable(b"\xce\xd2".decode("utf-8", "surrogateescape")))
    a\nb.png \xce\xd2
    """
    text = str(text)
    return text if text.isprintable() else "".join(map(_escape, text))


def _escape(character: str) -> str:
    if character.isprintable() or character in _HARMLESS:
        return character
    if "\udc80" <= character <= "\udcff":  # a byte that Python could not decode
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


_passwords: set[str] = set()
"""The passwords of addresses that this process was given: in its memory alone."""


def note_password(address: str) -> None:
    """Notes the password of an address that is in use, which may hold anything: no message shows it then.

    >>> note_password("http://me:my/own secret@host"); without_password("Invalid url: http://me:my/own secret@host/api")
    'Invalid url: http://host/api'
    """
    if found := re.match(r"[\w+]+://[^/@:]*:(.+)@", address):
        _passwords.add(found[1])


def without_password(text: str) -> str:
    """An address, or a text with addresses, without users and passwords, for messages.

    A password may hold ``@`` and ``/``: it should not, but many do, and SQLAlchemy takes it.

    >>> without_password("https://me:secret@host:5000/x"), without_password("no http://me:a/b@c@host!")
    ('https://host:5000/x', 'no http://host!')
    >>> without_password("postgresql:///x?user=me&password=secret&port=1"), without_password("host=h password=secret")
    ('postgresql:///x?user=me&password=...&port=1', 'host=h password=...')
    >>> without_password("http:/me:secret@host"), without_password("http://me:my secret@host")  # mistyped
    ('http:/host', 'http://host')
    >>> without_password("mysql://me:my@se/cret@host/x"), without_password("http://host/?api_key=secret")
    ('mysql://host/x', 'http://host/?api_key=...')
    """
    for password in _passwords:
        text = text.replace(f":{password}@", ":...@")
    text = re.sub(r"^([\w+]+://)[^/@]*:[^/@]*@(?!\S*@)", r"\1", text)
    text = re.sub(r"(?<=:)//(?:[^:/@\s]*:(?!\d+/)[^\s]*@|[^/\s]*@)", "//", text)
    text = re.sub(r"[\w.%+-]+:(?!/|\d+/)\S+@", "", text)
    return re.sub(r"(?i)((?:^|[?&\s])\w*(?:password|passwd|pwd|token|secret|api_?key)=)[^&\s]*", r"\1...", text)


def address_without_password(value: str) -> str:
    """The same for a text that is to be one address: all before its ``@`` may be a password, one with spaces too.

    >>> address_without_password("postgresql:me my: secret@host/db"), address_without_password("me@host")
    ('...@host/db', 'me@host')
    """
    text = without_password(value)
    before, at, after = text.rpartition("@")
    return f"...@{after}" if at and ":" in before else text
