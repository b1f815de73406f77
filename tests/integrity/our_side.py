"""Our side of a trial: the shipped feed of a venue and the producers' MarketFeed, with a shell of virtual time.

The shell does what `producers.link` and `producers.fetching` do, no more: it carries frames, requests and answers.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

import pytest

from producers import fetching
from producers.actions import Action, FetchBook, FetchFunding, FetchTrades, Refused, Send
from producers.following import identity
from producers.link import sends
from producers.market import MarketFeed, Record
from producers.pool import Open, Pool, Slot
from producers.tail import Tails
from simulator.connection import Connection
from simulator.market import TICK_US
from simulator.offline import US_PER_S, Wire
from tapeline.domain.events import Instrument
from tapeline.errors import InvalidMessage
from tapeline.venues import registry
from tapeline.venues.contract import Feed, Request
from tests.integrity.exchange_side import SHOWN, ExchangeSide

TICK_EVERY_US: Final = 100_000
ANSWER_US: Final = 3 * TICK_US
"""A REST answer is under way so long."""
PARTITIONS: Final = 4
_MOST_WAITING: Final = 100_000
_OK: Final = 200

Tell = Callable[[str, Record], None]
Fetch = FetchBook | FetchTrades | FetchFunding


class OurSide:
    """A market feed connected to a simulated exchange; `tell` hears each record, `told_frame` each frame."""

    def __init__(self, exchange: ExchangeSide, tell: Tell) -> None:
        """Read the list of instruments and connect."""
        place = exchange.place
        assert place.market in {"spot", "futures"}
        self.exchange = exchange
        self.feed: Feed = registry.feed(place.venue, "spot" if place.market == "spot" else "futures")
        self.broken: list[tuple[int, str]] = []
        """When a frame broke the venue's contract, and how."""
        self.frames = 0
        self.connections: dict[Slot, Connection] = {}
        self._wires: dict[Slot, Wire] = {}
        self._sends: dict[Slot, deque[Send]] = {}
        self._answers: deque[tuple[int, Fetch, int, bytes | None]] = deque()
        self._tell = tell
        self._ticked_us = self._pinged_us = exchange.now_us
        self._sent_us: dict[Slot, deque[int]] = {}
        self._pings = 0
        self.market = MarketFeed(
            self.feed, {}, encode=self._encoded, partitions=PARTITIONS, depth=SHOWN, most_waiting=_MOST_WAITING
        )
        self._begin()

    def tick(self) -> None:
        """Let a tick of time pass on both sides, and take all that came of it."""
        self.exchange.tick()
        now_us = self.exchange.now_us
        self._send()
        self._read()
        self._answered(now_us)
        if now_us >= self._ticked_us + TICK_EVERY_US:
            self._ticked_us = now_us
            self._do(self.market.tick(now_us))
            self._publish()
        self._ping(now_us)

    def _begin(self) -> None:
        listed = {one.symbol: one for one in self._listed()}
        self.natives = {symbol: listed[symbol].native for symbol in self.exchange.symbols}
        for symbol, native in self.natives.items():
            one = listed[symbol]
            self.market.add(native, identity(one), depth=SHOWN, tails=Tails(), size=one.contract_size)
        pool = Pool(self.feed.facts)
        for step in pool.change(dict.fromkeys(self.natives.values(), SHOWN)):
            if isinstance(step, Open):
                self._open(step.slot)
        for slot in pool.slots:
            self._do(self.market.connected(slot, pool.wants(slot), self.exchange.now_us))

    def _open(self, slot: Slot) -> None:
        path, headers = self.feed.facts.sockets[slot.socket], dict(self.feed.facts.headers)
        self.connections[slot], self._wires[slot] = self.exchange.connect(path, headers)
        self._sends[slot], self._sent_us[slot] = deque(), deque()

    def _listed(self) -> tuple[Instrument, ...]:
        found: list[Instrument] = []
        cursor: str | None = None
        while True:
            body = self._ask(self.feed.instruments_request(cursor))
            assert body is not None
            page = self.feed.read_instruments(body, self.exchange.now_us)
            found += page.instruments
            cursor = page.cursor
            if cursor is None:
                return tuple(found)

    def _ask(self, request: Request) -> bytes | None:
        path, _, raw = request.target.partition("?")
        answer = self.exchange.rest(path, raw, self.feed.facts.headers, request.body)
        body = answer.body.encode()
        good = answer.status == _OK and self.feed.refusal(answer.status, answer.headers, body) is None
        return body if good else None

    def _encoded(self, topic: str, record: Record) -> bytes:
        self._tell(topic, record)
        return b""

    def _do(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if isinstance(action, Send):
                self._sends[action.slot].append(action)
            elif isinstance(action, FetchBook | FetchTrades | FetchFunding):
                self._fetch(action)
            elif isinstance(action, Refused):
                pytest.fail(f"refused: {action}")

    def _send(self) -> None:
        """Send what waits, no oftener than the venue takes it."""
        now_us, bucket = self.exchange.now_us, sends(self.feed.facts.limits)
        for slot, queue in self._sends.items():
            sent = self._sent_us[slot]
            while sent and sent[0] <= now_us - int(bucket.window_s * US_PER_S):
                sent.popleft()
            while queue and len(sent) < bucket.max_tokens - bucket.reserved:
                sent.append(now_us)
                send = queue.popleft()
                self.exchange.hear(self.connections[slot], send.frame.decode())
                self.market.sent(send, now_us)

    def _read(self) -> None:
        for slot, wire in self._wires.items():
            assert not wire.closed, f"{self.exchange.place} closed {slot}: {self.connections[slot].ended}"
            messages, wire.messages = wire.messages, []
            for message in messages:
                self._frame(slot, message.body)
            pings, wire.pings = wire.pings, []
            for _ in pings:
                self.exchange.hear(self.connections[slot], None)

    def _frame(self, slot: Slot, message: bytes) -> None:
        self.frames += 1
        try:
            self._do(self.market.frame(slot, message, self.exchange.now_us))
        except InvalidMessage as error:
            self.broken.append((self.exchange.now_us, error.reason))
        self._publish()

    def _publish(self) -> None:
        """Stand in for a broker that takes everything at once."""
        for due, _, _ in self.market.due(self.exchange.now_us):
            self.market.books.done(due.key)
        while batches := self.market.buffer.take():
            for batch in batches:
                self.market.buffer.done(batch)

    def _fetch(self, fetch: Fetch) -> None:
        native, depth = fetch.native, 0
        if isinstance(fetch, FetchBook):
            depths = [
                one for one in self.feed.facts.book.rest_depths if fetching.CHECK_DEPTH <= one <= fetching.DEEPEST
            ]
            depth = (
                fetching.check_depth(self.feed.facts.book) if fetch.check else max(depths, default=fetching.CHECK_DEPTH)
            )
            request = self.feed.book_request(native, depth)
        elif isinstance(fetch, FetchTrades):
            request = self.feed.trades_request(native)
        else:
            request = self.feed.funding_request(native)
        self._answers.append((self.exchange.now_us + ANSWER_US, fetch, depth, self._ask(request)))

    def _answered(self, now_us: int) -> None:
        while self._answers and self._answers[0][0] <= now_us:
            _, fetch, depth, body = self._answers.popleft()
            self._do(self._told(fetch, depth, body, now_us))
            self._publish()

    def _told(self, fetch: Fetch, depth: int, body: bytes | None, now_us: int) -> list[Action]:
        market, native = self.market, fetch.native
        if body is not None:
            with contextlib.suppress(InvalidMessage):
                if isinstance(fetch, FetchBook):
                    book = self.feed.read_book(body, native, depth, now_us)
                    return market.book_fetched(native, book, now_us, check=fetch.check)
                if isinstance(fetch, FetchTrades):
                    return market.trades_fetched(native, self.feed.read_trades(body, native, now_us), now_us)
                return market.funding_fetched(self.feed.read_funding(body, now_us), now_us)
        if isinstance(fetch, FetchBook):
            return market.book_failed(native, "no answer", now_us, None, check=fetch.check)
        return market.trades_failed(native, now_us, None) if isinstance(fetch, FetchTrades) else []

    def _ping(self, now_us: int) -> None:
        keepalive = self.feed.facts.keepalive
        if now_us < self._pinged_us + int(keepalive.every_s * US_PER_S):
            return
        self._pinged_us = now_us
        for slot, connection in self.connections.items():
            self._pings += 1
            if keepalive.ping == "frame":
                self.exchange.hear(connection, None, b"")
            elif (ping := self.feed.ping(self._pings)) is not None:
                self._sends[slot].append(Send(slot, ping))
