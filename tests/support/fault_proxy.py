"""A wire to a real service that a test breaks as networks do: for every client, or for one process of a run.

Who a client is, is asked of the system, by the port that it called from; so one proxy before a service stands between
it and each process that uses it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
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

Who = Callable[[int], Awaitable[str]]
"""Returns the name of the process that calls from a port."""


@dataclass(slots=True, eq=False)
class _Served:
    """One connection with both its ends."""

    client: str
    wire: Wire
    ends: list[asyncio.StreamWriter]
    changed: dict[Way, asyncio.Event] = field(
        default_factory=lambda: {"request": asyncio.Event(), "answer": asyncio.Event()}
    )
    over: set[Way] = field(default_factory=set)

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
    who: Who | None = None
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
    def connections(self) -> dict[str, int]:
        """Return how many connections each client has now."""
        found: dict[str, int] = {}
        for one in self._served:
            found[one.client] = found.get(one.client, 0) + 1
        return found

    def fault(self, mode: Mode, *, client: str = ANYBODY) -> None:
        """Let the network be so from now on, for one process or for anybody."""
        self._modes[client] = mode
        for one in tuple(self._served):
            self._apply(one)

    def heal(self) -> None:
        """Let everything through again; a connection with a hole in it breaks."""
        self._modes.clear()
        for one in tuple(self._served):
            self._apply(one)

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
        client = ANYBODY if self.who is None else await self.who(writer.get_extra_info("peername")[1])
        # Whoever makes a proxy before its service says later where that is.
        await eventually(lambda: self.at, within_s=_FOUND_WITHIN_S)
        there, back = await asyncio.open_connection(self.host, self.at)
        one = _Served(client, Wire(self.chance, self._mode(client)), [writer, back])
        self._served.add(one)
        try:
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

    def _apply(self, one: _Served) -> None:
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
