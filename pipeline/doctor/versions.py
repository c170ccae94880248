"""Compares the versions of Python and the packages with the ranges that convtune's metadata names."""

import platform
import re
import shlex
from dataclasses import dataclass
from importlib import metadata

from pipeline.doctor.finding import Finding, note, ok, problem

_DISTRIBUTION = "convtune"

_SHOWN = ("keras", "tensorflow", "mlflow", "optuna")
"""The packages whose versions are shown where all is well."""


@dataclass(frozen=True)
class Requirement:
    """A package and the versions that it may have, as in ``<3,>=2.21``; ``extra`` is the extra that needs it, or ""."""

    name: str
    extras: str
    versions: str
    extra: str

    def __str__(self) -> str:
        return f"{self.name}{self.extras}{self.versions}"


def check_python() -> list[Finding]:
    """The version of this Python."""
    here = platform.python_version()
    try:
        wanted = metadata.metadata(_DISTRIBUTION)["Requires-Python"]
    except metadata.PackageNotFoundError:
        return [ok(here)]
    if is_within(here, wanted):
        return [ok(f"{here} (expected {wanted})")]
    return [problem(f"{here}, expected {wanted}", "install convtune with another Python")]


def check_packages() -> list[Finding]:
    """Each package that is missing or has another version; one line where there is none."""
    try:
        lines = metadata.requires(_DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return [note("convtune itself is not installed, so no versions are known", "run `pip install .` in its folder")]
    wanted = [parse_requirement(line) for line in lines]
    findings = [finding for one in wanted if (finding := _compare(one)) is not None]
    own = [one.name for one in wanted if not one.extra]
    shown = ", ".join(f"{name} {_installed(name)}" for name in _SHOWN)
    return findings or [ok(f"all {len(own)} in their ranges: {shown}")]


def parse_requirement(line: str) -> Requirement:
    """A line of a package's metadata.

    >>> parse_requirement("tensorflow[and-cuda]<3,>=2.21; extra == 'gpu'")
    Requirement(name='tensorflow', extras='[and-cuda]', versions='<3,>=2.21', extra='gpu')
    """
    needed, _, condition = line.partition(";")
    match = re.fullmatch(r"([\w.-]+)\s*(\[[^]]*\])?\s*\(?([^()]*)\)?", needed.strip())
    extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)", condition)
    name, extras, versions = match.groups(default="") if match else (needed.strip(), "", "")
    return Requirement(name, extras, versions.strip(), extra[1] if extra else "")


def is_within(version: str, versions: str) -> bool:
    """Whether a version meets all of some bounds of the kinds ``>=`` and ``<``, which are all that convtune has.

    Only the numbers count: a release candidate counts as the release.

    >>> is_within("2.21.0", "<3,>=2.21"), is_within("3.0rc1", "<3,>=2.21"), is_within("2.3", ">=2.21")
    (True, False, False)
    """
    for bound in versions.split(","):
        if bound.startswith(">=") and _numbers(version) < _numbers(bound[2:]):
            return False
        if re.match("<[^=]", bound) and _numbers(version) >= _numbers(bound[1:]):
            return False
    return True


def _numbers(version: str) -> list[int]:
    """The numbers of a release, without zeros at its end: 2.0 is 2."""
    match = re.match(r"\d+(\.\d+)*", version.strip())
    numbers = [int(part) for part in match[0].split(".")] if match else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return numbers


def _compare(wanted: Requirement) -> Finding | None:
    """The finding for a package with a fault; None for one without, and for an extra that is not installed."""
    installed = _installed(wanted.name)
    install = f"run `pip install {shlex.quote(str(wanted))}`"
    if installed is None:
        return None if wanted.extra else problem(f"{wanted.name} is not installed", install)
    if is_within(installed, wanted.versions):
        return None
    fact = f"{wanted.name} {installed}, expected {wanted.versions}"
    return note(f"{fact} for the extra {wanted.extra}", install) if wanted.extra else problem(fact, install)


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
