"""OKX alone: its requests and words, today's numbers on recorded levels, and the checksum that recordings carry."""

from __future__ import annotations

import zlib
from functools import cache
from typing import Any

import msgspec
import pytest

from tapeline.domain.book import APPLIED, OLD, BookDelta, BookKeeper, BookSnapshot, Restored, WentStale
from tapeline.errors import InvalidMessage
from tapeline.venues import okx
from tapeline.venues.contract import (
    Answer,
    Event,
    FundingUpdate,
    InstrumentPage,
    Pong,
    PublicTrade,
    Unexpected,
    Want,
)
from tapeline.venues.funding import merged
from tapeline.venues.okx.market import OkxFeed
from tests.venues import expected_okx
from tests.venues.recorded import Recorded, own, stretch

NOW_US = expected_okx.RECEIVED_US
SPOT, FUTURES = okx.SPOT, okx.FUTURES
BOOKS = {"okx/spot.book-202205-btcusdt": SPOT, "okx/futures.book-202205inv-uniusdswap": FUTURES}


# ---------------------------------------------------------------- requests and words
def asked(feed: OkxFeed, *channels: Any) -> list[tuple[str, int, object]]:  # noqa: ANN401 - names of channels
    wants = [Want(channel=channel, native=feed.native("BTC/USDT")) for channel in channels]
    return [(ask.socket, ask.request_id, msgspec.json.decode(ask.frame)) for ask in feed.subscribe(wants, 7)]


def test_c_04_spot_is_asked_by_socket() -> None:
    assert asked(SPOT, "trade", "book") == [
        ("public", 7, {"id": "7", "op": "subscribe", "args": [{"channel": "books", "instId": "BTC-USDT"}]}),
        ("business", 8, {"id": "8", "op": "subscribe", "args": [{"channel": "trades-all", "instId": "BTC-USDT"}]}),
    ]


def test_c_04_funding_is_three_streams_and_the_index_has_the_name_of_the_pair() -> None:
    args = [
        {"channel": "books", "instId": "BTC-USDT-SWAP"},
        {"channel": "funding-rate", "instId": "BTC-USDT-SWAP"},
        {"channel": "mark-price", "instId": "BTC-USDT-SWAP"},
        {"channel": "index-tickers", "instId": "BTC-USDT"},
    ]
    assert asked(FUTURES, "book", "funding") == [("public", 7, {"id": "7", "op": "subscribe", "args": args})]


def test_a_stream_is_given_up_as_it_was_asked_for() -> None:
    want = Want(channel="book", native="BTC-USDT")
    (ask,) = SPOT.unsubscribe((want,), 9)
    args = [{"channel": "books", "instId": "BTC-USDT"}]
    assert msgspec.json.decode(ask.frame) == {"id": "9", "op": "unsubscribe", "args": args}
    assert (ask.socket, ask.request_id, ask.wants) == ("public", 9, (want,))


def test_ping_and_pong_are_no_json() -> None:
    assert SPOT.ping(3) == b"ping"
    assert SPOT.decode(b"pong", NOW_US) == (Pong(),)


@pytest.mark.parametrize(
    ("frame", "event"),
    [
        (
            b'{"event":"error","code":"60018","msg":"Subscribe failed, wrong URL or channel:books,instId:a.B-C none"}',
            Answer(
                request_id=None,
                error="60018 Subscribe failed, wrong URL or channel:books,instId:a.B-C none",
                streams=(("book", "a.B-C"),),
            ),
        ),
        (
            b'{"event":"error","msg":"channel:candle1m,instId:BTC-USDT doesn\'t exist","code":"60018","id":"4"}',
            Answer(request_id=4, error="60018 channel:candle1m,instId:BTC-USDT doesn't exist"),
        ),
        (
            b'{"id":"a7","event":"subscribe","arg":{"channel":"instruments","instType":"SPOT"}}',
            Answer(request_id=None),
        ),
        (b'{"event":"notice","code":"64000","msg":"something else"}', Unexpected(kind="notice 64000")),
        (b'{"event":"login","code":"0","msg":""}', Unexpected(kind="login 0")),
        (b"{}", Unexpected(kind="no channel and no event")),
    ],
)
def test_words_of_the_venue(frame: bytes, event: Event) -> None:
    assert SPOT.decode(frame, NOW_US) == (event,)


def test_an_id_of_any_length_breaks_nothing() -> None:
    frame = b'{"id":"' + b"9" * 5_000 + b'","event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"}}'
    assert SPOT.decode(frame, NOW_US) == (Answer(request_id=None, streams=(("book", "BTC-USDT"),)),)


def test_spot_has_no_funding_to_hear_of() -> None:
    frames = {line.channel: line.data for line in own("okx", "futures")}
    assert [SPOT.decode(frames[name], NOW_US) for name in ("funding", "mark", "index")] == [
        (Unexpected(kind=kind),) for kind in ("funding-rate", "mark-price", "index-tickers")
    ]


def test_the_streams_of_funding_make_one_picture() -> None:
    whole: FundingUpdate | None = None
    for line in own("okx", "futures"):
        if line.channel in {"funding", "mark", "index"}:
            (update,) = FUTURES.decode(line.data, NOW_US)
            assert isinstance(update, FundingUpdate)
            whole = merged(whole, update)
    assert whole == FundingUpdate(
        native="BTC-USDT-SWAP",
        whole=False,
        rate=-0.000069181086383,
        mark_price=42310.6,
        index_price=42310.12345678901,
        next_us=1706169600000000,
        interval_us=28_800_000_000,
        venue_us=1597026383085000,
        received_us=NOW_US,
        exact={"index_price": "42310.123456789012345"},
    )


def test_a_full_book_has_shorter_levels() -> None:
    body = b'{"code":"0","msg":"","data":[{"asks":[["41006.8","0.6","1"]],"bids":[["41006.3","0.3","2"]],"ts":"5"}]}'
    assert SPOT.read_book(body, "BTC-USDT", 0, NOW_US) == BookSnapshot(
        native="BTC-USDT",
        sequence=5,
        replaces=False,
        limit=5000,
        bid_prices=(41006.3,),
        bid_quantities=(0.3,),
        ask_prices=(41006.8,),
        ask_quantities=(0.6,),
        venue_us=5000,
        received_us=NOW_US,
    )


def test_recent_trades_are_of_the_instrument_that_was_asked_for() -> None:
    line = next(line for line in own("okx", "spot") if line.channel == "rest_trades")
    with pytest.raises(InvalidMessage) as caught:
        SPOT.read_trades(line.data, "ETH-USDT", NOW_US)
    assert (caught.value.field, SPOT.read_trades(b'{"code":"0","data":[]}', "ETH-USDT", NOW_US)) == ("data.instId", ())


# ---------------------------------------------------------------- today's numbers
def numbered(line: Recorded, previous: int, sequence: int) -> Recorded:
    """Return a recorded frame as it would come today."""
    plain = msgspec.json.decode(line.data)
    plain["data"][0] |= {"checksum": 0, "prevSeqId": previous, "seqId": sequence}
    return msgspec.structs.replace(line, frame=msgspec.json.encode(plain).decode())


def idle(delta: BookDelta, feed: OkxFeed) -> BookDelta:
    """Return what comes when nothing has changed for a minute after this delta."""
    at_ms = (delta.venue_us or 0) // 1_000 + 60_000
    book = {"asks": [], "bids": [], "ts": str(at_ms), "checksum": 0}
    book |= {"prevSeqId": delta.sequence, "seqId": delta.sequence}
    frame = {"arg": {"channel": "books", "instId": delta.native}, "action": "update", "data": [book]}
    (event,) = feed.decode(msgspec.json.encode(frame), delta.received_us + 60_000_000)
    assert isinstance(event, BookDelta)
    return event


@cache
def today(name: str, restart: int | None = None) -> tuple[BookSnapshot, tuple[BookDelta, ...]]:
    """Return recorded levels under today's numbers, which jump; from `restart` on the venue counts from 1 again."""
    found: list[Event] = []
    last, number = -1, 1_000_000
    for at, line in enumerate(stretch(name)):
        number = 1 if at == restart else number + 1 + at * 7 % 5
        found += BOOKS[name].decode(numbered(line, last, number).data, line.recv_us or 0)
        last = number
    snapshot, *later = found
    assert isinstance(snapshot, BookSnapshot)
    assert all(isinstance(delta, BookDelta) for delta in later)
    return snapshot, tuple(delta for delta in later if isinstance(delta, BookDelta))


def begun(name: str, restart: int | None = None) -> tuple[BookKeeper, tuple[BookDelta, ...]]:
    keeper = BookKeeper(epoch=1)
    snapshot, later = today(name, restart)
    assert isinstance(keeper.snapshot(snapshot), Restored)
    return keeper, later


def clean(name: str) -> BookKeeper:
    keeper, later = begun(name)
    assert {keeper.delta(delta) for delta in later} == {APPLIED}
    return keeper


@pytest.mark.parametrize("name", BOOKS)
def test_c_02_every_hole_is_found_at_the_next_delta(name: str) -> None:
    _, later = begun(name)
    for missing in range(1, len(later) - 1):
        keeper, _ = begun(name)
        assert {keeper.delta(delta) for delta in later[:missing]} == {APPLIED}
        outcome = keeper.delta(later[missing + 1])
        assert isinstance(outcome, WentStale)
        before = later[missing - 1]
        assert (outcome.hole.from_id, outcome.hole.cause) == (str(before.sequence), "sequence")
        assert outcome.hole.start_us == before.venue_us


@pytest.mark.parametrize("name", BOOKS)
def test_c_02_a_hole_before_a_quiet_minute_is_found_by_what_comes_in_it(name: str) -> None:
    keeper, later = begun(name)
    assert keeper.delta(later[0]) is APPLIED
    assert isinstance(keeper.delta(idle(later[1], BOOKS[name])), WentStale)


@pytest.mark.parametrize("name", BOOKS)
def test_c_02_every_duplicate_and_every_quiet_minute_changes_nothing(name: str) -> None:
    keeper, later = begun(name)
    for delta in later:
        outcomes = [keeper.delta(one) for one in (delta, delta, idle(delta, BOOKS[name]))]
        assert outcomes == [APPLIED, OLD, OLD]
    assert keeper.top(0) == clean(name).top(0)


@pytest.mark.parametrize("name", BOOKS)
def test_c_02_every_reorder_is_found(name: str) -> None:
    _, later = begun(name)
    for turned in range(1, len(later) - 1):
        keeper, _ = begun(name)
        for delta in later[:turned]:
            keeper.delta(delta)
        assert isinstance(keeper.delta(later[turned + 1]), WentStale)
        assert keeper.delta(later[turned]) == OLD
        assert keeper.state == "stale"


@pytest.mark.parametrize("name", BOOKS)
def test_a_venue_that_counts_anew_has_lost_nothing(name: str) -> None:
    keeper, later = begun(name, restart=40)
    outcomes = [keeper.delta(delta) for delta in later]
    assert [at for at, outcome in enumerate(outcomes) if outcome is not APPLIED] == [39]
    assert isinstance(outcomes[39], Restored)
    assert outcomes[39].hole is None
    assert (keeper.state, keeper.epoch > 1, keeper.top(0)) == ("valid", True, clean(name).top(0))


# ---------------------------------------------------------------- recorded frames
@pytest.mark.parametrize(("name", "frames"), list(zip(BOOKS, (98, 93), strict=True)))
def test_a_recorded_book_has_the_checksum_that_its_frame_says(name: str, frames: int) -> None:
    keeper, compared = BookKeeper(epoch=1), 0
    texts: dict[tuple[str, float], list[str]] = {}
    for line in stretch(name):
        (event,) = BOOKS[name].decode(line.data, line.recv_us or 0)
        assert isinstance(event, BookSnapshot | BookDelta)
        outcome = keeper.snapshot(event) if isinstance(event, BookSnapshot) else keeper.delta(event)
        assert isinstance(outcome, Restored) or outcome is APPLIED
        (book,) = msgspec.json.decode(line.data)["data"]
        # A level's text is the one with which it was said last; floats have lost its trailing zeros.
        texts |= {(side, float(level[0])): level[:2] for side in ("bids", "asks") for level in book[side]}
        assert checksum(keeper, texts) == book["checksum"]
        compared += 1
    assert compared == frames


def checksum(keeper: BookKeeper, texts: dict[tuple[str, float], list[str]]) -> int:
    """Return CRC-32, signed, of the best 25 levels of both sides in turn."""
    top = keeper.top(25)
    sides = [
        [(texts["bids", price], quantity) for price, quantity in zip(top.bid_prices, top.bid_quantities, strict=True)],
        [(texts["asks", price], quantity) for price, quantity in zip(top.ask_prices, top.ask_quantities, strict=True)],
    ]
    parts: list[str] = []
    for at in range(25):
        for (price, quantity), held in (side[at] for side in sides if at < len(side)):
            assert float(quantity) == held
            parts += [price, quantity]
    unsigned = zlib.crc32(":".join(parts).encode())
    return unsigned - 2**32 if unsigned >= 2**31 else unsigned


def test_recorded_tickers_are_nothing_that_we_asked_for() -> None:
    for name in ("okx/spot.bbo-202205", "okx/futures.bbo-202205inv"):
        assert {SPOT.decode(line.data, NOW_US) for line in stretch(name)} == {(Unexpected(kind="tickers"),)}


def test_a_recorded_trade_of_an_inverse_swap_is_read() -> None:
    (line,) = stretch("okx/futures.trade-202205inv")
    assert FUTURES.decode(line.data, NOW_US) == (
        PublicTrade(
            native="UNI-USD-SWAP",
            trade_id="12883020",
            sequence=12883020,
            price=5.123,
            quantity=100.0,
            side="sell",
            venue_us=1652459215150000,
            received_us=NOW_US,
        ),
    )


def test_single_recorded_frames_are_read_or_are_named() -> None:
    found = [FUTURES.decode(line.data, NOW_US)[0] for line in stretch("okx/unified.samples-jkorf")]
    book = found.pop(5)
    assert isinstance(book, BookSnapshot)
    assert (book.native, book.sequence, book.routine, len(book.bid_prices)) == ("ETH-USDT", 123456, False, 8)
    assert found == [
        Unexpected(kind="account"),
        Unexpected(kind="estimated-price"),
        FundingUpdate(
            native="BTC-USDT-SWAP", whole=False, index_price=0.1, venue_us=1597026383085000, received_us=NOW_US
        ),
        FundingUpdate(
            native="LTC-USD-190628", whole=False, mark_price=0.1, venue_us=1597026383085000, received_us=NOW_US
        ),
        Unexpected(kind="mark-price-candle1D"),
        Unexpected(kind="price-limit"),
        Unexpected(kind="tickers"),
        PublicTrade(
            native="BTC-USDT",
            trade_id="130639474",
            sequence=130639474,
            price=42219.9,
            quantity=0.12060306,
            side="buy",
            venue_us=1630048897897000,
            received_us=NOW_US,
        ),
        Unexpected(kind="algo-advance"),
        Unexpected(kind="orders-algo"),
        Unexpected(kind="orders"),
    ]


def test_single_recorded_answers_are_read() -> None:
    answers = {line.channel: line.data for line in stretch("okx/unified.rest-jkorf")}
    book = SPOT.read_book(answers["rest:GetOrderBook"], "BTC-USDT", 100, NOW_US)
    assert book == expected_okx.SPOT["rest_book"]
    for name in ("rest:GetRecentTrades", "rest:GetTradeHistory"):
        told = SPOT.read_trades(answers[name], "BTC-USDT", NOW_US)
        assert [(one.trade_id, one.price, one.quantity, one.side, one.venue_us) for one in told] == [
            ("242720719", 29964.1, 0.00001, "sell", 1654161641568000),
            ("242720720", 29963.2, 0.00001, "sell", 1654161646974000),
        ]
    (one,) = SPOT.read_instruments(answers["rest:GetSymbols"], NOW_US).instruments
    assert (one.symbol, one.status, str(one.quantity_step), one.max_market_quantity) == (
        "BTC/USDT",
        "trading",
        "1E-8",
        None,
    )


def listed(name: str) -> list[dict[str, str]]:
    (line,) = stretch(name)
    plain = msgspec.json.decode(line.data)
    found: list[dict[str, str]] = plain["data"] if isinstance(plain, dict) else plain
    return found


def page(feed: OkxFeed, elements: list[dict[str, str]]) -> InstrumentPage:
    return feed.read_instruments(msgspec.json.encode({"code": "0", "msg": "", "data": elements}), NOW_US)


@pytest.mark.parametrize("name", ["okx/spot.instruments-cf-202205", "okx/spot.instruments-raw-202505"])
def test_every_recorded_pair_is_ours(name: str) -> None:
    elements = listed(name)
    found = page(SPOT, elements)
    assert found.skipped == ()
    assert [(one.native, one.base, one.quote) for one in found.instruments] == [
        (one["instId"], one["baseCcy"], one["quoteCcy"]) for one in elements
    ]
    assert all(SPOT.native(one.symbol) == one.native for one in found.instruments)


@pytest.mark.parametrize("name", ["okx/futures.instruments-cf-202205", "okx/futures.instruments-raw-202505"])
def test_recorded_swaps_that_settle_in_usdt_are_ours_and_inverse_ones_are_not(name: str) -> None:
    elements = listed(name)
    found = page(FUTURES, elements)
    assert found.skipped == ()
    assert [one.native for one in found.instruments] == [
        one["instId"] for one in elements if one["settleCcy"] == "USDT"
    ]
    assert all(FUTURES.native(one.symbol) == one.native for one in found.instruments)
    bitcoin = next(one for one in found.instruments if one.native == "BTC-USDT-SWAP")
    steps = {"okx/futures.instruments-cf-202205": "0.01", "okx/futures.instruments-raw-202505": "0.0001"}
    assert (str(bitcoin.contract_size), str(bitcoin.quantity_step)) == ("0.01", steps[name])
