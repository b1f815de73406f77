"""DESIGN 5, socket to md.*: each venue and market of the simulator, over its real protocol, until books are valid."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from producers.actions import Send
from producers.link import Link
from producers.market import MarketFeed, Record
from producers.pool import Pool
from tapeline.domain.events import Book, DeltaBatch, Gap, Market, OfInstrument, Trade
from tapeline.runtime import metrics
from tapeline.runtime.http import HttpClient
from tapeline.runtime.lifecycle import background
from tapeline.runtime.limiter import Limiter, share
from tapeline.runtime.websocket import Timing
from tapeline.venues.contract import Hosts, Want
from tapeline.venues.registry import feed as feed_of
from tests.support.eventually import eventually
from tests.support.simulated import simulated
from tests.support.watching import Watching

FAST = Timing(first_retry_s=0.05)


class Made:
    """What a link made: its records, and what went wrong."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.trouble: list[object] = []

    def encode(self, topic: str, record: Record) -> bytes:
        """Keep the record."""
        self.records.append(record)
        return topic.encode()

    def refused(self, wants: tuple[Want, ...], error: str) -> None:
        """Keep a refusal."""
        self.trouble.append((wants, error))

    def gaps(self) -> list[Gap]:
        """Return the gaps."""
        return [one for one in self.records if isinstance(one, Gap)]

    def traded(self) -> Counter[tuple[str, str]]:
        """Return how often each trade was published, by instrument and id."""
        return Counter((one.key, one.trade_id) for one in self.records if isinstance(one, Trade))

    def states(self, market: MarketFeed) -> dict[str, str]:
        """Return the newest state of each book, as if the broker took every one at once."""
        for due, _, _ in market.due(1):
            market.books.done(due.key)
        return {one.key: one.state for one in self.records if isinstance(one, Book)}


class Hearing(MarketFeed):
    """A market feed that keeps which books it heard to have been asked for."""

    heard: frozenset[str] = frozenset()

    def sent(self, send: Send, now_us: int) -> None:
        """Keep the books of what has gone out."""
        self.heard |= {*send.books}
        super().sent(send, now_us)


@pytest.mark.parametrize("market", ["spot", "futures"])
@pytest.mark.parametrize("venue", ["binance", "bybit"])
async def test_books_get_valid_trades_flow_and_a_cut_is_a_gap_that_closes(
    venue: str, market: Market, tmp_path: Path
) -> None:
    made, feed = Made(), feed_of(venue, market)

    def value(name: str, **labels: str) -> float:
        return metrics.registry().get_sample_value(name, {"venue": venue, "market": market, **labels}) or 0.0

    limiter = Limiter({"rest_market": share(feed.facts.rest.budget, feed.facts.rest.window_s)})
    async with (
        simulated(venue, market, tmp_path, symbols=3) as exchange,
        HttpClient.of(feed.facts, exchange.rest, limiter, feed.refusal) as http,
    ):
        page = feed.read_instruments(await http.fetch(feed.instruments_request()), 1)
        instruments = {
            one.native: OfInstrument(venue=venue, market=market, symbol=one.symbol) for one in page.instruments
        }
        keys = {one.key for one in instruments.values()}
        pool = Pool(feed.facts)
        pool.change(dict.fromkeys(instruments, 20))
        books = Hearing(feed, instruments, encode=made.encode, partitions=4, depth=20, most_waiting=100_000)
        hosts = Hosts(rest=exchange.rest, ws=exchange.ws)
        watcher = Watching(feed, made.trouble)
        link = Link(feed, books, pool, hosts, http, watcher=watcher, refused=made.refused, timing=FAST)

        async with background("link", link.run()):
            await eventually(lambda: made.states(books) == dict.fromkeys(keys, "valid"), within_s=15)
            await eventually(lambda: {key for key, _ in made.traded()} == keys, within_s=15)
            assert made.gaps() == []
            assert books.heard == instruments.keys()
            await eventually(lambda: watcher.looked == set(feed.facts.channels))
            assert value("tapeline_sockets") == value("tapeline_sockets_open") == len(link.sockets)
            lost = value("tapeline_sockets_lost_total", cause="silence")
            for socket in link.sockets.values():
                socket.drop("the test cuts it")
            closed = {(key, channel) for key in keys for channel in ("book", "trade")}
            await eventually(lambda: {(one.key, one.channel) for one in made.gaps() if one.end_us} == closed)
            await eventually(lambda: made.states(books) == dict.fromkeys(keys, "valid"))
            assert value("tapeline_sockets_lost_total", cause="silence") == lost + len(link.sockets)
            assert value("tapeline_sockets_open") == len(link.sockets)
    assert made.trouble == []
    assert set(made.traded().values()) == {1}
    assert_continuous([one for one in made.records if isinstance(one, DeltaBatch)])


def assert_continuous(deltas: list[DeltaBatch]) -> None:
    """Check that each change continues what is before it in its epoch, as a reader must be able to demand."""
    last: dict[str, DeltaBatch] = {}
    for one in deltas:
        before = last.get(one.key)
        if one.kind == "change":
            assert before is not None
            assert one.epoch == before.epoch
            fresh = before.kind == "snapshot" and (one.follows or 0) <= before.sequence < one.sequence
            assert one.follows == before.sequence or fresh, msgspec.structs.replace(one, bid_prices=(), ask_prices=())
        last[one.key] = one
