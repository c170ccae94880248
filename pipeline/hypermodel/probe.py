"""Builds models of a HyperModel, to learn which images they take, what they cost and what makes them differ."""

import traceback
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import keras
from keras_tuner.errors import FatalError

from pipeline.data import Dataset
from pipeline.errors import SpaceError
from pipeline.hypermodel.call_fit import class_weights, has_own_fit
from pipeline.hypermodel.data_form import data_form, pixel_form
from pipeline.hypermodel.declared import as_listed
from pipeline.hypermodel.loader import (
    batch_size,
    build_model,
    describe_error,
    explain_errors,
    find_file,
    hyperparameters_with,
    import_member,
    is_loaded,
    load,
    needs_data,
)
from pipeline.hypermodel.source import BuiltModel, HyperModelInfo, HyperModelSource, UntrainableError
from pipeline.hypermodel.space import make_domain
from pipeline.hypermodel.try_fit import try_fit
from pipeline.hypermodel.user_model import compute_key, count_model_macs
from pipeline.hyperparameter import Params, format_value
from pipeline.training.keras_model import count_parameters
from pipeline.training.memory import forget_models
from pipeline.training.pixel_form import PixelForm


@dataclass(frozen=True)
class Probe:
    """A model that was built, and all that can be told from it before it is trained.

    ``fits`` is what the HyperModel's own ``fit`` gives ``model.fit``, or the batch size where it has none: it equals
    that of a model that is trained alike. ``weighted`` says whether the training counts each class as the source asks.
    """

    model: Any
    pixels: PixelForm
    fits: Any
    weighted: bool = True

    def traits(self) -> tuple[str, Any]:
        """The properties by which this model and its training differ from others."""
        return compute_key(self.model), self.fits


def inspect_source(source: HyperModelSource) -> HyperModelInfo:
    """The file of the source and the shape of image that its model takes, before the images are known.

    SpaceError when the HyperModel cannot be imported or created, or its default model cannot be built.
    """
    if needs_data(import_member(source)):
        return HyperModelInfo(find_file(source), None)
    with forget_models():
        with explain_errors(source, "build"):
            model = build_model(source, hyperparameters_with({}))
        inputs = model.inputs if model.built and getattr(model, "inputs", None) else []
        shapes = [tuple(tensor.shape[1:]) for tensor in inputs]
    return HyperModelInfo(find_file(source), shapes[0] if len(shapes) == 1 and len(shapes[0]) == 3 else None)


def prepare(source: HyperModelSource) -> None:
    """Imports the HyperModel and builds its default model, once in a process: no build after it has to load so much.

    SpaceError when it cannot be imported or created. What building raises is left to the builds after it.
    """
    if not is_loaded(source):
        load(source)
        with forget_models(), suppress(Exception, SystemExit):
            build_model(source, hyperparameters_with({}))


def probe(source: HyperModelSource, dataset: Dataset, hp: Any) -> Probe:
    """Builds the model of ``hp`` and, if the HyperModel has a ``fit`` of its own, tries that on a few images.

    Raises what the user's code raises, and UntrainableError for what cannot be trained. Even then, ``hp`` lists the
    hyperparameters that were used.
    """
    keras.utils.set_random_seed(0)  # layers that draw their own seed must be equal each time
    hypermodel, model = load(source), build_model(source, hp)
    pixels = pixel_form(model, dataset.shape, source.pixels)
    if not has_own_fit(hypermodel):
        return Probe(model, pixels, batch_size(hp))
    form, weights = data_form(model, dataset, source.pixels), class_weights(source, dataset)
    try:
        return Probe(model, pixels, *try_fit(hypermodel, hp, model, dataset, form, weights))
    except UntrainableError:
        raise
    except (Exception, SystemExit) as error:
        reason = describe_error(error, source, "its fit(), tried on a few images of each class,")
        raise UntrainableError(reason, f"fit raised {type(error).__name__}") from error


def probe_params(source: HyperModelSource, dataset: Dataset, params: Params) -> BuiltModel:
    """Builds the model of ``params``; returns its costs and its key, or the reason why there is no model.

    SpaceError for an error that KerasTuner calls fatal, since such an error must end the search.
    """
    with forget_models():
        hp = hyperparameters_with(params)
        try:
            return as_built(source, hp, probe(source, dataset, hp))
        except FatalError as error:
            raise SpaceError(f"{source}: {describe_error(error, source, 'build')}") from None
        except UntrainableError as error:
            return BuiltModel(reason=describe_error(error, source, ""), kind=error.kind)
        except (Exception, SystemExit) as error:
            traceback.print_exc()  # into the worker's log, since a study shows only the number of each kind
            reason = describe_error(error, source, "build")
            return BuiltModel(reason=reason, kind=f"build raised {type(error).__name__}")


def as_built(source: HyperModelSource, hp: Any, found: Probe) -> BuiltModel:
    """The costs and the key of a model; the reason why there is none for values outside their ranges."""
    try:
        _check_ranges(hp)
    except UntrainableError as error:
        return BuiltModel(reason=str(error), kind=error.kind)
    # what a fit of its own does with a value is not all seen, so its values tell candidates apart
    training = dict(sorted(hp.values.items())) if has_own_fit(load(source)) else found.fits
    model = found.model
    return BuiltModel(compute_key(model, training), count_parameters(model), count_model_macs(model))


def _check_ranges(hp: Any) -> None:
    """UntrainableError for a value outside the range that its hyperparameter has beside the other values."""
    for entry in hp.space:
        if entry.name in hp.values and hp.is_active(entry):
            domain, value = make_domain(as_listed(entry)), hp.values[entry.name]
            if not domain.contains(value):
                raise UntrainableError(
                    f"{entry.name}={format_value(value)} is outside its range beside the other values, {domain}",
                    f"{entry.name} outside its range",
                )
