"""One setting of a study: a key of a job file, and a flag of ``convtune tune``. Declared as a field of ``Job``."""

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, replace
from types import MappingProxyType
from typing import Any

from pipeline.job.parsers import AUTO, parse_count, parse_one_of, parse_whole_number

_METADATA = "setting"
"""The key in a field's metadata under which its ``Setting`` is stored."""


EMPTY = (None, "", ())
"""Values that mean "not set": job files leave them out, and help texts do not show them as defaults."""


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Setting:
    """One setting.

    ``name`` is its field of ``Job``, ``key`` its key in a job file, ``help`` one line without the default, ``group``
    the heading of its flag in the help. ``parse`` takes a value of a job file or the text of a flag and raises
    ValueError; ``dump`` writes a value for a job file so that ``parse`` reads it again. ``schema`` is the JSON schema
    of the key; a ``$ref`` in it must be among the definitions of ``pipeline.schema``. A setting that is one of the
    ``names`` of a table has neither a ``metavar`` nor a ``schema`` of its own. ``merge`` makes a setting repeatable:
    ``parse`` takes one item, and ``merge`` makes a value of all of them. ``default_text`` describes a default that the
    value itself does not. ``example`` is a value of a job file, for a setting whose default is none.
    """

    help: str
    parse: Callable[[Any], Any]
    group: str = ""
    metavar: str = ""
    schema: Mapping[str, Any] = field(default_factory=dict)
    names: Collection[str] = ()
    dump: Callable[[Any], Any] = _same
    merge: Callable[[Sequence[Any]], Any] | None = None
    default_text: str = ""
    example: Any = None
    name: str = ""
    key: str = ""
    default: Any = None

    @property
    def flag(self) -> str:
        """The flag, such as ``--image-size`` for the key ``image_size``."""
        return f"--{self.key.replace('_', '-')}"

    @property
    def flag_metavar(self) -> str:
        """The placeholder of the value in the help of the flag."""
        return "|".join(self.names) or self.metavar

    @property
    def json_schema(self) -> dict[str, Any]:
        """The JSON schema of the key, without its description."""
        return {"enum": list(self.names)} if self.names else dict(self.schema)

    @property
    def repeatable(self) -> bool:
        """Whether the flag may be given several times, and whether a job file may hold a list."""
        return self.merge is not None

    @property
    def flag_help(self) -> str:
        """The help text of the flag, with its default and whether it is repeatable."""
        return self.describe() + ("; repeatable" if self.repeatable else "")

    def describe(self) -> str:
        """The help text with the default."""
        default = self.default_text
        if not default and self.default not in EMPTY:
            default = str(self.dump(self.default))
        return self.help + (f" (default: {default})" if default else "")

    def read(self, content: Any) -> Any:
        """The value for ``content``, which comes from a job file; ValueError says what was expected."""
        if self.merge is None:
            return self.parse(content)
        items = content if isinstance(content, list) else [content]
        return self.merge([self.parse(item) for item in items])

    def combine(self, parsed: Any) -> Any:
        """The value for what argparse has parsed; None if the flag was not given, or given only as empty text."""
        if self.merge is None or parsed is None:
            return parsed
        items = [item for item in parsed if item is not None]
        return self.merge(items) if items else None


def setting(default: Any = MISSING, **entries: Any) -> Any:
    """A field of ``Job``; ``entries`` are the fields of its ``Setting``. Without a default it is required."""
    return field(default=default, metadata={_METADATA: Setting(**entries)})


def choice(default: str | None, names: Collection[str], **entries: Any) -> Any:
    """A setting that is one of the names of a table, as the table has them when it is asked."""
    return setting(default, names=names, parse=parse_one_of(names), **entries)


def whole_number(default: int | None, low: int, high: int = 10**9, **entries: Any) -> Any:
    """A setting whose value is a whole number from ``low`` to ``high``."""
    schema = {"type": "integer", "minimum": low, "maximum": high}
    return setting(default, metavar="N", parse=parse_whole_number(low, high), schema=schema, **entries)


def count(low: int, high: int, **entries: Any) -> Any:
    """A setting whose value is a whole number, or ``auto``: the machine decides, as it does without the setting."""
    schema = {"anyOf": [{"type": "integer", "minimum": low, "maximum": high}, {"enum": [AUTO]}]}
    parse = parse_count(low, high)
    return setting(None, metavar=f"N|{AUTO}", parse=parse, schema=schema, dump=lambda value: value or None, **entries)


def settings_of(job: type) -> Mapping[str, Setting]:
    """The settings that a dataclass declares, by key, in the order of its fields."""
    settings = [_complete(declared) for declared in dataclasses.fields(job)]
    return MappingProxyType({setting.key: setting for setting in settings})


def _complete(declared: "dataclasses.Field[Any]") -> Setting:
    """The setting of a field, completed with the name and the default of the field."""
    entry: Setting = declared.metadata[_METADATA]
    default = None if declared.default is MISSING else declared.default
    return replace(entry, name=declared.name, key=entry.key or declared.name, default=default)
