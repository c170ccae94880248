"""What follows from the cards and from Keras's device; ``nvidia-smi`` is a script of ours."""

import pytest

from pipeline.doctor.finding import Level
from pipeline.doctor.gpu import judge
from pipeline.executors.cards import list_cards

CARD = "NVIDIA H100, driver 550.54"


@pytest.fixture
def smi(tmp_path, monkeypatch):
    """Puts a script in the place of ``nvidia-smi``."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def put(script):
        file = tmp_path / "nvidia-smi"
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        return list_cards()

    return put


def test_the_cards_are_those_that_nvidia_smi_lists(smi):
    assert list_cards() == ([], "")
    assert smi("echo 'NVIDIA H100, 550.54'; echo 'NVIDIA A10, 550.54'") == ([CARD, "NVIDIA A10, driver 550.54"], "")
    assert smi("echo 'Driver/library version mismatch'; exit 18") == ([], "Driver/library version mismatch")
    assert smi("echo no driver >&2; exit 9") == ([], "no driver")
    assert smi("echo No devices were found; exit 6") == smi("echo No devices were found") == ([], "")
    assert smi("exit 9") == ([], "exit code 9")


@pytest.mark.parametrize(
    ("cards", "fault", "device", "level", "part"),
    [
        ([], "", "cpu", Level.OK, "none; trials train on the CPU"),
        ([], "", "gpu", Level.OK, "found; Keras (tensorflow) uses it"),
        ([CARD], "", "gpu", Level.OK, f"{CARD}; Keras (tensorflow) uses it"),
        ([CARD], "", "cpu", Level.PROBLEM, "does not see it and trains on the CPU; run `pip install 'convtune[gpu]'`"),
        ([], "version mismatch", "cpu", Level.PROBLEM, "nvidia-smi fails (version mismatch); install the driver"),
    ],
)
def test_what_follows(smi, monkeypatch, cards, fault, device, level, part):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    smi("echo 0")
    finding = judge(cards, fault, device)
    assert finding.level is level
    assert part in str(finding)


def test_cards_that_are_hidden_on_purpose(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    finding = judge([CARD], "", "cpu")
    assert (finding.level, finding.remedy) == (Level.NOTE, "unset CUDA_VISIBLE_DEVICES")


def test_each_backend_has_its_own_remedy(smi, monkeypatch):
    smi("echo 0")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert judge([CARD], "", "cpu").remedy == "run `pip install 'jax[cuda12]'`"
