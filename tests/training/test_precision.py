import subprocess
import sys
from types import SimpleNamespace

import keras
import pytest

from pipeline.training import precision


@pytest.mark.parametrize(("cuda", "expected"), [(True, "gpu"), (False, "cpu")])
def test_under_torch_torch_is_asked(monkeypatch, cuda, expected):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    monkeypatch.setattr(keras.distribution, "list_devices", None)  # it fails there
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: cuda)))
    assert precision.detect_device() == expected


@pytest.mark.parametrize(("listed", "expected"), [("gpu:0", "gpu"), ("cuda:0", "gpu"), ("cpu:0", "cpu")])
def test_elsewhere_keras_is_asked(monkeypatch, listed, expected):
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: [listed])
    assert precision.detect_device() == expected


@pytest.mark.parametrize(
    ("capability", "expected"),
    [
        ("9.0", "mixed_bfloat16"),
        ("8.0", "mixed_bfloat16"),
        ("7.5", "mixed_float16"),
        ("6.1", "float32"),
        ("[N/A]", "float32"),
        ("", "float32"),
    ],
)
@pytest.mark.parametrize(("mask", "card"), [("GPU-b", "GPU-b"), ("1,0", "1"), (None, "0")])
def test_the_policy_follows_this_workers_own_card(monkeypatch, tmp_path, capability, expected, mask, card):
    program = tmp_path / "nvidia-smi"
    program.write_text(f'#!/bin/sh\ncase "$*" in *--id={card}" "*) echo "{capability}";; *) echo 1.0;; esac\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(precision, "detect_device", lambda: "gpu")
    if mask is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", mask)
    assert precision.choose_policy("auto") == expected


def test_a_driver_that_fails_means_float32(monkeypatch):
    def fails(*args, **settings):
        raise subprocess.CalledProcessError(6, "nvidia-smi")

    monkeypatch.setattr(subprocess, "run", fails)
    monkeypatch.setattr(precision, "detect_device", lambda: "gpu")
    assert precision.choose_policy("auto") == "float32"


def test_what_is_asked_for_is_taken():
    assert precision.choose_policy("mixed_float16") == "mixed_float16"
