"""The exception tree: every error a user can cause or mend is a ConvtuneError of one line."""


class ConvtuneError(Exception):
    """What was expected, what came, where, and what to do: one line for the terminal."""


class JobError(ConvtuneError):
    """A flag or a key of a job file that cannot be."""


class SpaceError(ConvtuneError):
    """A space file, or a point of a space, that cannot be."""


class DataError(ConvtuneError):
    """A dataset that cannot be read or used."""


class StudyError(ConvtuneError):
    """A study that is unknown, locked by another process or asked to become a different one."""


class TrackingError(ConvtuneError):
    """A tracking server that does not answer or refuses."""


class ModelError(ConvtuneError):
    """A model file that cannot be read, or does not give back what was saved."""


class WorkerError(ConvtuneError):
    """A worker process that died or failed outside a trial."""
