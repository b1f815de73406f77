"""One simulated exchange in the test's own loop, on real sockets, with its journal and its books within reach."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from simulator import journal, places
from simulator.exchange import Exchange
from simulator.journal import AnyRecord
from simulator.limits import SocketLimits
from simulator.places import Options, Place
from simulator.serving import beat, serving
from simulator.terms import FUNDING_S
from tapeline.runtime.lifecycle import background


@dataclass(frozen=True, slots=True)
class Simulated:
    """An exchange that runs."""

    exchange: Exchange
    port: int
    path: Path

    @property
    def rest(self) -> str:
        """Return where REST is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        """Return where WebSockets are."""
        return f"ws://127.0.0.1:{self.port}"

    def records(self) -> list[AnyRecord]:
        """Return the journal as it is now."""
        self.exchange.journal.flush()
        return list(journal.read(self.path))

    async def get(self, path: str, **query: str) -> tuple[int, dict[str, str], Any]:
        """Make a REST request; return status, headers and the JSON of the body."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.rest}{path}", params=query) as answer:
            return answer.status, dict(answer.headers), await answer.json(content_type=None)

    async def post(self, path: str, body: object = None) -> tuple[int, Any]:
        """Ask the simulator itself for something; return status and JSON."""
        async with aiohttp.ClientSession() as session, session.post(f"{self.rest}{path}", json=body) as answer:
            return answer.status, await answer.json()


@asynccontextmanager
async def simulated(
    venue: str,
    market: str,
    folder: Path,
    *,
    seed: int = 7,
    symbols: int = 5,
    faults: tuple[str, ...] = (),
    limits: SocketLimits | None = None,
    funding_s: int = FUNDING_S,
) -> AsyncIterator[Simulated]:
    """Serve a venue and market while the block runs."""
    options = Options(places=(), seed=seed, symbols=symbols, faults=faults, journal=folder, funding_s=funding_s)
    exchange = places.exchange(Place(venue, market), options, limits=limits)
    async with serving(exchange, 0) as port, background("market", beat([exchange])):
        assert exchange.journal.path is not None
        yield Simulated(exchange, port, exchange.journal.path)
        await asyncio.sleep(0)
