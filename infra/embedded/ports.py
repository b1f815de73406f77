"""Ports on loopback: taken once per run and held, so that a service comes back on its own port after a crash.

Free ports are taken below the range that the system gives to outgoing connections: a client that tries a dead service
again and again could otherwise be given that very port as its own end, and the service could not come back. A port
that no service listens on yet looks free to everybody, so a reservation is a datagram socket of the same number, which
only one holder on the machine can have.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
from pathlib import Path
from typing import Self

import psutil

from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import entropy

HOST = "127.0.0.1"
_LOWEST = 15_000
_OUTGOING_FROM = 32_768
_OUTGOING_FILE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_TRIES = 500


class Ports:
    """The ports of one run; each stays reserved until the end of the block."""

    def __init__(self, *, begin: int | None = None) -> None:
        """Hold nothing yet; the search for free ports begins anywhere, or at `begin`."""
        self._held: list[socket.socket] = []
        self._begin = begin

    def take(self, wanted: int, setting: str) -> int:
        """Return `wanted` when it is free, or any free port for 0; raise Misconfigured naming who holds it."""
        if wanted:
            if not is_free(wanted):
                raise taken(wanted, setting, holder(wanted))
            # A person chose it; if its datagram twin serves something else, that is no reason to refuse.
            _ = self._reserve(wanted)
            self._hold(wanted)
            return wanted
        highest = lowest_outgoing(_OUTGOING_FILE)
        span = max(highest - _LOWEST, 1)
        begin = int.from_bytes(entropy.token().encode()[:8], "big") if self._begin is None else self._begin
        start = (begin - _LOWEST) % span
        for step in range(min(_TRIES, span)):
            port = _LOWEST + (start + step * 7) % span
            if is_free(port) and self._reserve(port):
                self._hold(port)
                return port
        raise Unavailable(f"no free port on {HOST} between {_LOWEST} and {highest}")

    def __enter__(self) -> Self:
        """Hold ports for the time of the block."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Give all ports back."""
        for held in self._held:
            held.close()
        self._held.clear()

    def _reserve(self, port: int) -> bool:
        """Take the number from all other runs on this machine; False when another has it."""
        held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            held.bind((HOST, port))
        except OSError as error:
            held.close()
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
        self._held.append(held)
        return True

    def _hold(self, port: int) -> None:
        """Keep the port bound but not listening: on Linux its service may bind it too, and nobody else is given it."""
        if sys.platform != "linux":
            return
        held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            held.bind((HOST, port))
        self._held.append(held)


def is_free(port: int) -> bool:
    """Tell whether a service could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return True


def taken(port: int, setting: str, held_by: str | None) -> Misconfigured:
    """Return the sentence for a port that another process listens on."""
    who = "another process" if held_by is None else held_by
    return Misconfigured(
        f"port {port} of setting {setting} is taken by {who}",
        fix=f"stop it, or set {setting} to another port (0 takes a free one)",
    )


def holder(port: int) -> str | None:
    """Return who listens on a port, as far as the system tells this user."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return None
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
            if connection.pid is None:
                return None
            with contextlib.suppress(psutil.Error):
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return None


def lowest_outgoing(file: Path) -> int:
    """Return where the system's range of ports for outgoing connections begins, kept within reason."""
    try:
        first = int(file.read_text("ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return _OUTGOING_FROM
    return first if _LOWEST + 1000 <= first <= _OUTGOING_FROM else _OUTGOING_FROM
