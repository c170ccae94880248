"""Models that run elsewhere: a table of formats, and the export that runs every file it wrote."""

from pipeline.export.export import Exported, export, noise
from pipeline.export.formats import FORMATS, Format

__all__ = ["FORMATS", "Exported", "Format", "export", "noise"]
