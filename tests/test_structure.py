"""Holds the plan in docs/design.md: who may import whom, what is imported when, and how long things get."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "pipeline").rglob("*.py"))

FLOORS = (
    {"", "errors", "signals"},
    {"arrays", "files", "garbage", "hyperparameter", "markdown", "quantity"},
    {"yaml_file"},
    {"metrics"},
    {"study"},
    {"console", "executors"},
    {"architecture", "data", "recipe"},
    {"space"},
    {"candidate"},
    {"training"},
    {"explain", "export", "hypermodel", "latency"},
    {"search"},
    {"report", "tracking"},
    {"job"},
    {"schema"},
    {"doctor", "steps"},
    {"api"},
    {"cli"},
    {"__main__"},
)
"""Rooms, or single modules of one, from the ground up ("" is ``pipeline/__init__.py``).

A module imports from lower floors and from its own room.
"""

KERAS = {
    "data.fetch",
    "explain.explained_model",
    "explain.grad_cam",
    "explain.head",
    "explain.graph",
    "explain.image_explanation",
    "explain.receptive_field",
    "export.onnx_file",
    "export.portable",
    "export.saved_model",
    "export.scripts.keras",
    "export.served_model",
    "hypermodel.data_form",
    "hypermodel.fit",
    "hypermodel.fit_data",
    "hypermodel.followed_fit",
    "hypermodel.import_watch",
    "hypermodel.inference_model",
    "hypermodel.loader",
    "hypermodel.own_functions",
    "hypermodel.probe",
    "hypermodel.survey",
    "hypermodel.try_fit",
    "hypermodel.user_model",
    "latency.calibrate",
    "training.batch_norm",
    "training.batches",
    "training.build",
    "training.evaluation",
    "training.first_step",
    "training.fit",
    "training.gpu_share",
    "training.grouped",
    "training.keras_model",
    "training.memory",
    "training.optimizer",
    "training.pixel_range",
    "training.pixels",
    "training.precision",
    "training.predict",
    "training.reporting_callback",
    "training.save",
    "training.throughput",
    "training.weight_average",
}
"""The modules that run where Keras is: in workers, and in commands that are their own worker."""

HEAVY = {
    "keras": KERAS,
    "keras_tuner": {
        f"hypermodel.{name}" for name in ("call_fit", "declared", "import_watch", "loader", "probe", "survey")
    },
    "tensorflow": {
        "explain.grad_cam",
        "export.litert",
        "export.portable",
        "export.saved_model",
        "export.saved_model_check",
        "export.scripts.saved_model",
        "training.batch_norm",
        "training.batches",
        "training.gpu_share",
        "training.memory",
        "training.tensorflow_alone",
    },
    "jax": {"explain.grad_cam"},
    "torch": {"explain.grad_cam", "training.gpu_share", "training.precision"},
    "optuna": {"search"},
    "mlflow": {"tracking", "export.mlflow_model", "export.served_model"},
    "scipy": {"metrics"},
    "sklearn": {"metrics", "latency.calibrate", "data.named"},
    "jinja2": {"explain.page"},
    "ray": {f"executors.{name}" for name in ("ray", "ray_address", "ray_cluster", "ray_handle", "ray_slot")},
}
"""The modules, or rooms, that may import a heavy library."""

PURE = {"", "architecture", "candidate", "errors", "files", "hyperparameter", "job", "recipe", "signals"}
PURE |= {f"study.{name}" for name in ("trial", "record", "objective", "history", "fingerprint", "paths")}
PURE |= {"study.kept_models", "study.database"}
"""Rooms and modules of the standard library alone: a candidate is judged without loading anything."""

MAX_FUNCTION, MAX_FILE, MAX_FAN_OUT = 60, 350, 14

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


def floor(module: str) -> int:
    """The floor of the module itself if it has one, else that of its room."""
    for name in (module, room(module)):
        for height, rooms in enumerate(FLOORS):
            if name in rooms:
                return height
    raise AssertionError(f"{room(module)} is on no floor: give it one here and in docs/design.md")


def test_imports_point_down():
    wrong = [
        f"pipeline.{module} imports {target}"
        for module, path in MODULES.items()
        for target in sorted(own_imports(parse(path)))
        if room(target) != room(module) and floor(target) >= floor(module)
    ]
    assert not wrong, "imports that go upwards:\n" + "\n".join(wrong)


def test_no_import_goes_in_a_circle():
    """Imports inside functions and under TYPE_CHECKING count too: a circle that they hide is still one."""
    graph = {module: own_imports(parse(path)) - {module} for module, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"imports go in a circle: {' -> '.join(error.args[1])}")


def test_a_hidden_circle_is_found():
    hidden = ast.parse(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pipeline.study.trial import Trial"
    )
    late = ast.parse("def f():\n    from pipeline.study.record import TrialRecord")
    assert (own_imports(hidden), own_imports(late)) == ({"study.trial"}, {"study.record"})


def test_no_module_is_fed_by_many_others():
    fed_by = {module: sorted(own_imports(parse(path)) - {module}) for module, path in MODULES.items()}
    wrong = {module: others for module, others in fed_by.items() if len(others) > MAX_FAN_OUT}
    assert not wrong, f"modules that import more than {MAX_FAN_OUT} others: {wrong}"


def test_heavy_libraries_stay_in_their_rooms():
    wrong = [
        f"pipeline.{module} imports {library}, which may be imported in {sorted(HEAVY[library])}"
        for module, path in MODULES.items()
        for library in sorted(foreign_imports(parse(path)) & HEAVY.keys())
        if not {module, room(module)} & HEAVY[library]
    ]
    assert not wrong, "\n".join(wrong)


def test_pure_rooms_need_the_standard_library_alone():
    pure = [module for module in MODULES if {module, room(module)} & PURE]
    assert len(pure) > len(PURE)
    foreign = {module: sorted(foreign_imports(parse(MODULES[module])) - sys.stdlib_module_names) for module in pure}
    wrong = {module: libraries for module, libraries in foreign.items() if libraries}
    assert not wrong, f"pure modules that import libraries: {wrong}"


@pytest.mark.parametrize(
    ("source", "own", "foreign"),
    [
        ("from pipeline import hypermodel", {"hypermodel"}, set()),
        ("from pipeline import __version__", {""}, set()),
        ("from pipeline.job.job import Job", {"job.job"}, set()),
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


def test_the_steps_of_a_study_leave_training_libraries_to_workers():
    """The parent process of a study has no Keras: what it imports at its start brings none in."""
    code = (
        "import sys, pipeline.steps.run\n"
        "print(*[name for name in ('keras', 'tensorflow', 'jax') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == ""


def test_functions_and_files_stay_short():
    functions = {
        f"{module}.{node.name}, line {node.lineno}": (node.end_lineno or 0) - node.lineno + 1
        for module, path in MODULES.items()
        for node in ast.walk(parse(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    too_long = {name: lines for name, lines in functions.items() if lines > MAX_FUNCTION}
    assert not too_long, f"functions of more than {MAX_FUNCTION} lines: {too_long}"
    files = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in MODULES.items()}
    too_long = {module: lines for module, lines in files.items() if lines > MAX_FILE}
    assert not too_long, f"modules of more than {MAX_FILE} lines: {too_long}"


def test_every_module_says_in_its_first_line_what_it_is():
    firsts = {module: (ast.get_docstring(parse(path)) or "").split("\n")[0] for module, path in MODULES.items()}
    wrong = {module: first for module, first in firsts.items() if not first.endswith((".", ":", ";"))}
    assert not wrong, f"modules without a sentence at their top: {wrong}"
