"""Images that have changed under a study: its trials saw those of its beginning, and it cannot go on with others."""

from pipeline.console import warn
from pipeline.data import Dataset, relist
from pipeline.data.listing import describe_change
from pipeline.errors import DataError


def warn_if_changed(dataset: Dataset) -> None:
    """Warns in one line if the files of the images are not as they were when the study read them.

    Only names, sizes and times are compared: reading all files again could take as long as some trials.
    """
    then = dataset.listing
    if then is None:
        return
    try:
        now = relist(dataset.source)
    except DataError:
        change = f"{then.images:,} images then, and now it is gone or cannot be read"
    else:
        if now == then:
            return
        change = describe_change(then, now)
    warn(
        f"{then.place}: has changed since this study read it with digest {dataset.digest[:8]}: {change}; all its "
        "trials saw the images of then; going on is refused while pixels or labels differ: put the old images back, or "
        "choose another --study for the new ones"
    )
