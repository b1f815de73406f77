"""Our own way from a made-up exchange to signal.spread, the real parts from socket to agent, and what is read of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import msgspec

from benchmarks import codec as codec_benchmark
from benchmarks.exchange import Exchange
from benchmarks.services import Services
from processors.running import working
from processors.spreads import SPREADS
from producers.link import Link
from producers.market import MarketFeed, Record
from producers.pool import Pool
from producers.publishing import Publishing
from schemas.topics import by_name
from tapeline.domain.events import OfInstrument
from tapeline.domain.partition import partition_of
from tapeline.errors import InvalidMessage
from tapeline.runtime import clock, entropy
from tapeline.runtime.codec import Codec
from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.health import Health
from tapeline.runtime.http import BUCKET, HttpClient
from tapeline.runtime.kafka import Publisher, Reader
from tapeline.runtime.lifecycle import background
from tapeline.runtime.limiter import Limiter, share
from tapeline.venues.contract import Hosts
from tapeline.venues.registry import feed as feed_of

DEPTH = 20
WITHIN_S = 60.0
AHEAD_US = 3_600_000_000
"""The other venue's books stay fresh, however slow the machine is."""
REPUBLISH_S = 1.0
DEARER = 1.05
"""So much dearer is the other venue: every pair pays, and is told with each change of what the size costs."""
VENUE, OTHER = "binance", "bybit"
_WAITING = 100_000
_LOOK_S = 0.05


class Seen(NamedTuple):
    """A signal: the frame it came from, when that was received, when it was handed to the broker and read back."""

    symbol: str
    number: int
    client_us: int
    signal_us: int
    read_us: int


@dataclass(frozen=True, slots=True)
class Stage:
    """What a chain runs on; the agent keeps its group over all turns."""

    services: Services
    exchange: Exchange | None = None
    partitions: int = 0
    group: str = field(default_factory=lambda: f"benchmark-{entropy.new_id()}")

    @property
    def kafka(self) -> KafkaEndpoint:
        """Return where the broker is."""
        return self.services.endpoints.kafka

    def on(self, exchange: Exchange, partitions: int) -> Stage:
        """Return the stage with an exchange on it."""
        return replace(self, exchange=exchange, partitions=partitions)

    @property
    def venue(self) -> Exchange:
        """Return the exchange."""
        if self.exchange is None:
            raise AssertionError(self)
        return self.exchange


@asynccontextmanager
async def tape(stage: Stage) -> AsyncIterator[list[Seen]]:
    """Run producer and agent for the time of the block, and yield what is read of their signals, as it comes."""
    seen: list[Seen] = []
    codec = Codec(stage.services.run.schema_ids)
    async with (
        Publisher(stage.kafka, client_id="benchmark") as publisher,
        working(stage.services.settings, stage.services.endpoints, stage.group, (SPREADS,), Health("benchmark")),
        Reader.assigned(stage.kafka, {"signal.spread": "end"}, client_id="benchmark") as reader,
        background("read", _read(reader, codec, seen)),
        producing(stage, codec, publisher),
    ):
        now_us = clock.now_us()
        await _others(stage, publisher, codec, now_us)
        async with background("others", _again(stage, publisher, codec, now_us)):
            yield seen


@asynccontextmanager
async def producing(stage: Stage, codec: Codec, publisher: Publisher) -> AsyncIterator[None]:
    """Run a producer of the exchange's books for the time of the block, which is entered when all of them are valid."""
    feed, of_topic = feed_of(VENUE, "spot"), {name: by_name(name) for name in ("md.book", "md.delta", "md.gap")}

    def encode(topic: str, record: Record) -> bytes:
        return codec.encode(of_topic[topic], record)

    instruments = {
        native: OfInstrument(venue=VENUE, market="spot", symbol=symbol)
        for native, symbol in stage.venue.natives.items()
    }
    market = MarketFeed(
        feed, instruments, encode=encode, partitions=stage.partitions, depth=DEPTH, most_waiting=_WAITING
    )
    pool = Pool(feed.facts)
    pool.change(dict.fromkeys(instruments, DEPTH))
    limiter = Limiter({BUCKET: share(feed.facts.rest.budget, feed.facts.rest.window_s)})
    hosts = Hosts(rest=stage.venue.rest, ws=stage.venue.ws)
    async with (
        HttpClient.of(feed.facts, stage.venue.rest, limiter, feed.refusal) as http,
        background("publish", Publishing(market, publisher).run()),
        background("link", Link(feed, market, pool, hosts, http, watcher=_Nothing(), refused=_trouble).run()),
    ):
        async with asyncio.timeout(WITHIN_S):
            while market.valid_books()[0] < len(instruments):  # noqa: ASYNC110 - pure parts wake nobody
                await asyncio.sleep(_LOOK_S)
        yield


async def _again(stage: Stage, publisher: Publisher, codec: Codec, now_us: int) -> None:
    """Publish the other venue's books again and again, as a producer does: an agent that rejoins finds them there."""
    while True:
        await asyncio.sleep(REPUBLISH_S)
        await _others(stage, publisher, codec, now_us)


async def _others(stage: Stage, publisher: Publisher, codec: Codec, now_us: int) -> None:
    """Publish a book of another venue for each symbol, so that there is a spread to each of ours."""
    here = codec_benchmark.book()
    there = msgspec.structs.replace(
        here,
        bid_prices=tuple(price * DEARER for price in here.bid_prices),
        ask_prices=tuple(price * DEARER for price in here.ask_prices),
        venue=OTHER,
        epoch=now_us,
        first_received_us=1,
        received_us=1,
        published_us=now_us + AHEAD_US,
    )
    for symbol in stage.venue.symbols:
        book = msgspec.structs.replace(there, symbol=symbol)
        value = codec.encode(by_name("md.book"), book)
        await publisher.publish("md.book", book.key, value, partition_of(symbol, stage.partitions))


async def _read(reader: Reader, codec: Codec, seen: list[Seen]) -> None:
    topic = by_name("signal.spread")
    while True:
        batches = await reader.batches(max_records=10_000)
        now_us = clock.now_us()
        for records in batches.values():
            for record in records:
                spread = codec.decode(topic, record.value or b"")
                way = "buy" if spread["buy_venue"] == VENUE else "sell"
                number = spread[f"{way}_sequence"]
                seen.append(Seen(spread["symbol"], number, spread["received_us"], spread["published_us"], now_us))


class _Nothing:
    """What may be wrong with frames and addresses: nothing."""

    def broken(self, frame: bytes, error: InvalidMessage) -> None:
        _trouble(frame, error)

    def look(self, frame: bytes) -> None:
        """Frames are compared in tests."""

    def gone(self, said: str) -> None:
        _trouble(said)


def _trouble(*told: object) -> None:
    raise AssertionError(told)
