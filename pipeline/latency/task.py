"""The calibration of a latency model as a task for a worker with Keras."""

from dataclasses import dataclass

from pipeline.executors import progress_of
from pipeline.latency.model import LatencyModel
from pipeline.study.trial import ReportCallback


@dataclass(frozen=True)
class CalibrateLatency:
    """Measures small networks and fits the model that predicts the latency of others."""

    number: int = -1

    def run(self, report: ReportCallback) -> LatencyModel:
        """See ``pipeline.latency.calibrate.calibrate``."""
        from pipeline.latency.calibrate import calibrate

        return calibrate(progress_of(self, report))
