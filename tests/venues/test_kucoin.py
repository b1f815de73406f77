"""What is KuCoin's alone: a frame for each stream, its older name of BTC, two forms of sockets, its refusals."""

from __future__ import annotations

import msgspec
import pytest

from tapeline.domain.book import BookDelta, BookKeeper, BookSnapshot, Restored, WentStale
from tapeline.errors import InvalidMessage, Misconfigured, Unavailable, VenueRefused
from tapeline.venues.contract import Ask, Feed, FundingUpdate, Unexpected, Want
from tapeline.venues.funding import merged
from tapeline.venues.kucoin import FUTURES, SPOT
from tests.venues.expected_kucoin import RECEIVED_US
from tests.venues.recorded import own

NATIVE = {"spot": "BTC-USDT", "futures": "XBTUSDTM"}
FEED = {"spot": SPOT, "futures": FUTURES}


def frame(market: str, channel: str, old: str = "", new: str = "") -> bytes:
    """Return one of our own frames, one place of it changed."""
    (line,) = (line for line in own("kucoin", market) if line.channel == channel)
    assert line.frame.count(old) == 1 or not old
    return line.frame.replace(old, new).encode()


def meaning(market: str, channel: str, data: bytes) -> object:
    feed, native = FEED[market], NATIVE[market]
    match channel:
        case "rest_book":
            return feed.read_book(data, native, 100, RECEIVED_US)
        case "rest_trades":
            return feed.read_trades(data, native, RECEIVED_US)
        case "rest_funding":
            return feed.read_funding(data, RECEIVED_US)
        case "rest_instruments":
            return feed.read_instruments(data, RECEIVED_US)
        case _:
            return feed.decode(data, RECEIVED_US)


@pytest.mark.parametrize(
    ("feed", "symbol", "native"),
    [
        (SPOT, "BTC/USDT", "BTC-USDT"),
        (SPOT, "eth/btc", "ETH-BTC"),
        (FUTURES, "BTC/USDT", "XBTUSDTM"),
        (FUTURES, "BTC/USDC", "XBTUSDCM"),
        (FUTURES, "ETH/USDT", "ETHUSDTM"),
    ],
)
def test_c_03_a_symbol_has_the_venues_name(feed: Feed, symbol: str, native: str) -> None:
    assert feed.native(symbol) == native


def sent(asks: tuple[Ask, ...]) -> list[object]:
    return [msgspec.json.decode(ask.frame) for ask in asks]


@pytest.mark.parametrize(("feed", "kind", "native"), [(SPOT, "SPOT", "BTC-USDT"), (FUTURES, "FUTURES", "XBTUSDTM")])
def test_c_03_each_stream_is_asked_for_and_given_up_by_a_frame_of_its_own(feed: Feed, kind: str, native: str) -> None:
    wants = (Want(channel="book", native=native), Want(channel="trade", native=native))
    asks = feed.subscribe(wants, 7)
    book = {
        "id": "7",
        "action": "SUBSCRIBE",
        "channel": "obu",
        "symbol": native,
        "tradeType": kind,
        "depth": "increment@10ms",
    }
    trade = {"id": "8", "action": "SUBSCRIBE", "channel": "trade", "symbol": native, "tradeType": kind}
    assert sent(asks) == [book, trade]
    assert [(ask.socket, ask.request_id, ask.wants) for ask in asks] == [
        ("public", 7, wants[:1]),
        ("public", 8, wants[1:]),
    ]
    gone = {"action": "UNSUBSCRIBE"}
    assert sent(feed.unsubscribe(wants, 7)) == [book | gone, trade | gone]


def test_c_03_funding_is_asked_for_on_two_streams_which_take_no_trade_type() -> None:
    want = Want(channel="funding", native="XBTUSDTM", depth=0)
    asks = FUTURES.subscribe((want, Want(channel="trade", native="ETHUSDTM")), 3)
    assert sent(asks) == [
        {"id": "3", "action": "SUBSCRIBE", "channel": "funding-fee", "symbol": "XBTUSDTM"},
        {"id": "4", "action": "SUBSCRIBE", "channel": "mark-price", "symbol": "XBTUSDTM"},
        {"id": "5", "action": "SUBSCRIBE", "channel": "trade", "symbol": "ETHUSDTM", "tradeType": "FUTURES"},
    ]
    assert [ask.request_id for ask in asks] == [3, 4, 5]
    assert [ask.wants for ask in asks[:2]] == [(want,), (want,)]


def test_two_streams_of_funding_are_one_picture() -> None:
    rate, prices = (FUTURES.decode(frame("futures", name), RECEIVED_US)[0] for name in ("funding", "funding_prices"))
    assert isinstance(rate, FundingUpdate)
    assert isinstance(prices, FundingUpdate)
    assert merged(merged(None, rate), prices) == FundingUpdate(
        native="XBTUSDTM",
        whole=False,
        rate=-0.000072,
        mark_price=90445.12345678901,
        index_price=90444.0,
        next_us=1786838400000000,
        interval_us=28_800_000_000,
        venue_us=1731899128999000,
        received_us=RECEIVED_US,
        exact={"mark_price": "90445.1234567890123"},
    )


def test_funding_on_a_socket_of_spot_is_unexpected() -> None:
    found = [SPOT.decode(frame("futures", name), RECEIVED_US) for name in ("funding", "funding_prices")]
    assert found == [(Unexpected(kind="funding-fee"),), (Unexpected(kind="mark-price"),)]


def test_the_ping_is_json() -> None:
    assert SPOT.ping(3) == b'{"id":"3","type":"ping"}'


@pytest.mark.parametrize(
    ("market", "channel", "old", "new", "field"),
    [
        ("spot", "book_delta", '"O":25984468415', '"O":25984468418', "d.O"),
        ("spot", "book_delta", '"O":25984468415', '"O":1.5', "d.O"),
        ("spot", "book_delta", '"C":25984468417,', "", "d"),
        ("spot", "book_delta", '"t":"delta"', '"t":"news"', "t"),
        ("spot", "book_delta", '"3.5"', '"-1"', "d.b[1][1]"),
        ("spot", "book_delta", '"3.5"', '"NaN"', "d.b[1][1]"),
        ("spot", "book_delta", '["90700","3.5"]', '["0","3.5"]', "d.b[1][0]"),
        ("spot", "book_delta", '["90700","3.5"]', '["90700","3.5","1"]', "d.b[1]"),
        ("spot", "book_delta", '"M":"1768217874996000000"', '"M":"soon"', "d.M"),
        ("spot", "trade", '"S":"sell"', '"S":"both"', "d.S"),
        ("spot", "trade", '"q":"0.00008036"', '"q":"0"', "d.q"),
        ("spot", "trade", '"E":20631804219899904,', "", "d"),
        ("spot", "classic_book", '"sequenceStart":14701689783', '"sequenceStart":14701689787', "data.sequenceStart"),
        ("spot", "classic_book", '"symbol":"BTC-USDT"', '"symbol":"ETH-USDT"', "data.symbol"),
        ("spot", "classic_book", '"67993.3"', '"-67993.3"', "data.changes.asks[1][0]"),
        ("spot", "classic_book", '"14701689785"', '"first"', "data.changes.bids[0][2]"),
        ("spot", "classic_whole", '"timestamp":1586948108193', '"at":1586948108193', "data.timestamp"),
        ("spot", "classic_trade", '"symbol":"BTC-USDT"', '"symbol":"ETH-USDT"', "data.symbol"),
        ("spot", "classic_trade", '"side":"buy"', '"side":"Buy"', "data.side"),
        ("spot", "classic_trade", '"time":"1545913818099033203"', '"at":1', "data.time"),
        ("spot", "rest_book", '"sequence":"14701689790"', '"sequence":null', "data.sequence"),
        ("spot", "rest_trades", '"side":"buy"', '"side":"none"', "data[0].side"),
        ("spot", "rest_trades", '"ts":1750392018365000000', '"at":1', "data[0].time"),
        ("spot", "rest_instruments", '"priceIncrement":"0.1"', '"priceIncrement":"sNaN"', "priceIncrement"),
        ("spot", "rest_instruments", '"baseMinSize":"0.01"', '"baseMinSize":"1e999999"', "baseMinSize"),
        ("futures", "funding", '"fr":"-0.000072"', '"fr":"inf"', "d.fr"),
        ("futures", "funding", '"nt":1786838400000', '"nt":"later"', "d.nt"),
        ("futures", "funding_prices", '"ip":"90444"', '"ip":""', "d.ip"),
        ("futures", "classic_book", "83614,buy,12", "83614,up,12", "data.change"),
        ("futures", "classic_book", "83614,buy,12", "83614,buy", "data.change"),
        ("futures", "classic_book", "83614,buy,12", "83614,buy,12,1", "data.change"),
        ("futures", "classic_book", "83614,buy,12", "0,buy,12", "data.change"),
        ("futures", "classic_book", "83614,buy,12", "83614,buy,NaN", "data.change"),
        ("futures", "rest_book", '"symbol":"XBTUSDTM"', '"symbol":"ETHUSDTM"', "data.symbol"),
        ("futures", "rest_funding", '"markPrice":90445.02', '"markPrice":"x"', "data.markPrice"),
    ],
)
def test_a_wrong_field_is_an_invalid_message_that_names_it(
    market: str, channel: str, old: str, new: str, field: str
) -> None:
    with pytest.raises(InvalidMessage) as caught:
        meaning(market, channel, frame(market, channel, old, new))
    assert caught.value.field == field


def test_a_trade_without_id_and_number_is_none() -> None:
    body = b'{"code":"200000","data":[{"price":"1","size":"1","side":"buy","time":1545904567062140823}]}'
    with pytest.raises(InvalidMessage) as caught:
        SPOT.read_trades(body, "BTC-USDT", RECEIVED_US)
    assert caught.value.field == "data[0].tradeId"


def test_changes_of_one_price_apply_in_the_order_of_their_numbers() -> None:
    data = frame("spot", "classic_book", '["67994","2","14701689786"]', '["67993.3","2","14701689786"]')
    (delta,) = SPOT.decode(data, RECEIVED_US)
    whole = msgspec.structs.replace(
        SPOT.read_book(frame("spot", "rest_book"), "BTC-USDT", 100, RECEIVED_US), sequence=14701689782
    )
    keeper = BookKeeper(epoch=1)
    keeper.snapshot(whole)
    assert isinstance(delta, BookDelta)
    keeper.delta(delta)
    assert (keeper.top(0).ask_prices, keeper.top(0).ask_quantities) == ((67993.3,), (2.0,))


@pytest.mark.parametrize("market", NATIVE)
def test_c_02_the_unified_stream_begins_by_itself_and_its_holes_are_found(market: str) -> None:
    feed = FEED[market]
    ((begin,), (change,)) = (feed.decode(frame(market, name), RECEIVED_US) for name in ("book_snapshot", "book_delta"))
    assert isinstance(begin, BookSnapshot)
    assert isinstance(change, BookDelta)
    keeper = BookKeeper(epoch=1)
    assert isinstance(keeper.snapshot(begin), Restored)
    outcome = keeper.delta(msgspec.structs.replace(change, follows=begin.sequence + 1, first=begin.sequence + 2))
    assert isinstance(outcome, WentStale)
    assert (outcome.hole.from_id, outcome.hole.cause) == (str(begin.sequence), "sequence")
    again = msgspec.structs.replace(begin, sequence=change.sequence + 3, venue_us=change.venue_us)
    closed = msgspec.structs.replace(
        outcome.hole, to_id=str(again.sequence), to_epoch=outcome.hole.epoch, end_us=change.venue_us
    )
    assert keeper.snapshot(again) == Restored(again, (), closed)


@pytest.mark.parametrize(
    ("feed", "depth", "target", "cost"),
    [
        (SPOT, 20, "/api/v1/market/orderbook/level2_20?symbol=BTC-USDT", 2),
        (SPOT, 21, "/api/v1/market/orderbook/level2_100?symbol=BTC-USDT", 4),
        (SPOT, 0, "/api/v1/market/orderbook/level2_100?symbol=BTC-USDT", 4),
        (FUTURES, 5, "/api/v1/level2/depth20?symbol=BTC-USDT", 5),
        (FUTURES, 100, "/api/v1/level2/depth100?symbol=BTC-USDT", 10),
        (FUTURES, 101, "/api/v1/level2/snapshot?symbol=BTC-USDT", 3),
        (FUTURES, 5000, "/api/v1/level2/snapshot?symbol=BTC-USDT", 3),
    ],
)
def test_a_book_is_requested_at_its_cost(feed: Feed, depth: int, target: str, cost: int) -> None:
    request = feed.book_request("BTC-USDT", depth)
    assert (request.target, request.cost) == (target, cost)


def test_the_other_requests() -> None:
    requests = [
        SPOT.instruments_request(),
        SPOT.trades_request("BTC-USDT"),
        FUTURES.instruments_request(),
        FUTURES.trades_request("XBTUSDTM"),
        FUTURES.funding_request("XBTUSDTM"),
    ]
    assert [(request.target, request.cost) for request in requests] == [
        ("/api/v2/symbols", 4),
        ("/api/ua/v1/market/trade?tradeType=SPOT&symbol=BTC-USDT", 6),
        ("/api/v1/contracts/active", 3),
        ("/api/v1/trade/history?symbol=XBTUSDTM", 5),
        ("/api/v1/contracts/XBTUSDTM", 3),
    ]
    with pytest.raises(Misconfigured, match="has no funding: ask for futures"):
        SPOT.funding_request("BTC-USDT")


OVERLOADED = b'{"code":"429000","msg":"Too many requests"}'


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind", "wait"),
    [
        (200, {}, b'{"code":"200000","data":[]}', None, None),
        (200, {}, b'{"code":"400100","msg":"symbol not exists"}', VenueRefused, None),
        (200, {}, b'{"code":900001,"msg":"symbol not exists"}', VenueRefused, None),
        (200, {"GW-RateLimit-Reset": "2500"}, OVERLOADED, Unavailable, 2.5),
        (429, {"gw-ratelimit-reset": "17"}, OVERLOADED, Unavailable, 0.017),
        (429, {}, OVERLOADED, Unavailable, None),
        (429, {"gw-ratelimit-reset": "soon"}, b"error code: 1015", Unavailable, 30),
        (200, {}, b'{"code":"200002","msg":"too many"}', Unavailable, 30),
        (200, {}, b'{"code":"500000","msg":"Internal Server Error"}', Unavailable, None),
        (400, {}, b'{"code":"230005","msg":"System error"}', Unavailable, None),
        (503, {}, b"<html>", Unavailable, None),
        (403, {}, b'{"code":"400500","msg":"not in your region"}', VenueRefused, None),
        (404, {}, b"", VenueRefused, None),
        (400, {}, b'{"code":"200000"}', VenueRefused, None),
    ],
)
@pytest.mark.parametrize("feed", [SPOT, FUTURES], ids=["spot", "futures"])
def test_x_05_a_refusal_says_who_must_act_and_how_long_to_wait(
    feed: Feed, status: int, headers: dict[str, str], body: bytes, kind: type | None, wait: float | None
) -> None:
    found = feed.refusal(status, headers, body)
    assert (type(found) if found else None) == kind
    assert getattr(found, "retry_after_s", None) == wait


def test_an_answer_without_a_code_is_an_invalid_message() -> None:
    with pytest.raises(InvalidMessage):
        SPOT.refusal(200, {}, b"<html>")
