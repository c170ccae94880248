"""The user's Python files: they go with every task, so a machine that does not have them imports copies. In workers."""

import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipeline.errors import ConvtuneError, WorkerError, first_line
from pipeline.hypermodel.source import Code, HyperModelSource

NEEDED = "each machine that trains needs the packages and data that it uses; only Python files beside it travel"
"""What to do where a HyperModel does not work that works on the study's machine."""

_copies: dict[str, TemporaryDirectory[str]] = {}
"""The folder with copies from which this process has imported a module, by the module's name."""


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
    return tuple((path, file.read_bytes()) for path, file in files.items())


def import_user_module(source: HyperModelSource) -> Any:
    """The module of the source; that of a file can import the modules beside it, as a script can.

    Where its files are not those that were surveyed, on another machine or since somebody has edited them, copies of
    these are imported instead.
    """
    module, folder = source.module, _folder(source.module)
    file = Path(module)
    if not all(_has(file if path == file.name else folder / path, content) for path, content in source.code):
        folder = _write_copies(source)
        file = folder / file.name
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    if not module.endswith(".py"):
        return importlib.import_module(module)
    alias = f"hypermodel_{file.stem}"
    spec = importlib.util.spec_from_file_location(alias, file)
    assert spec is not None
    assert spec.loader is not None
    imported = importlib.util.module_from_spec(spec)
    sys.modules[alias] = imported
    spec.loader.exec_module(imported)
    return imported


def name_at_home(text: str, source: HyperModelSource) -> str:
    """A text in which files are named as the study's machine names them."""
    if source.module not in _copies:
        return text
    return text.replace(f"{_copies[source.module].name}{os.sep}", os.path.join(os.path.dirname(source.module), ""))


@contextmanager
def errors_at_home(source: HyperModelSource) -> Iterator[None]:
    """Makes errors of the user's code in the block name files as the study's machine does, and say what is missing."""
    try:
        yield
    except Exception as error:
        said = str(error) if isinstance(error, ConvtuneError) else first_line(error)
        text = name_at_home(said, source)
        if source.module in _copies and isinstance(error, FileNotFoundError | ModuleNotFoundError):
            text += f"; {NEEDED}"
        if text == said:
            raise
        traceback.print_exc()  # into the worker's log
        raise WorkerError(text) from error


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


def _write_copies(source: HyperModelSource) -> Path:
    copies = _copies[source.module] = TemporaryDirectory(prefix="hypermodel-")  # kept as long as the process lives
    for path, content in source.code:
        file = Path(copies.name) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return Path(copies.name)
