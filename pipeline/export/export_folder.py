"""The folder that somebody without convtune can use: the models, what they take and give, and a script for each."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from pipeline.console import note
from pipeline.errors import ModelError, printable
from pipeline.export.export import ExportResult
from pipeline.export.export_format import IMAGES, PROBABILITIES, ExportFormat
from pipeline.export.formats import FORMATS
from pipeline.files import replacing
from pipeline.study.model_metadata import ModelMetadata

LABELS, SIGNATURE, CARD, READER = "labels.json", "signature.json", "model_card.md", "read_image.py"
"""The names of the files beside the models. The last is a module of this package, with which scripts read images."""

_CARD_DIGEST = "model_card_sha256"
"""The key of ``signature.json`` by which a card that somebody has changed is known."""


@contextmanager
def new_export(folder: Path, force: bool = False) -> Iterator[Path]:
    """A folder to write to, which becomes ``folder`` when the block ends, and is gone if it raises.

    An earlier export there is replaced. ModelError for a folder with anything else in it, also with a model card that
    somebody has changed, as with a licence, unless ``force`` says that it may be lost.
    """
    if foreign := _foreign(folder):
        raise ModelError(f"{folder}: not empty, it has {foreign!r}; choose another --output, or empty the folder")
    if not force and _is_card_changed(folder):
        advice = "move it elsewhere, choose another --output, or give --force to replace it"
        raise ModelError(f"{folder}: {CARD} is not as convtune wrote it, and the new export would replace it; {advice}")
    if folder.is_dir() and any(folder.iterdir()):
        note(f"note: replaces the earlier export in {printable(folder)}")
    missing = [parent for parent in folder.parents if not parent.exists()]
    try:
        with replacing(folder) as temporary:
            temporary.mkdir()
            yield temporary
    except OSError as error:
        raise ModelError(f"{folder}: cannot write there ({error.strerror or error}); choose another --output") from None
    finally:
        for parent in missing:
            with suppress(OSError):  # not empty: the export is in it
                parent.rmdir()


def _foreign(folder: Path) -> str:
    """The name of something in the way at ``folder`` that no export has written; "" if there is nothing."""
    if not folder.is_dir():
        return folder.name if folder.exists() else ""
    own = {LABELS, SIGNATURE, CARD, READER}
    for export_format in FORMATS.values():
        own |= {export_format.file_name, script_name(export_format.key)}
    present = sorted(path.name for path in folder.iterdir())
    foreign = [name for name in present if name not in own]
    return next(iter(foreign or ([] if SIGNATURE in present else present)), "")


def _is_card_changed(folder: Path) -> bool:
    """Whether the folder has a card, and not the one that its export has written, as far as that is known."""
    try:
        card = (folder / CARD).read_bytes()
        written = json.loads((folder / SIGNATURE).read_bytes()).get(_CARD_DIGEST)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (ValueError, AttributeError):
        return True
    return bool(_digest(card) != written)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_beside(
    folder: Path, metadata: ModelMetadata, results: Sequence[ExportResult], proven_on: str, card: str
) -> None:
    """Writes what makes the models usable: the names of their classes, what they take and give, scripts, the card.

    ``labels.json`` lists the names in the order of the outputs. ``signature.json`` also says how each file compared
    with the model on the images ``proven_on``. Its ``white`` is the stored value that becomes 255 in pictures of more
    than 8 bits; null where the training images had 8, so that each picture decides.
    """
    _write_json(folder / LABELS, list(metadata.classes))
    (folder / CARD).write_text(card, encoding="utf-8")
    digest = {_CARD_DIGEST: _digest((folder / CARD).read_bytes())}
    _write_json(folder / SIGNATURE, _signature(metadata, results, proven_on) | digest)
    (folder / READER).write_text((files("pipeline.export") / READER).read_text(encoding="utf-8"), encoding="utf-8")
    for result in results:
        export_format = FORMATS[result.format]
        (folder / script_name(export_format.key)).write_text(script_text(export_format), encoding="utf-8")


def script_text(export_format: ExportFormat) -> str:
    """The script of a format, as it works beside its model, where convtune is not."""
    script = files("pipeline.export") / "scripts" / export_format.script
    return script.read_text(encoding="utf-8").replace("from pipeline.export.read_image ", "from read_image ")


def _signature(metadata: ModelMetadata, results: Sequence[ExportResult], proven_on: str) -> dict[str, Any]:
    height, width, channels = metadata.shape
    return {
        "mode": "L" if channels == 1 else "RGB",
        "white": metadata.white,
        "network_sees": {"height": height, "width": width, "channels": channels, "resized_by": "antialiased bilinear"},
        "proven_on": proven_on,
        "formats": {FORMATS[result.format].key: _describe(result, metadata) for result in results},
    }


def _describe(result: ExportResult, metadata: ModelMetadata) -> dict[str, Any]:
    export_format = FORMATS[result.format]
    height, width, channels = metadata.shape
    sides = [None, None] if export_format.any_size else [height, width]
    return {
        "file": result.file,
        "input": IMAGES,
        "pixels": export_format.pixels,
        "range": "0 to 255" + "; as float32 also 0 to 1, with fractions" * export_format.takes_fractions,
        "shape": [None, *sides, channels],
        "size": None if export_format.any_size else [width, height],
        "output": PROBABILITIES,
        "output_shape": [None, len(metadata.classes)],
        "proof": {name: value for name, value in asdict(result).items() if name not in ("format", "file")},
    }


def script_name(key: str) -> str:
    """The name of a format's script beside the model."""
    return f"predict_{key}.py"


def _write_json(path: Path, content: Any) -> None:
    path.write_text(
        json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", errors="backslashreplace"
    )
