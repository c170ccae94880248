"""Where a server listens: the host and port of ``convtune ui``, who reaches them, and under which names."""

import errno
import ipaddress
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from pipeline.errors import JobError, printable

LOCAL = "127.0.0.1"
"""The UI has no password, so it is not offered to the network unless somebody asks for that."""

_ABSENT = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""The errors for an address that this machine does not have. A name may have several, not all of them here."""


@dataclass(frozen=True)
class Place:
    """A host and a port to listen on; ``addresses`` are those of the host, as numbers."""

    host: str
    port: int
    addresses: tuple[str, ...] = (LOCAL,)

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return all(ipaddress.ip_address(address).is_loopback for address in self.addresses)

    @property
    def names(self) -> list[str]:
        """Host and port as an address of a page has them, from whichever machine: the best one first."""
        hosts = list(self._hosts())
        return [_authority(host, self.port) for host in dict.fromkeys(map(str.lower, hosts))]

    @property
    def page(self) -> str:
        """The address that its pages begin with.

        >>> Place("::1", 5000, ("::1",)).page
        'http://[::1]:5000'
        """
        return f"http://{self.names[0]}"

    def _hosts(self) -> Iterator[str]:
        """The host itself; in the place of "all addresses" those of this machine; then the machine's names."""
        if not any(ipaddress.ip_address(address).is_unspecified for address in self.addresses):
            yield from (self.host, *self.addresses)
        else:
            yield from _machine_addresses({":" in address for address in self.addresses})
        if not self.is_local:
            yield from (socket.gethostname(), socket.getfqdn(), "localhost", LOCAL)


def find_place(host: str, port: int) -> Place:
    """The place of ``host``, a name or an address. Raises JobError when it has no address.

    The C library takes ``*`` for this machine alone where something connects, and for all addresses where it listens.
    """
    host = "0.0.0.0" if host == "*" else host
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:  # ValueError: no name at all, as with two dots in a row
        reason = error.strerror if isinstance(error, OSError) else "no name of a machine"
        expected = "expected a name or an address of this machine, as 0.0.0.0 for all of them"
        raise JobError(f"--host: {expected}, got '{printable(host)}' ({reason})") from None
    return Place(host, port, tuple(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found)))


def check_free(place: Place) -> None:
    """Raises JobError when this process may not listen at ``place``, or another process does.

    The port is taken and left again: another process may still take it before the server does.
    """
    absent: list[OSError] = []
    for address in place.addresses:
        try:
            _listen(address, place.port)
        except OSError as error:
            if error.errno not in _ABSENT:
                where = f"{_authority(address, place.port)} ({error.strerror or error})"
                raise JobError(f"--port: cannot listen on {where}; choose another, as in --port 5001") from None
            absent.append(error)
    if len(absent) == len(place.addresses):
        reason = f"is no address of this machine ({absent[0].strerror}); 0.0.0.0 is all of them"
        raise JobError(f"--host: {printable(place.host)} {reason}")


def _listen(address: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT counts as free
        if probe.family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # as the server does
        probe.bind((address, port))


def _authority(host: str, port: int) -> str:
    """As browsers write it: without the port that is the default, and IPv6 in brackets."""
    return (f"[{host}]" if ":" in host else host) + (f":{port}" if port != 80 else "")


def _machine_addresses(six: set[bool]) -> list[str]:
    """The addresses of this machine in the families, those that other machines reach first."""
    import psutil  # imported late: 10 ms of --help

    kinds = {socket.AF_INET6 if is_six else socket.AF_INET for is_six in six}
    found = [
        ipaddress.ip_address(entry.address)
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family in kinds and "%" not in entry.address  # with "%": reached with the name of a device only
    ]
    return [str(address) for address in sorted(found, key=lambda address: address.is_loopback)]


def is_ours(process: int, place: Place) -> bool:
    """Whether the server that answers at ``place`` is ``process`` or was started by it, as far as can be told."""
    import psutil

    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(process)
        try:
            for member in (parent, *parent.children(recursive=True)):
                listening = (c for c in member.net_connections("tcp") if c.status == psutil.CONN_LISTEN)
                if any(connection.laddr.port == place.port for connection in listening):
                    return True
        except psutil.AccessDenied:
            return True
    return False
