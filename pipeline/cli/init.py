"""``convtune init``: looks at the images and writes a job file that fits them."""

import argparse
from typing import TYPE_CHECKING

from pipeline.cli.types import flag_type
from pipeline.job.parsers import parse_seconds, parse_size

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

HELP = "look at your images, and write a commented job file that fits them"

EXAMPLES = (
    "convtune init photos",
    "convtune init photos --time 1h --output jobs/photos.yaml",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the data and the flags."""
    data = "folder of images, .npz file, or a name from `convtune datasets`"
    parser.add_argument("data", metavar="FOLDER", help=data)
    parser.add_argument("--output", metavar="FILE", default="job.yaml", help="file to write (default: job.yaml)")
    parser.add_argument("--force", action="store_true", help="replace the file if it exists")
    size = "size in pixels to which images are resized (default: as planned)"
    parser.add_argument("--image-size", type=flag_type(parse_size), metavar="N|HxW", help=size)
    time = "time of the study that is planned: 600s, 10m, 1h30m (default: 10m)"
    parser.add_argument("--time", type=flag_type(parse_seconds), metavar="T", help=time)


def run(args: argparse.Namespace) -> int:
    """Prints what it saw and writes the file."""
    import shlex
    from dataclasses import replace
    from pathlib import Path

    from pipeline.console import warn
    from pipeline.files import write_text
    from pipeline.steps.suggested_job import suggest_job
    from pipeline.steps.suggested_job_text import describe, file_text, warnings

    output = Path(args.output)
    _check(output, args.force)
    suggestion = suggest_job(args.data, args.time, args.image_size)
    for line in warnings(suggestion):
        warn(line)
    _print(describe(suggestion))
    job = replace(suggestion.job, data=_name_from(output, args.data))
    write_text(output, file_text(suggestion, job))
    print(f"\nWrote {output}. Read and change it, then:  convtune tune {shlex.quote(str(output))}")
    return 0


def _print(lines: "Iterable[tuple[str, str]]") -> None:
    from rich.table import Table
    from rich.text import Text

    from pipeline.console import show

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for heading, text in lines:
        table.add_row(heading, Text(text))
    show(table)


def _check(output: "Path", force: bool) -> None:
    """JobError unless the file can be written, and is new or to be replaced."""
    import os

    from pipeline.errors import JobError

    if output.is_dir():
        raise JobError(f"--output: {output} is a folder; expected a file, such as {output / 'job.yaml'}")
    if output.exists() and not force:
        raise JobError(f"--output: {output} exists; give --force to replace it, or another name with --output")
    above = next(folder for folder in output.absolute().parents if folder.exists())
    if not (above.is_dir() and os.access(above, os.W_OK | os.X_OK)):
        raise JobError(f"--output: {output}: cannot write there; choose another folder")


def _name_from(output: "Path", data: str) -> str:
    """``data`` as a job file names it: paths count from where convtune runs, which may not be where the file lies."""
    from pathlib import Path

    from pipeline.data import NAMED_DATASETS

    if data in NAMED_DATASETS or output.absolute().parent.resolve() == Path.cwd().resolve():
        return data
    return str(Path(data).expanduser().absolute())
