"""What a probe makes of frames: books under the real rule, trades, funding, refusals, and when it has heard enough."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from tapeline.cli.venues_facts import Book
from tapeline.cli.venues_heard import ENOUGH, Heard
from tapeline.domain.book import BookSnapshot
from tapeline.domain.events import Instrument, Market
from tapeline.venues import registry

S_US = 1_000_000
FACTS = Book(integrity="sequence", snapshot="rest", depths=(0,))


def heard(venue: str = "binance", market: Market = "spot", size: str = "1") -> Heard:
    feed = registry.feed(venue, market)
    one = Instrument(
        venue=venue, market=market, symbol="BTC/USDT", native=feed.native("BTC/USDT"), base="BTC", quote="USDT",
        status="trading", price_tick=Decimal("0.1"), quantity_step=Decimal(1), contract_size=Decimal(size),
        received_us=1, published_us=1,
    )  # fmt: skip
    return Heard(feed, one)


def depth(number: int) -> bytes:
    data = {"e": "depthUpdate", "E": 1, "s": "BTCUSDT", "U": number, "u": number, "b": [["99", "2"]], "a": []}
    return msgspec.json.encode({"stream": "btcusdt@depth@100ms", "data": data})


def trade(number: int) -> bytes:
    data = {"e": "trade", "E": 1, "s": "BTCUSDT", "t": number, "p": "100", "q": "1", "T": 1, "m": False}
    return msgspec.json.encode({"stream": "btcusdt@trade", "data": data})


def whole(sequence: int) -> BookSnapshot:
    return BookSnapshot(
        native="BTCUSDT", sequence=sequence, replaces=False, limit=100, bid_prices=(99.0,), bid_quantities=(1.0,),
        ask_prices=(101.0,), ask_quantities=(1.0,), received_us=1,
    )  # fmt: skip


def test_a_book_over_rest_is_asked_for_with_the_first_change_and_counts_what_the_rule_lets_through() -> None:
    one = heard()
    (asked,) = one.connected("public", 10 * S_US)
    assert msgspec.json.decode(asked)["params"] == ["btcusdt@depth@100ms", "btcusdt@trade"]
    assert not one.book_due(10 * S_US)
    assert one.frame(depth(6), 10 * S_US + 1) == ()
    assert one.book_due(10 * S_US + 1)
    assert one.book_asked(10 * S_US + 1) == ()
    one.book(whole(5), 10 * S_US + 2)
    for number in range(7, 7 + ENOUGH - 1):
        one.frame(depth(number), 10 * S_US + number)
    assert not one.enough
    one.frame(trade(1), 11 * S_US)
    assert (one.enough, one.trades) == (True, 1)
    assert one.book_result(FACTS) == msgspec.structs.replace(FACTS, valid=True, checked=ENOUGH, stale=0)


def test_a_hole_is_told_and_a_new_book_is_asked_for_at_once() -> None:
    one = heard()
    one.connected("public", S_US)
    one.frame(depth(6), S_US)
    one.book_asked(S_US)
    one.book(whole(5), S_US)
    one.frame(depth(9), S_US + 5)
    assert one.book_due(S_US + 5)
    assert one.book_result(FACTS) == msgspec.structs.replace(
        FACTS,
        valid=False,
        checked=1,
        stale=1,
        error="it broke once: 9 follows 8, the book has 6",
    )


def test_an_old_book_is_not_taken_and_asked_for_again_soon() -> None:
    one = heard()
    one.connected("public", S_US)
    one.frame(depth(6), S_US)
    one.book_asked(S_US)
    one.book(whole(3), S_US)
    assert (one.book_due(S_US + 199_999), one.book_due(S_US + 200_000)) == (False, True)
    assert one.book_result(FACTS) == msgspec.structs.replace(
        FACTS, valid=False, checked=0, stale=0,
        error="no whole book came: it ends at 3, the kept changes begin after 5",
    )  # fmt: skip


def test_a_book_of_the_stream_that_does_not_come_is_given_up_and_asked_for_again() -> None:
    one = heard("bybit")
    one.connected("public", S_US)
    assert (one.book_due(4 * S_US - 1), one.book_due(4 * S_US)) == (False, True)
    frames = [msgspec.json.decode(frame) for frame in one.book_asked(4 * S_US)]
    assert [(frame["op"], frame["args"]) for frame in frames] == [
        ("unsubscribe", ["orderbook.50.BTCUSDT"]), ("subscribe", ["orderbook.50.BTCUSDT"]),
    ]  # fmt: skip


def test_what_the_venue_refuses_is_told_of_the_channels_that_were_asked_for() -> None:
    one = heard()
    one.connected("public", S_US)
    one.frame(b'{"id":1,"error":{"code":2,"msg":"no such stream"}}', S_US)
    assert set(one.refused) == {"book", "trade"}
    assert one.book_result(FACTS).error == f"the venue refused it: {one.refused['book']}"
    assert "no such stream" in one.refused["trade"]


def test_a_lost_connection_breaks_the_book_and_the_next_one_begins_anew() -> None:
    one = heard()
    one.connected("public", S_US)
    one.frame(depth(6), S_US)
    one.book_asked(S_US)
    one.book(whole(5), S_US)
    one.lost("the connection was lost: 1006")
    assert (one.stale, one.book_due(9 * S_US)) == (1, False)
    one.connected("public", 2 * S_US)
    one.frame(depth(20), 2 * S_US)
    assert one.book_due(2 * S_US)


@pytest.mark.parametrize("data", [b"", b"{", b'{"stream":"btcusdt@trade","data":{"e":"trade"}}'])
def test_a_frame_that_cannot_be_read_is_counted_with_its_reason(data: bytes) -> None:
    one = heard()
    assert one.frame(data, 1) == ()
    assert one.broken == 1
    assert one.problem
