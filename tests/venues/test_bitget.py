"""Bitget alone: what is asked for, two generations of frames, servers that count anew, checksums, refusals."""

from __future__ import annotations

import json
from itertools import pairwise

import msgspec
import pytest

from tapeline.domain.book import APPLIED, OLD, BookDelta, BookKeeper, BookSnapshot, Restored, WentStale
from tapeline.errors import InvalidMessage, Misconfigured, Unavailable, VenueRefused
from tapeline.venues.bitget import FUTURES, SPOT, books
from tapeline.venues.bitget.market import BitgetFeed
from tapeline.venues.contract import Answer, Event, FundingUpdate, Pong, Unexpected, Want
from tapeline.venues.funding import merged
from tests.venues.expected_bitget_books import FIRST
from tests.venues.expected_bitget_books import RECEIVED_US as NOW_US
from tests.venues.recorded import Recorded, own

FEEDS = {"spot": SPOT, "futures": FUTURES}
STEP = 19_415


def line(market: str, channel: str) -> Recorded:
    return next(one for one in own("bitget", market) if one.channel == channel)


# ---------------------------------------------------------------- what goes out
@pytest.mark.parametrize(("market", "kind"), [("spot", "spot"), ("futures", "usdt-futures")])
def test_c_04_streams_are_asked_of_v3(market: str, kind: str) -> None:
    feed = FEEDS[market]
    wants = [Want(channel="book", native="BTCUSDT", depth=5), Want(channel="trade", native="BTCUSDT")]
    args = [
        {"instType": kind, "topic": "books", "symbol": "BTCUSDT"},
        {"instType": kind, "topic": "publicTrade", "symbol": "BTCUSDT"},
    ]
    for asks, op in ((feed.subscribe(wants, 7), "subscribe"), (feed.unsubscribe(wants, 7), "unsubscribe")):
        (ask,) = asks
        assert (ask.socket, ask.request_id, ask.wants) == ("public", 7, tuple(wants))
        assert msgspec.json.decode(ask.frame) == {"op": op, "args": args}
    assert feed.facts.sockets == {"public": "/v3/ws/public"}


def test_c_04_funding_is_the_ticker() -> None:
    (ask,) = FUTURES.subscribe([Want(channel="funding", native="BTCUSDT")], 1)
    args = [{"instType": "usdt-futures", "topic": "ticker", "symbol": "BTCUSDT"}]
    assert msgspec.json.decode(ask.frame) == {"op": "subscribe", "args": args}


def test_a_frame_of_the_longest_names_stays_within_the_limit() -> None:
    wants = [Want(channel="trade", native="é" * 60 + f"{number:04}USDT") for number in range(30)]
    most = FUTURES.facts.limits.most_characters
    assert most is not None
    assert max(len(ask.frame) for ask in FUTURES.subscribe(wants, 1)) < most


def test_pings_are_no_json() -> None:
    assert SPOT.ping(3) == b"ping"
    assert SPOT.decode(b"pong", NOW_US) == (Pong(),)


@pytest.mark.parametrize(
    ("market", "depth", "target"),
    [
        ("spot", 20, "/api/v3/market/orderbook?category=SPOT&symbol=BTCUSDT&limit=20"),
        ("futures", 0, "/api/v3/market/orderbook?category=USDT-FUTURES&symbol=BTCUSDT&limit=1000"),
        ("futures", 5000, "/api/v3/market/orderbook?category=USDT-FUTURES&symbol=BTCUSDT&limit=1000"),
    ],
)
def test_a_book_is_requested(market: str, depth: int, target: str) -> None:
    request = FEEDS[market].book_request("BTCUSDT", depth)
    assert (request.target, request.cost) == (target, 1)


def test_the_other_requests() -> None:
    assert SPOT.instruments_request().target == "/api/v3/market/instruments?category=SPOT"
    assert FUTURES.instruments_request().target == "/api/v3/market/instruments?category=USDT-FUTURES"
    assert SPOT.trades_request("BTCUSDT").target == "/api/v3/market/fills?category=SPOT&symbol=BTCUSDT&limit=100"
    assert FUTURES.funding_request("BTCUSDT").target == "/api/v3/market/current-fund-rate?symbol=BTCUSDT"
    with pytest.raises(Misconfigured, match="has no funding: ask for futures"):
        SPOT.funding_request("BTCUSDT")


def test_a_name_beyond_ascii_is_encoded() -> None:
    target = SPOT.trades_request("币安人生USDT").target
    assert target == ("/api/v3/market/fills?category=SPOT&symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT&limit=100")


# ---------------------------------------------------------------- broken frames
@pytest.mark.parametrize(
    ("market", "channel", "old", "new", "field"),
    [
        ("spot", "book_delta", f'"seq":{FIRST + 100},', "", "data[0].seq"),
        ("spot", "book_delta", f'"seq":{FIRST + 100}', '"seq":1.5', "data[0].seq"),
        ("spot", "book_delta", f'"pseq":{FIRST}', '"pseq":"x"', "data[0].pseq"),
        ("spot", "book_delta", '"b":', '"c":', "data[0]"),
        ("spot", "book_delta", '"0.02"', '"NaN"', "data[0].b[0][1]"),
        ("spot", "book_delta", '["99756.4","0"]', '["0","0"]', "data[0].b[1][0]"),
        ("spot", "book_delta", '["99756.4","0"]', '["99756.4"]', "data[0].b[1]"),
        ("spot", "book_delta", '"update"', '"news"', "action"),
        ("spot", "book_delta", '"ts":"1789456510786"', '"ts":""', "data[0].ts"),
        ("spot", "book_delta", '"instType":"spot",', "", "arg"),
        ("spot", "book_whole", '"snapshot"', '"update"', "action"),
        ("spot", "book_classic", '"seq":427583461144,', "", "data[0].seq"),
        ("spot", "book_classic", '"bids":', '"b":', "data[0]"),
        ("spot", "book_checked", '["43231","6"]', '["43231.0","6"]', "data[0].checksum"),
        ("spot", "trade", '"S":"buy"', '"S":"both"', "S"),
        ("spot", "trade", '"v":"0.00118"', '"v":"0"', "data[1].v"),
        ("spot", "trade_history", '"side":"buy"', '"side":""', "side"),
        ("spot", "rest_trades", '"execId":"1483256148527923200",', "", "data[1]"),
        ("spot", "rest_book", '"a":', '"x":', "data"),
        ("spot", "rest_instruments", '"pricePrecision":"2","quantityPrecision":"6","quotePrecision"',
         '"pricePrecision":"99","quantityPrecision":"6","quotePrecision"', "pricePrecision"),
        ("spot", "rest_instruments", '"minOrderAmount":"1.5"', '"minOrderAmount":"NaN"', "minOrderAmount"),
        ("spot", "rest_instruments", '"minOrderAmount":"1.5"', '"minOrderAmount":"-1"', "minOrderAmount"),
        ("futures", "rest_instruments", '"maxOrderQty":"1200"', '"maxOrderQty":"1e999999"', "maxOrderQty"),
        ("futures", "rest_instruments", '"maxOrderQty":"1200"', '"maxOrderQty":"many"', "maxOrderQty"),
        ("futures", "ticker", '"fundingRate":"0.000010"', '"fundingRate":"inf"', "fundingRate"),
        ("futures", "ticker", '"nextFundingTime":"1695722400000"', '"nextFundingTime":"1.5"', "nextFundingTime"),
        ("futures", "rest_funding", '"fundingRateInterval":"8"', '"fundingRateInterval":"x"', "fundingRateInterval"),
        ("futures", "rest_funding", '"data":[', '"data":[{"symbol":"ETHUSDT"},', "data"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_an_invalid_message_that_names_it(
    market: str, channel: str, old: str, new: str, field: str
) -> None:
    found = line(market, channel)
    assert found.frame.count(old) == 1
    with pytest.raises(InvalidMessage) as caught:
        meaning(FEEDS[market], channel, found.frame.replace(old, new).encode())
    assert caught.value.field == field


def meaning(feed: BitgetFeed, channel: str, data: bytes) -> object:
    match channel:
        case "rest_book":
            return feed.read_book(data, "BTCUSDT", 100, NOW_US)
        case "rest_trades":
            return feed.read_trades(data, "BTCUSDT", NOW_US)
        case "rest_funding":
            return feed.read_funding(data, NOW_US)
        case "rest_instruments":
            return feed.read_instruments(data, NOW_US)
        case _:
            return feed.decode(data, NOW_US)


@pytest.mark.parametrize("data", [b"ping", b"PONG", b"{}x", b'{"action":"update","arg":{"topic":"books"'])
def test_what_is_no_frame_is_an_invalid_message(data: bytes) -> None:
    with pytest.raises(InvalidMessage):
        SPOT.decode(data, NOW_US)


@pytest.mark.parametrize("text", ["12345678901.1234567", "12345678901234567", "0.1234567890123456"])
def test_numbers_of_rest_that_no_double_holds_are_kept(text: str) -> None:
    body = line("spot", "rest_book").frame.replace("[26348,5]", f"[26348,{text}]")
    found = SPOT.read_book(body.encode(), "BTCUSDT", 100, NOW_US)
    assert (found.ask_quantities, found.exact) == ((0.25, float(text)), {"ask_quantities[1]": text})


def test_an_error_that_quotes_no_stream_names_none() -> None:
    for words in ("", "}", '{"instType":', '{"instType":"spot","topic":"kline","symbol":"A"} gone', "\ud800}"):
        frame = json.dumps({"event": "error", "code": "30016", "msg": words}).encode()
        if "\ud800" in words:
            with pytest.raises(InvalidMessage):
                SPOT.decode(frame, NOW_US)
        else:
            assert SPOT.decode(frame, NOW_US) == (Answer(request_id=None, error=f"30016 {words}"),)


@pytest.mark.parametrize("channel", ["book_delta", "book_classic", "trade", "ack"])
def test_a_stream_of_no_instrument_is_none_of_ours(channel: str) -> None:
    frame = line("spot", channel).frame.replace('"symbol":"BTCUSDT"', '"symbol":""').replace(',"instId":"BTCUSDT"', "")
    (found,) = SPOT.decode(frame.encode(), NOW_US)
    assert found == Answer(request_id=None) if channel == "ack" else isinstance(found, Unexpected)


def test_an_empty_frame_says_nothing() -> None:
    assert SPOT.decode(b"{}", NOW_US) == (Unexpected(kind="no stream and no event"),)


# ---------------------------------------------------------------- continuity
def book(action: str, seq: int, pseq: int | None, *, kind: str = "usdt-futures", at_ms: int = 0) -> Event:
    """Return a book's change as the feed understands it; its bid tells which one it is."""
    levels = {"a": [["100", "1"]], "b": [["99", str(1 + seq % 1000)]]}
    numbers = {"seq": seq} if pseq is None else {"seq": seq, "pseq": pseq}
    data = [{**levels, **numbers, "ts": str(1_789_456_510_736 + at_ms), "maxdepth": "1000"}]
    arg = {"instType": kind, "topic": "books", "symbol": "MAVUSDT"}
    (found,) = FUTURES.decode(msgspec.json.encode({"action": action, "arg": arg, "data": data, "ts": 1}), NOW_US)
    return found


def change(seq: int, pseq: int | None, at_ms: int = 100) -> BookDelta | BookSnapshot:
    found = book("update", seq, pseq, at_ms=at_ms)
    assert isinstance(found, BookDelta | BookSnapshot)
    return found


def taken(keeper: BookKeeper, event: BookDelta | BookSnapshot) -> object:
    return keeper.snapshot(event) if isinstance(event, BookSnapshot) else keeper.delta(event)


def begun() -> BookKeeper:
    """Return a keeper right after the snapshot that ends at FIRST."""
    keeper = BookKeeper(epoch=1)
    snapshot = book("snapshot", FIRST, 0)
    assert isinstance(snapshot, BookSnapshot)
    assert isinstance(keeper.snapshot(snapshot), Restored)
    return keeper


def chain(count: int = 60) -> list[BookDelta | BookSnapshot]:
    numbers = [FIRST + STEP * at for at in range(count + 1)]
    return [change(seq, pseq, 100 * at) for at, (pseq, seq) in enumerate(pairwise(numbers), 1)]


def test_c_02_a_chain_never_goes_stale() -> None:
    keeper = begun()
    assert {taken(keeper, one) for one in chain()} == {APPLIED}
    assert keeper.sequence == FIRST + 60 * STEP


@pytest.mark.parametrize("missing", range(1, 59, 3))
def test_c_02_every_hole_is_found_at_the_next_delta(missing: int) -> None:
    keeper, later = begun(), chain()
    assert {taken(keeper, one) for one in later[:missing]} == {APPLIED}
    outcome = taken(keeper, later[missing + 1])
    assert isinstance(outcome, WentStale)
    assert (outcome.hole.from_id, outcome.hole.cause) == (str(later[missing - 1].sequence), "sequence")
    assert outcome.hole.start_us == later[missing - 1].venue_us


def test_c_02_a_hole_right_behind_the_snapshot_is_found() -> None:
    assert isinstance(taken(begun(), chain()[1]), WentStale)


def test_c_02_every_duplicate_is_ignored_and_every_reorder_found() -> None:
    later = chain()
    keeper = begun()
    assert [outcome for one in later for outcome in (taken(keeper, one), taken(keeper, one))] == [APPLIED, OLD] * 60
    for turned in range(1, 59, 7):
        keeper = begun()
        for one in later[:turned]:
            taken(keeper, one)
        assert isinstance(taken(keeper, later[turned + 1]), WentStale)
        taken(keeper, later[turned])
        assert keeper.state == "stale"


def test_c_02_the_first_change_may_reach_back_before_the_snapshot() -> None:
    keeper = begun()
    assert taken(keeper, change(FIRST + STEP, FIRST - STEP)) is APPLIED
    assert isinstance(taken(keeper, change(FIRST + 3 * STEP, FIRST)), WentStale)


@pytest.mark.parametrize("behind", [0, 5])
@pytest.mark.parametrize(
    ("seq", "pseq"),
    [(FIRST + 9 * STEP, 0), (FIRST + 6 * STEP + 1, 0), (FIRST - STEP, 0), (17, 0), (17, FIRST), (17, FIRST + 5 * STEP)],
)
def test_c_02_a_server_that_counts_anew_is_a_hole(behind: int, seq: int, pseq: int) -> None:
    keeper = begun()
    for one in chain()[:behind]:
        taken(keeper, one)
    outcome = taken(keeper, change(seq, pseq, 5_000))
    assert isinstance(outcome, WentStale)
    assert (outcome.hole.from_id, outcome.hole.cause) == (str(FIRST + behind * STEP), "venue")
    assert keeper.state == "stale"
    # What the new count says next repairs nothing by itself; a snapshot does.
    taken(keeper, change(seq + STEP, seq, 5_100))
    assert keeper.state == "stale"
    snapshot = book("snapshot", seq + STEP, 0, at_ms=5_200)
    assert isinstance(snapshot, BookSnapshot)
    assert isinstance(keeper.snapshot(snapshot), Restored)
    assert taken(keeper, change(seq + 2 * STEP, seq + STEP, 5_300)) is APPLIED


def test_c_02_numbers_that_go_down_are_a_hole() -> None:
    keeper = begun()
    for one in chain()[:5]:
        taken(keeper, one)
    outcome = taken(keeper, change(FIRST + STEP, FIRST, 5_000))
    assert isinstance(outcome, WentStale)
    assert outcome.hole.cause == "sequence"


def test_c_02_without_pseq_any_higher_number_is_the_next() -> None:
    keeper = begun()
    assert taken(keeper, change(FIRST + 7, None, 100)) is APPLIED
    assert taken(keeper, change(FIRST + 90, None, 200)) is APPLIED
    assert taken(keeper, change(FIRST + 90, None, 200)) == OLD
    assert isinstance(taken(keeper, change(17, None, 300)), WentStale)


def test_c_02_both_generations_count_alike() -> None:
    keeper = BookKeeper(epoch=1)
    snapshot, follower = (FUTURES.decode(line("futures", name).data, NOW_US)[0] for name in _CLASSIC)
    assert isinstance(snapshot, BookSnapshot)
    assert isinstance(follower, BookDelta)
    keeper.snapshot(snapshot)
    assert keeper.delta(follower) is APPLIED


_CLASSIC = ("book_classic", "book_classic_delta")


# ---------------------------------------------------------------- checksums, funding, refusals
@pytest.mark.parametrize(
    ("bids", "asks", "number"),
    [
        ([["43231.1", "4"], ["43231", "6"]], [["43232.8", "9"], ["43232.9", "8"]], -1504501796),
        ([["3366.1", "7"]], [["3366.8", "9"], ["3368", "8"], ["3372", "8"]], 831078360),
    ],
)
def test_a_checksum_is_that_of_the_texts(bids: list[list[str]], asks: list[list[str]], number: int) -> None:
    assert books.checksum(bids, asks) == number
    more = [[str(price), "1"] for price in range(30)]
    assert books.checksum(more, more) == books.checksum(more[:25], more[:25]) != books.checksum(more[:24], more[:24])


def test_the_ticker_and_rest_together_tell_funding_whole() -> None:
    (stream,) = FUTURES.decode(line("futures", "ticker").data, NOW_US)
    assert isinstance(stream, FundingUpdate)
    asked = FUTURES.read_funding(line("futures", "rest_funding").data, NOW_US)
    assert FUTURES.facts.funding_poll_s is not None
    assert merged(asked, stream) == FundingUpdate(
        native="BTCUSDT",
        whole=False,
        rate=0.00001,
        mark_price=27000.0,
        index_price=25702.4,
        next_us=1695722400000000,
        interval_us=28800000000,
        venue_us=1695715383039000,
        received_us=NOW_US,
    )


def told(code: object) -> bytes:
    return msgspec.json.encode({"code": code, "msg": "words", "requestTime": 1, "data": None})


@pytest.mark.parametrize(
    ("status", "body", "kind", "wait"),
    [
        (200, told("00000"), None, None),
        (200, told("40034"), VenueRefused, None),
        (200, told("429"), Unavailable, 1),
        (200, told(40200), Unavailable, 1),
        (400, told("25100"), VenueRefused, None),
        (400, told("40015"), Unavailable, 1),
        (400, told("00000"), VenueRefused, None),
        (429, told("429"), Unavailable, 1),
        (429, b"too many", Unavailable, 1),
        (403, b"<html>", VenueRefused, None),
        (404, b"", VenueRefused, None),
        (503, told("00000"), Unavailable, None),
    ],
)
def test_x_05_a_refusal_says_who_must_act(status: int, body: bytes, kind: type | None, wait: float | None) -> None:
    found = SPOT.refusal(status, {}, body)
    assert (type(found) if found else None) == kind
    assert getattr(found, "retry_after_s", None) == wait


def test_a_good_answer_without_a_code_is_an_invalid_message() -> None:
    with pytest.raises(InvalidMessage):
        SPOT.refusal(200, {}, b"<html>")
