"""The job of a study: a table of settings, which are the keys of a job file and the flags of ``tune``."""

from pipeline.job.job import SETTINGS, Job
from pipeline.job.request import JobRequest, name_study, read_job

__all__ = ["SETTINGS", "Job", "JobRequest", "name_study", "read_job"]
