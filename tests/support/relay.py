"""A wire to a real service that a test can cut, or hold so that nothing comes through any more."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from tests.support.eventually import eventually

_QUIET_LOOKS = 4


@dataclass(slots=True)
class Relay:
    """Passes bytes on, both ways, from a port of its own; `withheld` is how many a client sent since it holds."""

    host: str
    at: int
    port: int = 0
    withheld: int = 0
    _holds: bool = False
    _serving: int = 0
    _ends: set[asyncio.StreamWriter] = field(default_factory=set)

    def hold(self) -> None:
        """Let nothing through from now on; the connections stay."""
        self._holds = True

    def cut(self) -> None:
        """Break every connection."""
        for end in self._ends:
            end.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what one client and the service say to each other."""
        self._serving += 1
        self._ends.add(writer)
        with contextlib.suppress(OSError):
            there, back = await asyncio.open_connection(self.host, self.at)
            self._ends.add(back)
            await asyncio.gather(self._pass_on(reader, back), self._pass_on(there, writer))
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

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if self._holds:
                    self.withheld += len(data)
                    continue
                writer.write(data)
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def relay(host: str, port: int) -> AsyncIterator[Relay]:
    """Listen on loopback before `host:port` for the length of the block."""
    made = Relay(host, port)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await made.end()
