"""A study that is killed three times goes on each time: the small version of ``bench/kills.py``."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import json, sys
from pathlib import Path
from bench import kills
print(json.dumps(kills.measure(Path(sys.argv[1]), kills=3, trials=20, seed=1)))
"""


@pytest.mark.slow
def test_no_finished_trial_is_lost_or_trained_twice(tmp_path):
    """In a process of its own, since it forks: here are the threads of other tests."""
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["problems"] == figures["problems in MLflow"] == []
    assert figures["kills"] == 3
    assert figures["trials"] % 20 == 0
    assert figures["complete since they ended early"] > 0
