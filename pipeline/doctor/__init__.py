"""Checks what usually goes wrong before and between studies; each check is a function, and one table has them."""

from collections.abc import Callable, Mapping

from pipeline.doctor.finding import Finding, Level
from pipeline.doctor.gpu import check_gpu
from pipeline.doctor.machine import check_disk, check_memory
from pipeline.doctor.services import check_storage, check_tracking
from pipeline.doctor.studies import check_studies
from pipeline.doctor.versions import check_packages, check_python

__all__ = ["CHECKS", "Check", "Finding", "Level"]

Check = Callable[[], list[Finding]]
"""Finds out about one subject of the current folder and this machine. It raises nothing that it can foresee."""

CHECKS: Mapping[str, Check] = {
    "Python": check_python,
    "packages": check_packages,
    "GPU": check_gpu,
    "memory": check_memory,
    "disk": check_disk,
    "tracking": check_tracking,
    "storage": check_storage,
    "studies": check_studies,
}
"""The checks by subject, in the order in which they are shown."""
