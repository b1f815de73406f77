"""X-12: Uniswap over a real socket from a simulated node: books follow pools, what the chain takes back is told."""

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
from simulator.dex.chain import Block
from simulator.dex.node import Node
from simulator.dex.onchain import NODE, OnChain
from simulator.dex.serving import serving
from tapeline.domain.events import Book, Gap, OfInstrument, Trade
from tapeline.errors import Unavailable
from tapeline.runtime import clock
from tapeline.runtime.http import BUCKET, HttpClient
from tapeline.runtime.lifecycle import background
from tapeline.runtime.limiter import Limiter, share
from tapeline.runtime.websocket import Timing
from tapeline.venues.contract import Hosts, Want
from tapeline.venues.uniswap import SPOT
from tests.support.eventually import eventually
from tests.support.watching import Watching

FAST: Final = Timing(first_retry_s=0.05)
POOL: Final = world.ETH_USDC
KEY: Final = "uniswap:spot:ETH/USDC"


@dataclass(slots=True)
class Recorded:
    """A link to a node, and what it made."""

    node: Node
    market: MarketFeed
    records: list[Record]
    trouble: list[object]

    def seal(self) -> Block:
        """End the next block now, and let the node tell it."""
        block = self.node.chain.seal(clock.now_us() // 1_000_000)
        self.node.tell(block)
        return block

    def book(self) -> Book | None:
        """Return the newest book of the pool, as if the broker took every one at once."""
        for due, _, _ in self.market.due(clock.now_us()):
            self.market.books.done(due.key)
        return next((one for one in reversed(self.records) if isinstance(one, Book) and one.key == KEY), None)

    def is_at(self, block: Block) -> bool:
        """Tell whether the newest book is valid and of this block."""
        book = self.book()
        return book is not None and (book.state, book.sequence) == ("valid", block.number)

    def trades(self) -> list[tuple[str, str]]:
        """Return the trades of the pool."""
        return [(one.trade_id, one.side) for one in self.records if isinstance(one, Trade) and one.key == KEY]

    def gaps(self, channel: str) -> list[Gap]:
        """Return the gaps of the pool."""
        return [one for one in self.records if isinstance(one, Gap) and (one.key, one.channel) == (KEY, channel)]


@asynccontextmanager
async def recorded() -> AsyncIterator[Recorded]:
    """Record all pools of a node while the block runs; begin when all their books are valid."""
    on = OnChain(key="", now_us=clock.now_us())
    node = on.node
    limiter = Limiter({BUCKET: share(SPOT.facts.rest.budget, SPOT.facts.rest.window_s)})
    records: list[Record] = []
    trouble: list[object] = []

    def encode(topic: str, record: Record) -> bytes:
        records.append(record)
        return topic.encode()

    def refused(wants: tuple[Want, ...], error: str) -> None:
        trouble.append((wants, error))

    async with (
        serving(on, NODE) as port,
        HttpClient.of(SPOT.facts, f"http://127.0.0.1:{port}", limiter, SPOT.refusal) as http,
    ):
        page = SPOT.read_instruments(await http.fetch(SPOT.instruments_request()), 1)
        assert page.skipped == ()
        identities = {
            one.native: OfInstrument(venue=one.venue, market=one.market, symbol=one.symbol) for one in page.instruments
        }
        market = MarketFeed(SPOT, identities, encode=encode, partitions=4, depth=20, most_waiting=10_000)
        pool = Pool(SPOT.facts)
        _ = pool.change(dict.fromkeys(identities, 20))
        hosts = Hosts(rest="", ws=f"ws://127.0.0.1:{port}")
        link = Link(SPOT, market, pool, hosts, http, watcher=Watching(SPOT, trouble), refused=refused, timing=FAST)
        async with background("link", link.run()):
            await eventually(lambda: market.valid_books() == (5, 5), within_s=15)
            yield Recorded(node, market, records, trouble)


async def test_x_12_books_follow_their_pools_and_swaps_are_trades() -> None:
    async with recorded() as at:
        # The worked swap of the fact sheet's kind: somebody sells one ETH.
        at.node.chain.swap(POOL, 10**18, zero_for_one=False)
        at.node.chain.swap(POOL, 5_000 * 10**6, zero_for_one=True)
        block = at.seal()
        await eventually(lambda: at.is_at(block))
        assert at.trades() == [(f"{block.hash}:0", "sell"), (f"{block.hash}:1", "buy")]
        before = at.book()
        at.node.chain.provide(POOL, 196_200, 196_300, 10**18)
        block = at.seal()
        await eventually(lambda: at.is_at(block))
        after = at.book()
        assert before is not None
        assert after is not None
        # More liquidity at the same price: the same prices, more to be had at each.
        assert after.ask_prices == before.ask_prices
        assert after.ask_quantities[0] > before.ask_quantities[0]
        assert (at.gaps("book"), at.gaps("trade"), at.trouble) == ([], [], [])


async def test_a_block_with_many_events_is_asked_for_once() -> None:
    async with recorded() as at:
        asked = at.node.calls.count("eth_getBlockByHash")
        for _ in range(20):
            at.node.chain.swap(POOL, 10**15, zero_for_one=False)
        block = at.seal()
        await eventually(lambda: at.is_at(block))
        assert len(at.trades()) == 20
        assert at.node.calls.count("eth_getBlockByHash") == asked + 1


async def test_what_the_chain_takes_back_is_a_gap_and_the_other_branch_s_trades_follow() -> None:
    async with recorded() as at:
        at.node.chain.swap(POOL, 10**18, zero_for_one=False)
        first = at.seal()
        await eventually(lambda: at.is_at(first))
        at.node.tell(at.node.chain.orphan(), removed=True)
        await eventually(lambda: at.gaps("book") and at.gaps("trade"))
        at.node.chain.swap(POOL, 2 * 10**18, zero_for_one=False)
        second = at.seal()
        assert second.number == first.number
        await eventually(lambda: at.is_at(second))
        await eventually(lambda: at.gaps("trade")[-1].end_us)
    assert at.trades() == [(f"{first.hash}:0", "sell"), (f"{second.hash}:0", "sell")]
    for channel in ("book", "trade"):
        begun, ended = at.gaps(channel)[:2]
        assert (begun.cause, begun.detail) == (
            "venue",
            f"block {first.number} ({first.hash}) left the chain with its event 0",
        )
        assert (begun.end_us, ended.backfilled) == (None, False)
    assert at.gaps("trade")[0].start_us <= first.time_s * 1_000_000


async def test_a_limit_of_the_node_makes_the_book_stale_until_it_answers() -> None:
    async with recorded() as at:
        at.node.chain.swap(POOL, 10**18, zero_for_one=False)
        at.node.limited = 1
        block = at.seal()
        await eventually(lambda: at.gaps("book"))
        await eventually(lambda: at.is_at(block), within_s=15)
    assert "limit exceeded" in (at.gaps("book")[0].detail or "")


async def test_a_cut_is_a_gap_that_closes() -> None:
    async with recorded() as at:
        for listener in tuple(at.node.listeners):
            listener.cut()
        await eventually(lambda: [one for one in at.gaps("book") if one.end_us is not None], within_s=15)
        at.node.chain.swap(POOL, 10**18, zero_for_one=False)
        block = at.seal()
        await eventually(lambda: at.is_at(block))
        await eventually(lambda: at.gaps("trade")[-1].end_us)
    assert at.trouble == []
    assert {one.cause for one in at.gaps("trade")} == {"disconnect"}


async def test_instruments_are_asked_for_again_where_the_node_is_busy() -> None:
    on = OnChain(key="", now_us=1_700_000_000_000_000)
    on.node.limited = 1
    limiter = Limiter({BUCKET: share(100, 1)})
    async with (
        serving(on, NODE) as port,
        HttpClient.of(SPOT.facts, f"http://127.0.0.1:{port}", limiter, SPOT.refusal) as http,
    ):
        with pytest.raises(Unavailable, match="limit exceeded"):
            await http.fetch(SPOT.instruments_request())
        page = SPOT.read_instruments(await http.fetch(SPOT.instruments_request()), 1)
    assert len(page.instruments) == 5
