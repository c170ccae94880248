"""A HyperModel on a machine without its files: another process, in another folder."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import MachineError, WorkerError
from pipeline.hypermodel import user_code
from pipeline.hypermodel.source import HyperModelSource
from pipeline.hypermodel.task import HyperModelTask
from pipeline.hypermodel.user_code import collect_code, errors_at_home, import_user_module

MINE = """
import json
from layers_of_mine.wide import WIDTH
import sizes_of_mine
build = WIDTH + sizes_of_mine.SIZE
"""
OPENS = """
import pathlib
def build(hp):
    return pathlib.Path(__file__).with_name("w.bin").open()
"""
FILES = {
    "mine.py": MINE,
    "layers_of_mine/__init__.py": "",
    "layers_of_mine/wide.py": "WIDTH = 3\n",
    "layers_of_mine/unused.py": "",
    "sizes_of_mine.py": "SIZE = 4\n",
    "weights.bin": "",
}
NEEDED = set(FILES) - {"layers_of_mine/unused.py", "weights.bin"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The folder with the files, where this process is; what it imports from there is forgotten at the end."""
    home = tmp_path / "home"
    for name, content in FILES.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(content)
    monkeypatch.chdir(home)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(user_code, "_copies", {})
    yield home
    for name in [name for name in sys.modules if "_of_mine" in name or name in ("mine", "hypermodel_mine")]:
        del sys.modules[name]


def surveyed(module):
    """Its source, with the code that another process has imported."""
    script = "import sys\nfrom pipeline.hypermodel.user_code import *\nmodule = sys.argv[1]\n"
    script += "import_user_module(HyperModelSource(module, ''))\nprint(repr(collect_code(module)))"
    run = subprocess.run([sys.executable, "-c", script, module], capture_output=True, text=True, check=True)
    return HyperModelSource(module, "build", code=eval(run.stdout))


@pytest.mark.parametrize("module", ["mine.py", "mine"])
def test_copies_are_imported_where_its_files_are_not_those_of_the_survey(home, module):
    source = surveyed(module)
    assert {path for path, _ in source.code} == NEEDED
    for file in home.rglob("*.pyc"):
        file.unlink()
    (home / "sizes_of_mine.py").write_text("SIZE = 5\n")  # edited since the survey
    copied = import_user_module(source)
    assert copied.build == 7
    assert home not in Path(copied.__file__).parents


def test_files_that_are_as_surveyed_are_imported_where_they_are(home):
    source = surveyed("mine.py")
    imported = import_user_module(source)
    assert (imported.build, Path(imported.__file__)) == (7, home / "mine.py")
    assert collect_code("mine.py") == source.code
    assert source == replace(source, code=())  # one object builds the models before and after the survey


def test_installed_packages_do_not_travel(home):
    assert surveyed("json.tool").code == ()


def test_errors_name_the_files_as_at_home_and_say_what_is_missing(home, tmp_path, monkeypatch):
    (home / "mine.py").write_text(OPENS)
    monkeypatch.chdir(tmp_path)
    source = surveyed("home/mine.py")
    (tmp_path / "home").rename(tmp_path / "moved")
    copied = import_user_module(source)
    with (
        pytest.raises(WorkerError, match=r"'home/w\.bin'; each machine that trains needs .* data"),
        errors_at_home(source),
    ):
        copied.build(None)
    with pytest.raises(ValueError, match="other"), errors_at_home(source):
        raise ValueError("other")


def test_a_module_that_only_this_machine_lacks_is_a_fault_of_the_machine(home):
    source = HyperModelSource("absent_of_mine.models", "build", (4, 4, 1), 2)
    raised = r"absent_of_mine\.models:build: importing it raised .*; each machine that trains"
    with pytest.raises(MachineError, match=raised):
        HyperModelTask(None, source).run(None)
