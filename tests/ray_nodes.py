"""A real Ray cluster on this machine: a head and more nodes, which can be killed and join again.

Run as a program it is the cluster; imported, it starts one. Nothing of it is reachable from other machines. GPUs of
its nodes are numbers that Ray hands out: nothing looks whether there are any.
"""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("RAY_AUTH_MODE", "token")  # Ray reads them when it is imported
os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(16))
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

NOTICED_SOON = {"RAY_health_check_period_ms": "500", "RAY_health_check_failure_threshold": "6"}
"""A head with these notices after 3 s that a node has died, not after 15 s."""

ONE_CORE = {"num_cpus": 1}


class Nodes:
    """The cluster: its ``address``, and its second node. Its processes see nothing in the folder ``hidden``."""

    def __init__(self, nodes: Sequence[dict[str, Any]], hidden: Path | None = None) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        command = [sys.executable, __file__, json.dumps(nodes)]
        if hidden is not None:
            cover = 'mount -t tmpfs none "$0" && exec "$@"'
            command = ["unshare", "--mount", "sh", "-c", cover, str(hidden), *command]
        self._process = subprocess.Popen(command, **pipes, text=True, env=os.environ | NOTICED_SOON)
        self.address = self._process.stdout.readline().strip()

    def kill(self) -> None:
        """Kills the second node: its raylet, and so its workers."""
        self._do("kill")

    def leave(self) -> None:
        """Ends the second node as ``ray stop`` does."""
        self._do("leave")

    def join(self) -> None:
        """Starts a second node again."""
        self._do("join")

    def kill_head(self) -> None:
        """Kills the process of the head that knows the cluster (GCS); the nodes go on without it for a while."""
        self._do("kill head")

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
def ray_nodes(*nodes: dict[str, Any], hidden: Path | None = None) -> Iterator[Nodes]:
    """A cluster of a head and more nodes, each described as Ray's ``Cluster.add_node`` takes it."""
    cluster = Nodes(nodes, hidden)
    try:
        yield cluster
    finally:
        cluster.close()


@contextmanager
def two_nodes(hidden: Path | None = None) -> Iterator[Nodes]:
    """A cluster of two nodes with a core each."""
    with ray_nodes(ONE_CORE, ONE_CORE, hidden=hidden) as nodes:
        yield nodes


def run_cluster(head: dict[str, Any], *others: dict[str, Any]) -> None:
    from ray._private import ray_constants

    ray_constants.ENABLE_RAY_CLUSTER = False  # it listens on 127.0.0.1 alone
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args=head | {"include_dashboard": False})
    second = [cluster.add_node(**node) for node in others][:1]
    print(cluster.address, flush=True)
    for line in sys.stdin:
        if line.strip() == "kill":
            cluster.remove_node(second.pop(), allow_graceful=False)
        elif line.strip() == "leave":
            cluster.remove_node(second.pop(), allow_graceful=True)
        elif line.strip() == "join":
            second.append(cluster.add_node(**others[0]))
        elif line.strip() == "kill head":
            cluster.head_node.kill_gcs_server(check_alive=False)
        else:
            break
        print(line.strip(), flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    run_cluster(*json.loads(sys.argv[1]))
