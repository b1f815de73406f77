"""One market of a venue, from its instrument list to the broker: started, kept alive, restarted alone when it fails.

Order of a start: instruments, what a predecessor left, then the way to the broker, then the sockets. A stop goes the
other way: every book is said stale and every open hole is said, then what waits is published.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Final, NoReturn

from producers import places
from producers.alarm import Alarm, Tell
from producers.broken import MOST_WAITING, BrokenFrames
from producers.following import Following
from producers.link import Link
from producers.looking_back import LookingBack
from producers.market import MarketFeed, Record
from producers.outbox import Entry
from producers.places import Place
from producers.pool import Pool
from producers.publishing import Publishing
from producers.tail import Tails
from schemas import topics
from schemas.topics import Topic
from tapeline.domain.events import Gap, Instrument
from tapeline.domain.partition import partition_of
from tapeline.errors import Unavailable
from tapeline.runtime import clock, logs, metrics, retry
from tapeline.runtime.codec import Codec
from tapeline.runtime.endpoints import Endpoints
from tapeline.runtime.http import BUCKET, HttpClient
from tapeline.runtime.kafka import Publisher
from tapeline.runtime.lifecycle import background
from tapeline.runtime.limiter import Limiter, measured, share
from tapeline.runtime.log_events import LogEvent
from tapeline.runtime.settings import Settings
from tapeline.venues.contract import Want

FLUSH_S: Final = 5.0
"""How long a stop waits for the broker to take what was received."""
MEASURE_S: Final = 1.0
INSTRUMENTS_AGAIN_S: Final = 3_600.0
_RESTART_FIRST_S: Final = 1.0
_FLUSH_LOOK_S: Final = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What the markets of one process share."""

    settings: Settings
    endpoints: Endpoints
    codec: Codec
    publisher: Publisher
    looking_back: LookingBack
    partitions: int
    process: str
    tell: Tell


class Recorder:
    """Records one market until cancelled; a failure of its own is told, and it begins again from what is durable."""

    def __init__(self, place: Place, means: Means, *, by_tasks: bool = False) -> None:
        """Take what to record; nothing is opened before `run`, and by tasks not before something is wished for."""
        self.place = place
        self._means = means
        self._feed = place.feed
        self._topics: dict[str, Topic] = {}
        self._made: dict[str, int] = {}
        """How many records of each topic were made since they were measured last."""
        self._market: MarketFeed | None = None
        self._following: Following | None = None
        self._listed: tuple[Instrument, ...] = ()
        self._wished: Mapping[str, int] | None = {} if by_tasks else None
        """The depth of each symbol; None: settings say what is wanted, for as long as the process lives."""
        frames = BrokenFrames(place, means.codec, process=means.process)
        self._alarm = Alarm(place, frames, keep=self._keep, tell=means.tell)
        self._any_wish = asyncio.Event()
        if not by_tasks:
            self._any_wish.set()

    def wish(self, symbols: Mapping[str, int]) -> None:
        """Record these from now on, at these depths: what is not among them is dropped before this returns."""
        if symbols == self._wished:
            return
        self._wished = dict(symbols)
        if symbols:
            self._any_wish.set()
        self._follow()

    def waiting(self) -> int:
        """Return how many records wait for the broker."""
        return 0 if self._market is None else len(self._market.buffer)

    def books(self) -> tuple[int, int]:
        """Return how many books are valid, and how many are recorded."""
        return (0, 0) if self._market is None else self._market.valid_books()

    async def run(self) -> None:
        """Record; what fails in this market never touches the others (B-06)."""
        async with background("alarm", self._alarm.run()):
            await self._again_and_again()

    async def _again_and_again(self) -> NoReturn:
        pauses = retry.delays(_RESTART_FIRST_S)
        _ = await self._any_wish.wait()
        while True:
            try:
                await self._record()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told and only this market begins again
                logs.get(__name__).exception(LogEvent.MARKET_FAILED, venue=self.place.venue, market=self.place.market)
                metrics.TASK_FAILURES.inc(task=str(self.place))
                await self._means.tell(
                    "market_failed", f"recording {self.place} failed and begins again: {error}", "read the log"
                )
                await asyncio.sleep(next(pauses))

    async def _record(self) -> None:
        means, feed, facts = self._means, self._feed, self._feed.facts
        where = places.hosts(self.place, means.settings, means.endpoints.run)
        budget = {BUCKET: share(facts.rest.budget, facts.rest.window_s)}
        limiter = Limiter(budget, waited=measured(facts.venue, facts.market))
        client = HttpClient.of(facts, where.rest, limiter, feed.refusal, headers=where.headers, gone=self._alarm.gone)
        async with client as http:
            self._listed, again_s = await self._list(http)
            market = self._market = self._new_market()
            pool = Pool(facts)
            link = Link(
                feed,
                market,
                pool,
                where,
                http,
                watcher=self._alarm,
                refused=self._told,
            )
            following = self._following = Following(market, link, self._look)
            if again_s is None:
                self._say_instruments(market, self._listed)
            try:
                self._follow()
                await following.catch_up()
                async with (
                    self._publishing(market, pool),
                    background("measure", self._measure(market)),
                    background("instruments", self._refresh(http, market, again_s)),
                    background("following", following.run()),
                ):
                    await link.run()
            finally:
                self._following = None

    def _follow(self) -> None:
        """Hand what is wanted to what runs, as far as the market lists it."""
        if self._following is None:
            return
        monitor = self._means.settings.monitor
        wished = self._wished
        found, missing = places.chosen(self._listed, monitor.symbols if wished is None else wished)
        for symbol in missing:
            logs.get(__name__).warning(LogEvent.SYMBOL_NOT_LISTED, place=str(self.place), symbol=symbol)
        default = monitor.orderbook_depth
        depths = {name: default if wished is None else wished[one.symbol] for name, one in found.items()}
        self._following.want(found, depths)

    async def _look(self, symbols: Mapping[str, str]) -> Tails:
        """Return what is durable of instruments, as soon as the broker tells."""
        means = self._means
        return await retry.reach("Kafka", partial(means.looking_back.tails, symbols, means.partitions), None)

    def _new_market(self) -> MarketFeed:
        means = self._means
        return MarketFeed(
            self._feed,
            {},
            encode=self._encoded,
            partitions=means.partitions,
            depth=means.settings.monitor.orderbook_depth,
            most_waiting=means.settings.monitor.ring_buffer_size,
        )

    @contextlib.asynccontextmanager
    async def _publishing(self, market: MarketFeed, pool: Pool) -> AsyncIterator[None]:
        """Publish beside the block; at its end say that all streams are lost, and publish what waits."""
        async with background("publishing", Publishing(market, self._means.publisher).run()):
            try:
                yield
            finally:
                now_us = clock.now_us()
                for slot in pool.slots:
                    market.lost(slot, pool.wants(slot), "restart", "the producer stops", now_us)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(FLUSH_S):
                        while len(market.buffer) or not market.books.idle:  # noqa: ASYNC110 - pure parts wake nobody
                            await asyncio.sleep(_FLUSH_LOOK_S)

    async def _list(self, http: HttpClient) -> tuple[tuple[Instrument, ...], float | None]:
        """Return the venue's list, or what was said of it last while it does not answer, and when to ask again."""
        look = partial(self._means.looking_back.instruments, self.place.venue, self.place.market)

        async def attempt() -> tuple[tuple[Instrument, ...], float | None]:
            try:
                return await self._ask_list(http), None
            except Unavailable as error:
                known = await retry.reach("Kafka", look, None)
                if not known:
                    raise
                logs.get(__name__).warning(
                    LogEvent.INSTRUMENTS_REMEMBERED, place=str(self.place), count=len(known), reason=str(error)
                )
                return known, error.retry_after_s or _RESTART_FIRST_S

        return await retry.reach(str(self.place), attempt, None)

    async def _ask_list(self, http: HttpClient) -> tuple[Instrument, ...]:
        """Return all instruments of the market, page by page."""
        found: list[Instrument] = []
        cursor: str | None = None
        while True:
            body = await http.fetch(self._feed.instruments_request(cursor))
            page = self._feed.read_instruments(body, clock.now_us())
            found += page.instruments
            cursor = page.cursor
            if cursor is None:
                return tuple(found)

    async def _refresh(self, http: HttpClient, market: MarketFeed, again_s: float | None) -> None:
        """Publish the rules that have changed, each hour; with another size of contract the market begins anew.

        `again_s`: what is listed is only remembered, and this is when the venue may be asked again.
        """
        sizes = {one.native: one.contract_size for one in self._listed}
        known = {one.key: _rules(one) for one in self._listed}
        while True:
            remembered = again_s is not None
            await asyncio.sleep(INSTRUMENTS_AGAIN_S if again_s is None else again_s)
            again_s = None
            fresh = await retry.reach(str(self.place), partial(self._ask_list, http), None)
            changed = tuple(one for one in fresh if known.get(one.key) != _rules(one))
            _same_sizes(sizes, changed)
            known |= {one.key: _rules(one) for one in changed}
            self._say_instruments(market, changed)
            if remembered or self._wished is not None:
                # What is wanted by a task, or was never said before, may be listed by now.
                self._listed = fresh
                self._follow()

    def _say_instruments(self, market: MarketFeed, instruments: tuple[Instrument, ...]) -> None:
        for one in instruments:
            partition = partition_of(one.symbol, self._means.partitions)
            entry = Entry(one.key.encode(), self._means.codec.encode(topics.by_name("ref.instrument"), one))
            market.buffer.put("ref.instrument", partition, entry)

    def _keep(self, letter: Entry) -> None:
        """Publish a letter, unless too many wait already or there is no way to the broker yet."""
        buffer = None if self._market is None else self._market.buffer
        if buffer is not None and buffer.waiting("dlq") < MOST_WAITING:
            buffer.put("dlq", 0, letter)

    def _told(self, wants: tuple[Want, ...], error: str) -> None:
        streams = ", ".join(f"{want.native} {want.channel}" for want in wants)
        logs.get(__name__).error(LogEvent.STREAM_REFUSED, place=str(self.place), streams=streams, reason=error)
        metrics.STREAMS_REFUSED.inc(len(wants), venue=self.place.venue, market=self.place.market)

    async def _measure(self, market: MarketFeed) -> None:
        """Bring what the pure parts count into the metrics."""
        labels = {"venue": self.place.venue, "market": self.place.market}
        frames, conflated, shed = 0, 0, 0
        while True:
            metrics.FRAMES.inc(market.frames - frames, **labels)
            metrics.BOOKS_CONFLATED.inc(market.books.conflated - conflated, **labels)
            metrics.RECORDS_SHED.inc(market.buffer.shed - shed, **labels)
            frames, conflated, shed = market.frames, market.books.conflated, market.buffer.shed
            metrics.RECORDS_WAITING.set(len(market.buffer), **labels)
            valid, recorded = market.valid_books()
            metrics.BOOKS_VALID.set(valid, **labels)
            metrics.BOOKS.set(recorded, **labels)
            for topic, made in self._made.items():
                metrics.RECORDS_MADE.inc(made, **labels, topic=topic)
            self._made.clear()
            await asyncio.sleep(MEASURE_S)

    def _encoded(self, topic: str, record: Record) -> bytes:
        found = self._topics.get(topic)
        if found is None:
            found = self._topics[topic] = topics.by_name(topic)
        self._made[topic] = self._made.get(topic, 0) + 1
        if isinstance(record, Gap):
            place = self.place
            metrics.GAPS.inc(venue=place.venue, market=place.market, channel=record.channel, cause=record.cause)
        return self._means.codec.encode(found, record)


def _same_sizes(sizes: dict[str, Decimal], changed: tuple[Instrument, ...]) -> None:
    """Refuse to go on counting in contracts that have another size now."""
    for one in changed:
        if sizes.get(one.native, one.contract_size) != one.contract_size:
            message = f"a contract of {one.key} was {sizes[one.native]} {one.base} and is {one.contract_size} now"
            raise RuntimeError(message)


def _rules(one: Instrument) -> tuple[object, ...]:
    """Return all of an instrument but its times."""
    return tuple(getattr(one, name) for name in one.__struct_fields__ if name not in {"received_us", "published_us"})
