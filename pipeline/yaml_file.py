"""Reads YAML that people write: one mapping per file, YAML 1.2 scalars, no duplicate keys, errors of one line.

Writes what it reads again.
"""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import ConvtuneError

MAX_BYTES = 100_000
"""The largest file. PyYAML reads about 30 kB per second, so a larger one would look like a hang (measured)."""

MAX_NODES = 100_000
"""The most nodes of a document with every alias written out."""

_INT_LIMIT = 2**63


def read_mapping(path: Path, error: type[ConvtuneError]) -> dict[str, Any]:
    """The top-level mapping of the YAML file at ``path``; every key in it, at any depth, is a string.

    Scalars are those of YAML 1.2's core schema, plus underscores in numbers: ``1e-4`` is a float, ``no`` and
    ``2024-01-01`` are strings. A file has at most 100 kB, and 100,000 nodes once every alias is written out. Raises
    ``error`` with one line that begins with the path, and has the line and column where there are any.
    """
    text = _text(path, error)
    try:
        content = _Loader(text).get_single_data()
    except yaml.YAMLError as fault:
        raise error(f"{path}: {_describe(fault, text)}") from None
    except RecursionError:
        raise error(f"{path}: nested too deeply for a settings file") from None
    except (KeyError, ValueError):
        raise error(f"{path}: a value does not fit its !! tag; leave the tag out") from None
    if content is None:
        raise error(f"{path}: the file is empty; expected 'key: value' lines")
    if not isinstance(content, dict):
        raise error(f"{path}: expected 'key: value' lines, got {_kind(content)}")
    return content


def parse_scalar(text: str) -> bool | int | float | str:
    """Reads ``text`` from a command line as a YAML file would: a number, ``true``, ``false`` or a word.

    ValueError for a whole number beyond 64 bits.

    >>> [parse_scalar(text) for text in ("3", "1e-4", "true", "max")]
    [3, 0.0001, True, 'max']
    """
    loader = _Loader("")
    tag = loader.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    try:
        value = loader.construct_object(yaml.ScalarNode(tag, text))
    except yaml.MarkedYAMLError as fault:
        raise ValueError(str(fault.problem)) from None
    return text if value is None else value


def dump(content: Any, **settings: Any) -> str:
    """The YAML text of ``content``, which is read back as it was; ``settings`` are those of PyYAML's ``dump``.

    >>> dump({"data": "1e5", "study": "mine"})
    "data: '1e5'\\nstudy: mine\\n"
    """
    return str(yaml.dump(content, Dumper=_Dumper, sort_keys=False, **settings))


def _text(path: Path, error: type[ConvtuneError]) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise error(f"{path}: larger than {MAX_BYTES:,} bytes; this is not a settings file")
        return data.decode("utf-8-sig")
    except FileNotFoundError:
        raise error(f"{path}: no such file") from None
    except IsADirectoryError:
        raise error(f"{path}: is a folder; expected a YAML file") from None
    except UnicodeDecodeError as fault:
        line = data.count(b"\n", 0, fault.start) + 1
        raise error(f"{path}: line {line} is not UTF-8 text; save the file as UTF-8") from None
    except (OSError, ValueError) as fault:
        raise error(f"{str(path)!r}: cannot be read: {getattr(fault, 'strerror', None) or fault}") from None


def _describe(fault: yaml.YAMLError, text: str) -> str:
    if isinstance(fault, yaml.reader.ReaderError):
        line = text.count("\n", 0, fault.position) + 1
        column = fault.position - text.rfind("\n", 0, fault.position)
        return f"line {line}, column {column}: the character #x{int(fault.character):04x} is not allowed in YAML"
    assert isinstance(fault, yaml.MarkedYAMLError)
    mark = fault.problem_mark or fault.context_mark
    position = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return position + " ".join(f"{fault.context or ''} {fault.problem or ''}".split())


def _kind(content: object) -> str:
    return "a list" if isinstance(content, list) else f"only {str(content)[:40]!r}"


class _Loader(yaml.SafeLoader):
    """SafeLoader cut down to YAML 1.2's core schema.

    PyYAML's own reads 1e-4 as a string, and of two equal keys it keeps the last.
    """

    yaml_constructors = {  # noqa: RUF012 - PyYAML's own class attributes, replaced rather than shared
        tag: constructor
        for tag, constructor in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag.rpartition(":")[2] in {"null", "bool", "float", "seq", "str"}
    }
    yaml_implicit_resolvers = {}  # noqa: RUF012

    def get_single_node(self) -> yaml.Node | None:
        """The document's root; ConstructorError when its aliases make the document too large."""
        node = super().get_single_node()
        if node is not None:
            _count_nodes(node, {})
        return node


class _Dumper(yaml.SafeDumper):
    """SafeDumper that also quotes texts which only YAML 1.2 takes for numbers, such as 1e5."""


def _count_nodes(node: yaml.Node, counts: dict[int, int]) -> int:
    """How many nodes ``node`` has with aliases written out: ten lines of them can stand for a thousand million.

    ``counts`` has the nodes that are counted already, by id. ConstructorError where there are too many.
    """
    if id(node) not in counts:
        counts[id(node)] = MAX_NODES  # until it is counted: an alias to a node that contains it is endless
        children = node.value if isinstance(node, yaml.CollectionNode) else ()
        pairs = (child if isinstance(child, tuple) else (child,) for child in children)
        counts[id(node)] = 1 + sum(_count_nodes(child, counts) for pair in pairs for child in pair)
    if counts[id(node)] >= MAX_NODES:
        raise _problem(node, f"aliases that make this larger than {MAX_NODES:,} nodes are not allowed")
    return counts[id(node)]


def _construct_mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    result: dict[Hashable, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise _problem(key_node, f"a key must be a word, got {str(key)[:40]!r}")
        if key in result:
            raise _problem(key_node, f"duplicate key {key[:40]!r}")
        result[key] = loader.construct_object(value_node, deep=True)
    return result


def _construct_int(loader: _Loader, node: yaml.ScalarNode) -> int:
    digits = loader.construct_scalar(node).replace("_", "")
    base = {"0o": 8, "0x": 16}.get(digits[:2], 10)
    value = int(digits, base) if len(digits) < 80 else _INT_LIMIT
    if abs(value) >= _INT_LIMIT:
        raise _problem(node, "a whole number this large cannot be used; the limit is 2**63")
    return value


def _problem(node: yaml.Node, text: str) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(problem=text, problem_mark=node.start_mark)


_PATTERNS = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?[0-9][0-9_]*|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
}
for _name, (_pattern, _first) in _PATTERNS.items():
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(f"^(?:{_pattern})$"), _first)
_Loader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)
_Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)
