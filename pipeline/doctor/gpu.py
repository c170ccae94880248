"""Checks the GPUs: which cards there are, and whether Keras uses them."""

from pipeline.doctor.finding import Finding, note, ok, problem
from pipeline.errors import ConvtuneError
from pipeline.executors import call
from pipeline.executors.cards import are_hidden, backend, explain_unused, list_cards
from pipeline.executors.devices import count_cores
from pipeline.training.worker import DetectDevice, keras_worker


def check_gpu() -> list[Finding]:
    """The cards that ``nvidia-smi`` lists, and the device that Keras has in a worker."""
    cards, fault = list_cards()
    try:
        with keras_worker("asking Keras for its device") as executor:
            device = call(executor, DetectDevice())
    except ConvtuneError as error:
        return [problem(f"Keras cannot start ({error})", "install its backend, or set KERAS_BACKEND to another")]
    return [judge(cards, fault, device)]


def judge(cards: list[str], fault: str, device: str) -> Finding:
    """The finding for these cards, the ``fault`` of listing them, and Keras's device, ``gpu`` or ``cpu``."""
    if device == "gpu" and not fault:
        return ok(f"{'; '.join(cards) or 'found'}; Keras ({backend()}) uses it")
    unused = explain_unused(cards, fault)
    if unused is None:
        return ok(f"none; trials train on the CPU, {count_cores()} cores")
    return note(*unused) if are_hidden(cards) else problem(*unused)
