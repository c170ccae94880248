"""The address of a Ray cluster: whether one answers there, still does, and whether this machine is a node of it.

Ray itself finds out only after a minute, with the warnings of its C++ libraries on the terminal.
"""

import math
import os
import socket
import time
from typing import Any

from pipeline.errors import JobError, MachineError, first_line, printable
from pipeline.executors.log import output_to

CONNECT = 5.0
"""Seconds in which the address of a cluster must answer, and this machine's part of it be found."""

_AWAY = 20.0
"""Seconds without an answer of the head, which may be starting again, until the study ends."""

_SETTINGS = b"\x04"
"""The kind of frame with which a gRPC server answers, as any of HTTP/2 (RFC 9113, 3.4)."""

_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0" + _SETTINGS + bytes(5)
"""How a client of HTTP/2 begins."""


def split(address: str) -> tuple[str, int]:
    """Host and port of an address; JobError if it has none."""
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise JobError(
            f"--ray-address: expected auto or HOST:PORT, got {printable(address)}; the head node's port is mostly 6379"
        )
    return host, int(port)


def _connect(host: str, port: int) -> socket.socket:
    return socket.create_connection((host.strip("[]"), port), CONNECT)  # an address of IPv6 is in brackets


def is_open(host: str, port: int) -> bool:
    """Whether a server accepts connections at this address."""
    try:
        _connect(host, port).close()
    except OSError:
        return False
    return True


def check_cluster(address: str) -> None:
    """JobError unless the head of a Ray cluster answers at ``address``, and this machine is a node of that cluster."""
    host, port = split(address)
    where = f"--ray-address: {printable(host)}:{port}"
    _check_answers(host, port, where)
    nodes = _ask_for_nodes(address, where)
    deadline = time.monotonic() + CONNECT
    while not _is_here(nodes):
        if time.monotonic() > deadline:
            join = f"`ray start --address={printable(address)} --num-cpus=0 --num-gpus=0`"
            raise JobError(f"{where}: expected a cluster that this machine belongs to, found no node here; run {join}")
        time.sleep(0.5)
        nodes = _ask_for_nodes(address, where)


def _check_answers(host: str, port: int, where: str) -> None:
    """JobError unless something like Ray answers: its client would try for minutes."""
    try:
        with _connect(host, port) as connection:
            connection.settimeout(CONNECT)
            connection.sendall(_HELLO)
            answer = connection.recv(9)
    except (OSError, ValueError) as error:  # ValueError: no name of a machine, as with two dots in a row
        reason = "no name of a machine" if isinstance(error, ValueError) else error.strerror or str(error)
        raise JobError(f"{where}: no Ray cluster answers there ({reason}); start it first") from None
    if answer[3:4] != _SETTINGS:
        raise JobError(f"{where}: expected a Ray cluster, got another server; `ray status` names the address")


def _ask_for_nodes(address: str, where: str) -> set[str]:
    """The ids of the cluster's nodes."""
    import ray
    from ray import _raylet

    library: Any = _raylet
    try:
        with open(os.devnull, "w", encoding="utf-8") as nowhere, output_to(nowhere):
            nodes: Any = library.GcsClient(address=address).get_all_node_info(timeout=CONNECT)
    except ray.exceptions.RayError as error:  # another service of Ray, another version, another token
        raise JobError(f"{where}: {_why_refused(error)}") from None
    return {node.hex() for node in nodes}


def _why_refused(error: Exception) -> str:
    """What the head of a cluster expected, and what to do.

    A head that starts where Ray has a token asks for it; of those who join, Ray gives it only where it is told to.
    """
    if "AuthToken" not in str(error):
        reason = f"expected the head of a Ray cluster that takes this machine ({first_line(error)})"
        return f"{reason}; `ray status` names the address"
    token = "another one" if os.environ.get("RAY_AUTH_MODE", "").lower() == "token" else "none"
    advice = "set RAY_AUTH_MODE=token, and have the head's ~/.ray/auth_token here too"
    return f"expected the token of this Ray cluster, got {token}; {advice}"


def _is_here(nodes: set[str]) -> bool:
    """Whether a node of the cluster runs on this machine, judged by the processes that can be seen here."""
    from ray._private import services

    find = getattr(services, "find_node_ids", None)  # older versions look for the node by this machine's address
    return find is None or not nodes.isdisjoint(find())


class Head:
    """The head of the cluster that this process has joined.

    Without it Ray ends this process after 60 s, with exit code 1 (measured), and answers no question until then.
    Workers train on meanwhile.
    """

    def __init__(self) -> None:
        import ray

        self._address: str = ray.get_runtime_context().gcs_address
        self._last = math.inf

    def answers(self) -> bool:
        """Whether the head accepts connections now."""
        return is_open(*split(self._address))

    def check(self) -> bool:
        """Whether the head answers, so Ray may be asked. MachineError after ``_AWAY`` seconds without an answer."""
        now = time.monotonic()
        if self.answers():
            self._last = now
            return True
        self._last = min(self._last, now)
        if now - self._last > _AWAY:
            advice = "start it, then run the same command again with its address, or with --executor local"
            raise MachineError(f"Ray: the head of the cluster at {self._address} no longer answers; {advice}")
        return False
