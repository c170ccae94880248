import errno
import pickle

import pytest

from pipeline.errors import DataError, MachineError, WorkerError
from pipeline.executors.machine_fault import error_of, error_of_death, is_refused

MACHINE = [
    OSError(errno.ENOSPC, "No space left on device", "model.keras"),
    OSError(errno.EDQUOT, "Disk quota exceeded"),
    OSError("Unable to write (file write failed: errno = 28, error message = 'No space left on device')"),
    RuntimeError("Can't decrement id ref count (error message = 'No space left on device')"),
    MemoryError(),
    RuntimeError("std::bad_alloc"),
    RuntimeError("INTERNAL: failed call to cuInit: CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected"),
    RuntimeError("CUDA_ERROR_ECC_UNCORRECTABLE: uncorrectable ECC error encountered"),
    RuntimeError("CUDA error: unspecified launch failure"),
    RuntimeError("vk::Queue::submit: Device lost"),
]
OWN = [
    ValueError("no such layer"),
    FileNotFoundError(errno.ENOENT, "No such file or directory", "weights.h5"),
    PermissionError(errno.EACCES, "Permission denied"),
    RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 99 GiB. CUDA_ERROR_OUT_OF_MEMORY"),
    RuntimeError("CUDA_ERROR_INVALID_VALUE: invalid argument"),
    WorkerError("an epoch ended without val_accuracy"),
]


@pytest.mark.parametrize("error", MACHINE, ids=repr)
def test_a_fault_of_the_machine_is_recognised(error):
    found = pickle.loads(pickle.dumps(error_of(error)))
    assert type(found) is MachineError
    assert str(found).startswith(f"machine fault: {type(error).__name__}")


@pytest.mark.parametrize("error", OWN, ids=repr)
def test_other_errors_are_the_fault_of_the_task(error):
    assert type(error_of(error)) is WorkerError


def test_an_error_for_the_user_stays_as_it_is():
    error = DataError("photos: no images")
    assert error_of(error) is error


def test_what_an_error_was_raised_from_counts_unless_it_is_hidden():
    def raised(hidden):
        try:
            try:
                raise OSError(errno.ENOSPC, "No space left on device")
            except OSError as cause:
                if hidden:
                    raise ValueError("saving failed") from None
                raise ValueError("saving failed") from cause
        except ValueError as error:
            return error

    assert isinstance(error_of(raised(hidden=False)), MachineError)
    assert not isinstance(error_of(raised(hidden=True)), MachineError)


def test_what_is_not_there_is_not_refused():
    assert is_refused(OSError(errno.ENOSPC, "No space left on device"))
    assert not is_refused(FileNotFoundError(errno.ENOENT, "No such file or directory"))


@pytest.mark.parametrize(("exitcode", "machine"), [(-9, True), (-7, True), (-11, False), (1, False), (None, False)])
def test_a_worker_killed_for_want_of_memory_is_the_fault_of_the_machine(exitcode, machine):
    assert isinstance(error_of_death(exitcode), MachineError) is machine
