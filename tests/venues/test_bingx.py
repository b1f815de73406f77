"""What BingX alone does: gzip on everything, numbers that skip, trades without ids, refusals behind a good status."""

from __future__ import annotations

import gzip
import json

import msgspec
import pytest

from tapeline.domain.book import APPLIED, OLD, BookDelta, BookKeeper, BookSnapshot, Restored, WentStale
from tapeline.errors import InvalidMessage, Misconfigured, Unavailable, VenueRefused
from tapeline.venues.bingx import FUTURES, SPOT
from tapeline.venues.bingx.market import BingxFeed
from tapeline.venues.bingx.values import MOST_INFLATED
from tapeline.venues.contract import (
    Answer,
    FundingUpdate,
    ServerPing,
    Unexpected,
    Want,
    socket_url,
)
from tapeline.venues.funding import merged
from tests.venues import expected_bingx
from tests.venues.recorded import Recorded, own

NOW_US = expected_bingx.RECEIVED_US
FEEDS = {"spot": SPOT, "futures": FUTURES}
EXPECTED = {"spot": expected_bingx.SPOT, "futures": expected_bingx.FUTURES}
STREAMED = [(market, line) for market in FEEDS for line in own("bingx", market) if not line.channel.startswith("rest_")]


def line_of(market: str, channel: str) -> Recorded:
    return next(line for line in own("bingx", market) if line.channel == channel)


# ---------------------------------------------------------------- frames as bytes
@pytest.mark.parametrize(("market", "line"), STREAMED, ids=lambda one: one if isinstance(one, str) else one.channel)
def test_c_03_a_frame_comes_in_gzip(market: str, line: Recorded) -> None:
    assert FEEDS[market].decode(gzip.compress(line.data), NOW_US) == EXPECTED[market][line.channel]


@pytest.mark.parametrize("feed", FEEDS.values(), ids=FEEDS)
@pytest.mark.parametrize("frame", [b"Ping", gzip.compress(b"Ping")], ids=["text", "gzip"])
def test_a_ping_of_text_is_answered_by_text(feed: BingxFeed, frame: bytes) -> None:
    assert feed.decode(frame, NOW_US) == (ServerPing(reply=b"Pong"),)


def test_a_json_ping_without_a_time_is_answered_without_one() -> None:
    assert SPOT.decode(b'{"ping":"x"}', NOW_US) == (ServerPing(reply=b'{"pong":"x"}'),)


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (gzip.compress(b'{"code":0}')[:-1], "ends early"),
        (gzip.compress(b'{"code":0}')[:12], "ends early"),
        (gzip.compress(b'{"code":0}') + b"x", "1 bytes behind"),
        (gzip.compress(b"0" * (MOST_INFLATED + 1)), f"more than {MOST_INFLATED} bytes"),
        (b"\x1f\x8bnonsense", "not gzip"),
        (gzip.compress(b"\xff"), "invalid"),
    ],
    ids=["no end", "cut", "more behind", "too large", "no gzip", "no text"],
)
def test_broken_gzip_is_an_invalid_message(frame: bytes, told: str) -> None:
    with pytest.raises(InvalidMessage, match=f"(?i){told}"):
        SPOT.decode(frame, NOW_US)


@pytest.mark.parametrize(
    ("market", "channel", "old", "new", "field"),
    [
        ("spot", "book_all", '"action":"all"', '"action":"some"', "data.action"),
        ("spot", "book_all", '"lastUpdateId":42173', '"lastUpdateId":1.5', "data.lastUpdateId"),
        ("spot", "book_all", '"lastUpdateId":42173,', "", "data"),
        ("spot", "book_all", '"0.0003"', '"-1"', "data.bids[...]"),
        ("spot", "book_update", ',"asks":{}', "", "data"),
        ("spot", "book_whole", '["57780.94","0.00085"]', '["57780.94"]', "data.bids[1]"),
        ("spot", "trade", '"t":"33685717"', '"x":1', "data.t"),
        ("spot", "trade", '"m":"true"', '"m":"perhaps"', "data.m"),
        ("spot", "rest_book", ',"ts":1702720487674', "", "data.T"),
        ("spot", "rest_trades", '"id":76909153,', "", "data[1].id"),
        ("spot", "rest_trades", '"buyerMaker":false', '"x":false', "data[2].isBuyerMaker"),
        ("spot", "rest_instruments", '"tickSize":1e-05', '"tickSize":"small"', "data.symbols[2].tickSize"),
        ("futures", "book_update", '["86377.2","18.0499"]', '["NaN","18.0499"]', "data.bids[0][0]"),
        ("futures", "book_update", '"time":1790127587285', '"time":1e300', "data.time"),
        ("futures", "book_all", '"dataType":"BTC-USDT@', '"dataType":"@', "dataType"),
        ("futures", "trade", '"q":"1.92"', '"q":"0"', "data[0].q"),
        ("futures", "funding", '"p":"2999.63"', '"p":"inf"', "data.p"),
        ("futures", "rest_funding", '"lastFundingRate":"0.00025100"', '"lastFundingRate":""', "data.lastFundingRate"),
        ("futures", "rest_instruments", '"quantityPrecision":4', '"quantityPrecision":99', "data[0].quantityPrecision"),
    ],
)
def test_a_wrong_field_is_an_invalid_message_that_names_it(
    market: str, channel: str, old: str, new: str, field: str
) -> None:
    line = line_of(market, channel)
    assert line.frame.count(old) == 1
    with pytest.raises(InvalidMessage) as caught:
        meaning(FEEDS[market], channel, line.frame.replace(old, new).encode())
    assert caught.value.field == field


def meaning(feed: BingxFeed, channel: str, data: bytes) -> object:
    match channel:
        case "rest_book":
            return feed.read_book(data, "BTC-USDT", 100, NOW_US)
        case "rest_trades":
            return feed.read_trades(data, "BTC-USDT", NOW_US)
        case "rest_funding":
            return feed.read_funding(data, NOW_US)
        case "rest_instruments":
            return feed.read_instruments(data, NOW_US)
        case _:
            return feed.decode(data, NOW_US)


@pytest.mark.parametrize("text", ["9" * 19, "9" * 5_000, "-1", "7.0"])
def test_an_id_that_is_not_ours_is_none(text: str) -> None:
    frame = msgspec.json.encode({"id": text, "code": 0, "msg": ""})
    assert SPOT.decode(frame, NOW_US) == (Answer(request_id=None),)


def test_two_texts_of_one_price_are_one_level_with_its_own_text() -> None:
    bids = '{"1.50":"9","2":"12345678901.1234567","1.5":"0.1234567890123456"}'
    frame = f'{{"dataType":"A-B@incrDepth","data":{{"action":"all","lastUpdateId":1,"bids":{bids},"asks":null}}}}'
    assert SPOT.decode(frame.encode(), NOW_US) == (
        BookSnapshot(
            native="A-B",
            sequence=1,
            replaces=True,
            bid_prices=(2.0, 1.5),
            bid_quantities=(12345678901.123457, 0.1234567890123456),
            ask_prices=(),
            ask_quantities=(),
            received_us=NOW_US,
            exact={"bid_quantities[0]": "12345678901.1234567", "bid_quantities[1]": "0.1234567890123456"},
        ),
    )


# ---------------------------------------------------------------- books
def update(number: int, at_ms: int, bids: object = (), asks: object = ()) -> BookDelta:
    data = {"action": "update", "lastUpdateId": number, "time": at_ms, "bids": bids, "asks": asks}
    (event,) = FUTURES.decode(msgspec.json.encode({"code": 0, "dataType": "BTC-USDT@incrDepth", "data": data}), at_ms)
    assert isinstance(event, BookDelta)
    return event


def whole(number: int, at_ms: int) -> BookSnapshot:
    levels = {"bids": [["99", "1"], ["98", "2"]], "asks": [["102", "4"], ["101", "3"]]}
    data = {"action": "all", "lastUpdateId": number, "time": at_ms, **levels}
    (event,) = FUTURES.decode(msgspec.json.encode({"code": 0, "dataType": "BTC-USDT@incrDepth", "data": data}), at_ms)
    assert isinstance(event, BookSnapshot)
    return event


def test_c_02_numbers_that_skip_make_no_hole() -> None:
    keeper = BookKeeper(epoch=1)
    assert isinstance(keeper.snapshot(whole(10, 1_000)), Restored)
    assert keeper.delta(update(11, 1_200, bids=[["99", "0.0000"]])) is APPLIED
    assert keeper.delta(update(16, 1_400, bids=[["98.5", "7"]], asks=[["101", "0"]])) is APPLIED
    top = keeper.top(0)
    assert (top.bid_prices, top.bid_quantities) == ((98.5, 98.0), (7.0, 2.0))
    assert (top.ask_prices, top.ask_quantities) == ((102.0,), (4.0,))


def test_c_02_a_frame_that_comes_twice_changes_nothing() -> None:
    keeper = BookKeeper(epoch=1)
    keeper.snapshot(whole(10, 1_000))
    change = update(12, 1_200, bids=[["99", "5"]])
    assert [keeper.delta(change), keeper.delta(change)] == [APPLIED, OLD]


def test_c_02_numbers_that_go_back_and_books_that_cross_are_found() -> None:
    keeper = BookKeeper(epoch=1)
    keeper.snapshot(whole(10, 1_000))
    keeper.delta(update(12, 1_200))
    assert isinstance(keeper.delta(update(11, 1_400)), WentStale)
    assert isinstance(keeper.snapshot(whole(20, 1_600)), Restored)
    assert isinstance(keeper.delta(update(23, 1_800, bids=[["101", "1"]])), WentStale)


def test_c_02_a_whole_book_in_between_is_a_hole_that_it_closes() -> None:
    keeper = BookKeeper(epoch=1)
    keeper.snapshot(whole(10, 1_000))
    outcome = keeper.snapshot(whole(30, 2_000))
    assert isinstance(outcome, Restored)
    assert outcome.hole is not None
    assert (outcome.hole.from_id, outcome.hole.to_id, outcome.hole.cause) == ("10", "30", "venue")


# ---------------------------------------------------------------- trades
def test_an_id_made_of_a_trade_is_the_same_wherever_the_trade_stands() -> None:
    ours = line_of("futures", "trade")
    frame = json.loads(ours.frame)
    streamed = FUTURES.decode(ours.data, NOW_US)
    frame["data"].insert(0, {"q": "5", "p": "2984", "T": 1714650253105, "m": False, "s": "BTC-USDT"})
    longer = FUTURES.decode(json.dumps(frame).encode(), NOW_US)
    assert longer[:-1] == streamed
    turned = {**frame, "data": frame["data"][::-1]}
    assert FUTURES.decode(json.dumps(turned).encode(), NOW_US) == longer
    answered = FUTURES.read_trades(line_of("futures", "rest_trades").data, "BTC-USDT", NOW_US)
    assert answered == streamed[1:]


# ---------------------------------------------------------------- requests
def test_c_04_each_stream_is_asked_for_by_a_frame_of_its_own() -> None:
    wants = [Want(channel=channel, native="BTC-USDT") for channel in ("book", "trade", "funding")]
    topics = ["BTC-USDT@incrDepth", "BTC-USDT@trade", "BTC-USDT@markPrice"]
    for asks, kind in ((FUTURES.subscribe(wants, 7), "sub"), (FUTURES.unsubscribe(wants, 7), "unsub")):
        assert [(one.socket, one.request_id, one.wants) for one in asks] == [
            ("public", number, (want,)) for number, want in enumerate(wants, 7)
        ]
        assert [msgspec.json.decode(one.frame) for one in asks] == [
            {"id": str(number), "reqType": kind, "dataType": topic} for number, topic in enumerate(topics, 7)
        ]


def test_c_04_the_limits_are_those_of_the_venue() -> None:
    for feed, url in (
        (SPOT, "wss://open-api-ws.bingx.com/market"),
        (FUTURES, "wss://open-api-swap.bingx.com/swap-market"),
    ):
        limits = feed.facts.limits
        assert socket_url(feed, feed.facts.main, "public") == url
        assert (limits.most_streams, limits.most_per_request) == (200, 1)
        assert limits.messages_per_s < 10
    assert (SPOT.facts.trades.ids, FUTURES.facts.trades.ids) == ("unordered", "none")
    assert (SPOT.facts.funding_poll_s, FUTURES.facts.funding_poll_s) == (None, 30)


def test_the_requests() -> None:
    assert [
        request.target
        for feed in (SPOT, FUTURES)
        for request in (
            feed.book_request("BTC-USDT", 20),
            feed.book_request("BTC-USDT", 21),
            feed.book_request("BTC-USDT", 0),
            feed.instruments_request(),
            feed.trades_request("BTC-USDT"),
        )
    ] == [
        "/openApi/spot/v1/market/depth?symbol=BTC-USDT&limit=20",
        "/openApi/spot/v1/market/depth?symbol=BTC-USDT&limit=50",
        "/openApi/spot/v1/market/depth?symbol=BTC-USDT&limit=1000",
        "/openApi/spot/v1/common/symbols",
        "/openApi/spot/v1/market/trades?symbol=BTC-USDT&limit=500",
        "/openApi/swap/v2/quote/depth?symbol=BTC-USDT&limit=20",
        "/openApi/swap/v2/quote/depth?symbol=BTC-USDT&limit=50",
        "/openApi/swap/v2/quote/depth?symbol=BTC-USDT&limit=1000",
        "/openApi/swap/v2/quote/contracts",
        "/openApi/swap/v2/quote/trades?symbol=BTC-USDT&limit=1000",
    ]
    assert FUTURES.funding_request("BTC-USDT").target == "/openApi/swap/v2/quote/premiumIndex?symbol=BTC-USDT"
    with pytest.raises(Misconfigured, match="has no funding: ask for futures"):
        SPOT.funding_request("BTC-USDT")


@pytest.mark.parametrize(
    ("status", "body", "kind", "wait"),
    [
        (200, b'{"code":0,"msg":"","data":{}}', None, None),
        (200, b'{"code":0,"timestamp":1,"data":{}}', None, None),
        (200, b'{"code":0,"msg":"SUCCESS"}', None, None),
        (200, b'{"code":0,"msg":"symbol is offline"}', VenueRefused, None),
        (200, b'{"code":100410,"msg":"rate limited"}', Unavailable, 300),
        (200, b'{"code":"100410","msg":"rate limited"}', Unavailable, 300),
        (200, b'{"code":109429,"msg":"restricted"}', Unavailable, 300),
        (200, b'{"code":109500,"msg":"Depth data not available"}', Unavailable, None),
        (200, b'{"code":80012,"msg":"service unavailable"}', Unavailable, None),
        (200, b'{"code":109425,"msg":"symbol not exist"}', VenueRefused, None),
        (200, b'{"code":109415,"msg":"paused"}', VenueRefused, None),
        (429, b"", Unavailable, 300),
        (418, b"", Unavailable, 600),
        (403, b"<html>", Unavailable, 300),
        (504, b"", Unavailable, None),
        (404, b"\xff", VenueRefused, None),
    ],
)
def test_x_05_a_refusal_says_who_must_act_and_how_long_to_wait(
    status: int, body: bytes, kind: type | None, wait: float | None
) -> None:
    found = FUTURES.refusal(status, {}, body)
    assert (type(found) if found else None) == kind
    assert getattr(found, "retry_after_s", None) == wait


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"<html>"])
def test_an_answer_that_is_none_is_an_invalid_message(body: bytes) -> None:
    with pytest.raises(InvalidMessage):
        SPOT.refusal(200, {}, body)


# ---------------------------------------------------------------- funding
def test_funding_may_come_as_a_list_of_one() -> None:
    frame = json.loads(line_of("futures", "rest_funding").frame)
    one = {**frame["data"], "lastFundingRate": "0.00012345678901234567"}
    found = FUTURES.read_funding(json.dumps({**frame, "data": [one]}).encode(), NOW_US)
    told = EXPECTED["futures"]["rest_funding"]
    assert isinstance(told, FundingUpdate)
    exact = {"rate": "0.00012345678901234567"}
    assert found == msgspec.structs.replace(told, rate=0.00012345678901234567, exact=exact)
    assert FUTURES.read_funding(json.dumps({**frame, "data": one}).encode(), NOW_US) == found
    with pytest.raises(InvalidMessage, match="one swap"):
        FUTURES.read_funding(json.dumps({**frame, "data": [one, one]}).encode(), NOW_US)


def test_a_mark_price_of_the_stream_leaves_the_polled_rest_as_it_is() -> None:
    polled, (marked,) = EXPECTED["futures"]["rest_funding"], FUTURES.decode(line_of("futures", "funding").data, NOW_US)
    assert isinstance(polled, FundingUpdate)
    assert isinstance(marked, FundingUpdate)
    assert merged(polled, marked) == msgspec.structs.replace(
        polled, mark_price=2999.63, venue_us=1714650884021000, received_us=NOW_US
    )


def test_spot_has_no_mark_price() -> None:
    assert SPOT.decode(line_of("futures", "funding").data, NOW_US) == (Unexpected(kind="BTC-USDT@markPrice"),)
