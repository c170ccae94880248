"""Joins a Ray cluster, or starts one on this machine: without a word on the terminal, and closed to other machines."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from pipeline.errors import JobError, first_line
from pipeline.executors.credentials import withheld
from pipeline.executors.devices import count_cores
from pipeline.executors.log import output_to
from pipeline.executors.ray_address import check_cluster, is_open, split

_SILENT = 100
"""A level above all of ``logging``: Ray's own logs are in the folder of its session."""


def connect(address: str, workers: int, gpus: int = 0) -> Callable[[], None]:
    """Joins the cluster at ``address`` (``auto``: the one on this machine); without one, starts a cluster here.

    One that starts here has room for so many workers, and so many GPUs. Returns how to leave it again. JobError, in one
    line, where that fails.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if not address:
        os.environ.setdefault("RAY_AUTH_MODE", "token")  # said here, Ray does not print that it is so; read at import
    ray = _import_ray()
    if ray.is_initialized():
        return lambda: None
    if address not in ("", "auto"):
        check_cluster(address)
    try:
        with _own_signals(), _silence(address), withheld():
            _init(ray, address, workers, gpus)
    except Exception as error:
        where = f"--ray-address: {address}" if address else "--executor ray"
        advice = "join one with `ray start --address=HOST:PORT`, or leave the address out"
        raise JobError(f"{where}: Ray gives no cluster ({first_line(error)}); {advice}") from None
    return lambda: ray.shutdown()


def living_nodes() -> list[dict[str, Any]]:
    """The nodes of the cluster that Ray takes to be alive, as it describes them."""
    import ray

    return [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]


def is_up(node: str) -> bool:
    """Whether a node answers. Ray itself notices only after some 15 s that one has gone."""
    found = next((entry for entry in living_nodes() if entry["NodeID"] == node), None)
    return found is not None and is_open(found["NodeManagerAddress"], found["NodeManagerPort"])


def _import_ray() -> Any:
    try:
        import ray
    except ImportError:
        raise JobError("--executor ray: Ray is not installed; pip install 'convtune[ray]'") from None
    return ray


def _init(ray: Any, address: str, workers: int, gpus: int) -> None:
    """Starts a cluster that listens on 127.0.0.1 alone, which no argument of Ray can ask for; or joins one."""
    from ray._private import ray_constants, utils, worker

    # This thread prints what Ray notices of nodes, whatever the level; without the cluster's head it keeps a core busy.
    worker.listen_error_messages = lambda *_, **__: None
    utils.get_entrypoint_name = lambda: "convtune"  # or it shows all users of the cluster this command, passwords too
    quiet = {"log_to_driver": False, "logging_level": _SILENT}
    if address:
        if address != "auto" and not _is_open_here(*split(address)):
            ray_constants.ENABLE_RAY_CLUSTER = False
        ray.init(address=address, **quiet)
        return
    ray_constants.ENABLE_RAY_CLUSTER = False
    cores = max(count_cores(), workers)
    ray.init(address="local", num_cpus=cores, num_gpus=gpus, include_dashboard=False, **quiet)


def _is_open_here(host: str, port: int) -> bool:
    """Whether a cluster listens where Ray looks for it: it takes 127.0.0.1 for this machine's address in a network."""
    from ray._private import services

    return is_open(services.resolve_ip_for_localhost(host), port)


@contextmanager
def _silence(address: str) -> Iterator[None]:
    """Hides what Ray's libraries print each second, for 20 s, where a cluster that they find by themselves refuses."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere, output_to(nowhere) if address == "auto" else nullcontext():
        yield


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keeps this process's answer to SIGTERM, which Ray replaces."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
