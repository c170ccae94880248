"""Tasks about a HyperModel for a worker with Keras. Without Keras until they run."""

from dataclasses import dataclass, replace

from pipeline.candidate import Candidate
from pipeline.data import Dataset
from pipeline.errors import MachineError, SpaceError
from pipeline.hypermodel.candidate import HyperModelCandidate
from pipeline.hypermodel.source import BuiltModel, HyperModelInfo, HyperModelSource, Survey
from pipeline.hyperparameter import Params
from pipeline.study.trial import BatchReport, ReportCallback, TrialResult
from pipeline.training.inputs import TrainingInputs
from pipeline.training.smaller_batches import train_in_memory


@dataclass(frozen=True)
class HyperModelTask:
    """The task of training a model of a HyperModel."""

    inputs: TrainingInputs
    source: HyperModelSource

    @property
    def number(self) -> int:
        """The trial's number."""
        return self.inputs.trial.number

    def run(self, report: ReportCallback) -> TrialResult:
        """See ``pipeline.hypermodel.fit.train``; with smaller batches where it exceeds the memory.

        A ``fit`` of the HyperModel's own chooses its batches itself, so nothing makes them smaller. MachineError where
        the HyperModel cannot be imported, since another worker has imported it before.
        """
        from pipeline.hypermodel.loader import load
        from pipeline.hypermodel.user_code import NEEDED, naming_what_is_needed

        try:
            load(self.source)
        except SpaceError as error:
            raise MachineError(f"{error}; {NEEDED}") from None
        with naming_what_is_needed(self.source):
            return self._train(report)

    def _train(self, report: ReportCallback) -> TrialResult:
        from pipeline.hypermodel.fit import chosen_batch_size, train

        size = chosen_batch_size(self.source, self.inputs)
        if size is None:
            return train(self.source, self.inputs, report)
        return train_in_memory(lambda size, report: train(self.source, self.inputs, report, size), size, report)


def make_task(candidate: Candidate, inputs: TrainingInputs) -> HyperModelTask:
    """The training of a candidate of a HyperModel."""
    assert isinstance(candidate, HyperModelCandidate)
    return HyperModelTask(inputs, candidate.source)


@dataclass(frozen=True)
class InspectHyperModel:
    """The task of importing a HyperModel and finding out which images it takes."""

    source: HyperModelSource
    number: int = -1

    def run(self, report: ReportCallback) -> HyperModelInfo:
        """See ``pipeline.hypermodel.probe.inspect_source``."""
        from pipeline.hypermodel.probe import inspect_source

        return inspect_source(self.source)


@dataclass(frozen=True)
class PrepareHyperModel:
    """The task of making a worker that has replaced another one as quick as that one was."""

    source: HyperModelSource
    number: int = -1

    def run(self, report: ReportCallback) -> None:
        """See ``pipeline.hypermodel.probe.prepare``."""
        from pipeline.hypermodel.probe import prepare

        prepare(self.source)


@dataclass(frozen=True)
class SurveyHyperModel:
    """The task of finding all hyperparameters of a HyperModel, and what they do."""

    source: HyperModelSource
    dataset: Dataset
    number: int = -1

    def run(self, report: ReportCallback) -> Survey:
        """See ``pipeline.hypermodel.survey.survey``; reports each model as it begins, since its time is limited."""
        from pipeline.hypermodel.survey import survey
        from pipeline.hypermodel.user_code import collect_code

        found = survey(self.source, self.dataset, lambda: report(BatchReport(self.number, 0, 1)))
        return replace(found, code=collect_code(self.source.module))


@dataclass(frozen=True)
class BuildModel:
    """The task of building the model of some params, to find out its costs or why there is none."""

    source: HyperModelSource
    dataset: Dataset
    params: Params
    number: int = -1

    def run(self, report: ReportCallback) -> BuiltModel:
        """See ``pipeline.hypermodel.probe.probe_params``."""
        from pipeline.hypermodel.probe import probe_params

        return probe_params(self.source, self.dataset, self.params)
