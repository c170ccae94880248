"""A HyperModel on a machine without its files: another process, in another folder."""

import inspect
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import MachineError, SpaceError, WorkerError
from pipeline.hypermodel import loader, user_code
from pipeline.hypermodel.source import HyperModelSource
from pipeline.hypermodel.task import HyperModelTask
from pipeline.hypermodel.user_code import collect_code, import_user_module, naming_what_is_needed

MINE = """
import json
from pathlib import Path
from layers_of_mine.wide import WIDTH
import sizes_of_mine
def build(hp):
    return WIDTH + sizes_of_mine.SIZE
with (Path(__file__).parent / "weights.bin").open() as weights:
    assert weights.read() == "abc"
"""
WIDE = """
from pathlib import Path
WIDTH = len(Path(__file__).parents[1].joinpath("weights.bin").read_text())
"""
OPENS = """
import pathlib
def build(hp):
    return pathlib.Path(__file__).with_name("w.bin").open()
"""
FILES = {
    "mine.py": MINE,
    "layers_of_mine/__init__.py": "",
    "layers_of_mine/wide.py": WIDE,
    "layers_of_mine/unused.py": "",
    "sizes_of_mine.py": "SIZE = 4\n",
    "weights.bin": "abc",
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
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(user_code, "_contents", {})
    monkeypatch.setattr(user_code, "_from_memory", set())
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
def test_what_was_surveyed_is_imported_where_its_files_are_others_and_finds_the_data_beside_them(
    home, module, tmp_path, monkeypatch
):
    source = surveyed(module)
    assert {path for path, _ in source.code} == NEEDED
    for file in home.rglob("*.pyc"):
        file.unlink()
    for edited in ("mine.py", "sizes_of_mine.py"):
        (home / edited).write_text("SIZE = 5\n" * 9)
    (temporary := tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    imported = import_user_module(source)
    assert imported.build(None) == 7
    assert inspect.getsource(imported.build) == "def build(hp):\n    return WIDTH + sizes_of_mine.SIZE\n"
    assert list(temporary.iterdir()) == [], "nothing is left by a worker that is killed"


def test_a_folder_without_init_is_a_package_where_the_files_are_missing(home, tmp_path, monkeypatch):
    (home / "layers_of_mine" / "__init__.py").unlink()
    monkeypatch.chdir(tmp_path)
    source = surveyed("home/mine.py")
    home.rename(tmp_path / "moved")
    with pytest.raises(FileNotFoundError, match=r"home/weights\.bin'"):  # so wide.py was found
        import_user_module(source)


def test_what_no_model_had_imported_is_found_beside_an_edited_file(home):
    source = surveyed("mine.py")
    (home / "sizes_of_mine.py").write_text("SIZE = 5\n")
    import_user_module(source)
    (home / "later_of_mine.py").write_text("")
    assert __import__("later_of_mine").__file__ == str(home / "later_of_mine.py")


@pytest.mark.parametrize("module", ["mine.py", "mine"])
def test_an_edit_during_the_survey_does_not_change_what_travels(home, module):
    import_user_module(HyperModelSource(module, "build"))
    for edited in ("mine.py", "sizes_of_mine.py"):
        (home / edited).write_text("")
    code = {path: content.decode() for path, content in collect_code(module)}
    assert (code["mine.py"], code["sizes_of_mine.py"]) == (MINE, FILES["sizes_of_mine.py"])


def test_files_that_are_as_surveyed_are_imported_where_they_are(home):
    source = surveyed("mine.py")
    imported = import_user_module(source)
    assert (imported.build(None), Path(imported.__file__)) == (7, home / "mine.py")
    assert collect_code("mine.py") == source.code
    assert source == replace(source, code=())  # one object builds the models before and after the survey


def test_installed_packages_do_not_travel(home):
    assert surveyed("json.tool").code == ()


def test_errors_say_what_a_machine_without_the_files_needs(home, tmp_path, monkeypatch):
    (home / "mine.py").write_text(OPENS)
    monkeypatch.chdir(tmp_path)
    source = surveyed("home/mine.py")
    (tmp_path / "home").rename(tmp_path / "moved")
    imported = import_user_module(source)
    with (
        pytest.raises(WorkerError, match=r"/home/w\.bin'; each machine that trains needs .* data"),
        naming_what_is_needed(source),
    ):
        imported.build(None)
    with pytest.raises(ValueError, match="other"), naming_what_is_needed(source):
        raise ValueError("other")


def test_a_module_that_only_this_machine_lacks_is_a_fault_of_the_machine(home):
    source = HyperModelSource("absent_of_mine.models", "build", (4, 4, 1), 2)
    raised = r"absent_of_mine\.models:build: importing it raised .*; each machine that trains"
    with pytest.raises(MachineError, match=raised):
        HyperModelTask(None, source).run(None)


def test_a_process_that_trains_with_one_text_of_a_file_refuses_another(tmp_path, monkeypatch):
    """A program that runs two studies with executor inline: Python would give the second the module of the first."""
    file = tmp_path / "edited_between.py"
    file.write_text("def build(hp):\n    return 1\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    source = HyperModelSource(str(file), "build")
    first = replace(source, code=(("edited_between.py", file.read_bytes()),))
    assert loader.load(first).build(None) == 1
    file.write_text("def build(hp):\n    return 2\n")
    with pytest.raises(SpaceError, match=r"edited since this process imported it; start Python anew"):
        loader.load(replace(source, code=(("edited_between.py", file.read_bytes()),)))
    assert loader.load(first).build(None) == 1
