"""Models that run elsewhere: a table of formats, and an export that runs every file it has written."""

from pipeline.export.export import ExportResult, export
from pipeline.export.export_format import ExportFormat
from pipeline.export.formats import FORMATS, find_format

__all__ = ["FORMATS", "ExportFormat", "ExportResult", "export", "find_format"]
