"""Holds the plan in docs/design.md: who may import whom, what is imported when, and how long things get."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "pipeline").rglob("*.py"))

LAYERS = (
    {"", "errors", "hyperparameter"},
    {"model_card", "objective", "recipe", "signals", "trial", "yaml_file"},
    {"job", "record"},
    {"folder"},
    {"architecture", "data"},
    {"space"},
    {"training"},
    {"executors", "tracking"},
    {"search"},
    {"export", "hypermodel", "report"},
    {"loading", "printing"},
    {"tune"},
    {"cli"},
    {"__main__"},
)
"""Rooms from the ground up ("" is ``pipeline/__init__.py``). A room imports from lower layers and from itself."""

HEAVY = {
    "keras": {"training", "export"},
    "keras_tuner": {"training"},
    "tensorflow": {"training", "export"},
    "jax": {"training", "export"},
    "torch": {"training", "export"},
    "optuna": {"search", "report"},
    "mlflow": {"tracking", "training.mlflow_model"},
    "ray": set(),
}
"""The rooms, or single modules, that may import a heavy library."""

PURE = {"", "architecture", "errors", "hyperparameter", "job", "objective", "record", "recipe", "trial"}
"""Rooms of the standard library alone: a candidate is judged without loading anything."""

MAX_FUNCTION, MAX_FILE = 60, 350

NOT_FOR_HELP = ("keras", "tensorflow", "jax", "optuna", "sqlalchemy", "mlflow", "numpy", "pandas", "sklearn")
NOT_FOR_HELP += ("matplotlib", "PIL", "rich", "yaml")


def module_name(path: Path) -> str:
    """``training.fit`` for ``pipeline/training/fit.py``; a package has its folder's name."""
    parts = path.relative_to(ROOT / "pipeline").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


def imports(tree: ast.AST) -> Iterator[str]:
    """Every absolute module or member that is imported anywhere in the tree, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: write imports from the top, as `from pipeline.x import y`"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def own_imports(tree: ast.AST) -> set[str]:
    """Imported modules of ``pipeline``, by their name below it; a name imported from a module counts as the module."""
    names = {name.removeprefix("pipeline").lstrip(".") for name in imports(tree) if name.split(".")[0] == "pipeline"}
    return {name if name in MODULES else name.rpartition(".")[0] for name in names}


def foreign_imports(tree: ast.AST) -> set[str]:
    """Top names of everything imported that is not ``pipeline``."""
    return {name.split(".")[0] for name in imports(tree)} - {"pipeline"}


def room(module: str) -> str:
    return module.split(".")[0]


def layer(module: str) -> int:
    found = [height for height, rooms in enumerate(LAYERS) if room(module) in rooms]
    assert found, f"{room(module)} is in no layer: give it one here and in docs/design.md"
    return found[0]


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module):
    wrong = {
        target
        for target in own_imports(parse(MODULES[module]))
        if room(target) != room(module) and layer(target) >= layer(module)
    }
    assert not wrong, f"pipeline.{module} imports upwards: {sorted(wrong)}"


@pytest.mark.parametrize("library", HEAVY)
def test_heavy_libraries_stay_in_their_rooms(library):
    users = {module for module, path in MODULES.items() if library in foreign_imports(parse(path))}
    wrong = {module for module in users if not {module, room(module)} & HEAVY[library]}
    assert not wrong, f"{library} is imported in {sorted(wrong)}, it may be in {sorted(HEAVY[library])}"


@pytest.mark.parametrize("module", [module for module in MODULES if room(module) in PURE])
def test_pure_rooms_need_the_standard_library_alone(module):
    foreign = foreign_imports(parse(MODULES[module])) - sys.stdlib_module_names
    assert not foreign, f"pipeline.{module} imports {sorted(foreign)}"


@pytest.mark.parametrize(
    ("source", "own", "foreign"),
    [
        ("from pipeline import job", {"job"}, set()),
        ("from pipeline import __version__", {""}, set()),
        ("from pipeline.job import Job", {"job"}, set()),
        ("def f():\n    import pipeline.training.fit, keras.layers", {"training.fit"}, {"keras"}),
        ("from pipeline.training import fit", {"training.fit"}, set()),
    ],
)
def test_the_reading_of_imports(source, own, foreign):
    tree = ast.parse(source)
    assert (own_imports(tree), foreign_imports(tree)) == (own, foreign)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["tune", "--help"]], ids=" ".join)
def test_help_imports_nothing_heavy(arguments, tmp_path):
    """Half a second for ``--help`` leaves no time to import a library."""
    code = (
        "import sys\nfrom pipeline.cli import main\n"
        f"try:\n    main({arguments})\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"print('loaded:', *[name for name in {NOT_FOR_HELP} if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1].strip() == "loaded:"


def test_the_tune_modules_leave_training_libraries_to_workers():
    """The parent process of a study has no Keras: what it imports at its start brings none in."""
    code = (
        "import sys, pipeline.tune.run\n"
        "print(*[name for name in ('keras', 'tensorflow', 'jax') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == ""


@pytest.mark.parametrize("module", MODULES)
def test_functions_and_files_stay_short(module):
    source = MODULES[module].read_text(encoding="utf-8")
    nodes = ast.walk(ast.parse(source))
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {function.name: (function.end_lineno or 0) - function.lineno + 1 for function in functions}
    too_long = {name: lines for name, lines in lengths.items() if lines > MAX_FUNCTION}
    assert not too_long, f"functions of more than {MAX_FUNCTION} lines: {too_long}"
    assert len(source.splitlines()) <= MAX_FILE


@pytest.mark.parametrize("module", MODULES)
def test_every_module_says_in_its_first_line_what_it_is(module):
    first = (ast.get_docstring(parse(MODULES[module])) or "").split("\n")[0]
    assert first.endswith((".", ":", ";")), f"pipeline.{module} has no sentence at its top: {first!r}"
