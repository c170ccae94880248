"""A real Ray cluster on this machine: a head and one more node, which can be killed and join again.

Run as a program it is the cluster; imported, it starts one. Nothing of it is reachable from other machines.
"""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("RAY_AUTH_MODE", "token")  # Ray reads them when it is imported
os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(16))
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"


class Nodes:
    """The cluster: its ``address``, and its second node. Its processes see nothing in the folder ``hidden``."""

    def __init__(self, hidden: Path | None = None) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        command = [sys.executable, __file__]
        if hidden is not None:
            cover = 'mount -t tmpfs none "$0" && exec "$@"'
            command = ["unshare", "--mount", "sh", "-c", cover, str(hidden), *command]
        self._process = subprocess.Popen(command, **pipes, text=True, env=os.environ)
        self.address = self._process.stdout.readline().strip()

    def kill(self) -> None:
        """Kills the second node: its raylet, and so its workers."""
        self._do("kill")

    def join(self) -> None:
        """Starts a second node again."""
        self._do("join")

    def close(self) -> None:
        """Ends the cluster."""
        self._process.communicate("end\n", timeout=60)

    def _do(self, what: str) -> None:
        print(what, file=self._process.stdin, flush=True)
        assert self._process.stdout.readline().strip() == what


@contextmanager
def here_with_ray() -> Iterator[None]:
    """A cluster of this machine alone, to which this process is connected."""
    from pipeline.executors.ray_cluster import connect

    leave = connect("", 2)
    try:
        yield
    finally:
        leave()


@contextmanager
def two_nodes(hidden: Path | None = None) -> Iterator[Nodes]:
    """A cluster of two nodes with a core each."""
    nodes = Nodes(hidden)
    try:
        yield nodes
    finally:
        nodes.close()


def run_cluster() -> None:
    from ray._private import ray_constants

    ray_constants.ENABLE_RAY_CLUSTER = False  # it listens on 127.0.0.1 alone
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    second = cluster.add_node(num_cpus=1)
    print(cluster.address, flush=True)
    for line in sys.stdin:
        if line.strip() == "kill":
            cluster.remove_node(second, allow_graceful=False)
        elif line.strip() == "join":
            second = cluster.add_node(num_cpus=1)
        else:
            break
        print(line.strip(), flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    run_cluster()
