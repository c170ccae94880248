"""The user's Python files: they go with every task, so a machine without them imports what was surveyed. In workers."""

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

from pipeline.errors import WorkerError, first_line
from pipeline.hypermodel.source import Code, HyperModelSource

NEEDED = "each machine that trains needs the packages and data that it uses; only Python files beside it travel"
"""Advice for a HyperModel that works on the study's machine and fails on another."""

_contents: dict[Path, bytes] = {}
"""The user's files as they were when this process imported them: they may be edited while it uses them."""

_from_memory: set[str] = set()
"""The modules that this process has imported as surveyed, since their files are not that."""


def collect_code(module: str) -> Code:
    """The files that this process has imported from the module's folder: its own, and those beside it.

    Packages that are installed elsewhere are left out, and so is convtune: every machine needs them.
    """
    folder, files = _folder(module), {}
    if module.endswith(".py"):
        files[Path(module).name] = Path(module)
    tops = {name.partition(".")[0] for name in sys.modules} - {"pipeline"}
    beside = {top for top in tops if (folder / f"{top}.py").is_file() or (folder / top).is_dir()}
    for name, imported in list(sys.modules.items()):
        file = getattr(imported, "__file__", None)
        if file and name.partition(".")[0] in beside:
            path = name.replace(".", "/")
            same = (path for path in (f"{path}.py", f"{path}/__init__.py") if _is_same(folder / path, file))
            files |= {path: Path(file) for path in same}
    for file in files.values():
        if file not in _contents:
            _contents[file] = file.read_bytes()
    return tuple((path, _contents[file]) for path, file in files.items())


def import_user_module(source: HyperModelSource) -> Any:
    """The module of the source; that of a file can import the modules beside it, as a script can.

    Where its files are not those that were surveyed, on another machine or since somebody has edited them, it is
    imported as surveyed, from memory; data are found beside the files all the same, if they are there.
    """
    module, folder, file = source.module, _folder(source.module), Path(source.module)
    if all(_has(file if path == file.name else folder / path, content) for path, content in source.code):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    else:
        _from_memory.add(module)
        sys.meta_path.insert(0, _Surveyed(folder, source.code))
        sys.path.append(str(folder))  # for what no model had imported yet
    imported = _import_file(source) if module.endswith(".py") else importlib.import_module(module)
    if not source.code:
        collect_code(module)  # now: who edits a file during the survey means another study
    return imported


def _import_file(source: HyperModelSource) -> Any:
    file = Path(source.module)
    alias = f"hypermodel_{file.stem}"
    if source.module in _from_memory:
        spec = _spec(alias, file.absolute(), dict(source.code)[file.name])
    else:
        _contents[file] = file.read_bytes()
        spec = importlib.util.spec_from_file_location(alias, file)
    assert spec is not None
    assert spec.loader is not None
    imported = importlib.util.module_from_spec(spec)
    sys.modules[alias] = imported
    spec.loader.exec_module(imported)
    return imported


@contextmanager
def naming_what_is_needed(source: HyperModelSource) -> Iterator[None]:
    """Makes an error of the block say what each machine needs, where a file is missing beside code from memory."""
    try:
        yield
    except (FileNotFoundError, ModuleNotFoundError) as error:
        if source.module not in _from_memory:
            raise
        traceback.print_exc()  # into the worker's log
        raise WorkerError(f"{first_line(error)}; {NEEDED}") from error


class _Surveyed(MetaPathFinder):
    """Finds the modules of ``code`` in memory, as if they lay in ``folder``."""

    def __init__(self, folder: Path, code: Code) -> None:
        self._folder, self._code = folder, dict(code)

    def find_spec(self, name: str, path: Sequence[str] | None, target: object = None) -> ModuleSpec | None:
        """The spec of a module or package; one without an ``__init__.py`` is a folder, even where that is missing."""
        top = name.replace(".", "/")
        for file in (f"{top}/__init__.py", f"{top}.py"):
            if file in self._code:
                return _spec(name, self._folder / file, self._code[file])
        if not any(file.startswith(f"{top}/") for file in self._code) or PathFinder.find_spec(name, path):
            return None
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(self._folder / top)]
        return spec


class _FromMemory(SourceFileLoader):
    """Imports ``content`` as if it were that of a file, which may hold something else now, or not exist."""

    def __init__(self, name: str, file: Path, content: bytes) -> None:
        super().__init__(name, str(file))
        self._content = content

    def get_code(self, fullname: str) -> CodeType:
        """The code; its file has a name that no file has: Python and AutoGraph ask for the source below."""
        code: CodeType = compile(self._content, f"as surveyed: {self.path}", "exec", dont_inherit=True)
        return code

    def get_source(self, fullname: str) -> str:
        """The text of the code, for tracebacks and ``inspect``."""
        return importlib.util.decode_source(self._content)


def _spec(name: str, file: Path, content: bytes) -> ModuleSpec | None:
    return importlib.util.spec_from_file_location(name, file, loader=_FromMemory(name, file, content))


def _folder(module: str) -> Path:
    """The folder in which the imports of a module look first."""
    return Path(module).resolve().parent if module.endswith(".py") else Path.cwd()


def _is_same(path: Path, file: str) -> bool:
    return path.is_file() and path.samefile(file)


def _has(file: Path, content: bytes) -> bool:
    try:
        return file.read_bytes() == content
    except OSError:
        return False
