"""CoinEx alone: compressed frames, requests, refusals, and a book that only its checksum can prove."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Final

import msgspec
import pytest

from tapeline.domain.book import APPLIED, OLD, BookDelta, BookKeeper, BookSnapshot, Restored, Unusable, WentStale
from tapeline.domain.checksum import Check
from tapeline.domain.events import Market
from tapeline.errors import InvalidMessage, Misconfigured, Unavailable, VenueRefused
from tapeline.venues.coinex import FUTURES, SPOT
from tapeline.venues.coinex.market import MOST_BYTES, CoinexFeed
from tapeline.venues.coinex.reading import checksum
from tapeline.venues.contract import FundingUpdate, PublicTrade, Unexpected, Want
from tests.venues.expected_coinex import RECEIVED_US as NOW_US
from tests.venues.recorded import own, stretch

FEEDS: Final[dict[Market, CoinexFeed]] = {"spot": SPOT, "futures": FUTURES}
BIDS = (("86690", "0.61130406"), ("86682", "1.49973466"), ("86669", "1.15381508"))
ASKS = (("86760", "0.58242844"), ("86768", "1.49824820"), ("86788", "1.15223302"))


def test_the_checksum_is_of_all_bids_and_then_all_asks() -> None:
    told = b"86690:0.61130406:86682:1.49973466:86669:1.15381508:86760:0.58242844:86768:1.49824820:86788:1.15223302"
    assert checksum(BIDS, ASKS) == zlib.crc32(told) == 3701548920
    assert (checksum(BIDS[:1], ()), checksum((), ASKS[:1])) == (zlib.crc32(told[:16]), zlib.crc32(b"86760:0.58242844"))
    assert checksum((), ()) == 0


# ---------------------------------------------------------------- frames
@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress])
@pytest.mark.parametrize("market", FEEDS)
def test_c_03_a_compressed_frame_means_what_the_plain_one_does(
    market: Market, compress: Callable[[bytes], bytes]
) -> None:
    lines = [line for line in own("coinex", market) if not line.channel.startswith("rest_")]
    plain = [FEEDS[market].decode(line.data, NOW_US) for line in lines]
    assert [FEEDS[market].decode(compress(line.data), NOW_US) for line in lines] == plain
    assert len(plain) > 8


def test_a_compressed_frame_that_is_cut_goes_on_or_grows_beyond_all_bounds_is_invalid() -> None:
    frame = gzip.compress(b'{"id":1,"code":0,"message":"OK"}')
    longest = b'{"id":1,"code":0,"message":"OK"}'.ljust(MOST_BYTES)
    assert SPOT.decode(gzip.compress(longest), NOW_US) == SPOT.decode(frame, NOW_US)
    for wrong, told in (
        (frame[:-1], "is cut"),
        (frame + b"x", "goes on behind its end"),
        (frame[:12] + b"\xff\xff" + frame[14:], "neither JSON nor compressed"),
        (b"pong", "neither JSON nor compressed"),
        (gzip.compress(longest + b" "), "inflates to more than 16777216 bytes"),
        (gzip.compress(b"pong"), "malformed"),
    ):
        with pytest.raises(InvalidMessage, match=told):
            SPOT.decode(wrong, NOW_US)


def _asked(market: Market, *channels: str) -> list[tuple[str, int, object]]:
    wants = [Want(channel=channel, native=native) for native in ("BTCUSDT", "ETHUSDT") for channel in channels]  # type: ignore[arg-type]  # the channels of the tests below
    return [(ask.socket, ask.request_id, json.loads(ask.frame)) for ask in FEEDS[market].subscribe(wants, 7)]


def test_c_04_each_channel_is_asked_once_for_all_its_markets() -> None:
    names = {"market_list": ["BTCUSDT", "ETHUSDT"]}
    books = {"market_list": [["BTCUSDT", 50, "0", False], ["ETHUSDT", 50, "0", False]]}
    book = ("public", 7, {"method": "depth.subscribe", "params": books, "id": 7})
    trade = ("public", 8, {"method": "deals.subscribe", "params": names, "id": 8})
    funding = ("public", 9, {"method": "state.subscribe", "params": names, "id": 9})
    assert _asked("spot", "trade", "book") == [book, trade]
    assert _asked("futures", "funding", "trade", "book") == [book, trade, funding]


def test_a_stream_is_given_up_by_its_name_alone() -> None:
    (ask,) = SPOT.unsubscribe((Want(channel="book", native="BTCUSDT"),), 3)
    assert json.loads(ask.frame) == {"method": "depth.unsubscribe", "params": {"market_list": ["BTCUSDT"]}, "id": 3}
    assert json.loads(SPOT.ping(4) or b"") == {"method": "server.ping", "params": {}, "id": 4}


SAMPLES_TIME_US: Final = 1689152421692000
SAMPLE_BOOK = BookSnapshot(
    native="ETHUSDT",
    sequence=1689152421692,
    replaces=True,
    routine=True,
    bid_prices=(30736.0, 30733.0, 30725.0, 30422.0),
    bid_quantities=(0.04857373, 0.8469632, 0.12563353, 0.0),
    ask_prices=(30740.0, 30769.0),
    ask_quantities=(0.31763545, 1.45155),
    venue_us=SAMPLES_TIME_US,
    received_us=NOW_US,
    check=Check(
        value=2578768879,
        bids=(
            ("30736.00", "0.04857373"),
            ("30733.00", "0.84696320"),
            ("30725.00", "0.12563353"),
            ("30422.00", "0"),
        ),
        asks=(("30740.00", "0.31763545"), ("30769.00", "1.45155000")),
    ),
)


def _sample_trades(native: str) -> tuple[PublicTrade, ...]:
    told = ((3514376757, "sell", 0.00154936), (3514376758, "buy", 0.00015729), (3514376759, "buy", 0.00000325))
    return tuple(
        PublicTrade(
            native=native,
            trade_id=str(number),
            price=30718.42,
            quantity=quantity,
            side="buy" if side == "buy" else "sell",
            venue_us=SAMPLES_TIME_US,
            received_us=NOW_US,
        )
        for number, side, quantity in told
    )


def _sample_state(native: str, **values: float) -> FundingUpdate:
    times = {"next_us": 1642231731234000, "interval_us": 86400000000}
    return FundingUpdate(native=native, whole=True, received_us=NOW_US, **times, **values)  # type: ignore[arg-type]  # named below


SAMPLES: Final = {
    "spot": [
        (Unexpected(kind="balance.update"),),
        (Unexpected(kind="bbo.update"),),
        (Unexpected(kind="index.update"),),
        (Unexpected(kind="order.update"),),
        (SAMPLE_BOOK,),
        (Unexpected(kind="stop.update"),),
        (Unexpected(kind="state.update"),),
        _sample_trades("ETHUSDT"),
    ],
    "futures": [
        (Unexpected(kind="balance.update"),),
        (Unexpected(kind="bbo.update"),),
        (Unexpected(kind="index.update"),),
        (Unexpected(kind="order.update"),),
        (SAMPLE_BOOK,),
        (Unexpected(kind="stop.update"),),
        (
            _sample_state("ETHUSD_SIGNPRICE", rate=0.0),
            _sample_state("DOTUSDT", rate=0.00009768, mark_price=5.2513, index_price=5.2513),
        ),
        _sample_trades("ETHUSDT"),
    ],
}


@pytest.mark.parametrize("market", FEEDS)
def test_c_03_recorded_samples_mean_this(market: Market) -> None:
    lines = stretch(f"coinex/{market}.samples-jkorf")
    assert [FEEDS[market].decode(line.data, NOW_US) for line in lines] == SAMPLES[market]


@pytest.mark.parametrize("market", FEEDS)
def test_c_03_recorded_answers_mean_this(market: Market) -> None:
    bodies = {line.channel: line.data for line in stretch(f"coinex/{market}.rest-jkorf")}
    one = FEEDS[market]
    assert all(one.refusal(200, {}, body) is None for body in bodies.values())
    assert one.read_book(bodies["rest:GetOrderBook"], "BTCUSDT", 20, NOW_US) == msgspec.structs.replace(
        SAMPLE_BOOK, native="BTCUSDT", replaces=False, routine=False
    )
    assert one.read_trades(bodies["rest:GetTradeHistory"], "BTCUSDT", NOW_US) == _sample_trades("BTCUSDT")
    (found,) = one.read_instruments(bodies["rest:GetSymbols"], NOW_US).instruments
    rules = (found.symbol, found.status, str(found.price_tick), str(found.quantity_step), str(found.max_leverage))
    futures = ("BTC/USDT", "trading", "0.5", "1E-8", "100")
    assert rules == (futures if market == "futures" else ("BTC/USDT", "trading", "0.01", "1E-8", "None"))


# ---------------------------------------------------------------- REST
def test_requests_name_the_market_and_the_whole_window() -> None:
    assert [
        SPOT.book_request("BTCUSDT", 20).target,
        FUTURES.book_request("BTCUSDT", 0).target,
        SPOT.trades_request("BTCUSDT").target,
        SPOT.instruments_request().target,
        FUTURES.instruments_request().target,
        FUTURES.funding_request("BTCUSDT").target,
    ] == [
        "/v2/spot/depth?market=BTCUSDT&limit=50&interval=0",
        "/v2/futures/depth?market=BTCUSDT&limit=50&interval=0",
        "/v2/spot/deals?market=BTCUSDT&limit=1000",
        "/v2/spot/market",
        "/v2/futures/market",
        "/v2/futures/funding-rate?market=BTCUSDT",
    ]
    with pytest.raises(Misconfigured, match="coinex spot has no funding: ask for futures"):
        SPOT.funding_request("BTCUSDT")


@pytest.mark.parametrize(
    ("status", "body", "kind", "wait"),
    [
        (200, b'{"code":0,"data":{},"message":"OK"}', None, None),
        (200, b'{"code":0,"data":[{}],"message":"done"}', None, None),
        (200, b'{"code":0,"data":{},"message":"invalid market"}', VenueRefused, None),
        (200, b'{"code":4213,"data":{},"message":"rate limit"}', Unavailable, 1),
        (200, b'{"code":3008,"data":{},"message":"service busy"}', Unavailable, 1),
        (200, b'{"code":4001,"data":{},"message":"unavailable"}', Unavailable, 1),
        (200, b'{"code":4004,"data":{},"message":"invalid argument"}', VenueRefused, None),
        (429, b"", Unavailable, 1),
        (403, b"<html>", VenueRefused, None),
        (502, b"<html>", Unavailable, None),
    ],
)
def test_x_05_a_refusal_is_found_by_status_code_and_words(
    status: int, body: bytes, kind: type | None, wait: float | None
) -> None:
    found = SPOT.refusal(status, {}, body)
    assert (type(found) if found else None) == kind
    assert getattr(found, "retry_after_s", None) == wait


# ---------------------------------------------------------------- the book
def _pushes(market: Market = "spot") -> dict[str, BookDelta | BookSnapshot]:
    found: dict[str, BookDelta | BookSnapshot] = {}
    for line in own("coinex", market):
        if line.channel.startswith("book_"):
            (event,) = FEEDS[market].decode(line.data, NOW_US)
            assert isinstance(event, BookDelta | BookSnapshot)
            found[line.channel] = event
        elif line.channel == "rest_book":
            found[line.channel] = FEEDS[market].read_book(line.data, "BTCUSDT", 0, NOW_US)
    return found


def _told(keeper: BookKeeper, *names: str) -> list[object]:
    pushes = [_pushes()[name] for name in names]
    return [keeper.snapshot(one) if isinstance(one, BookSnapshot) else keeper.delta(one) for one in pushes]


def _keeper() -> BookKeeper:
    return BookKeeper(epoch=1, checksum=SPOT.facts.book.checksum)


@pytest.mark.parametrize("whole", ["book_snapshot", "rest_book"])
def test_c_02_a_book_goes_on_as_long_as_it_comes_to_the_checksum(whole: str) -> None:
    keeper = _keeper()
    begun, *later = _told(keeper, whole, "book_delta", "book_delta", "book_exact")
    assert isinstance(begun, Restored)
    assert later == [APPLIED, OLD, APPLIED]
    assert keeper.top(0).bid_prices == (86690.0, 86680.5, 86669.0)
    assert (keeper.state, keeper.sequence) == ("valid", 1790133817376)


@pytest.mark.parametrize(
    "arriving", [("book_snapshot", "book_exact"), ("book_snapshot", "book_exact", "book_delta")], ids=["lost", "turned"]
)
def test_c_02_what_is_missing_is_found_by_the_checksum_and_repaired_by_a_whole_book(arriving: tuple[str, ...]) -> None:
    keeper = _keeper()
    stale = _told(keeper, *arriving)[1]
    assert isinstance(stale, WentStale)
    ours = checksum((("86690", "12345678.123456789"), *BIDS[1:]), ASKS)
    assert (stale.hole.cause, stale.hole.from_id, stale.hole.detail) == (
        "checksum",
        "1790133816976",
        f"its checksum is 3783420404, ours {ours} at 1790133817376, after 1790133816976",
    )
    (again,) = _told(keeper, "book_snapshot")
    assert isinstance(again, Restored)
    assert again.hole is not None
    assert again.hole.cause == "checksum"


def test_a_book_that_is_only_a_part_of_its_checksum_is_never_shown() -> None:
    keeper = BookKeeper(epoch=1, checksum=SPOT.facts.book.checksum)
    assert isinstance(keeper.snapshot(SAMPLE_BOOK), Unusable)
    assert (keeper.state, keeper.sequence) == ("waiting", None)


def test_the_empty_books_of_a_closed_market_are_never_valid() -> None:
    frame = (
        b'{"method":"depth.update","data":{"market":"BTCUSDT","is_full":true,'
        b'"depth":{"asks":[],"bids":[],"last":"0","updated_at":1790133816976,"checksum":0}},"id":null}'
    )
    (empty,) = FUTURES.decode(frame, NOW_US)
    assert isinstance(empty, BookSnapshot)
    assert _keeper().snapshot(empty) == Unusable("it is empty")
