"""Joins a Ray cluster, or starts one on this machine: without a word on the terminal, and closed to other machines."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pipeline.errors import JobError, first_line, printable
from pipeline.executors.devices import count_cores

_CONNECT = 5.0
"""Seconds in which the address of a cluster must answer."""

_SETTINGS = b"\x04"
"""The kind of frame with which a gRPC server answers, as any of HTTP/2 (RFC 9113, 3.4)."""

_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0" + _SETTINGS + bytes(5)
"""How a client of HTTP/2 begins."""

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
        _check_answers(*_split(address))
    try:
        with _own_signals():
            _init(ray, address, workers, gpus)
    except Exception as error:
        where = f"--ray-address: {address}" if address else "--executor ray"
        advice = "start a cluster with `ray start --head`, or leave the address out"
        raise JobError(f"{where}: Ray gives no cluster ({first_line(error)}); {advice}") from None
    return lambda: ray.shutdown()


def living_nodes() -> list[dict[str, Any]]:
    """The nodes of the cluster that Ray takes to be alive, as it describes them."""
    import ray

    return [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]


def is_up(node: str) -> bool:
    """Whether a node answers. Ray itself notices only after some 15 s that one has gone."""
    try:
        found = next(entry for entry in living_nodes() if entry["NodeID"] == node)
        with socket.create_connection((found["NodeManagerAddress"], found["NodeManagerPort"]), _CONNECT):
            return True
    except (StopIteration, OSError):
        return False


def _import_ray() -> Any:
    try:
        import ray
    except ImportError:
        raise JobError("--executor ray: Ray is not installed; pip install 'convtune[ray]'") from None
    return ray


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise JobError(
            f"--ray-address: expected auto or HOST:PORT, got {printable(address)}; the head node's port is mostly 6379"
        )
    return host, int(port)


def _check_answers(host: str, port: int) -> None:
    """JobError unless something like Ray answers: Ray itself would try for minutes."""
    where = f"--ray-address: {printable(host)}:{port}"
    try:
        with socket.create_connection((host, port), _CONNECT) as connection:
            connection.settimeout(_CONNECT)
            connection.sendall(_HELLO)
            answer = connection.recv(9)
    except (OSError, ValueError) as error:  # ValueError: no name of a machine, as with two dots in a row
        reason = "no name of a machine" if isinstance(error, ValueError) else error.strerror or str(error)
        raise JobError(f"{where}: no Ray cluster answers there ({reason}); start it first") from None
    if answer[3:4] != _SETTINGS:
        raise JobError(f"{where}: expected a Ray cluster, got another server; `ray status` names the address")


def _init(ray: Any, address: str, workers: int, gpus: int) -> None:
    """Starts a cluster that listens on 127.0.0.1 alone, which no argument of Ray can ask for; or joins one."""
    from ray._private import ray_constants, worker

    worker.print_to_stdstream = lambda *_, **__: None  # or it prints what Ray notices of nodes, whatever the level
    quiet = {"log_to_driver": False, "logging_level": _SILENT}
    if address:
        if address != "auto" and not _is_open(*_split(address)):
            ray_constants.ENABLE_RAY_CLUSTER = False
        ray.init(address=address, **quiet)
        return
    ray_constants.ENABLE_RAY_CLUSTER = False
    cores = max(count_cores(), workers)
    ray.init(address="local", num_cpus=cores, num_gpus=gpus, include_dashboard=False, **quiet)


def _is_open(host: str, port: int) -> bool:
    """Whether a cluster listens where Ray looks for it: it takes 127.0.0.1 for this machine's address in a network."""
    from ray._private import services

    try:
        socket.create_connection((services.resolve_ip_for_localhost(host), port), _CONNECT).close()
    except OSError:
        return False
    return True


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keeps this process's answer to SIGTERM, which Ray replaces."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
