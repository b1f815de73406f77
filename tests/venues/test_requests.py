"""One suite for all venues and markets: what is asked of a venue, within its limits, and what its refusals mean."""

from __future__ import annotations

import msgspec
import pytest

from tapeline.errors import Misconfigured, Unavailable, VenueRefused
from tapeline.venues.contract import Feed, Want, socket_url
from tests.venues.test_decode import FEEDS, NATIVES


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


STREAMED = [name for name, feed in FEEDS.items() if "trade" in feed.facts.channels]


@pytest.mark.parametrize("name", STREAMED)
def test_requests_stay_within_the_venues_limits_and_name_every_want_once(name: str) -> None:
    feed = FEEDS[name]
    wants = [Want(channel="trade", native=f"C{number}USDT") for number in range(230)]
    for asks in (feed.subscribe(wants, 1), *([feed.unsubscribe(wants, 1)] if feed.facts.node is None else [])):
        assert [want for ask in asks for want in ask.wants] == wants
        assert [ask.request_id for ask in asks] == list(range(1, len(asks) + 1))
        assert all(len(ask.wants) <= (feed.facts.limits.most_per_request or len(wants)) for ask in asks)
        assert {ask.socket for ask in asks} == {feed.facts.channels["trade"]}


@pytest.mark.parametrize("name", FEEDS)
def test_facts_belong_together(name: str) -> None:
    feed = FEEDS[name]
    facts = feed.facts
    assert f"{facts.venue}:{facts.market}" == name
    # What is polled comes over no socket.
    polled = {"rest"} if facts.book.poll_s is not None else set()
    assert set(facts.channels.values()) - set(facts.sockets) == polled
    assert (facts.channels["book"] in polled) == bool(polled)
    assert ("funding" in facts.channels) == (facts.market == "futures")
    assert (feed.ping(3) is None) == (facts.keepalive.ping == "frame")
    assert feed.native("BTC/USDT") == NATIVES.get(name, "BTCUSDT")
    for hosts in (facts.main, *(() if facts.test is None else (facts.test,))):
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
        ("okx:spot", 50, "/api/v5/market/books?instId=BTC-USDT&sz=50", 5),
        ("okx:futures", 400, "/api/v5/market/books?instId=BTC-USDT-SWAP&sz=400", 5),
        ("okx:futures", 401, "/api/v5/market/books-full?instId=BTC-USDT-SWAP&sz=401", 20),
        ("okx:spot", 0, "/api/v5/market/books-full?instId=BTC-USDT&sz=5000", 20),
    ],
)
def test_a_book_is_requested_at_its_cost(name: str, depth: int, target: str, cost: int) -> None:
    request = FEEDS[name].book_request(FEEDS[name].native("BTC/USDT"), depth)
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
        (
            "okx:spot",
            ["/api/v5/public/instruments?instType=SPOT", "/api/v5/market/trades?instId=BTC-USDT&limit=500"],
        ),
        (
            "okx:futures",
            ["/api/v5/public/instruments?instType=SWAP", "/api/v5/market/trades?instId=BTC-USDT-SWAP&limit=500"],
        ),
    ],
)
def test_the_other_requests(name: str, targets: list[str]) -> None:
    feed = FEEDS[name]
    assert [feed.instruments_request().target, feed.trades_request(feed.native("BTC/USDT")).target] == targets


def test_the_next_page_is_asked_by_its_cursor() -> None:
    target = FEEDS["bybit:futures"].instruments_request("first%3DBTC").target
    assert target == "/v5/market/instruments-info?category=linear&limit=1000&cursor=first%3DBTC"


@pytest.mark.parametrize("name", [name for name in FEEDS if name.endswith(":spot")])
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
        ("okx:spot", 200, {}, b'{"code":"0","msg":"","data":[]}', None, None),
        ("okx:spot", 429, {}, b'{"code":"50011","msg":"Rate limit reached."}', Unavailable, 2),
        ("okx:spot", 200, {}, b'{"code":"50011","msg":"Rate limit reached."}', Unavailable, 2),
        ("okx:futures", 200, {}, b'{"code":"50013","msg":"Systems are busy."}', Unavailable, None),
        ("okx:futures", 400, {}, b'{"code":"50001","msg":"Service temporarily unavailable."}', Unavailable, None),
        ("okx:futures", 503, {}, b"<html>", Unavailable, None),
        ("okx:futures", 403, {}, b"<html>", VenueRefused, None),
        ("okx:spot", 200, {}, b'{"code":"51001","msg":"Instrument ID does not exist"}', VenueRefused, None),
        ("okx:spot", 404, {}, b'{"code":"0","msg":""}', VenueRefused, None),
    ],
)
def test_x_05_a_refusal_says_who_must_act_and_how_long_to_wait(
    name: str, status: int, headers: dict[str, str], body: bytes, kind: type | None, wait: float | None
) -> None:
    found = FEEDS[name].refusal(status, headers, body)
    assert (type(found) if found else None) == kind
    assert getattr(found, "retry_after_s", None) == wait
