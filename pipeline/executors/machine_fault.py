"""Tells what went wrong with the machine from what went wrong with a task: the one place that recognises the former.

A worker that is killed for its memory counts as the machine's fault, also where others train fine beside it. Which
process the kernel kills says little about whose network was too large: it takes the largest, whoever asked last, for
other programs too. So samplers do not learn from it; a limit on ``memory`` keeps such networks out from the start.
What exceeds the memory of a GPU, which is refused and not killed, is the network's own fault, and samplers learn it.
"""

import errno
import re
import signal
from collections.abc import Iterator

from pipeline.errors import ConvtuneError, MachineError, WorkerError, first_line

_REFUSED = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.ESTALE, errno.ENOMEM)
"""The errors of a system call when a disk is full, broken or gone, or there is no memory left."""

FULL_DISK = re.compile(r"No space left on device|Disk quota exceeded")
"""The words of libraries for a full disk."""

_SPOKEN = re.compile(
    rf"{FULL_DISK.pattern}|File too large|Cannot allocate memory|std::bad_alloc"
    r"|CUDA_ERROR_(?!OUT_OF_MEMORY|INVALID)|no CUDA-capable device|CUDA driver version is insufficient"
    r"|[Dd]evice (?:was |is )?lost|GPU is lost|fallen off the bus|uncorrectable ECC error|unspecified launch failure"
)
"""The words of libraries that pass on no error number, as HDF5, CUDA, JAX and TensorFlow. A GPU whose memory a network
exceeds is left out: that is the network's fault."""

_KILLED = (signal.SIGKILL, signal.SIGBUS)
"""The signals that a process gets for want of memory: from the system, and for a mapped file that has no more room."""


def error_of(error: Exception) -> ConvtuneError:
    """The error that ended a task, in a form that pickles: MachineError if the machine is at fault, else WorkerError.

    An error that the user can fix stays as it is.
    """
    if any(map(_is_of_machine, _chain(error))):
        return MachineError(f"machine fault: {error if isinstance(error, ConvtuneError) else first_line(error)}")
    return error if isinstance(error, ConvtuneError) else WorkerError(first_line(error))


def error_of_death(exitcode: int | None) -> WorkerError:
    """The error of a task whose worker died, with the signal or the exit code.

    >>> str(error_of_death(3)), str(error_of_death(-6))
    ('worker died: exit code 3', 'worker died: signal 6 (SIGABRT)')
    """
    if exitcode is None or exitcode >= 0:
        return WorkerError(f"worker died: exit code {exitcode}")
    name = signal.Signals(-exitcode).name
    if -exitcode in _KILLED:
        return MachineError(f"machine fault: worker died: signal {-exitcode} ({name}, perhaps out of memory)")
    return WorkerError(f"worker died: signal {-exitcode} ({name})")


def is_refused(error: OSError) -> bool:
    """Whether the system has refused for want of space or memory, or because a disk is broken or gone."""
    return error.errno in _REFUSED


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and those that it was raised from or while handling."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _is_of_machine(error: BaseException) -> bool:
    if isinstance(error, MachineError | MemoryError):
        return True
    return (isinstance(error, OSError) and is_refused(error)) or _SPOKEN.search(str(error)) is not None
