"""The formats that a model can be exported to: one file per format, and one table. Reading it imports no library."""

from collections.abc import Mapping
from pathlib import Path

from pipeline.export.export_format import ExportFormat
from pipeline.export.keras_file import KERAS
from pipeline.export.litert import LITERT, LITERT_FLOAT16, LITERT_INT8
from pipeline.export.onnx_file import ONNX, ONNX_FLOAT16
from pipeline.export.saved_model import SAVED_MODEL

FORMATS: Mapping[str, ExportFormat] = {
    export_format.name: export_format
    for export_format in (KERAS, SAVED_MODEL, ONNX, LITERT, ONNX_FLOAT16, LITERT_FLOAT16, LITERT_INT8)
}


def find_format(path: Path) -> ExportFormat | None:
    """The format of the file or folder at ``path``; None where none of them is there.

    Exact and rounded files look alike, so the file is asked. Where it cannot tell, or where what reads it is not
    installed, the format is the exact one.
    """
    possible = {name: export_format for name, export_format in FORMATS.items() if export_format.is_at(path)}
    found = next(iter(possible.values()), None)
    if found is None or found.stored_name is None or found.missing():
        return found
    try:
        return possible.get(found.stored_name(path), found)
    except Exception:  # a file from anywhere makes its reader raise anything
        return found
