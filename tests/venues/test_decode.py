"""One suite for all venues and markets: what a frame or answer means, compared as whole values."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from tapeline.errors import InvalidMessage, Misconfigured, Unavailable, VenueRefused
from tapeline.venues import registry
from tapeline.venues.contract import Feed, FundingUpdate, PublicTrade, Want, merged, socket_url
from tests.venues import expected_binance, expected_bybit, expected_mexc, expected_mexc_futures
from tests.venues.recorded import Recorded, own, stretch

NOW_US = expected_binance.RECEIVED_US
EXPECTED = {
    "binance:spot": expected_binance.SPOT,
    "binance:futures": expected_binance.FUTURES,
    "bybit:spot": expected_bybit.SPOT,
    "bybit:futures": expected_bybit.FUTURES,
    "mexc:spot": expected_mexc.SPOT,
    "mexc:futures": expected_mexc_futures.FUTURES,
}
NATIVES = {"mexc:futures": "BTC_USDT"}
FEEDS = {f"{venue.id}:{market}": feed for venue in registry.VENUES.values() for market, feed in venue.feeds.items()}
OWN = [(name, line) for name in FEEDS for line in own(*name.split(":"))]
TEXTS = [(name, line) for name, line in OWN if line.encoding is None]
EXACT_DECODER = msgspec.json.Decoder(float_hook=Decimal)
EXACT_ENCODER = msgspec.json.Encoder(decimal_format="number")


def meaning(feed: Feed, line: Recorded) -> object:
    native = feed.native("BTC/USDT")
    match line.channel:
        case "rest_book":
            return feed.read_book(line.data, native, 100, NOW_US)
        case "rest_trades":
            return feed.read_trades(line.data, native, NOW_US)
        case "rest_funding":
            return feed.read_funding(line.data, NOW_US)
        case "rest_instruments":
            return feed.read_instruments(line.data, NOW_US)
        case _:
            return feed.decode(line.data, NOW_US)


def test_c_03_every_market_of_every_venue_has_frames() -> None:
    assert {name: sorted(values) for name, values in EXPECTED.items()} == {
        name: sorted(line.channel for line in own(*name.split(":"))) for name in FEEDS
    }


@pytest.mark.parametrize(("name", "line"), OWN, ids=lambda one: one if isinstance(one, str) else one.channel)
def test_c_03_a_frame_means_this(name: str, line: Recorded) -> None:
    assert meaning(FEEDS[name], line) == EXPECTED[name][line.channel]


@pytest.mark.parametrize(("name", "line"), TEXTS, ids=lambda one: one if isinstance(one, str) else one.channel)
def test_c_03_unknown_fields_are_ignored(name: str, line: Recorded) -> None:
    plain = EXACT_DECODER.decode(line.data)
    for holder in (plain, *(plain.values() if isinstance(plain, dict) else plain)):
        if isinstance(holder, dict):
            holder["something_new"] = {"deep": [1, None]}
    widened = msgspec.structs.replace(line, frame=EXACT_ENCODER.encode(plain).decode())
    assert meaning(FEEDS[name], widened) == EXPECTED[name][line.channel]


@pytest.mark.parametrize(
    ("name", "channel", "old", "new", "field"),
    [
        ("binance:spot", "book_delta", '"U":157', '"U":"x"', "data.U"),
        ("binance:spot", "book_delta", '"U":157', '"U":161', "U"),
        ("binance:spot", "book_delta", '"u":160,', "", "data"),
        ("binance:spot", "book_delta", '"6195.00000000"', '"NaN"', "data.b[0][1]"),
        ("binance:spot", "book_delta", '"6195.00000000"', '"-1"', "data.b[0][1]"),
        ("binance:spot", "book_delta", '"0.35130000"', '"0"', "data.b[0][0]"),
        ("binance:spot", "book_delta", '"0.35130000"', "null", "data.b[0][0]"),
        ("binance:spot", "book_delta", '"E":1700000000100', '"E":1e300', "data.E"),
        ("binance:spot", "trade", '"q":"100"', '"q":"0"', "q"),
        ("binance:spot", "trade", '"m":true', '"m":"perhaps"', "m"),
        ("binance:spot", "trade", '"t":12345', '"x":12345', "t"),
        ("binance:spot", "rest_book", '"lastUpdateId":1027024', '"lastUpdateId":null', "lastUpdateId"),
        ("binance:futures", "book_delta", '"pu":600859600917,', "", "pu"),
        ("binance:futures", "book_delta", '"pu":600859600917', '"pu":600859601193', "U"),
        ("binance:futures", "funding", '"r":"0.00038167"', '"r":"inf"', "r"),
        ("bybit:spot", "book_delta", '"u":177400507', '"u":1.5', "data.u"),
        ("bybit:spot", "book_delta", '"type":"delta"', '"type":"news"', "type"),
        ("bybit:spot", "book_delta", '"30.028"', '"1e999"', "data.b[0][1]"),
        ("bybit:spot", "trade", '"S":"Buy"', '"S":"Both"', "S"),
        ("bybit:spot", "trade", '"p":"16578.50"', '"p":[]', "data[0].p"),
        ("bybit:spot", "rest_book", '"s":"BTCUSDT"', '"s":"ETHUSDT"', "result.s"),
        ("bybit:futures", "funding", '"fundingRate":"-0.000212"', '"fundingRate":"much"', "fundingRate"),
        ("bybit:futures", "funding", '"nextFundingTime":"1673280000000"', '"nextFundingTime":"1.5"', "nextFundingTime"),
    ],
)
def test_a_wrong_field_is_an_invalid_message_that_names_it(
    name: str, channel: str, old: str, new: str, field: str
) -> None:
    line = next(line for line in own(*name.split(":")) if line.channel == channel)
    assert line.frame.count(old) == 1
    with pytest.raises(InvalidMessage) as caught:
        meaning(FEEDS[name], msgspec.structs.replace(line, frame=line.frame.replace(old, new)))
    assert caught.value.field == field


@pytest.mark.parametrize("name", FEEDS)
@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff", b'{"topic":"orderbook.', b"[" * 5_000])
def test_what_is_no_frame_is_an_invalid_message(name: str, data: bytes) -> None:
    with pytest.raises(InvalidMessage):
        FEEDS[name].decode(data, NOW_US)


def asked(feed: Feed, *wants: Want) -> list[tuple[str, int, object]]:
    return [(ask.socket, ask.request_id, msgspec.json.decode(ask.frame)) for ask in feed.subscribe(wants, 7)]


BOOK, TRADES, FUNDING = (
    Want(channel="book", native="BTCUSDT"),
    Want(channel="trade", native="BTCUSDT"),
    Want(channel="funding", native="BTCUSDT"),
)


def test_c_04_binance_spot_is_asked_on_one_socket() -> None:
    names = ["btcusdt@depth@100ms", "btcusdt@trade"]
    assert asked(FEEDS["binance:spot"], BOOK, TRADES) == [
        ("public", 7, {"method": "SUBSCRIBE", "params": names, "id": 7})
    ]


def test_c_04_binance_futures_are_asked_where_the_venue_serves_them() -> None:
    assert asked(FEEDS["binance:futures"], TRADES, BOOK, FUNDING) == [
        ("public", 7, {"method": "SUBSCRIBE", "params": ["btcusdt@depth@100ms"], "id": 7}),
        ("market", 8, {"method": "SUBSCRIBE", "params": ["btcusdt@aggTrade", "btcusdt@markPrice@1s"], "id": 8}),
    ]


@pytest.mark.parametrize(("depth", "topic"), [(20, 50), (50, 50), (51, 200), (1000, 1000), (0, 1000), (5000, 1000)])
def test_bybit_is_asked_for_the_next_larger_depth(depth: int, topic: int) -> None:
    want = msgspec.structs.replace(BOOK, depth=depth)
    assert asked(FEEDS["bybit:spot"], want) == [
        ("public", 7, {"req_id": "7", "op": "subscribe", "args": [f"orderbook.{topic}.BTCUSDT"]})
    ]


@pytest.mark.parametrize("name", FEEDS)
def test_requests_stay_within_the_venues_limits_and_name_every_want_once(name: str) -> None:
    feed = FEEDS[name]
    wants = [Want(channel="trade", native=f"C{number}USDT") for number in range(230)]
    for asks in (feed.subscribe(wants, 1), feed.unsubscribe(wants, 1)):
        assert [want for ask in asks for want in ask.wants] == wants
        assert [ask.request_id for ask in asks] == list(range(1, len(asks) + 1))
        assert all(len(ask.wants) <= (feed.facts.limits.most_per_request or len(wants)) for ask in asks)
        assert {ask.socket for ask in asks} == {feed.facts.channels["trade"]}


@pytest.mark.parametrize("name", FEEDS)
def test_facts_belong_together(name: str) -> None:
    feed = FEEDS[name]
    facts = feed.facts
    assert f"{facts.venue}:{facts.market}" == name
    assert set(facts.channels.values()) == set(facts.sockets)
    assert ("funding" in facts.channels) == (facts.market == "futures")
    assert (feed.ping(3) is None) == (facts.keepalive.ping == "frame")
    assert feed.native("BTC/USDT") == NATIVES.get(name, "BTCUSDT")
    for hosts in (facts.main, facts.test):
        assert hosts.rest.startswith("https://")
        assert all(socket_url(feed, hosts, socket).startswith("wss://") for socket in facts.sockets)


def test_a_socket_stands_behind_any_base() -> None:
    feed = FEEDS["binance:futures"]
    hosts = msgspec.structs.replace(feed.facts.main, ws="ws://127.0.0.1:8081/")
    assert socket_url(feed, hosts, "market") == "ws://127.0.0.1:8081/market/stream"


def test_bybit_names_usdc_perpetuals_otherwise() -> None:
    assert (FEEDS["bybit:futures"].native("BTC/USDC"), FEEDS["bybit:spot"].native("BTC/USDC")) == ("BTCPERP", "BTCUSDC")


def test_bybit_pings_in_json() -> None:
    assert FEEDS["bybit:spot"].ping(3) == b'{"req_id":"3","op":"ping"}'


@pytest.mark.parametrize(
    ("name", "depth", "target", "cost"),
    [
        ("binance:spot", 20, "/api/v3/depth?symbol=BTCUSDT&limit=100", 5),
        ("binance:spot", 1000, "/api/v3/depth?symbol=BTCUSDT&limit=1000", 50),
        ("binance:spot", 0, "/api/v3/depth?symbol=BTCUSDT&limit=5000", 250),
        ("binance:futures", 1000, "/fapi/v1/depth?symbol=BTCUSDT&limit=1000", 20),
        ("binance:futures", 5000, "/fapi/v1/depth?symbol=BTCUSDT&limit=1000", 20),
        ("bybit:spot", 50, "/v5/market/orderbook?category=spot&symbol=BTCUSDT&limit=50", 1),
        ("bybit:futures", 0, "/v5/market/orderbook?category=linear&symbol=BTCUSDT&limit=1000", 1),
    ],
)
def test_a_book_is_requested_at_its_cost(name: str, depth: int, target: str, cost: int) -> None:
    request = FEEDS[name].book_request("BTCUSDT", depth)
    assert (request.target, request.cost) == (target, cost)


@pytest.mark.parametrize(
    ("name", "targets"),
    [
        ("binance:spot", ["/api/v3/exchangeInfo", "/api/v3/trades?symbol=BTCUSDT&limit=1000"]),
        ("binance:futures", ["/fapi/v1/exchangeInfo", "/fapi/v1/aggTrades?symbol=BTCUSDT&limit=1000"]),
        (
            "bybit:spot",
            [
                "/v5/market/instruments-info?category=spot",
                "/v5/market/recent-trade?category=spot&symbol=BTCUSDT&limit=60",
            ],
        ),
        (
            "bybit:futures",
            [
                "/v5/market/instruments-info?category=linear&limit=1000",
                "/v5/market/recent-trade?category=linear&symbol=BTCUSDT&limit=1000",
            ],
        ),
    ],
)
def test_the_other_requests(name: str, targets: list[str]) -> None:
    feed = FEEDS[name]
    assert [feed.instruments_request().target, feed.trades_request("BTCUSDT").target] == targets


def test_the_next_page_is_asked_by_its_cursor() -> None:
    target = FEEDS["bybit:futures"].instruments_request("first%3DBTC").target
    assert target == "/v5/market/instruments-info?category=linear&limit=1000&cursor=first%3DBTC"


@pytest.mark.parametrize("name", ["binance:spot", "bybit:spot", "mexc:spot"])
def test_spot_has_no_funding(name: str) -> None:
    with pytest.raises(Misconfigured, match="has no funding: ask for futures"):
        FEEDS[name].funding_request("BTCUSDT")


GOOD = b'{"retCode":0,"retMsg":"OK","result":{}}'
LIMITED = b'{"retCode":10006,"retMsg":"Too many visits!","result":{}}'
UNKNOWN = b'{"retCode":10001,"retMsg":"params error: symbol invalid","result":{}}'


@pytest.mark.parametrize(
    ("name", "status", "headers", "body", "kind", "wait"),
    [
        ("binance:spot", 200, {}, b"{}", None, None),
        ("binance:spot", 429, {"Retry-After": "7"}, b"", Unavailable, 7),
        ("binance:spot", 429, {}, b"", Unavailable, 60),
        ("binance:futures", 418, {}, b"", Unavailable, 120),
        ("binance:futures", 503, {}, b"", Unavailable, None),
        ("binance:spot", 400, {}, b'{"code":-1121,"msg":"Invalid symbol."}', VenueRefused, None),
        ("bybit:spot", 200, {}, GOOD, None, None),
        ("bybit:spot", 200, {}, LIMITED, Unavailable, 5),
        ("bybit:spot", 200, {}, UNKNOWN, VenueRefused, None),
        ("bybit:futures", 403, {}, b"", Unavailable, 600),
        ("bybit:futures", 429, {}, b"", Unavailable, 5),
        ("bybit:futures", 502, {}, b"", Unavailable, None),
        ("bybit:futures", 404, {}, b"", VenueRefused, None),
    ],
)
def test_x_05_a_refusal_says_who_must_act_and_how_long_to_wait(
    name: str, status: int, headers: dict[str, str], body: bytes, kind: type | None, wait: float | None
) -> None:
    found = FEEDS[name].refusal(status, headers, body)
    assert (type(found) if found else None) == kind
    assert getattr(found, "retry_after_s", None) == wait


def test_a_partial_update_keeps_what_it_does_not_name() -> None:
    update = EXPECTED["bybit:futures"]
    whole, change = (value[0] for value in (update["funding"], update["funding_change"]) if isinstance(value, tuple))
    assert merged(whole, change) == FundingUpdate(
        native="BTCUSDT",
        whole=True,
        rate=-0.000212,
        mark_price=17218.0,
        index_price=17227.36,
        next_us=1673280000000000,
        venue_us=1673272861786000,
        received_us=NOW_US,
    )
    assert merged(None, change) == change
    assert merged(change, whole) == whole


@pytest.mark.parametrize(
    ("name", "recorded"),
    [("binance:spot", "binance/spot.trade-20240808btc"), ("binance:futures", "binance/futures.trade-202107")],
)
def test_recorded_trade_ids_leave_none_out(name: str, recorded: str) -> None:
    feed = FEEDS[name]
    assert feed.facts.trades.ids == "consecutive"
    last: dict[str, int] = {}
    for line in stretch(recorded):
        (trade,) = feed.decode(line.data, NOW_US)
        assert isinstance(trade, PublicTrade)
        assert trade.sequence is not None
        assert last.get(trade.native, trade.sequence - 1) == trade.sequence - 1
        last[trade.native] = trade.sequence
    assert last


@pytest.mark.parametrize(
    ("name", "recorded"),
    [
        ("binance:spot", "binance/spot.instruments-cf-202110"),
        ("binance:futures", "binance/futures.instruments-cf-202107"),
    ],
)
def test_recorded_instruments_are_read_whole(name: str, recorded: str) -> None:
    (line,) = stretch(recorded)
    page = FEEDS[name].read_instruments(line.data, NOW_US)
    assert page.skipped == ()
    assert all(FEEDS[name].native(one.symbol) == one.native for one in page.instruments)
    assert len(page.instruments) > 50


def test_an_unknown_venue_names_the_nearest() -> None:
    with pytest.raises(Misconfigured, match=r"^unknown exchange: binnance: did you mean binance\?"):
        registry.venue("binnance")
    with pytest.raises(Misconfigured, match=f"^unknown exchange: zzz: known are {', '.join(registry.VENUES)}$"):
        registry.feed("zzz", "spot")
    assert registry.feed("bybit", "spot") is FEEDS["bybit:spot"]
