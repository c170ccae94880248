"""What a user installs: the wheel's content, its dependencies and pins, and the command in an empty environment."""

import ast
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from email.parser import Parser
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pipeline import __version__

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUNTIME = [Requirement(line) for line in PROJECT["project"]["dependencies"]]
EXTRAS = [Requirement(line) for lines in PROJECT["project"]["optional-dependencies"].values() for line in lines]
DEV = [Requirement(line) for line in PROJECT["dependency-groups"]["dev"]]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    ran = subprocess.run(build, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return next(folder.glob("convtune-*.whl"))


def test_the_wheel_holds_the_code_and_the_spaces_and_nothing_else(wheel):
    ours = [path for room in ("pipeline", "search_spaces") for path in (ROOT / room).rglob("*")]
    kinds = (".py", ".pyi", ".yaml", ".json", ".j2")
    expected = {path.relative_to(ROOT).as_posix() for path in ours if path.suffix in kinds or path.name == "py.typed"}
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == expected
    assert {f"search_spaces/{name}.yaml" for name in ("plain", "quick", "grid")} <= held
    assert any(name.endswith(".json") for name in held), "the schema of space and job files is missing"


def test_the_wheel_says_what_it_is(wheel):
    archive = zipfile.ZipFile(wheel)
    info = f"convtune-{__version__}.dist-info"
    metadata = Parser().parsestr(archive.read(f"{info}/METADATA").decode())
    assert (metadata["Name"], metadata["Version"]) == ("convtune", __version__)
    assert (metadata["License-Expression"], metadata["Requires-Python"]) == ("Apache-2.0", ">=3.11")
    assert f"{info}/licenses/LICENSE" in archive.namelist()
    assert "convtune = pipeline.cli:main" in archive.read(f"{info}/entry_points.txt").decode()


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The bin folder of a new environment that holds the wheel alone; the dependencies are lent by this one.

    A line in a .pth file lends them: it puts this site-packages behind the new one and, unlike a real
    site-packages, does not follow the .pth of an editable install that may be in it.
    """
    folder = tmp_path_factory.mktemp("installed") / "env"
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    install = ["--python", str(python), "install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", *install], check=True)
    site_packages = next(folder.glob("lib/python3.*/site-packages"))
    (site_packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return python.parent


def run(program, *arguments, cwd):
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    ran = subprocess.run([program, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.slow
def test_the_installed_package_is_the_wheel_not_this_checkout(installed, tmp_path):
    where = "import pipeline, search_spaces; print(pipeline.__file__); print(search_spaces.__file__)"
    files = run(installed / "python", "-c", where, cwd=tmp_path).splitlines()
    assert all(Path(file).is_relative_to(installed.parent / "lib") for file in files), files


@pytest.mark.slow
def test_the_installed_command_finds_the_spaces(installed, tmp_path):
    listing = run(installed / "convtune", "spaces", cwd=tmp_path)
    assert all(re.search(rf"\b{name}\b", listing) for name in ("plain", "quick", "grid"))
    assert "learning_rate" in run(installed / "convtune", "spaces", "show", "quick", cwd=tmp_path)


@pytest.mark.slow
def test_the_installed_package_runs_as_a_module(installed, tmp_path):
    assert "tune" in run(installed / "python", "-m", "pipeline", "--help", cwd=tmp_path)
    assert run(installed / "convtune", "--version", cwd=tmp_path).split() == ["convtune", __version__]


def trees():
    return [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "pipeline").rglob("*.py")]


def imported():
    """Top names of every import in ``pipeline`` that is neither its own nor the standard library's."""
    found = set()
    for node in (node for tree in trees() for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"pipeline", "search_spaces"}


def test_what_is_imported_is_declared():
    declared = {canonicalize_name(requirement.name) for requirement in RUNTIME + EXTRAS} | {"torch"}
    providers = packages_distributions()
    strange = {
        name for name in imported() if not {canonicalize_name(one) for one in providers.get(name, [name])} & declared
    }
    assert not strange, f"imported but not declared in pyproject.toml: {sorted(strange)}"


def test_what_is_declared_is_imported():
    """Or it is what a dependency imports without declaring it: keras-tuner 1.4.8 imports tensorboard."""
    providers = packages_distributions()
    used = {canonicalize_name(one) for name in imported() for one in providers.get(name, [name])}
    idle = {requirement.name for requirement in RUNTIME if canonicalize_name(requirement.name) not in used} - {
        "tensorboard"
    }
    assert not idle, f"declared in pyproject.toml but not imported: {sorted(idle)}"


def pins(name):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_pin_is_a_name_and_a_version(name):
    strange = [line for line in pins(name) if not re.fullmatch(r"[\w.-]+==[\w.!]+", line)]
    assert strange == (["-r requirements.txt"] if name == "requirements-dev.txt" else [])


@pytest.mark.parametrize(
    ("requirements", "names"),
    [(RUNTIME, ["requirements.txt"]), (DEV, ["requirements.txt", "requirements-dev.txt"])],
    ids=["runtime", "dev"],
)
def test_every_dependency_is_pinned_within_its_range(requirements, names):
    pinned = dict(line.split("==") for name in names for line in pins(name) if "==" in line)
    versions = {canonicalize_name(name): version for name, version in pinned.items()}
    wrong = [
        str(requirement)
        for requirement in requirements
        if not requirement.specifier.contains(versions.get(canonicalize_name(requirement.name), "0"))
    ]
    assert not wrong, f"run make pins: {wrong}"
