"""A GPU that Keras does not use; ``nvidia-smi`` is a script of ours."""

import pytest

from pipeline.executors import InlineExecutor
from pipeline.job.job import Job
from pipeline.steps.unused_gpu import warn_of_unused_gpu

CARDS = "case $* in *name*) echo 'NVIDIA H100, 550.54';; *) echo 0;; esac"


@pytest.fixture
def said(tmp_path, monkeypatch, capsys):
    """What is said of a card that ``nvidia-smi`` lists, where Keras has a device."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)

    def ask(script, device="cpu", **settings):
        if script is not None:
            file = tmp_path / "nvidia-smi"
            file.write_text(f"#!/bin/sh\n{script}\n")
            file.chmod(0o755)
        warn_of_unused_gpu(Job("d", **settings), device, InlineExecutor(None))
        return capsys.readouterr().err

    return ask


def test_a_card_that_keras_does_not_see(said):
    assert said(CARDS) == (
        "warning: NVIDIA H100, driver 550.54: Keras (tensorflow) does not see it and trains on the CPU; "
        "run `pip install 'convtune[gpu]'`\n"
    )


def test_a_driver_that_fails_and_a_card_that_is_hidden(said, monkeypatch):
    assert said("echo version mismatch; exit 18").startswith("warning: nvidia-smi fails (version mismatch); install ")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert said(CARDS).endswith("hidden by CUDA_VISIBLE_DEVICES=''; unset CUDA_VISIBLE_DEVICES\n")


def test_nothing_is_said_without_a_card_with_one_in_use_and_where_the_cpu_is_asked_for(said):
    assert said(None) == said("echo No devices were found; exit 6") == ""
    assert said(CARDS, device="gpu") == said(CARDS, gpus=("none",)) == ""


def test_a_card_of_a_node_that_is_not_offered_or_not_seen(said, monkeypatch):
    assert said(CARDS, executor="ray").endswith(
        "does not see it and trains on the CPU; run `pip install 'convtune[gpu]'`\n"
    )
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert said(CARDS, executor="ray") == (
        "warning: NVIDIA H100, driver 550.54: a node has it and does not offer it; start the node with `--num-gpus`\n"
    )
