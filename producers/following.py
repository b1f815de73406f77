"""Brings one running market to what is wanted of it: drops at once, adds when it is known what was before.

Who is wanted as before is never touched. What is dropped ends as at a stop, and what comes begins as at a start: its
hole is the one that the last durable record left, so that it waits until what we made of it ourselves is durable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NoReturn

from producers.link import Link
from producers.market import MarketFeed
from producers.tail import Tails
from producers.tasks import difference
from tapeline.domain.events import Instrument, OfInstrument
from tapeline.runtime import clock

_LOOK_S: Final = 0.1

Look = Callable[[Mapping[str, str]], Awaitable[Tails]]
"""Returns what is durable of instruments, symbols by key."""


def identity(one: Instrument) -> OfInstrument:
    """Return which instrument it is, without its rules."""
    return OfInstrument(venue=one.venue, market=one.market, symbol=one.symbol)


class Following:
    """The instruments of one market while it runs; run `run()` in the background."""

    def __init__(self, market: MarketFeed, link: Link, look: Look) -> None:
        """Take what is changed; it carries nothing yet."""
        self._market, self._link, self._look = market, link, look
        self._carried: dict[str, int] = {}
        self._listed: dict[str, Instrument] = {}
        self._desired: dict[str, int] = {}
        self._news = asyncio.Event()

    def want(self, listed: Mapping[str, Instrument], desired: Mapping[str, int]) -> None:
        """Take what is wanted, the depth by native name: what is not is dropped before this returns."""
        self._listed |= listed
        self._desired = dict(desired)
        steps, now_us = difference(self._carried, desired), clock.now_us()
        for native in steps.unsubscribe:
            self._market.drop(native, now_us)
            del self._carried[native]
        for native, depth in steps.resubscribe.items():
            self._market.resize(native, depth, now_us)
            self._carried[native] = depth
        if steps.unsubscribe or steps.resubscribe:
            self._link.change(self._carried)
        if steps.subscribe:
            self._news.set()

    async def run(self) -> NoReturn:
        """Add what is wanted and not there yet, until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            await self.catch_up()

    async def catch_up(self) -> None:
        """Add what is missing now, as far as it is still wanted when it is known what was before."""
        fresh = difference(self._carried, self._desired).subscribe
        if not fresh:
            return
        while not all(self._market.has_left(native) for native in fresh):  # noqa: ASYNC110 - pure parts wake nobody
            await asyncio.sleep(_LOOK_S)
        instruments = {native: identity(self._listed[native]) for native in fresh}
        tails = await self._look({of.key: of.symbol for of in instruments.values()})
        for native, of in instruments.items():
            if native in self._desired:
                self._carried[native] = depth = self._desired[native]
                self._market.add(native, of, depth=depth, tails=tails, size=self._listed[native].contract_size)
        self._link.change(self._carried)
