"""Imports a HyperModel and builds its models. Only here is the user's Python file imported."""

import inspect
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import keras_tuner

from pipeline.errors import SpaceError, first_line, nearest
from pipeline.hypermodel.import_watch import TrainsAtImportError, no_training
from pipeline.hypermodel.source import Code, HyperModelSource, UntrainableError
from pipeline.hypermodel.user_code import import_user_module
from pipeline.hypermodel.user_model import check_trainable, create_weights
from pipeline.hyperparameter import Params

_ARGUMENTS = frozenset({"input_shape", "classes", "num_classes"})
"""Arguments of a HyperModel's constructor that describe the data; KerasTuner's own HyperModels use these names."""

_BATCH_SIZE = 32
"""Images per step: Keras's own default, and so KerasTuner's."""

_loaded: dict[HyperModelSource, Any] = {}
"""The HyperModels that this process has imported. As in KerasTuner, one object builds all models."""
_modules: dict[str, Any] = {}
"""The modules that this process has imported, by name."""
_codes: dict[str, Code] = {}
"""The user's files with which this process trains, by the module's name."""
_policies: dict[str, Any] = {}
"""The dtype policy that the import of a module has set, by the module's name."""


class _Function(keras_tuner.HyperModel):  # type: ignore[misc]
    """A HyperModel that wraps a ``build(hp)`` function."""

    def __init__(self, build: Any) -> None:
        super().__init__()
        self.build = build


def load(source: HyperModelSource) -> Any:
    """The HyperModel; a class is created with the data's ``input_shape`` and ``classes`` if its constructor takes them.

    SpaceError, in one line, when it cannot be imported or created, or was imported before it was edited.
    """
    if source.code and _codes.setdefault(source.module, source.code) != source.code:
        raise SpaceError(f"{source}: edited since this process imported it; start Python anew, or use executor local")
    if source not in _loaded:
        _loaded[source] = _make_hypermodel(source, import_member(source))
    return _loaded[source]


def is_loaded(source: HyperModelSource) -> bool:
    """Whether this process has imported and created the HyperModel."""
    return source in _loaded


def import_member(source: HyperModelSource) -> Any:
    """The class, object or function of the source; SpaceError when there is none or its module raises."""
    with explain_errors(source, "importing it"):
        module = _import_module(source)
    if not hasattr(module, source.attribute):
        names = [name for name, member in vars(module).items() if callable(member) and not name.startswith("_")]
        raise SpaceError(f"{source}: there is no {source.attribute!r}{nearest(source.attribute, names)}")
    return getattr(module, source.attribute)


def find_file(source: HyperModelSource) -> str:
    """The file of the source's module, "" for a module without one."""
    return getattr(_import_module(source), "__file__", None) or ""


def own_policy(source: HyperModelSource) -> Any:
    """The dtype policy that the import of the source's module has set, float32 if it has set none."""
    _import_module(source)
    return _policies[source.module]


def needs_data(member: Any) -> bool:
    """Whether this is a class whose constructor takes the shape of the images, or requires the number of classes."""
    if not isinstance(member, type):
        return False
    parameters = _parameters(member)
    required = {name for name, parameter in parameters.items() if parameter.default is parameter.empty}
    return "input_shape" in parameters or not _ARGUMENTS.isdisjoint(required)


def build_model(source: HyperModelSource, hp: keras_tuner.HyperParameters) -> Any:
    """The model for the values of ``hp``; a hyperparameter without a value takes its default.

    Once the source's images are known, the model is also given its weights and checked. Raises whatever the user's
    ``build`` raises, and UntrainableError for a model that cannot be trained on the images. Even then, ``hp`` lists
    the hyperparameters that were used.
    """
    model = load(source).build(hp)
    if not isinstance(model, keras.Model):
        raise UntrainableError(f"it returns {_describe(model)}; expected a compiled keras.Model", "no model")
    if source.shape is not None:
        create_weights(model, source.shape)
        check_trainable(model, source.shape, source.classes)
    return model


def batch_size(hp: keras_tuner.HyperParameters) -> int:
    """The images per step of a HyperModel without a ``fit`` of its own: the ``batch_size`` that ``build`` asks for.

    In any name scope. If it asks for none, Keras's own default, and so KerasTuner's. UntrainableError if it is no
    number of images.
    """
    for name, value in hp.values.items():
        if name.rpartition("/")[2] == "batch_size":
            if isinstance(value, bool) or not isinstance(value, int | float) or int(value) != value or value < 1:
                raise UntrainableError(
                    f"{name}: expected a whole number of images from 1, got {value!r}", f"bad {name}"
                )
            return int(value)
    return _BATCH_SIZE


def hyperparameters_with(params: Params) -> keras_tuner.HyperParameters:
    """KerasTuner's HyperParameters with these values."""
    hp = keras_tuner.HyperParameters()
    hp.values = dict(params)
    return hp


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
    """The arguments for the constructor of a HyperModel, as far as the images are known."""
    available = dict.fromkeys(_ARGUMENTS, source.classes) | {"input_shape": source.shape}
    parameters = _parameters(hypermodel)
    required = [name for name, parameter in parameters.items() if parameter.default is parameter.empty]
    if missing := [name for name in required if name not in available]:
        raise SpaceError(
            f"{source}: cannot be created without {', '.join(missing)};"
            f" write 'mine = {hypermodel.__name__}(...)' in a file and give file.py:mine"
        )
    return {name: value for name, value in available.items() if name in parameters and value is not None}


def _parameters(hypermodel: type) -> dict[str, inspect.Parameter]:
    """The parameters of the constructor of ``hypermodel``, without ``*args`` and ``**kwargs``."""
    parameters = inspect.signature(hypermodel).parameters
    various = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
    return {name: parameter for name, parameter in parameters.items() if parameter.kind not in various}


def _import_module(source: HyperModelSource) -> Any:
    """The module of the source, imported once in a process."""
    name = source.module
    if name not in _modules:
        keras.config.set_dtype_policy("float32")
        with no_training():
            module = import_user_module(source)
        _policies[name] = keras.config.dtype_policy()
        _modules[name] = module
    return _modules[name]


@contextmanager
def explain_errors(source: HyperModelSource, action: str) -> Iterator[None]:
    """Turns whatever the user's code raises in the block into a SpaceError; see ``describe_error``."""
    try:
        yield
    except SpaceError:
        raise
    except (Exception, SystemExit, TrainsAtImportError) as error:
        raise SpaceError(f"{source}: {describe_error(error, source, action)}") from None


def describe_error(error: BaseException, source: HyperModelSource, action: str) -> str:
    """An error in one line, with the ``action`` that raised it and the last line of the user's file in its traceback.

    For an UntrainableError, only its reason.
    """
    if isinstance(error, UntrainableError):
        return str(error)
    line = _last_line(error, source.module)
    if isinstance(error, TrainsAtImportError):
        return (
            f"{action} {error}{line}, and every worker would do so;"
            ' put what is not needed to build models under `if __name__ == "__main__":`'
        )
    return f"{action} raised {first_line(error)}{line}"


def _last_line(error: BaseException, name: str) -> str:
    """The last line of the module in the error's traceback, in brackets; "" if there is none."""
    file = os.path.basename(name) if name.endswith(".py") else f"{name.replace('.', os.sep)}.py"
    frames = traceback.extract_tb(error.__traceback__)
    places = ((frame.filename.replace(f"{os.sep}__init__.py", ".py"), frame.lineno) for frame in frames)
    lines = [line for path, line in places if f"{os.sep}{path}".endswith(f"{os.sep}{file}")]
    return f" (line {lines[-1]})" if lines else ""


def _describe(member: Any) -> str:
    return "nothing" if member is None else f"an object of type {type(member).__name__}"
