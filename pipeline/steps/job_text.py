"""The text of a job file that people read and change: every setting, with its help."""

import math
import textwrap
from collections.abc import Iterator, Mapping
from importlib.resources import files
from itertools import groupby
from typing import Any

from pipeline.errors import printable
from pipeline.job.job import SETTINGS, Job
from pipeline.job.setting import EMPTY, Setting
from pipeline.yaml_file import dump

_WIDTH = 80
"""Columns of a line of comments."""


def commented_job(job: Job, head: str, remarks: Mapping[str, str], suggestions: Mapping[str, Any]) -> str:
    """The text of a job file for ``job``, in which every setting has its help in a comment.

    Settings at their default are commented out, with the value in ``suggestions``, their default or an example.
    ``head`` and ``remarks``, by key, are added to the comments: plain text, of which nothing is taken for YAML.

    >>> print(commented_job(Job("photos"), "For two photos.", {}, {}).splitlines()[0])
    # For two photos.
    """
    schema = files("search_spaces") / "job.schema.json"
    parts = ["\n".join([*_comment(head), f"# yaml-language-server: $schema={printable(schema)}"])]
    for group, settings in groupby(sorted(SETTINGS.values(), key=_group_number), key=lambda entry: entry.group):
        parts.append(f"# ---- {group} ----")
        for setting in settings:
            comment = _comment(_describe(setting), *filter(None, [remarks.get(setting.key)]))
            parts.append("\n".join([*comment, _entry(setting, job, suggestions)]))
    return "\n\n".join(parts) + "\n"


def _group_number(setting: Setting) -> int:
    """The position of the setting's group, in the order of ``tune --help``."""
    return list(dict.fromkeys(entry.group for entry in SETTINGS.values())).index(setting.group)


def _describe(setting: Setting) -> str:
    """The help, with the names that there are."""
    names = f": one of {', '.join(setting.names)}" if setting.names else ""
    return setting.describe() + names


def _entry(setting: Setting, job: Job, suggestions: Mapping[str, Any]) -> str:
    """The line of the key and its value."""
    value = getattr(job, setting.name)
    is_default = value == setting.default
    if not is_default:
        content = setting.dump(value)
    else:
        default = setting.example if setting.default in EMPTY else setting.dump(setting.default)
        content = suggestions.get(setting.key, default)
    return f"{'# ' if is_default else ''}{setting.key}: {_on_one_line(content)}"


def _on_one_line(content: Any) -> str:
    """The YAML of a value."""
    text = dump(content, default_flow_style=True, allow_unicode=True, width=math.inf)
    return text.removesuffix("...\n").rstrip("\n")


def _comment(*texts: str) -> Iterator[str]:
    for text in texts:
        for paragraph in text.splitlines():
            yield from textwrap.wrap(
                printable(paragraph),
                _WIDTH,
                initial_indent="# ",
                subsequent_indent="# ",
                break_long_words=False,
                break_on_hyphens=False,
            )
