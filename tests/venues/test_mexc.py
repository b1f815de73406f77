"""What MEXC does in its own way: two protocols, answers without names, funding in parts, recorded samples."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import pytest

from tapeline.domain.events import Market
from tapeline.errors import Unavailable, VenueRefused
from tapeline.venues import registry
from tapeline.venues.contract import Event, FundingUpdate, Unexpected, Want
from tapeline.venues.funding import merged
from tests.venues.expected_mexc import RECEIVED_US
from tests.venues.expected_mexc_futures import FUTURES
from tests.venues.recorded import own, stretch

FEEDS = {market: registry.feed("mexc", market) for market in ("spot", "futures")}
MARKETS: tuple[Market, ...] = ("spot", "futures")
UNKNOWN = b"\xba\x3e\x03new"
"""Field 999 of a message: three bytes."""


def frame_of(market: Market, channel: str) -> bytes:
    return next(line.data for line in own("mexc", market) if line.channel == channel)


# ---------------------------------------------------------------- requests
def asked(market: Market, *wants: Want) -> list[tuple[int, tuple[Want, ...], object]]:
    return [(ask.request_id, ask.wants, msgspec.json.decode(ask.frame)) for ask in FEEDS[market].subscribe(wants, 7)]


def test_c_04_spot_asks_for_thirty_streams_at_once() -> None:
    wants = [Want(channel="book", native="BTCUSDT"), Want(channel="trade", native="ETHUSDT")]
    names = ["spot@public.aggre.depth.v3.api.pb@100ms@BTCUSDT", "spot@public.aggre.deals.v3.api.pb@100ms@ETHUSDT"]
    assert asked("spot", *wants) == [(7, tuple(wants), {"method": "SUBSCRIPTION", "params": names})]
    (gone,) = FEEDS["spot"].unsubscribe(wants, 1)
    assert msgspec.json.decode(gone.frame) == {"method": "UNSUBSCRIPTION", "params": names}
    many = [Want(channel="book", native=f"C{number}USDT") for number in range(31)]
    assert [len(mine) for _, mine, _ in asked("spot", *many)] == [30, 1]


def test_c_04_futures_ask_for_one_contract_at_a_time_and_funding_in_three_parts() -> None:
    book, trade, funding = (
        Want(channel="book", native="BTC_USDT"),
        Want(channel="trade", native="BTC_USDT"),
        Want(channel="funding", native="BTC_USDT"),
    )
    of = {"symbol": "BTC_USDT"}
    assert asked("futures", book, trade, funding) == [
        (7, (book,), {"method": "sub.depth", "param": of}),
        (8, (trade,), {"method": "sub.deal", "param": of}),
        (9, (funding,), {"method": "sub.funding.rate", "param": of}),
        (10, (), {"method": "sub.fair.price", "param": of}),
        (11, (), {"method": "sub.index.price", "param": of}),
    ]
    gone = [msgspec.json.decode(ask.frame)["method"] for ask in FEEDS["futures"].unsubscribe((funding, book), 1)]
    assert gone == ["unsub.funding.rate", "unsub.fair.price", "unsub.index.price", "unsub.depth"]


def test_both_markets_ping_in_json() -> None:
    assert FEEDS["spot"].ping(3) == b'{"method":"PING"}'
    assert FEEDS["futures"].ping(3) == b'{"method":"ping"}'


def test_the_requests_and_their_costs() -> None:
    spot, futures = FEEDS["spot"], FEEDS["futures"]
    found = [
        *(spot.book_request("BTCUSDT", depth) for depth in (20, 0, 9000)),
        spot.instruments_request(),
        spot.trades_request("BTCUSDT"),
        *(futures.book_request("BTC_USDT", depth) for depth in (20, 0, 9000)),
        futures.instruments_request(),
        futures.trades_request("BTC_USDT"),
        futures.funding_request("BTC_USDT"),
    ]
    assert [(request.target, request.cost) for request in found] == [
        ("/api/v3/depth?symbol=BTCUSDT&limit=20", 1),
        ("/api/v3/depth?symbol=BTCUSDT&limit=5000", 1),
        ("/api/v3/depth?symbol=BTCUSDT&limit=5000", 1),
        ("/api/v3/exchangeInfo", 10),
        ("/api/v3/trades?symbol=BTCUSDT&limit=1000", 5),
        ("/api/v1/contract/depth/BTC_USDT?limit=20", 2),
        ("/api/v1/contract/depth/BTC_USDT?limit=1000", 2),
        ("/api/v1/contract/depth/BTC_USDT?limit=1000", 2),
        ("/api/v1/contract/detail", 2),
        ("/api/v1/contract/deals/BTC_USDT?limit=100", 1),
        ("/api/v1/contract/funding_rate/BTC_USDT", 1),
    ]


@pytest.mark.parametrize(
    ("market", "status", "headers", "body", "kind", "wait"),
    [
        ("spot", 200, {}, b"[]", None, None),
        ("spot", 200, {}, b'{"symbols":[]}', None, None),
        ("spot", 200, {}, b'{"code":200,"data":[]}', None, None),
        ("spot", 200, {}, b'{"code":10007,"msg":"bad symbol"}', VenueRefused, None),
        ("spot", 400, {}, b'{"code":10007,"msg":"bad symbol"}', VenueRefused, None),
        ("spot", 400, {}, b"<html>", VenueRefused, None),
        ("spot", 429, {"Retry-After": "7"}, b"", Unavailable, 7),
        ("spot", 429, {}, b'{"code":429,"msg":"Too Many Requests"}', Unavailable, 10),
        ("spot", 400, {}, b'{"code":"429","msg":"Too Many Requests"}', Unavailable, 10),
        ("spot", 418, {}, b"", Unavailable, 120),
        ("spot", 403, {}, b"<html>Access Denied", Unavailable, 120),
        ("spot", 502, {}, b"", Unavailable, None),
        ("futures", 200, {}, b'{"success":true,"code":0,"data":[]}', None, None),
        ("futures", 200, {}, b'{"success":false,"code":510,"message":"too frequent"}', Unavailable, 2),
        ("futures", 200, {}, b'{"success":false,"code":801,"message":"maintenance"}', Unavailable, 2),
        ("futures", 200, {}, b'{"success":false,"code":1001,"message":"Contract not exist"}', VenueRefused, None),
        ("futures", 200, {}, b'{"success":false,"code":0}', VenueRefused, None),
        ("futures", 404, {}, b"", VenueRefused, None),
    ],
)
def test_x_05_a_refusal_says_who_must_act_and_how_long_to_wait(
    market: Market, status: int, headers: dict[str, str], body: bytes, kind: type | None, wait: float | None
) -> None:
    found = FEEDS[market].refusal(status, headers, body)
    assert (type(found) if found else None) == kind
    assert getattr(found, "retry_after_s", None) == wait


# ---------------------------------------------------------------- funding
def test_the_three_parts_of_funding_make_one_picture() -> None:
    whole = FUTURES["rest_funding"]
    assert isinstance(whole, FundingUpdate)
    for channel in ("funding", "funding_mark", "funding_index"):
        (part,) = FEEDS["futures"].decode(frame_of("futures", channel), RECEIVED_US)
        assert isinstance(part, FundingUpdate)
        whole = merged(whole, part)
    assert whole == FundingUpdate(
        native="BTC_USDT",
        whole=True,
        rate=0.000081,
        mark_price=75986.0,
        index_price=76027.12345678901,
        next_us=1789516800000000,
        interval_us=28_800_000_000,
        venue_us=1789498540911000,
        received_us=RECEIVED_US,
        exact={"index_price": "76027.123456789012345"},
    )


def test_an_answer_without_prices_keeps_those_of_the_streams() -> None:
    text = frame_of("futures", "rest_funding").decode()
    short = FEEDS["futures"].read_funding(
        text.replace(',"idxPrice":76027.1,"fairPrice":75986', "").encode(), RECEIVED_US
    )
    before = FEEDS["futures"].read_funding(text.encode(), RECEIVED_US - 1)
    assert short == msgspec.structs.replace(
        before, whole=False, mark_price=None, index_price=None, received_us=RECEIVED_US
    )
    assert merged(before, short) == msgspec.structs.replace(before, received_us=RECEIVED_US)


# ---------------------------------------------------------------- recorded samples
def kinds(events: Sequence[Event]) -> list[str]:
    return [event.kind if isinstance(event, Unexpected) else type(event).__name__ for event in events]


def test_recorded_samples_of_the_old_spot_socket_are_named() -> None:
    assert [kinds(FEEDS["spot"].decode(line.data, RECEIVED_US)) for line in stretch("mexc/spot.samples-jkorf")] == [
        ["spot@private.account.v3.api"],
        ["spot@public.increase.depth.v3.api@ETHUSDT"],
        ["spot@public.bookTicker.v3.api@ETHUSDT"],
        ["spot@public.miniTicker.v3.api@ETHUSDT@UTC+0"],
        ["spot@private.orders.v3.api"],
        ["spot@public.limit.depth.v3.api@ETHUSDT@10"],
        ["spot@public.deals.v3.api@ETHUSDT"],
    ]


def test_recorded_samples_of_futures_are_decoded_or_named() -> None:
    decoded = {
        "push.depth": "BookDelta",
        "push.depth.full": "BookSnapshot",
        "push.deal": "PublicTrade",
        "push.funding.rate": "FundingUpdate",
        "push.fair.price": "FundingUpdate",
        "push.index.price": "FundingUpdate",
    }
    lines = stretch("mexc/futures.samples-jkorf")
    channels = [msgspec.json.decode(line.data)["channel"] for line in lines]
    assert {"push.depth", "push.depth.full", "push.fair.price", "push.index.price"} <= set(channels)
    assert [kinds(FEEDS["futures"].decode(line.data, RECEIVED_US)) for line in lines] == [
        [decoded.get(channel, channel)] for channel in channels
    ]


def test_recorded_answers_are_read() -> None:
    answers = {
        (market, line.channel.removeprefix("rest:")): line.data
        for market in MARKETS
        for line in stretch(f"mexc/{market}.rest-jkorf")
    }
    spot, futures = FEEDS["spot"], FEEDS["futures"]
    listed = spot.read_instruments(answers["spot", "GetExchangeInfo"], RECEIVED_US)
    assert [(one.symbol, one.status, one.price_tick) for one in listed.instruments] == [
        ("BROCK/USDT", "trading", Decimal("0.00001"))
    ]
    book = spot.read_book(answers["spot", "GetOrderBook"], "MXUSDT", 20, RECEIVED_US)
    assert (book.sequence, book.bid_prices, book.ask_quantities, book.venue_us) == (1112416, (15.0,), (1.0,), None)
    trades = spot.read_trades(answers["spot", "GetRecentTrades"], "ETHUSDT", RECEIVED_US)
    assert [(trade.side, trade.quantity) for trade in trades] == [("sell", 0.09293), ("buy", 0.04757)]
    deals = futures.read_trades(answers["futures", "GetRecentTrades"], "BTC_USDT", RECEIVED_US)
    assert deals == FUTURES["rest_trades"]
    contracts = futures.read_instruments(answers["futures", "GetSymbols"], RECEIVED_US)
    assert [(one.native, one.quantity_step, one.max_quantity) for one in contracts.instruments] == [
        ("BTC_USDT", Decimal("0.0001"), Decimal(100)),
        ("ETH_USDT", Decimal("0.001"), Decimal(1000)),
    ]


def test_recorded_contracts_are_read_whole() -> None:
    (line,) = stretch("mexc/futures.instruments-raw-202505")
    page = FEEDS["futures"].read_instruments(b'{"success":true,"data":' + line.data + b"}", RECEIVED_US)
    assert page.skipped == ()
    assert [one.native for one in page.instruments] == [one["symbol"] for one in msgspec.json.decode(line.data)]
    assert all(FEEDS["futures"].native(one.symbol) == one.native for one in page.instruments)
    first = page.instruments[0]
    assert (first.symbol, first.status, first.contract_size) == ("1000000BABYDOGE/USDT", "halted", Decimal(1000))
    assert (first.price_tick, first.max_quantity) == (Decimal("0.000001"), Decimal(240_000_000))
