"""What is so under JAX too, in one process: it takes seconds to start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SO_TOO = (
    "tests/training/test_build.py::test_a_step_trains_groups",
    "tests/training/test_evaluation.py::test_a_family_is_evaluated_so_and_any_other_evaluation_is_as_without",
    "tests/explain/test_grad_cam.py::test_the_heatmap_of_a_class_is_where_its_evidence_is[softmax]",
)


@pytest.mark.slow
def test_it_is_so_under_jax(tmp_path):
    """Without TensorFlow, which Keras would import all the same."""
    (tmp_path / "tensorflow.py").write_text("raise ImportError('no TensorFlow here')\n")
    environment = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "pytest", "-v", "-n", "0", "-p", "no:cacheprovider", *SO_TOO]
    done = subprocess.run(command, env=os.environ | environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert all(f"{name} PASSED" in done.stdout for name in SO_TOO)
