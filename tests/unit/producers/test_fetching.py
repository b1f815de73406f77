"""X-07, DESIGN 6: REST requests by their worth, each once, and snapshots as deep as the budget permits for all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from producers.actions import Action, FetchBook, FetchTrades
from producers.fetching import Fetching
from producers.market import MarketFeed, Record
from producers.pool import Slot
from tapeline.domain.events import Gap, OfInstrument
from tapeline.errors import Unavailable
from tapeline.runtime import clock
from tapeline.runtime.http import BUCKET, HttpClient
from tapeline.runtime.lifecycle import background
from tapeline.runtime.limiter import Bucket, Limiter
from tapeline.venues.binance import SPOT
from tapeline.venues.contract import Request, Want
from tests.support.eventually import eventually

NATIVES = tuple(f"C{number}USDT" for number in range(20))


@dataclass(slots=True, eq=False)
class Rest(HttpClient):
    """A venue that answers nothing but notes what it is asked."""

    limiter: Limiter
    asked: list[str] = field(default_factory=list)
    hold: asyncio.Event = field(default_factory=asyncio.Event)

    async def fetch(self, request: Request, *, max_wait_s: float | None = None) -> bytes:
        """Take the tokens as the real one does, then have no answer."""
        assert await self.limiter.acquire(BUCKET, request.cost, max_wait_s)
        self.asked.append(request.target)
        await self.hold.wait()
        raise Unavailable("nobody is there")


def fetching(rest: Rest, *, depth: int = 20) -> Fetching:
    instruments = {
        native: OfInstrument(venue="binance", market="spot", symbol=native.replace("USDT", "/USDT"))
        for native in NATIVES
    }
    market = MarketFeed(SPOT, instruments, encode=lambda *_: b"", partitions=4, depth=depth, most_waiting=10)

    def do(actions: object) -> None:
        assert list(actions) == []  # type: ignore[call-overload]  # a list of actions

    return Fetching(SPOT, market, rest, do)


def rest_with(budget: int) -> Rest:
    return Rest(Limiter({BUCKET: Bucket(max_tokens=budget, window_s=60.0)}))


def depth_path(native: str, depth: int) -> str:
    return f"/api/v3/depth?symbol={native}&limit={depth}"


async def test_repairs_come_before_trades_and_trades_before_checks_and_each_once() -> None:
    rest = rest_with(3_000)
    one = fetching(rest)
    for _ in range(2):
        one.ask(FetchBook(NATIVES[0], check=True))
        one.ask(FetchTrades(NATIVES[0]))
        one.ask(FetchBook(NATIVES[1], check=False))
    async with background("fetching", one.run()):
        await eventually(lambda: len(rest.asked) == 3)
    assert rest.asked == [
        depth_path(NATIVES[1], 1000),
        f"/api/v3/trades?symbol={NATIVES[0]}&limit=1000",
        depth_path(NATIVES[0], 100),
    ]


@pytest.mark.parametrize(
    ("budget", "waiting", "depth"), [(6_000, 20, 1000), (3_000, 20, 500), (900, 20, 100), (3_000, 1, 1000)]
)
async def test_a_snapshot_is_as_deep_as_a_quarter_of_the_budget_permits_for_all_that_wait(
    budget: int, waiting: int, depth: int
) -> None:
    rest = rest_with(budget)
    one = fetching(rest)
    for native in NATIVES[:waiting]:
        one.ask(FetchBook(native, check=False))
    async with background("fetching", one.run()):
        await eventually(lambda: bool(rest.asked))
    assert rest.asked[0] == depth_path(NATIVES[0], depth)


async def test_who_wants_the_whole_book_waits_for_the_deepest() -> None:
    rest = rest_with(900)
    one = fetching(rest, depth=0)
    for native in NATIVES:
        one.ask(FetchBook(native, check=False))
    async with background("fetching", one.run()):
        await eventually(lambda: bool(rest.asked))
    assert rest.asked[0] == depth_path(NATIVES[0], 1000)


async def test_what_must_wait_for_the_limit_does_not_stand_in_the_way_of_what_is_worth_more() -> None:
    rest = rest_with(30)
    rest.hold.set()
    one = fetching(rest)
    for native in NATIVES[:5]:
        one.ask(FetchTrades(native))  # 25 each
    async with background("fetching", one.run()):
        await eventually(lambda: len(rest.asked) == 1)
        one.ask(FetchBook(NATIVES[9], check=False))
        await eventually(lambda: len(rest.asked) == 2)
    assert rest.asked == [f"/api/v3/trades?symbol={NATIVES[0]}&limit=1000", depth_path(NATIVES[9], 100)]


async def test_k8_trades_that_ask_first_leave_to_books_what_these_will_need() -> None:
    """Of 500 instruments the trades alone would use up two minutes of Binance's limit, and no book would be valid."""
    rest = rest_with(180)
    rest.hold.set()
    one = fetching(rest)
    for native in NATIVES:
        one.ask(FetchTrades(native))  # 25 each; the 20 books want 5 each at the least, so 100 are kept
    async with background("fetching", one.run()):
        await eventually(lambda: len(rest.asked) == 3)
        for native in NATIVES:
            one.ask(FetchBook(native, check=False))
        await eventually(lambda: len(rest.asked) == 23)
    trades = [f"/api/v3/trades?symbol={native}&limit=1000" for native in NATIVES[:3]]
    assert rest.asked == [*trades, *(depth_path(native, 100) for native in NATIVES)]


@dataclass(slots=True, eq=False)
class Answering(Rest):
    """A venue that answers when it is let, with one book."""

    asked_us: int = 0

    async def fetch(self, request: Request, *, max_wait_s: float | None = None) -> bytes:
        """Note when it was asked, and answer late."""
        del request, max_wait_s
        self.asked_us = clock.now_us()
        await self.hold.wait()
        return b'{"lastUpdateId":100,"bids":[["9","1"]],"asks":[["10","1"]]}'


async def test_a_gap_behind_an_answer_begins_no_later_than_it_was_asked_for() -> None:
    rest, made = Answering(Limiter({BUCKET: Bucket(max_tokens=3_000, window_s=60.0)})), []
    slot, want = Slot("public", 1), Want(channel="book", native="BTCUSDT")
    btc = OfInstrument(venue="binance", market="spot", symbol="BTC/USDT")

    def keep(topic: str, record: Record) -> bytes:
        made.append((topic, record))
        return b""

    def ignored(actions: Iterable[Action]) -> None:
        del actions

    market = MarketFeed(SPOT, {"BTCUSDT": btc}, encode=keep, partitions=1, depth=20, most_waiting=10)
    one = Fetching(SPOT, market, rest, ignored)
    market.connected(slot, (want,), 1)
    one.ask(FetchBook("BTCUSDT", check=False))
    async with background("fetching", one.run()):
        await eventually(lambda: rest.asked_us)
        rest.hold.set()
        await eventually(lambda: market.valid_books() == (1, 1))
    change = b'{"e":"depthUpdate","E":5,"s":"BTCUSDT","U":103,"u":104,"b":[],"a":[]}'
    market.frame(slot, b'{"stream":"btcusdt@depth@100ms","data":%s}' % change, clock.now_us())
    gaps = [record for _, record in made if isinstance(record, Gap)]
    assert [(gap.from_id, gap.cause) for gap in gaps] == [("100", "sequence")]
    assert gaps[0].start_us <= rest.asked_us
