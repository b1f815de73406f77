"""Our own way from a made-up exchange to the bytes of an order's request: producer, agent, executor, all real.

The executor has its store on Postgres, its log on the broker and its link over HTTP, the shipped ones; store and link
also note the time where an order passes them. Of the link only two things are others: the venue's limits, which would
let through two orders a second, and its private stream, which says nothing here.
"""

from __future__ import annotations

import asyncio
import copy
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import NamedTuple, Self

import aiohttp
import msgspec

from benchmarks import order_values
from benchmarks.order_values import MARKET, VENUE, WHERE
from benchmarks.tape import Stage, producing
from executor.__main__ import STORE_ANSWERS_S, Clock, trading
from executor.desk import Spawn
from executor.link.asking import Asking
from executor.link.venue import ANSWER_WITHIN_S, HttpLink
from executor.log.kafka import KafkaLog
from executor.markets import Markets
from executor.ports import Answered, Decide, Lease, LoggedIntent, NotTaken, Taken
from executor.running import Executor, Ports
from executor.store.postgres import PostgresStore
from executor.terms import US_PER_S, Terms
from processors.running import working
from processors.strategies import agent
from schemas.topics import by_name
from tapeline.domain.money import exact
from tapeline.domain.order_records import OrderIntent
from tapeline.domain.partition import instrument_key, partition_of
from tapeline.runtime import clock, postgres
from tapeline.runtime.codec import Codec
from tapeline.runtime.health import Health
from tapeline.runtime.kafka import Publisher, Reader
from tapeline.runtime.lifecycle import background
from tapeline.runtime.registry import RegistryClient
from tapeline.runtime.signed_http import SignedClient
from tapeline.runtime.transactions import Transactions
from tapeline.strategies.contract import Decision, Instance, Intent, Nothing, Strategy, View
from tapeline.venues.account import PrivateEvent
from tapeline.venues.binance.trading import SPOT, BinanceTrading
from tapeline.venues.contract import Hosts
from tapeline.venues.orders import Keys, TradingFacts

KEYS = Keys(key="benchmark", secret="benchmark")  # noqa: S106 - of an exchange that looks at no signature
_MORE = 1_000
"""So many times the venue's limits, and still every request asks the limiter."""
_GOOD_US = 10 * US_PER_S
_NAMED = re.compile(rb"newClientOrderId=([^&]+)")


class Decided(NamedTuple):
    """A decision for an order: when its book's oldest news was received, the book published, and it was made."""

    received_us: int
    published_us: int
    decided_us: int


class Committed(NamedTuple):
    """An intent that was taken: its symbol and round, its order's client id, when that began and was committed."""

    of: tuple[str, int]
    client_id: str
    began_us: int
    committed_us: int


@dataclass(frozen=True, slots=True)
class Stamps:
    """When what passed where."""

    decided: dict[tuple[str, int], Decided] = field(default_factory=dict)
    """By symbol and round."""
    logged_us: dict[str, int] = field(default_factory=dict)
    """By intent: a reader that does nothing else has it from the broker."""
    taken: dict[str, Committed] = field(default_factory=dict)
    """By intent."""
    request_us: dict[str, int] = field(default_factory=dict)
    """By client id: the request's body goes to the socket."""

    def hops(self, since_us: int) -> list[tuple[int, ...]]:
        """Return the times at which each order that began since then passed each place, in their order."""
        found: list[tuple[int, ...]] = []
        for name, one in self.taken.items():
            if one.client_id in self.request_us and self.decided[one.of].received_us >= since_us:
                # Of two readers the executor's may be the first.
                logged_us = min(self.logged_us.get(name, one.began_us), one.began_us)
                times_us = (logged_us, one.began_us, one.committed_us, self.request_us[one.client_id])
                found.append((*self.decided[one.of], *times_us))
        return found

    def under_way(self) -> list[str]:
        """Return what was decided and not sent, and how far each is."""
        taken = {one.of: one.client_id for one in self.taken.values()}
        return [
            f"{symbol} in round {round_} is {'taken' if (symbol, round_) in taken else 'decided'}"
            for symbol, round_ in self.decided
            if taken.get((symbol, round_)) not in self.request_us
        ]


# ---------------------------------------------------------------- the strategy
class Every(msgspec.Struct, frozen=True, kw_only=True):
    """How many books of a symbol there are to an order, and which of them is the one, by symbol."""

    books: int
    turns: dict[str, int]


def strategy(stamps: Stamps) -> Strategy[Every, Nothing]:
    """Return a strategy that buys on every so-manieth book what nobody will sell, and notes when it decides."""

    def decide(view: View[Every, Nothing]) -> Decision[Nothing]:
        now_us = clock.now_us()
        name = instrument_key(VENUE, MARKET, view.symbol)
        wanted = view.parameters
        if name not in view.news or not (view.is_free(0) and view.is_fresh(name)):
            return Decision()
        book = view.books[name]
        if (book.sequence + wanted.turns[view.symbol]) % wanted.books:
            return Decision()
        at = (view.symbol, view.slot(0).round)
        stamps.decided[at] = Decided(book.first_received_us, book.published_us, now_us)
        command = order_values.buy(exact(book.ask_prices[0]))
        return Decision(
            intents=(Intent(command=command, reason="its turn", evidence={}, inputs=(name,), ttl_us=_GOOD_US),)
        )

    return Strategy(
        name="every", parameters=Every, memory=Nothing, decide=decide, wakes=frozenset({"md.book"})
    )  # fmt: skip


# ---------------------------------------------------------------- what the executor passes
class StampedStore(PostgresStore):
    """The store, and when it had which intent."""

    stamps: Stamps

    async def take(
        self, lease: Lease, logged: tuple[LoggedIntent, ...], decider: Callable[[OrderIntent], Decide]
    ) -> tuple[Answered, ...]:
        """Answer intents, and note when that began and when it was committed."""
        began_us = clock.now_us()
        answers = await super().take(lease, logged, decider)
        for one, found in zip(logged, answers, strict=False):
            match found:
                case Taken(intent=intent, begun=(order, *_)):
                    times_us = (began_us, clock.now_us())
                    at = (intent.symbol, intent.round)
                    self.stamps.taken[intent.intent_id] = Committed(at, order.client_order_id, *times_us)
                case NotTaken():
                    raise AssertionError(one, found)
                case _:
                    continue
        return answers


class StampedClient(SignedClient):
    """The client of the link, and when it sent which order."""

    stamps: Stamps

    async def __aenter__(self) -> Self:
        """Open the pool of connections and follow what goes out by it."""
        await super().__aenter__()
        if self._session is not None:
            trace = aiohttp.TraceConfig()
            trace.on_request_chunk_sent.append(self._sent)
            trace.freeze()
            self._session.trace_configs.append(trace)
        return self

    async def _sent(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, chunk: aiohttp.TraceRequestChunkSentParams
    ) -> None:
        found = _NAMED.search(chunk.chunk)
        if found is not None:
            self.stamps.request_us.setdefault(found[1].decode(), clock.now_us())


class StampedLink(HttpLink):
    """The link to the exchange."""

    def __init__(self, trading_at: BinanceTrading, hosts: Hosts, stamps: Stamps) -> None:
        """Prepare."""
        super().__init__(trading_at, KEYS, hosts, {})
        self._client = StampedClient(hosts.rest, answer_within_s=ANSWER_WITHIN_S)
        self._client.stamps = stamps
        self._asking = Asking(trading_at, KEYS, self._client)

    async def events(self) -> AsyncGenerator[PrivateEvent, None]:
        """Yield nothing: all that there is to say stands in the answers."""
        await asyncio.Event().wait()
        silence: tuple[PrivateEvent, ...] = ()
        for one in silence:
            yield one


# ---------------------------------------------------------------- all of it
@asynccontextmanager
async def order_path(stage: Stage, every: int) -> AsyncIterator[Stamps]:
    """Run producer, agent and executor for the time of the block, and yield the times, as they come."""
    stamps = Stamps()
    codec = Codec(stage.services.run.schema_ids)
    turns = {symbol: number % every for number, symbol in enumerate(stage.venue.symbols)}
    instance = Instance(
        name=stage.group, strategy=strategy(stamps), parameters=Every(books=every, turns=turns), account=stage.group
    )
    agents = (agent((instance,)),)
    async with Publisher(stage.kafka, client_id="benchmark") as publisher:
        await _publish_rules(stage, publisher, codec)
        async with (
            _executing(stage, codec, stamps),
            Reader.assigned(stage.kafka, {"order.intent": "end"}, client_id="benchmark") as reader,
            background("log", _read(reader, codec, stamps)),
            working(stage.services.settings, stage.services.endpoints, stage.group, agents, Health("benchmark")),
            producing(stage, codec, publisher),
        ):
            yield stamps


async def _read(reader: Reader, codec: Codec, stamps: Stamps) -> None:
    """Note when intents are in the log for whoever reads it."""
    topic = by_name("order.intent")
    while True:
        batches = await reader.batches(max_records=1_000)
        now_us = clock.now_us()
        for records in batches.values():
            for record in records:
                stamps.logged_us[codec.decode(topic, record.value or b"").intent_id] = now_us


async def _publish_rules(stage: Stage, publisher: Publisher, codec: Codec) -> None:
    topic = by_name("ref.instrument")
    for one in order_values.rules(stage.venue.natives, clock.now_us()).values():
        partition = partition_of(one.symbol, await publisher.partitions(topic.name))
        _ = await publisher.publish(topic.name, one.key, codec.encode(topic, one), partition)


@asynccontextmanager
async def _executing(stage: Stage, codec: Codec, stamps: Stamps) -> AsyncIterator[Executor]:
    """Run an executor as its own process does."""
    found, process = stage.services.endpoints, "benchmark-executor"
    async with AsyncExitStack() as stack:
        schemas = await stack.enter_async_context(RegistryClient(found.registry))
        pool = await stack.enter_async_context(await postgres.connect(found.postgres, answer_within_s=STORE_ANSWERS_S))
        store = StampedStore(Transactions(pool, found.postgres), Clock())
        stack.push_async_callback(store.close)
        markets = await stack.enter_async_context(Markets(found.kafka, codec, schemas.schema, process=process))
        await markets.known([WHERE])
        at = copy.copy(SPOT)
        at.facts = _unlimited()
        link = await stack.enter_async_context(StampedLink(at, Hosts(rest=stage.venue.rest, ws=stage.venue.ws), stamps))
        link.learn({symbol: rules for (*_, symbol), rules in markets.rules.items()})
        log = await stack.enter_async_context(KafkaLog(found.kafka, codec, schemas.schema, process=process))
        store.stamps = stamps
        _ = await stack.enter_async_context(background("markets", markets.follow()))

        def made(spawn: Spawn) -> Executor:
            ports = Ports(store=store, log=log, links={WHERE: link}, clock=Clock(), spawn=spawn, alarm=_alarm)
            known, terms = order_values.known(stage.group, markets.rules, markets.prices), Terms(on_stop="keep")
            return Executor(ports, known, terms, holder=process)

        yield await stack.enter_async_context(trading(made))


def _unlimited() -> TradingFacts:
    facts = SPOT.facts
    limits = {name: msgspec.structs.replace(one, tokens=one.tokens * _MORE) for name, one in facts.limits.items()}
    return msgspec.structs.replace(facts, limits=limits)


def _alarm(code: str, sentence: str) -> None:
    raise AssertionError((code, sentence))
