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

    A rounded file is opened as an exact one is, so the format found is that.
    """
    return next((export_format for export_format in FORMATS.values() if export_format.is_at(path)), None)
