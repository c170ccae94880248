"""Exports as tasks for a worker with Keras."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.executors import progress_of
from pipeline.export.export import ExportResult
from pipeline.export.samples import Samples
from pipeline.study.trial import ReportCallback


@dataclass(frozen=True, eq=False)
class ExportModel:
    """The task of writing a model in other formats and proving what was written."""

    model_file: Path
    folder: Path
    formats: Sequence[str]
    samples: Samples
    number: int = -1

    def run(self, report: ReportCallback) -> list[ExportResult]:
        """See ``pipeline.export.export.export``."""
        from pipeline.export.export import export

        return export(self.model_file, self.folder, self.formats, self.samples, progress_of(self, report))
