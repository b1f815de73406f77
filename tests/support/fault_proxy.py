"""A wire to a real service that a test breaks as networks do: for every client, or for one process of a run.

Which connections are a process' own is asked of the system when a fault of that process begins, and of each connection
that comes during it; so one proxy before a service stands between it and each process, and costs nothing before that.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass, field
from math import inf
from typing import Any, Final

from simulator import chance
from simulator.chance import Chance
from tapeline.runtime import clock
from tests.support.eventually import eventually, pause
from tests.support.network_faults import CLEAR, Blackhole, Mode, Renamer, Way, Wire

ANYBODY: Final = ""
_MOST_WAITING: Final = 4 << 20
"""A way that holds so much reads no more: memory is bounded, and the sender feels it as on a real network."""
_QUIET_LOOKS: Final = 4
_FOUND_WITHIN_S: Final = 30.0
_RST: Final = struct.pack("ii", 1, 0)

Call = tuple[int, int]
"""The two ports of a connection: from which, to which."""
Calls = Callable[[str], Awaitable[frozenset[Call]]]
"""Returns the connections that a process of the run has called now."""


@dataclass(slots=True, eq=False)
class _Served:
    """One connection with both its ends; whose it is stands there as soon as a fault had to know."""

    call: Call
    wire: Wire
    ends: list[asyncio.StreamWriter]
    changed: dict[Way, asyncio.Event] = field(
        default_factory=lambda: {"request": asyncio.Event(), "answer": asyncio.Event()}
    )
    over: set[Way] = field(default_factory=set)
    client: str = ANYBODY

    def wake(self) -> None:
        """Let both ways look at the wire again."""
        for one in self.changed.values():
            one.set()

    def broken(self) -> None:
        """Break both ends off without a goodbye."""
        self.wire.broken = True
        for end in self.ends:
            reset(end)
        self.wake()


@dataclass(slots=True, eq=False)
class FaultProxy:
    """Passes bytes on, both ways, from a port of its own; `swallowed` is how many it has kept for ever."""

    host: str
    at: int
    calls: Calls | None = None
    renames: bool = False
    port: int = 0
    chance: Chance = field(default_factory=lambda: chance.stream(0, "network"))
    _modes: dict[str, Mode] = field(default_factory=dict)
    _served: set[_Served] = field(default_factory=set)
    _serving: int = 0
    _gone: int = 0

    @property
    def swallowed(self) -> int:
        """Return how many bytes were taken and never passed on."""
        return self._gone + sum(one.wire.swallowed for one in self._served)

    @property
    def connections(self) -> int:
        """Return how many connections there are now."""
        return len(self._served)

    def fault(self, mode: Mode) -> None:
        """Let the network be so from now on for anybody."""
        self._modes[ANYBODY] = mode
        self._apply(self._served)

    async def fault_of(self, client: str, mode: Mode) -> None:
        """Let the network be so from now on for one process: when this returns, for all that it has open."""
        self._modes[client] = mode
        await self._look(tuple(self._served))

    def heal(self) -> None:
        """Let everything through again; a connection with a hole in it breaks."""
        self._modes.clear()
        self._apply(self._served)

    def cut(self) -> None:
        """Break every connection, once."""
        for one in tuple(self._served):
            one.broken()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what one client and the service say to each other."""
        self._serving += 1
        try:
            with contextlib.suppress(OSError):
                await self._serve(reader, writer)
        finally:
            reset(writer)
            self._serving -= 1

    async def end(self) -> None:
        """Break what is left, also what was just about to connect, until nobody is served any more."""
        quiet = 0

        def idle() -> bool:
            nonlocal quiet
            self.cut()
            quiet = 0 if self._serving else quiet + 1
            return quiet == _QUIET_LOOKS

        await eventually(idle)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Whoever makes a proxy before its service says later where that is.
        await eventually(lambda: self.at, within_s=_FOUND_WITHIN_S)
        there, back = await asyncio.open_connection(self.host, self.at)
        call = (writer.get_extra_info("peername")[1], self.port)
        one = _Served(call, Wire(self.chance, self._mode(ANYBODY)), [writer, back])
        self._served.add(one)
        try:
            # Nothing of it is read before that, so nothing of it escapes a fault.
            await self._look((one,))
            if one.wire.broken:
                return
            await asyncio.gather(
                self._read(one, "request", reader),
                self._read(one, "answer", there),
                self._write(one, "request", back),
                self._write(one, "answer", writer),
            )
        finally:
            reset(back)
            self._served.discard(one)
            self._gone += one.wire.swallowed

    def _mode(self, client: str) -> Mode:
        return self._modes.get(client, self._modes.get(ANYBODY, CLEAR))

    async def _look(self, connections: Collection[_Served]) -> None:
        """Find out which of these belong to a process that a fault is for, and put each under what it is under."""
        for client in self._modes.keys() - {ANYBODY}:
            if self.calls is not None and any(one.client == ANYBODY for one in connections):
                own = await self.calls(client)
                for one in connections:
                    if one.call in own:
                        one.client = client
        self._apply(connections)

    def _apply(self, connections: Collection[_Served]) -> None:
        for one in tuple(connections):
            mode = self._mode(one.client)
            if mode != one.wire.mode:
                one.wire.change(mode, _now_s())
                if one.wire.broken:
                    one.broken()
                one.wake()

    async def _read(self, one: _Served, way: Way, reader: asyncio.StreamReader) -> None:
        rename = Renamer(self.host, self.at, self.port) if self.renames and way == "answer" else None
        line = one.wire.lines[way]
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                one.wire.take(way, data if rename is None else rename.take(data), _now_s())
                if one.wire.broken:
                    one.broken()
                one.changed[way].set()
                while line.size > _MOST_WAITING and not one.wire.broken:
                    await pause()
        if isinstance(one.wire.mode, Blackhole):
            # The goodbye was swallowed too: the other side hears of it when the fault ends.
            one.wire.swallowed += 1
            return
        one.over.add(way)
        one.wake()

    async def _write(self, one: _Served, way: Way, writer: asyncio.StreamWriter) -> None:
        """Send what is due until there is nothing more to come."""
        changed = one.changed[way]
        with contextlib.suppress(OSError):
            while not (one.wire.broken or writer.is_closing()):
                changed.clear()
                now_s = _now_s()
                for data in one.wire.ready(way, now_s):
                    writer.write(data)
                    await writer.drain()
                due_s = one.wire.due_s(way)
                if due_s == inf and way in one.over:
                    break
                if due_s > now_s:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(changed.wait(), None if due_s == inf else due_s - now_s)
        writer.close()


def reset(writer: asyncio.StreamWriter) -> None:
    """Break a connection off, so that the other end hears of a reset and not of an end."""
    with contextlib.suppress(OSError, AttributeError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
    writer.transport.abort()


@contextlib.asynccontextmanager
async def fault_proxy(host: str, at: int, *, port: int = 0, **more: Any) -> AsyncIterator[FaultProxy]:  # noqa: ANN401 - fields
    """Listen on loopback before `host:at` for the length of the block."""
    made = FaultProxy(host, at, **more)
    server = await asyncio.start_server(made.serve, "127.0.0.1", port)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await made.end()


def _now_s() -> float:
    return clock.monotonic_s()
