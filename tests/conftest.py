"""Every test run has a cache of its own, and TensorFlow keeps quiet."""

import os
import signal
import tempfile

from hypothesis import settings

_CACHE = tempfile.TemporaryDirectory(prefix="convtune-tests-")

# Before any import of the code under test, and inherited by the processes that tests start.
os.environ["CONVTUNE_CACHE"] = _CACHE.name
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_RUN_ID"):
    os.environ.pop(name, None)

# How long an example takes says nothing on a machine that does something else besides.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# In the background of a shell Ctrl-C is ignored, and every process that a test starts would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
