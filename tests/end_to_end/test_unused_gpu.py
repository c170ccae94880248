"""A study beside a GPU that Keras does not see; ``nvidia-smi`` is a script, and only the training is made up."""

import os

import pytest

pytestmark = pytest.mark.usefixtures("only_tested")


def test_a_gpu_that_is_not_used_is_said_once_before_the_first_trial(tune, tmp_path, monkeypatch, capsys):
    smi = tmp_path / "bin" / "nvidia-smi"
    smi.parent.mkdir()
    smi.write_text("#!/bin/sh\ncase $* in *name*) echo 'NVIDIA H100, 550.54';; *) echo 0;; esac\n")
    smi.chmod(0o755)
    monkeypatch.setenv("PATH", f"{smi.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert tune("--trials", "1") == 0
    said = capsys.readouterr().err
    assert said.count("does not see it and trains on the CPU; run `pip install ") == 1
    assert 0 <= said.find("warning: NVIDIA H100, driver 550.54: Keras (") < said.find("trial 0")
