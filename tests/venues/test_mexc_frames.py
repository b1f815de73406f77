"""MEXC's frames when bytes are broken, cut or unknown, and the gap rule on stretches made of them."""

from __future__ import annotations

import pytest

from tapeline.domain.book import APPLIED, OLD, BookDelta, BookKeeper, Restored, Unusable, WentStale
from tapeline.domain.events import Market
from tapeline.errors import InvalidMessage
from tapeline.venues import registry
from tapeline.venues.contract import Event, Unexpected
from tapeline.venues.mexc import protobuf
from tests.venues.expected_mexc import RECEIVED_US, SPOT
from tests.venues.recorded import own

FEEDS = {market: registry.feed("mexc", market) for market in ("spot", "futures")}
MARKETS: tuple[Market, ...] = ("spot", "futures")
UNKNOWN = b"\xba\x3e\x03new"
"""Field 999 of a message: three bytes."""


def frame_of(market: Market, channel: str) -> bytes:
    return next(line.data for line in own("mexc", market) if line.channel == channel)


# ---------------------------------------------------------------- broken bytes
@pytest.mark.parametrize(
    ("channel", "old", "new", "field"),
    [
        ("book_delta", b"92877.58", b"-2877.58", "asks[0][0]"),
        ("book_delta", b"92877.58", b"00000.00", "asks[0][0]"),
        ("book_delta", b"92876.99", b"92876,99", "bids[0][0]"),
        ("book_delta", b"\x12\x030.5", b"\x12\x03nan", "bids[0][1]"),
        ("book_delta", b"\x12\x030.5", b"\x12\x03inf", "bids[0][1]"),
        ("book_delta", b"\x12\x030.5", b"\x1a\x030.5", "bids[0][1]"),
        ("book_delta", b"\x22\x0b1058963", b"\x22\x0bx058963", "fromVersion"),
        ("book_delta", b"\x22\x0b1058963", b"\x22\x0b9058963", "fromVersion"),
        ("book_delta", b"\x2a\x0b1058963", b"\x32\x0b1058963", "toVersion"),
        ("book_delta", b"\x1a\x07BTCUSDT", b"\x22\x07BTCUSDT", "symbol"),
        ("book_delta", b"\x0a/spot", b"\x12/spot", "channel"),
        ("book_whole", b"36913565463", b"3691356546.", "version"),
        ("trade", b"0.04438243", b"0.00000000", "deals[0].quantity"),
        ("trade", b"93220.00", b"        ", "deals[0].price"),
        ("trade", b"\x18\x02", b"\x18\x03", "tradeType"),
        ("trade", b"BTCUSDT0", b"BTCUSD\xff0", None),
    ],
)
def test_a_wrong_field_of_a_binary_frame_is_named(channel: str, old: bytes, new: bytes, field: str | None) -> None:
    frame = frame_of("spot", channel)
    assert frame.count(old) == 1
    with pytest.raises(InvalidMessage) as caught:
        FEEDS["spot"].decode(frame.replace(old, new), RECEIVED_US)
    assert caught.value.field == field


@pytest.mark.parametrize("channel", ["book_delta", "book_whole", "trade", "trades", "bbo"])
def test_a_binary_frame_that_ends_early_says_nothing(channel: str) -> None:
    """Cut between two fields it is still well-formed, and then it has no body."""
    frame = frame_of("spot", channel)
    for length in range(len(frame)):
        try:
            events = FEEDS["spot"].decode(frame[:length], RECEIVED_US)
        except InvalidMessage:
            continue
        (event,) = events
        assert isinstance(event, Unexpected)
        assert event.kind.endswith(" without a body")


@pytest.mark.parametrize("channel", ["book_delta", "book_exact", "book_whole", "trade", "trades", "bbo", "empty"])
def test_c_03_unknown_fields_of_a_binary_frame_are_skipped(channel: str) -> None:
    frame = frame_of("spot", channel)
    assert FEEDS["spot"].decode(frame + UNKNOWN, RECEIVED_US) == SPOT[channel]
    assert FEEDS["spot"].decode(UNKNOWN + frame, RECEIVED_US) == SPOT[channel]


def test_unknown_fields_inside_a_body_and_a_level_are_skipped() -> None:
    wider = frame_of("spot", "book_delta")
    for old, new in (
        (b"\x12\x0f\x0a\x0892876.99\x12\x030.5", b"\x12\x15\x0a\x0892876.99\x12\x030.5" + UNKNOWN),
        (b"\xca\x13\x63", b"\xca\x13\x6f" + UNKNOWN),
    ):
        assert wider.count(old) == 1
        wider = wider.replace(old, new)
    assert FEEDS["spot"].decode(wider, RECEIVED_US) == SPOT["book_delta"]


def test_a_binary_frame_of_any_length_is_not_read() -> None:
    with pytest.raises(InvalidMessage, match="a frame of 1048577 bytes, at most 1048576 are read"):
        FEEDS["spot"].decode(b"\x0a" * (protobuf.MOST_BYTES + 1), RECEIVED_US)


@pytest.mark.parametrize(
    ("channel", "old", "new", "field"),
    [
        ("book_delta", '"begin":8752807948', '"begin":8752808004', "data.begin"),
        ("book_delta", '"end":8752808003', '"end":1.5', "data.end"),
        ("book_delta", '"channel":"push.depth"', '"channel":"push.depth.full","x":"push.depth"', "channel"),
        ("book_delta", "[0.08003,8905,4]", "[0.08003,8905]", "data.bids[0]"),
        ("book_delta", "[0.08003,8905,4]", "[0,8905,4]", "data.bids[0][0]"),
        ("book_delta", "[0.08003,8905,4]", "[0.08003,-1,4]", "data.bids[0][1]"),
        ("book_whole", '"version":5220571685', '"version":null', "data.version"),
        ("trade", '"v":2096', '"v":0', "data[0].v"),
        ("trade", '"T":1', '"T":3', "T"),
        ("funding", '"rate":0.000081', '"rate":"much"', "data.rate"),
        ("funding_mark", '"price":75986', '"price":1e999', "data.price"),
    ],
)
def test_a_wrong_field_of_futures_is_named(channel: str, old: str, new: str, field: str) -> None:
    text = frame_of("futures", channel).decode()
    assert text.count(old) == 1
    with pytest.raises(InvalidMessage) as caught:
        FEEDS["futures"].decode(text.replace(old, new).encode(), RECEIVED_US)
    assert caught.value.field == field


# ---------------------------------------------------------------- continuity
SNAPSHOT = {"spot": 10589632315, "futures": 8752808015}
ENDS = [at * 10 for at in range(1, 13)]
"""What each frame of a stretch ends with, behind the number that all begin with."""


def snapshot_of(market: Market) -> bytes:
    """Return a snapshot whose number lies within the second frame."""
    if market == "spot":
        return b'{"lastUpdateId":10589632315,"bids":[["92876.00","1"]],"asks":[["92878.00","1"]]}'
    return b'{"success":true,"data":{"version":8752808015,"bids":[[0.079,1,1]],"asks":[[0.09,1,1]],"timestamp":1}}'


def frame_between(market: Market, begin: int, end: int) -> bytes:
    """Return our own frame with these versions; each has a price of its own."""
    frame = frame_of(market, "book_delta")
    if market == "spot":
        frame = frame.replace(b"\x22\x0b10589632359", b"\x22\x0b%d" % (10589632300 + begin))
        frame = frame.replace(b"\x2a\x0b10589632359", b"\x2a\x0b%d" % (10589632300 + end))
        return frame.replace(b"92876.99", b"92876.%02d" % (end // 10))
    frame = frame.replace(b'"begin":8752807948', b'"begin":%d' % (8752808000 + begin))
    frame = frame.replace(b'"end":8752808003', b'"end":%d' % (8752808000 + end))
    return frame.replace(b"[0.08003,8905,4]", b"[0.0800%02d,8905,4]" % (end // 10))


def deltas(market: Market) -> list[BookDelta]:
    found: list[Event] = []
    for end in ENDS:
        found += FEEDS[market].decode(frame_between(market, end - 9, end), RECEIVED_US + end)
    return [event for event in found if isinstance(event, BookDelta)]


def in_book(market: Market) -> tuple[BookKeeper, list[BookDelta]]:
    """Return a keeper that has its snapshot, and the deltas that it has not had."""
    keeper = BookKeeper(epoch=1)
    native = FEEDS[market].native("BTC/USDT")
    snapshot = FEEDS[market].read_book(snapshot_of(market), native, 100, RECEIVED_US)
    assert snapshot.sequence == SNAPSHOT[market]
    assert isinstance(keeper.snapshot(snapshot), Restored)
    return keeper, [delta for delta in deltas(market) if delta.sequence > snapshot.sequence]


@pytest.mark.parametrize("market", MARKETS)
def test_c_02_a_snapshot_inside_a_frame_is_continued_by_that_whole_frame(market: Market) -> None:
    keeper = BookKeeper(epoch=1)
    for delta in deltas(market):
        keeper.delta(delta)
    snapshot = FEEDS[market].read_book(snapshot_of(market), "any", 100, RECEIVED_US)
    outcome = keeper.snapshot(snapshot)
    assert isinstance(outcome, Restored)
    assert list(outcome.changes) == deltas(market)[1:]
    live, later = in_book(market)
    assert {live.delta(delta) for delta in later} == {APPLIED}
    assert live.top(0) == keeper.top(0)


@pytest.mark.parametrize("market", MARKETS)
def test_c_02_a_snapshot_from_before_the_stretch_does_not_help(market: Market) -> None:
    keeper = BookKeeper(epoch=1)
    for delta in deltas(market)[3:]:
        keeper.delta(delta)
    assert isinstance(keeper.snapshot(FEEDS[market].read_book(snapshot_of(market), "any", 100, RECEIVED_US)), Unusable)


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("missing", range(1, len(ENDS) - 2))
def test_c_02_every_hole_and_reorder_is_found_at_the_next_frame(market: Market, missing: int) -> None:
    keeper, later = in_book(market)
    assert {keeper.delta(delta) for delta in later[:missing]} == {APPLIED}
    outcome = keeper.delta(later[missing + 1])
    assert isinstance(outcome, WentStale)
    assert (outcome.hole.from_id, outcome.hole.cause) == (str(later[missing - 1].sequence), "sequence")
    keeper.delta(later[missing])
    assert keeper.state == "stale"


@pytest.mark.parametrize("market", MARKETS)
def test_c_02_every_duplicate_is_ignored(market: Market) -> None:
    keeper, later = in_book(market)
    clean, _ = in_book(market)
    for delta in later:
        clean.delta(delta)
        assert [keeper.delta(delta), keeper.delta(delta)] == [APPLIED, OLD]
    assert keeper.top(0) == clean.top(0)


def test_unmerged_changes_follow_each_other_by_one() -> None:
    text = frame_of("futures", "book_delta_of_one_version").decode()
    (first,) = FEEDS["futures"].decode(text.encode(), RECEIVED_US)
    (second,) = FEEDS["futures"].decode(text.replace("96801927", "96801928").encode(), RECEIVED_US)
    assert isinstance(first, BookDelta)
    assert isinstance(second, BookDelta)
    assert second.follows == first.sequence
