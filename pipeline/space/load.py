"""Space files: those that ship with convtune, and the user's own."""

from importlib.resources import as_file, files
from pathlib import Path

from pipeline.errors import SpaceError, error_at, nearest_or_all
from pipeline.hyperparameter import format_value
from pipeline.space.parse import parse
from pipeline.space.space import Space
from pipeline.yaml_file import read_mapping


def load(name_or_path: str) -> Space:
    """The space of that name that ships with convtune, or of a file (a path has a separator or ends in .yaml or .yml).

    SpaceError of one line, with where and what, for an unknown name and for a file that is not a valid space.
    """
    if "/" in name_or_path or "\\" in name_or_path or name_or_path.endswith((".yaml", ".yml")):
        return _read(Path(name_or_path), name_or_path)
    names = [name for name, _ in available()]
    if name_or_path not in names:
        expected = f"{nearest_or_all(name_or_path, names)}; a file ends in .yaml"
        raise SpaceError(f"unknown space {format_value(name_or_path)}{expected}")
    with as_file(files("search_spaces") / f"{name_or_path}.yaml") as path:
        return _read(path, name_or_path)


def source_text(name_or_path: str) -> str:
    """The text of the space file that ``load`` would read, which must exist."""
    shipped = files("search_spaces") / f"{name_or_path}.yaml"
    return (shipped if shipped.is_file() else Path(name_or_path)).read_text(encoding="utf-8")


def available() -> list[tuple[str, str]]:
    """Name and one line of description of each space that ships with convtune, by name."""
    shipped = [file for file in files("search_spaces").iterdir() if file.name.endswith(".yaml")]
    texts = {file.name.removesuffix(".yaml"): file.read_text(encoding="utf-8") for file in shipped}
    return [(name, _description(texts[name])) for name in sorted(texts)]


def _read(path: Path, where: str) -> Space:
    content = read_mapping(path, SpaceError)
    with error_at(where):
        return parse(content, path.stem)


def _description(text: str) -> str:
    """The first comment that is not meant for an editor."""
    comments = (line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("#"))
    return next((comment for comment in comments if comment and not comment.startswith("yaml-language-server")), "")
