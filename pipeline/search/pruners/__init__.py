"""The rules that stop poor trials early: one file per pruner, and one table. Optuna is imported when a study begins."""

from collections.abc import Mapping

from pipeline.search.pruners.asha import ASHA
from pipeline.search.pruners.hyperband import HYPERBAND
from pipeline.search.pruners.median import MEDIAN
from pipeline.search.pruners.none import NONE
from pipeline.search.pruners.pruner import Pruner

__all__ = ["PRUNERS", "Pruner"]

PRUNERS: Mapping[str, Pruner] = {pruner.name: pruner for pruner in (ASHA, MEDIAN, HYPERBAND, NONE)}
