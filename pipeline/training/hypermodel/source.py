"""Imports a user's HyperModel and builds it: the one place where a Python file of the user's runs. In workers only."""

import importlib
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np

from pipeline.errors import SpaceError, first_line, nearest
from pipeline.hyperparameter import Values
from pipeline.training.hypermodel.model import Unfit, check, finish, labels, sparse
from pipeline.training.hypermodel.task import Blueprint

_ARGUMENTS = frozenset({"input_shape", "classes", "num_classes"})
"""What a HyperModel's constructor is given of the data, by the names of KerasTuner's own."""

_loaded: dict[Blueprint, Any] = {}
"""By this worker: as KerasTuner does, one HyperModel builds all models."""
_policies: dict[str, Any] = {}
"""By module."""


class _Function(keras_tuner.HyperModel):  # type: ignore[misc]
    """A HyperModel of a ``build(hp)`` function."""

    def __init__(self, build: Any) -> None:
        super().__init__()
        self.build = build


class _Reached(BaseException):
    """Raised in place of a training, with its arguments; not an Exception, which the user's code might catch."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        super().__init__()
        self.arguments = arguments


def load(blueprint: Blueprint) -> Any:
    """The HyperModel; a class is made with the data's ``input_shape`` and ``classes`` if its constructor takes them.

    SpaceError of one line when it cannot be had.
    """
    if blueprint not in _loaded:
        _loaded[blueprint] = _hypermodel(blueprint, member(blueprint))
    return _loaded[blueprint]


def member(blueprint: Blueprint) -> Any:
    """What the blueprint names, imported; SpaceError when there is no such thing or its module raises."""
    with explained(blueprint, "importing it"):
        module = _module(blueprint.module)
    if not hasattr(module, blueprint.attribute):
        names = [name for name, one in vars(module).items() if callable(one) and not name.startswith("_")]
        raise SpaceError(f"{blueprint}: there is no {blueprint.attribute!r}{nearest(blueprint.attribute, names)}")
    return getattr(module, blueprint.attribute)


def source(blueprint: Blueprint) -> str:
    """The file that the blueprint's module was imported from, "" for one without."""
    return getattr(_module(blueprint.module), "__file__", None) or ""


def own_policy(blueprint: Blueprint) -> Any:
    """The dtype policy that importing the blueprint's module has set, float32 where it has set none."""
    _module(blueprint.module)
    return _policies[blueprint.module]


def takes_data(found: Any) -> bool:
    """Whether ``found`` is a class that is made for images of a given shape, or so many classes."""
    return isinstance(found, type) and not _ARGUMENTS.isdisjoint(_taken(found))


def build(blueprint: Blueprint, hp: keras_tuner.HyperParameters) -> Any:
    """The model that the values of ``hp`` ask for, compiled and with weights; what is not among them takes its default.

    Raises whatever the user's ``build`` raises, and Unfit for a model that cannot be trained on these images. ``hp``
    has learned by then what it was asked for.
    """
    hypermodel = load(blueprint)
    model = hypermodel.build(hp)
    if not isinstance(model, keras.Model):
        raise Unfit(f"it returns {_a(model)}; expected a compiled keras.Model", "no model")
    if blueprint.shape is not None:
        finish(model, blueprint.shape)
        if fits_itself(hypermodel):
            _probe(hypermodel, hp, model, blueprint)
        check(model, blueprint.shape, blueprint.classes)
    return model


def asked(values: Values) -> keras_tuner.HyperParameters:
    """HyperParameters that give these values when they are asked."""
    hp = keras_tuner.HyperParameters()
    hp.values = dict(values)
    return hp


def fits_itself(hypermodel: Any) -> bool:
    """Whether it trains its models by a ``fit`` of its own."""
    return type(hypermodel).fit is not keras_tuner.HyperModel.fit


def _probe(hypermodel: Any, hp: Any, model: Any, blueprint: Blueprint) -> None:
    """Runs the HyperModel's own ``fit`` up to ``model.fit``: it shows what it asks of ``hp`` and what it passes on."""

    def reached(*args: Any, **kwargs: Any) -> None:
        raise _Reached(dict(zip(inspect.signature(keras.Model.fit).parameters, (model, *args), strict=False)) | kwargs)

    assert blueprint.shape is not None
    images, numbers = np.zeros((2, *blueprint.shape), np.float32), np.zeros(2, np.int64)
    targets = labels(numbers, blueprint.classes, model.compiled and sparse(model))
    given, callback = (images, targets), keras.callbacks.Callback()
    model.fit = reached
    try:
        hypermodel.fit(hp, model, *given, validation_data=given, epochs=1, callbacks=[callback], verbose=0)
    except _Reached as end:
        return _check_passed_on(callback, end.arguments)
    finally:
        del model.fit
    raise Unfit("its fit() does not call model.fit(), so its epochs cannot be followed", "fit without model.fit")


def _check_passed_on(callback: Any, given: dict[str, Any]) -> None:
    """Unfit unless ``model.fit`` was ``given`` the callback, maybe among others, and validates after each epoch."""
    passed = given.get("callbacks")
    if callback not in (passed if isinstance(passed, list | tuple) else [passed]):
        what, why = "callbacks", "its epochs are followed by"
    elif given.get("validation_data") is None:
        what, why = "validation_data", "trials are judged by"
    elif (every := given.get("validation_freq", 1)) != 1:
        found = f"its fit() sets validation_freq={every}"
        raise Unfit(f"{found}, but trials are judged after every epoch; leave it out", "fit with validation_freq")
    else:
        return
    raise Unfit(f"its fit() leaves out {what}, which {why}; pass on what it is given", f"fit without {what}")


def _hypermodel(blueprint: Blueprint, found: Any) -> Any:
    if isinstance(found, type):
        if not issubclass(found, keras_tuner.HyperModel):
            raise SpaceError(f"{blueprint}: is a class, but no keras_tuner.HyperModel; expected one, or build(hp)")
        with explained(blueprint, "making it"):
            found = found(**_arguments(blueprint, found))
    if isinstance(found, keras_tuner.HyperModel):
        return found
    if not callable(found):
        raise SpaceError(f"{blueprint}: is {_a(found)}; expected a keras_tuner.HyperModel or a function build(hp)")
    return _Function(found)


def _arguments(blueprint: Blueprint, made: type) -> dict[str, Any]:
    given = dict.fromkeys(_ARGUMENTS, blueprint.classes) | {"input_shape": blueprint.shape}
    taken = _taken(made)
    needed = [name for name, one in taken.items() if one.default is one.empty and name not in given]
    if needed:
        raise SpaceError(
            f"{blueprint}: cannot be made without {', '.join(needed)}; write 'mine = {made.__name__}(...)' in a file"
            " and name that"
        )
    return {name: value for name, value in given.items() if name in taken}


def _taken(made: type) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(made).parameters
    return {name: one for name, one in parameters.items() if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)}


@cache
def _module(name: str) -> Any:
    """The module of a dotted name, or of a file, which finds what lies beside it as a script does."""
    keras.config.set_dtype_policy("float32")
    module = _imported(name)
    _policies[name] = keras.config.dtype_policy()
    return module


def _imported(name: str) -> Any:
    folder = str(Path(name).resolve().parent if name.endswith(".py") else Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    if not name.endswith(".py"):
        return importlib.import_module(name)
    alias = f"hypermodel_{Path(name).stem}"
    spec = importlib.util.spec_from_file_location(alias, name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[alias] = module
    spec.loader.exec_module(module)
    return module


@contextmanager
def explained(blueprint: Blueprint, doing: str) -> Iterator[None]:
    """Turns what the user's code raises while it is ``doing`` something into a SpaceError, see ``told``."""
    try:
        yield
    except SpaceError:
        raise
    except (Exception, SystemExit) as error:
        raise SpaceError(f"{blueprint}: {told(error, blueprint, doing)}") from None


def told(error: BaseException, blueprint: Blueprint, doing: str) -> str:
    """An error in one line, with the line of the user's file that it came through; of an Unfit its reason alone."""
    if isinstance(error, Unfit):
        return str(error)
    name = blueprint.module
    file = os.path.basename(name) if name.endswith(".py") else f"{name.replace('.', os.sep)}.py"
    frames = traceback.extract_tb(error.__traceback__)
    passed = ((frame.filename.replace(f"{os.sep}__init__.py", ".py"), frame.lineno) for frame in frames)
    lines = [line for path, line in passed if f"{os.sep}{path}".endswith(f"{os.sep}{file}")]
    return f"{doing} raised {first_line(error)}" + (f" (line {lines[-1]})" if lines else "")


def _a(thing: Any) -> str:
    return "nothing" if thing is None else f"an object of type {type(thing).__name__}"
