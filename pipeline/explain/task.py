"""Explanations of a model as tasks for a worker with Keras."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.data import Dataset
from pipeline.executors import progress_of
from pipeline.explain.explanation import ExplainOptions, Explanation
from pipeline.study.model_metadata import ModelMetadata
from pipeline.study.trial import ReportCallback


@dataclass(frozen=True)
class ExplainFiles:
    """The task of explaining a model by image files."""

    model_file: Path
    metadata: ModelMetadata | None
    paths: Sequence[Path]
    options: ExplainOptions
    number: int = -1

    def run(self, report: ReportCallback) -> tuple[Explanation, list[str]]:
        """See ``pipeline.explain.explain.explain_files``."""
        from pipeline.explain.explain import explain_files

        return explain_files(self.model_file, self.metadata, self.paths, self.options, progress_of(self, report))


@dataclass(frozen=True, eq=False)
class ExplainValidation:
    """The task of explaining a study's model by some of its validation images."""

    model_file: Path
    dataset: Dataset
    number: int = -1

    def run(self, report: ReportCallback) -> Explanation:
        """See ``pipeline.explain.explain.explain_validation``."""
        from pipeline.explain.explain import explain_validation

        return explain_validation(self.model_file, self.dataset, progress_of(self, report))
