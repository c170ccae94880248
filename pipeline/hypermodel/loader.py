"""Imports a HyperModel and builds its models. Only here is the user's Python file imported."""

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
from pipeline.hypermodel.source import HyperModelSource
from pipeline.hypermodel.user_model import (
    UntrainableError,
    check_trainable,
    create_weights,
    encode_one_hot,
    takes_class_numbers,
)
from pipeline.hyperparameter import Params

_ARGUMENTS = frozenset({"input_shape", "classes", "num_classes"})
"""Arguments of a HyperModel's constructor that describe the data; KerasTuner's own HyperModels use these names."""

_loaded: dict[HyperModelSource, Any] = {}
"""The HyperModels that this process has imported. As in KerasTuner, one object builds all models."""
_policies: dict[str, Any] = {}
"""The dtype policy that the import of a module has set, by the module's name."""


class _Function(keras_tuner.HyperModel):  # type: ignore[misc]
    """A HyperModel that wraps a ``build(hp)`` function."""

    def __init__(self, build: Any) -> None:
        super().__init__()
        self.build = build


class _FitReached(BaseException):
    """Raised instead of training, with the arguments of ``model.fit``. User code may catch Exception, but not this."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        super().__init__()
        self.arguments = arguments


def load(source: HyperModelSource) -> Any:
    """The HyperModel; a class is created with the data's ``input_shape`` and ``classes`` if its constructor takes them.

    SpaceError, in one line, when it cannot be imported or created.
    """
    if source not in _loaded:
        _loaded[source] = _make_hypermodel(source, import_member(source))
    return _loaded[source]


def import_member(source: HyperModelSource) -> Any:
    """The class, object or function of the source; SpaceError when there is none or its module raises."""
    with explain_errors(source, "importing it"):
        module = _import_module(source.module)
    if not hasattr(module, source.attribute):
        names = [name for name, member in vars(module).items() if callable(member) and not name.startswith("_")]
        raise SpaceError(f"{source}: there is no {source.attribute!r}{nearest(source.attribute, names)}")
    return getattr(module, source.attribute)


def find_file(source: HyperModelSource) -> str:
    """The file of the source's module, "" for a module without one."""
    return getattr(_import_module(source.module), "__file__", None) or ""


def own_policy(source: HyperModelSource) -> Any:
    """The dtype policy that the import of the source's module has set, float32 if it has set none."""
    _import_module(source.module)
    return _policies[source.module]


def needs_data(member: Any) -> bool:
    """Whether this is a class whose constructor takes the shape of the images or the number of classes."""
    return isinstance(member, type) and not _ARGUMENTS.isdisjoint(_parameters(member))


def build_model(source: HyperModelSource, hp: keras_tuner.HyperParameters) -> Any:
    """The model for the values of ``hp``; a hyperparameter without a value takes its default.

    Once the source's images are known, the model is also given its weights and checked. Raises whatever the user's
    ``build`` raises, and UntrainableError for a model that cannot be trained on the images. Even then, ``hp`` lists
    the hyperparameters that were used.
    """
    hypermodel = load(source)
    model = hypermodel.build(hp)
    if not isinstance(model, keras.Model):
        raise UntrainableError(f"it returns {_describe(model)}; expected a compiled keras.Model", "no model")
    if source.shape is not None:
        create_weights(model, source.shape)
        if has_own_fit(hypermodel):
            _probe_fit(hypermodel, hp, model, source)
        check_trainable(model, source.shape, source.classes)
    return model


def hyperparameters_with(params: Params) -> keras_tuner.HyperParameters:
    """KerasTuner's HyperParameters with these values."""
    hp = keras_tuner.HyperParameters()
    hp.values = dict(params)
    return hp


def has_own_fit(hypermodel: Any) -> bool:
    """Whether it overrides ``keras_tuner.HyperModel.fit``."""
    return type(hypermodel).fit is not keras_tuner.HyperModel.fit


def _probe_fit(hypermodel: Any, hp: Any, model: Any, source: HyperModelSource) -> None:
    """Runs the HyperModel's own ``fit`` up to ``model.fit``, whose arguments it checks; ``hp`` lists what it used."""

    def raise_arguments(*args: Any, **kwargs: Any) -> None:
        raise _FitReached(
            dict(zip(inspect.signature(keras.Model.fit).parameters, (model, *args), strict=False)) | kwargs
        )

    assert source.shape is not None
    images, numbers = np.zeros((2, *source.shape), np.float32), np.zeros(2, np.int64)
    labels = numbers if model.compiled and takes_class_numbers(model) else encode_one_hot(numbers, source.classes)
    callback = keras.callbacks.Callback()
    model.fit = raise_arguments
    try:
        hypermodel.fit(
            hp, model, images, labels, validation_data=(images, labels), epochs=1, callbacks=[callback], verbose=0
        )
    except _FitReached as reached:
        return _check_arguments(callback, reached.arguments)
    finally:
        del model.fit
    raise UntrainableError(
        "its fit() does not call model.fit(), so its epochs cannot be followed", "fit without model.fit"
    )


def _check_arguments(callback: Any, arguments: dict[str, Any]) -> None:
    """UntrainableError unless ``model.fit`` gets the callback, perhaps among others, and validates after each epoch."""
    callbacks = arguments.get("callbacks")
    if callback not in (callbacks if isinstance(callbacks, list | tuple) else [callbacks]):
        missing, purpose = "callbacks", "which report its epochs"
    elif arguments.get("validation_data") is None:
        missing, purpose = "validation_data", "which its score is measured on"
    elif (frequency := arguments.get("validation_freq", 1)) != 1:
        setting = f"its fit() sets validation_freq={frequency}"
        raise UntrainableError(
            f"{setting}, but trials are scored after every epoch; leave it out", "fit with validation_freq"
        )
    else:
        return
    raise UntrainableError(
        f"its fit() leaves out {missing}, {purpose}; pass them on to model.fit()", f"fit without {missing}"
    )


def _make_hypermodel(source: HyperModelSource, member: Any) -> Any:
    if isinstance(member, type):
        if not issubclass(member, keras_tuner.HyperModel):
            raise SpaceError(f"{source}: this class is not a keras_tuner.HyperModel; expected one, or build(hp)")
        with explain_errors(source, "creating it"):
            member = member(**_arguments(source, member))
    if isinstance(member, keras_tuner.HyperModel):
        return member
    if not callable(member):
        raise SpaceError(f"{source}: is {_describe(member)}; expected a keras_tuner.HyperModel or a function build(hp)")
    return _Function(member)


def _arguments(source: HyperModelSource, hypermodel: type) -> dict[str, Any]:
    """The arguments for the constructor of a HyperModel."""
    available = dict.fromkeys(_ARGUMENTS, source.classes) | {"input_shape": source.shape}
    parameters = _parameters(hypermodel)
    required = [name for name, parameter in parameters.items() if parameter.default is parameter.empty]
    if missing := [name for name in required if name not in available]:
        raise SpaceError(
            f"{source}: cannot be created without {', '.join(missing)};"
            f" write 'mine = {hypermodel.__name__}(...)' in a file and give file.py:mine"
        )
    return {name: value for name, value in available.items() if name in parameters}


def _parameters(hypermodel: type) -> dict[str, inspect.Parameter]:
    """The parameters of the constructor of ``hypermodel``, without ``*args`` and ``**kwargs``."""
    parameters = inspect.signature(hypermodel).parameters
    various = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
    return {name: parameter for name, parameter in parameters.items() if parameter.kind not in various}


@cache
def _import_module(name: str) -> Any:
    """The module of a dotted name or of a file; a file can import the modules beside it, as a script can."""
    keras.config.set_dtype_policy("float32")
    module = _import(name)
    _policies[name] = keras.config.dtype_policy()
    return module


def _import(name: str) -> Any:
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
def explain_errors(source: HyperModelSource, action: str) -> Iterator[None]:
    """Turns whatever the user's code raises in the block into a SpaceError; see ``describe_error``."""
    try:
        yield
    except SpaceError:
        raise
    except (Exception, SystemExit) as error:
        raise SpaceError(f"{source}: {describe_error(error, source, action)}") from None


def describe_error(error: BaseException, source: HyperModelSource, action: str) -> str:
    """An error in one line, with the ``action`` that raised it and the last line of the user's file in its traceback.

    For an UntrainableError, only its reason.
    """
    if isinstance(error, UntrainableError):
        return str(error)
    name = source.module
    file = os.path.basename(name) if name.endswith(".py") else f"{name.replace('.', os.sep)}.py"
    frames = traceback.extract_tb(error.__traceback__)
    places = ((frame.filename.replace(f"{os.sep}__init__.py", ".py"), frame.lineno) for frame in frames)
    lines = [line for path, line in places if f"{os.sep}{path}".endswith(f"{os.sep}{file}")]
    return f"{action} raised {first_line(error)}" + (f" (line {lines[-1]})" if lines else "")


def _describe(member: Any) -> str:
    return "nothing" if member is None else f"an object of type {type(member).__name__}"
