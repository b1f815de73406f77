"""All that was recorded of HTX, and the books we ask for, made of recorded ones: no false alarm, every hole found."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Iterator, Sequence

import pytest

from tapeline.domain.book import (
    APPLIED,
    OLD,
    BookDelta,
    BookKeeper,
    BookSnapshot,
    Kept,
    Restored,
    Unusable,
    WentStale,
)
from tapeline.venues import registry
from tapeline.venues.contract import Answer, Event, PublicTrade, ServerPing, Unexpected
from tests.venues import expected_htx
from tests.venues.recorded import Recorded, stretch

NOW_US = expected_htx.RECEIVED_US
SPOT, FUTURES = registry.feed("htx", "spot"), registry.feed("htx", "futures")
FEEDS = {"spot": SPOT, "futures": FUTURES}
BOOKS = [
    *(f"spot.book-202104a-{name}" for name in ("trioeth", "borusdt", "omgbtc", "xvgeth", "dogeeth")),
    *(f"futures.book-202202a-{name}usdt" for name in ("grt", "snx", "ach")),
]


def packed(plain: object) -> bytes:
    return gzip.compress(json.dumps(plain).encode(), mtime=0)


def decoded(name: str) -> list[tuple[dict[str, object], tuple[Event, ...]]]:
    """Return each line of a recorded stretch as plain JSON and as what our feed makes of it."""
    lines = stretch(f"htx/{name}")
    return [(_plain(line), FEEDS[line.market].decode(_frame(line), NOW_US)) for line in lines]


def _frame(line: Recorded) -> bytes:
    # Samples that were not taken from a socket are plain text.
    return line.data if line.encoding else gzip.compress(line.data)


def _plain(line: Recorded) -> dict[str, object]:
    found: dict[str, object] = json.loads(gzip.decompress(_frame(line)))
    return found


# ---------------------------------------------------------------- all that was recorded
@pytest.mark.parametrize("name", BOOKS)
def test_a_recorded_book_is_what_each_frame_says(name: str) -> None:
    keeper = BookKeeper(epoch=1)
    for plain, events in decoded(name):
        (book,) = events
        assert isinstance(book, BookSnapshot)
        tick = plain["tick"]
        assert isinstance(tick, dict)
        assert (book.sequence, book.venue_us) == (tick.get("mrid", tick["version"]), tick["ts"] * 1000)
        assert isinstance(keeper.snapshot(book), Restored)
        top = keeper.top(0)
        assert list(map(list, zip(top.bid_prices, top.bid_quantities, strict=True))) == tick["bids"]
        assert list(map(list, zip(top.ask_prices, top.ask_quantities, strict=True))) == tick["asks"]
    assert (keeper.state, keeper.epoch) == ("valid", 1)


def test_recorded_spot_trades_are_known_by_their_trade_id() -> None:
    for plain, events in decoded("spot.trade-202104a"):
        tick = plain["tick"]
        assert isinstance(tick, dict)
        assert events == tuple(
            PublicTrade(
                native=str(plain["ch"]).split(".")[1],
                trade_id=str(row["tradeId"]),
                sequence=row["tradeId"],
                price=row["price"],
                quantity=row["amount"],
                side=row["direction"],
                venue_us=row["ts"] * 1000,
                received_us=NOW_US,
            )
            for row in tick["data"]
        )


def test_recorded_futures_trades_are_told_in_contracts() -> None:
    sizes = {"GRT-USDT": 10, "SNX-USDT": 1, "ACH-USDT": 10, "ETH-USDT": 0.01}
    rows = 0
    lines = [*decoded("futures.trade-202202a"), *decoded("futures.samples-jkorf")]
    for plain, events in lines:
        if not str(plain.get("ch")).endswith(".trade.detail"):
            continue
        tick = plain["tick"]
        assert isinstance(tick, dict)
        for row, trade in zip(tick["data"], events, strict=True):
            assert isinstance(trade, PublicTrade)
            # Every amount is even: it may count both sides, which stays unconfirmed. It is told as it is written.
            assert row["quantity"] == pytest.approx(row["amount"] * sizes[trade.native])
            assert row["amount"] % 2 == 0
            assert trade.quantity == row["amount"]
            assert (trade.trade_id, trade.price, trade.side) == (str(row["id"]), row["price"], row["direction"])
            rows += 1
    assert rows == 13


@pytest.mark.parametrize("market", ["spot.control-202104a", "futures.control-202202a"])
def test_recorded_acks_and_pings(market: str) -> None:
    for plain, events in decoded(market):
        if "ping" in plain:
            assert events == (ServerPing(reply=f'{{"pong":{plain["ping"]}}}'.encode()),)
        else:
            assert events == (Answer(request_id=int(str(plain["id"]))),)


def test_recorded_samples_decode_or_are_named() -> None:
    kinds = {
        name: [
            event.kind if isinstance(event, Unexpected) else type(event).__name__
            for _, events in decoded(name)
            for event in events
        ]
        for name in ("spot.samples-jkorf", "futures.samples-jkorf")
    }
    assert kinds == {
        "spot.samples-jkorf": [
            "accounts.update#1",
            "market.ethusdt.bbo",
            "orders#*",
            "BookSnapshot",
            "BookDelta",
            "BookSnapshot",
            "trade.clearing#*#1",
            "market.ethusdt.ticker",
            "market.tickers",
            "PublicTrade",
        ],
        "futures.samples-jkorf": [
            "market.ETH-USDT.bbo",
            "accounts_cross",
            "matchOrders_cross",
            "accounts",
            "matchOrders",
            "orders.BTC-USDT",
            "BookSnapshot",
            "BookSnapshot",
            "market.ETH-USDT.detail",
            "PublicTrade",
        ],
    }


def test_recorded_bodies_are_read() -> None:
    bodies = {line.channel: line for line in stretch("htx/spot.rest-jkorf")}
    book = SPOT.read_book(bodies["rest:GetOrderBook"].data, "btcusdt", 5, NOW_US)
    assert (book.sequence, book.limit, len(book.bid_prices), book.ask_prices[0]) == (136107114472, 5, 5, 49790.88)
    trades = SPOT.read_trades(bodies["rest:GetTradeHistory"].data, "btcusdt", NOW_US)
    assert [trade.trade_id for trade in trades] == ["102517381180", "102517381181", "102517381182"]
    swaps = {line.channel: line for line in stretch("htx/futures.rest-jkorf")}
    (trade,) = FUTURES.read_trades(swaps["rest:GetRecentTrades"].data, "BTC-USDT", NOW_US)
    assert (trade.trade_id, trade.quantity, trade.price) == ("1314767870000", 2.0, 13081.3)
    dated = FUTURES.read_book(swaps["rest:GetOrderBook"].data, "BTC-USDT-CQ", 0, NOW_US)
    assert (dated.sequence, dated.bid_prices, dated.ask_quantities) == (1250406, (48596.4, 48585.7), (741.0, 792.0))


def test_recorded_contracts_of_2025_are_read_whole() -> None:
    (line,) = stretch("htx/futures.instruments-raw-202505")
    page = FUTURES.read_instruments(b'{"status":"ok","data":' + line.data + b"}", NOW_US)
    told = {one["contract_code"]: one for one in json.loads(line.frame)}
    assert page.skipped == ()
    assert {one.native: (float(one.contract_size), float(one.price_tick), one.status) for one in page.instruments} == {
        native: (one["contract_size"], one["price_tick"], "trading") for native, one in told.items()
    }


# ---------------------------------------------------------------- the books we ask for, made of recorded ones
Sides = tuple[dict[float, float], dict[float, float]]


def recorded_books(name: str) -> list[Sides]:
    found = []
    for plain, _ in decoded(name):
        tick = plain["tick"]
        assert isinstance(tick, dict)
        found.append((dict(map(tuple, tick["bids"])), dict(map(tuple, tick["asks"]))))
    return found


def differences(books: Sequence[Sides]) -> Iterator[tuple[list[list[float]], list[list[float]]]]:
    """Return what changed from book to book, as levels: quantity 0 where one is gone."""
    for before, after in itertools.pairwise(books):
        bids, asks = (
            [[price, new.get(price, 0)] for price in sorted({*old, *new}) if old.get(price) != new.get(price)]
            for old, new in zip(before, after, strict=True)
        )
        yield bids, asks


def levels(side: dict[float, float]) -> list[list[float]]:
    return [[price, quantity] for price, quantity in side.items()]


def spot_stream(name: str) -> tuple[list[Sides], list[bytes]]:
    """Return recorded books, and frames of `mbp.150` that lead from one to the next."""
    books = recorded_books(name)
    frames = [
        packed(
            {
                "ch": "market.x.mbp.150",
                "ts": 1_618_678_070_000 + at,
                "tick": {"seqNum": 1007 + 7 * at, "prevSeqNum": 1000 + 7 * at, "bids": bids, "asks": asks},
            }
        )
        for at, (bids, asks) in enumerate(differences(books))
    ]
    return books, frames


def futures_stream(name: str, version: int) -> tuple[list[Sides], list[bytes]]:
    """Return recorded books, and frames of `high_freq` that lead from one to the next, the first one whole."""
    books = recorded_books(name)
    whole = (levels(books[0][0]), levels(books[0][1]))
    frames = [
        packed(
            {
                "ch": "market.X.depth.size_150.high_freq",
                "tick": {
                    "event": "update" if at else "snapshot",
                    "version": version + at,
                    "ts": 1_645_289_384_000 + at,
                    "bids": bids,
                    "asks": asks,
                },
            }
        )
        for at, (bids, asks) in enumerate([whole, *differences(books)])
    ]
    return books, frames


def only(market: str, frame: bytes) -> BookDelta | BookSnapshot:
    (event,) = FEEDS[market].decode(frame, NOW_US)
    assert isinstance(event, BookDelta | BookSnapshot)
    return event


def reply(books: Sequence[Sides], at: int) -> BookSnapshot:
    """Return the answer to a request for the book at this place of the stream."""
    bids, asks = books[at]
    data = {"seqNum": 1000 + 7 * at, "bids": levels(bids), "asks": levels(asks)}
    frame = {"id": "9", "rep": "market.x.mbp.150", "status": "ok", "ts": 1_618_678_071_000, "data": data}
    answer, book = SPOT.decode(packed(frame), NOW_US)
    assert answer == Answer(request_id=9)
    assert isinstance(book, BookSnapshot)
    return book


def holds(keeper: BookKeeper, book: Sides) -> bool:
    top = keeper.top(0)
    bids = dict(zip(top.bid_prices, top.bid_quantities, strict=True))
    asks = dict(zip(top.ask_prices, top.ask_quantities, strict=True))
    return (bids, asks) == book


@pytest.mark.parametrize("name", BOOKS[:5])
def test_c_02_a_spot_book_goes_on_from_the_request_among_its_increments(name: str) -> None:
    books, frames = spot_stream(name)
    deltas = [only("spot", frame) for frame in frames]
    keeper = BookKeeper(epoch=1)
    for delta in deltas[:4]:
        assert isinstance(delta, BookDelta)
        assert isinstance(keeper.delta(delta), Kept)
    # What was kept begins behind a book that is too old; one from among them is continued.
    assert isinstance(BookKeeper(epoch=1).snapshot(reply(books, 0)), Restored)
    assert isinstance(keeper.snapshot(reply(books, 2)), Restored)
    assert holds(keeper, books[4])
    for at, delta in enumerate(deltas[4:], start=5):
        assert isinstance(delta, BookDelta)
        assert keeper.delta(delta) == APPLIED
        assert keeper.delta(delta) == OLD
        assert holds(keeper, books[at])


@pytest.mark.parametrize("name", BOOKS[:5])
def test_c_02_every_hole_and_reorder_of_a_spot_book_is_found(name: str) -> None:
    books, frames = spot_stream(name)
    deltas = [one for one in (only("spot", frame) for frame in frames) if isinstance(one, BookDelta)]
    for missing in range(1, len(deltas) - 1):
        keeper = BookKeeper(epoch=1)
        assert isinstance(keeper.snapshot(reply(books, 0)), Restored)
        assert {keeper.delta(delta) for delta in deltas[:missing]} == {APPLIED}
        found = keeper.delta(deltas[missing + 1])
        assert isinstance(found, WentStale)
        assert (found.hole.from_id, found.hole.cause) == (str(deltas[missing - 1].sequence), "sequence")
        assert keeper.delta(deltas[missing]) == OLD
        # A book from before the hole does not help, one from behind it does.
        assert isinstance(keeper.snapshot(reply(books, missing)), Unusable)
        assert isinstance(keeper.snapshot(reply(books, missing + 1)), Restored)
        assert holds(keeper, books[missing + 2])


@pytest.mark.parametrize("name", BOOKS[5:])
def test_c_02_a_futures_book_is_what_its_versions_lead_to(name: str) -> None:
    books, frames = futures_stream(name, 1_512_467)
    keeper = BookKeeper(epoch=1)
    first = only("futures", frames[0])
    assert isinstance(first, BookSnapshot)
    assert isinstance(keeper.snapshot(first), Restored)
    for book, frame in zip(books[1:], frames[1:], strict=True):
        delta = only("futures", frame)
        assert isinstance(delta, BookDelta)
        assert keeper.delta(delta) == APPLIED
        assert keeper.delta(delta) == OLD
        assert holds(keeper, book)


@pytest.mark.parametrize("name", BOOKS[5:])
def test_c_02_every_hole_of_a_futures_book_is_found_and_a_connection_counts_from_elsewhere(name: str) -> None:
    books, frames = futures_stream(name, 1_512_467)
    _, others = futures_stream(name, 17)
    anew = only("futures", others[0])
    changes = [one for one in (only("futures", frame) for frame in frames[1:]) if isinstance(one, BookDelta)]
    first = only("futures", frames[0])
    assert isinstance(first, BookSnapshot)
    assert isinstance(anew, BookSnapshot)
    for missing in range(1, len(changes) - 1, 10):
        keeper = BookKeeper(epoch=1)
        keeper.snapshot(first)
        assert {keeper.delta(delta) for delta in changes[:missing]} == {APPLIED}
        found = keeper.delta(changes[missing + 1])
        assert isinstance(found, WentStale)
        assert found.hole.from_id == str(1_512_467 + missing)
        assert keeper.delta(changes[missing]) == OLD
        # Asked for again, the stream begins with a book of lower numbers.
        assert isinstance(keeper.snapshot(anew), Restored)
        follower = only("futures", others[1])
        assert isinstance(follower, BookDelta)
        assert keeper.delta(follower) == APPLIED
        assert holds(keeper, books[1])
