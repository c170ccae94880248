"""The data that an export proves its files on."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.cli.model_argument import ModelSource
    from pipeline.data import Dataset
    from pipeline.export.samples import Samples


def find_data(model: "ModelSource", source: str | None, quiet: bool, needed_by: str = "") -> "Dataset | None":
    """The data that ``source`` names, else that of the model's study; None, after a warning, if there is none.

    DataError if ``source`` cannot be read, ModelError if its classes are not the model's, or if there is none and
    ``needed_by`` names a format that is calibrated.
    """
    from pipeline.console import warn
    from pipeline.errors import DataError, JobError, ModelError, StudyError
    from pipeline.job.request import read_stored_job

    if source is not None:
        return _load(model, source, quiet)
    if model.study is None:
        reason = f"{model.file} does not say where its data is"
    else:
        try:
            return _load(model, read_stored_job(model.study).data, quiet)
        except (DataError, JobError, ModelError, StudyError) as error:
            reason = f"the data of study {model.study.name} cannot be used ({error})"
    advice = "name the data with --data"
    if needed_by:
        raise ModelError(f"{needed_by} is calibrated with training images, but {reason}; {advice}")
    warn(f"{reason}, so the files are proven on made-up images, and the card has no scores; {advice}")
    return None


def _load(model: "ModelSource", source: str, quiet: bool) -> "Dataset":
    from pipeline.console import warn
    from pipeline.data.listing_notes import name_some
    from pipeline.data.load_with_progress import load_with_progress
    from pipeline.errors import ModelError

    metadata = model.require_metadata()
    height, width, channels = metadata.shape
    data = load_with_progress(
        source, (height, width), metadata.seed, quiet, channels, white=metadata.white, for_training=False
    )
    if data.classes != metadata.classes:
        expected = f"expected data with the classes of the model, {name_some(list(metadata.classes))}"
        raise ModelError(f"{source}: {expected}, got {name_some(list(data.classes))}")
    if not model.is_of(data):
        warn(f"{source} is not the data that the model was trained on ({metadata.dataset}), or has changed since")
    return data


def samples_of(model: "ModelSource", data: "Dataset | None") -> "Samples":
    """The images that the files are proven on: of the data, or made up."""
    from pipeline.export.samples import choose_samples, make_up_samples

    return make_up_samples(model.require_metadata().shape) if data is None else choose_samples(data)
