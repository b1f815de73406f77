"""X-12, K7: 1inch over real sockets from simulated quotes: ladders follow the chain, a refusal is a gap that closes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import pytest

from producers.link import Link
from producers.market import MarketFeed, Record
from producers.pool import Pool
from simulator.dex import world
from simulator.dex.onchain import QUOTES, OnChain
from simulator.dex.serving import serving
from tapeline.domain.events import Book, Gap, OfInstrument
from tapeline.errors import VenueRefused
from tapeline.runtime import clock
from tapeline.runtime.http import BUCKET, HttpClient
from tapeline.runtime.lifecycle import background
from tapeline.runtime.limiter import Limiter, share
from tapeline.venues.contract import Hosts
from tapeline.venues.oneinch import SPOT
from tapeline.venues.oneinch.pairs import SYMBOLS
from tests.support.eventually import eventually
from tests.support.watching import Watching

KEY: Final = "testkey"
NATIVE: Final = SYMBOLS["ETH/USDC"].native
OF: Final = OfInstrument(venue="1inch", market="spot", symbol="ETH/USDC")
WITHIN_S: Final = 40.0


@dataclass(slots=True)
class Recorded:
    """A link to the quotes, and what it made."""

    on: OnChain
    market: MarketFeed
    link: Link
    records: list[Record]

    def book(self) -> Book | None:
        """Return the newest book, as if the broker took every one at once."""
        for due, _, _ in self.market.due(clock.now_us()):
            self.market.books.done(due.key)
        return next((one for one in reversed(self.records) if isinstance(one, Book)), None)

    def gaps(self) -> list[tuple[str, bool]]:
        """Return the causes of the gaps, and whether each was closed."""
        return [(one.cause, one.end_us is not None) for one in self.records if isinstance(one, Gap)]


def client(port: int, key: str) -> HttpClient:
    limiter = Limiter({BUCKET: share(SPOT.facts.rest.budget, SPOT.facts.rest.window_s)})
    headers = {"Authorization": f"Bearer {key}"}
    return HttpClient.of(SPOT.facts, f"http://127.0.0.1:{port}", limiter, SPOT.refusal, headers=headers)


@asynccontextmanager
async def recorded() -> AsyncIterator[Recorded]:
    """Record one pair while the block runs; begin when its book is valid."""
    on = OnChain(key=KEY, now_us=clock.now_us())
    records: list[Record] = []

    def encode(topic: str, record: Record) -> bytes:
        records.append(record)
        return topic.encode()

    async with serving(on, QUOTES) as port, client(port, KEY) as http:
        page = SPOT.read_instruments(await http.fetch(SPOT.instruments_request()), 1)
        assert (len(page.instruments), page.skipped) == (len(SYMBOLS), ())
        market = MarketFeed(SPOT, {NATIVE: OF}, encode=encode, partitions=4, depth=20, most_waiting=10_000)
        pool = Pool(SPOT.facts)
        _ = pool.change({NATIVE: 20})
        trouble: list[object] = []
        hosts = Hosts(rest="", ws="")
        watcher = Watching(SPOT, trouble)
        link = Link(SPOT, market, pool, hosts, http, watcher=watcher, refused=lambda *_: trouble.append(_))
        async with background("link", link.run()):
            await eventually(lambda: market.valid_books() == (1, 1), within_s=WITHIN_S)
            yield Recorded(on, market, link, records)
        assert (trouble, link.sockets) == ([], {})


async def test_x_12_a_ladder_is_what_the_pool_gives_and_follows_it() -> None:
    async with recorded() as at:
        before = at.book()
        assert before is not None
        curve = at.on.node.chain.head.states[world.ETH_USDC].copy()
        got = -curve.swap(10**17, zero_for_one=False).amount0
        # 0.1 ETH, sold in the block from which all was quoted.
        assert (before.state, before.bid_quantities) == ("valid", (0.1, 0.9, 4.0))
        assert before.bid_prices[0] == got / 10**5
        assert before.bid_prices[0] < before.ask_prices[0]
        at.on.node.chain.swap(world.ETH_USDC, 20 * 10**18, zero_for_one=False)
        at.on.node.chain.seal(clock.now_us() // 1_000_000)

        def fell() -> bool:
            book = at.book()
            return book is not None and book.state == "valid" and book.bid_prices[0] < before.bid_prices[0]

        await eventually(fell, within_s=WITHIN_S)
        # Each ladder is a whole book as a routine: nothing was missed.
        assert at.gaps() == []


async def test_a_quote_that_is_refused_makes_the_book_stale_until_one_is_had() -> None:
    async with recorded() as at:
        at.on.quotes.refuses_until_s = float("inf")
        await eventually(lambda: at.gaps() == [("venue", False)], within_s=WITHIN_S)
        assert at.market.valid_books() == (0, 1)
        at.on.quotes.refuses_until_s = 0.0
        await eventually(lambda: at.gaps() == [("venue", False), ("venue", True)], within_s=WITHIN_S)
        book = at.book()
        assert book is not None
        assert book.state == "valid"


async def test_without_the_right_key_there_is_no_answer() -> None:
    on = OnChain(key=KEY, now_us=0)
    async with serving(on, QUOTES) as port, client(port, "another") as http:
        with pytest.raises(VenueRefused, match=r"HTTP 401 from 1inch spot: .*unauthorized"):
            await http.fetch(SPOT.instruments_request())
