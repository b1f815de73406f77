"""What is Gate's alone: its requests, its two older book channels, contracts, times in two units, odd refusals."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tapeline.domain.book import APPLIED, BookDelta, BookKeeper, BookSnapshot, Restored, WentStale
from tapeline.domain.events import Market
from tapeline.errors import InvalidMessage, Misconfigured, Unavailable, VenueRefused
from tapeline.venues import registry
from tapeline.venues.contract import Answer, FundingUpdate, PublicTrade, Unexpected, Want, socket_url
from tests.venues.recorded import Recorded, own, stretch

NOW_US = 1_700_000_000_000_005
SPOT, FUTURES = registry.feed("gateio", "spot"), registry.feed("gateio", "futures")
READERS = {
    "rest_book": lambda feed, data: feed.read_book(data, "BTC_USDT", 100, NOW_US),
    "rest_trades": lambda feed, data: feed.read_trades(data, "BTC_USDT", NOW_US),
    "rest_funding": lambda feed, data: feed.read_funding(data, NOW_US),
    "rest_instruments": lambda feed, data: feed.read_instruments(data, NOW_US),
}


def frame(market: Market, channel: str) -> Recorded:
    return next(line for line in own("gateio", market) if line.channel == channel)


def meaning(line: Recorded, data: bytes) -> object:
    feed = SPOT if line.market == "spot" else FUTURES
    reader = READERS.get(line.channel)
    return feed.decode(data, NOW_US) if reader is None else reader(feed, data)


# ---------------------------------------------------------------- requests
def test_c_04_each_channel_is_asked_for_by_itself_and_without_a_time() -> None:
    wants = [
        Want(channel="trade", native="BTC_USDT"),
        Want(channel="book", native="BTC_USDT", depth=20),
        Want(channel="funding", native="BTC_USDT"),
        Want(channel="book", native="ETH_USDT", depth=0),
    ]
    books, trades, funding = FUTURES.subscribe(wants, 7)
    assert (books.wants, trades.wants, funding.wants) == ((wants[1], wants[3]), (wants[0],), (wants[2],))
    assert [(ask.socket, ask.request_id, json.loads(ask.frame)) for ask in (books, trades, funding)] == [
        ("public", 7, asked("futures.obu", 7, "ob.BTC_USDT.50", "ob.ETH_USDT.400")),
        ("public", 8, asked("futures.trades", 8, "BTC_USDT")),
        ("public", 9, asked("futures.tickers", 9, "BTC_USDT")),
    ]


def asked(channel: str, request_id: int, *names: str) -> dict[str, Any]:
    return {"id": request_id, "channel": channel, "event": "subscribe", "payload": list(names)}


@pytest.mark.parametrize(("depth", "levels"), [(1, 50), (50, 50), (51, 400), (400, 400), (1000, 400), (0, 400)])
def test_the_book_that_is_given_up_is_the_one_that_was_asked_for(depth: int, levels: int) -> None:
    want = Want(channel="book", native="BTC_USDT", depth=depth)
    (one,), (other,) = SPOT.subscribe([want], 1), SPOT.unsubscribe([want], 2)
    assert json.loads(one.frame) == asked("spot.obu", 1, f"ob.BTC_USDT.{levels}")
    assert json.loads(other.frame) == asked("spot.obu", 2, f"ob.BTC_USDT.{levels}") | {"event": "unsubscribe"}


def test_pings_name_the_market() -> None:
    assert (SPOT.ping(3), FUTURES.ping(3)) == (b'{"channel":"spot.ping"}', b'{"channel":"futures.ping"}')


def test_sockets_stand_where_gate_has_them() -> None:
    assert [socket_url(feed, feed.facts.main, "public") for feed in (SPOT, FUTURES)] == [
        "wss://api.gateio.ws/ws/v4/",
        "wss://fx-ws.gateio.ws/v4/ws/usdt",
    ]
    assert FUTURES.facts.test is not None
    assert socket_url(FUTURES, FUTURES.facts.test, "public") == "wss://ws-testnet.gate.com/v4/ws/futures/usdt"


def test_futures_count_contracts_and_ask_for_their_fractions() -> None:
    assert (SPOT.facts.quantities, SPOT.facts.headers) == ("base", {})
    assert (FUTURES.facts.quantities, FUTURES.facts.headers) == ("contracts", {"X-Gate-Size-Decimal": "1"})


def test_rest_is_asked_for_what_the_streams_count_by() -> None:
    spot, futures = "/api/v4/spot", "/api/v4/futures/usdt"
    assert [
        SPOT.book_request("BTC_USDT", 20).target,
        SPOT.book_request("BTC_USDT", 0).target,
        SPOT.trades_request("BTC_USDT").target,
        SPOT.instruments_request().target,
        FUTURES.book_request("BTC_USDT", 1000).target,
        FUTURES.trades_request("BTC_USDT").target,
        FUTURES.instruments_request().target,
        FUTURES.funding_request("BTC_USDT").target,
    ] == [
        f"{spot}/order_book?currency_pair=BTC_USDT&limit=20&with_id=true",
        f"{spot}/order_book?currency_pair=BTC_USDT&limit=100&with_id=true",
        f"{spot}/trades?currency_pair=BTC_USDT&limit=1000",
        f"{spot}/currency_pairs",
        f"{futures}/order_book?contract=BTC_USDT&limit=300&with_id=true",
        f"{futures}/trades?contract=BTC_USDT&limit=1000",
        f"{futures}/contracts",
        f"{futures}/contracts/BTC_USDT",
    ]
    with pytest.raises(Misconfigured, match="has no funding: ask for futures"):
        SPOT.funding_request("BTC_USDT")


# ---------------------------------------------------------------- broken input
NEXT, SIZE = "result[0].funding_next_apply", "quanto_multiplier"


@pytest.mark.parametrize(
    ("market", "channel", "old", "new", "field"),
    [
        ("spot", "book_delta", '"U":9649549325', '"U":9649549331', "result.U"),
        ("spot", "book_delta", '"U":9649549325,', "", "result.U"),
        ("spot", "book_delta", '"u":9649549330', '"u":"x"', "result.u"),
        ("spot", "book_delta", '"s":"ob.BTC_USDT.400"', '"s":"BTC_USDT"', "result.s"),
        ("spot", "book_delta", '"s":"ob.BTC_USDT.400"', '"s":"ob.BTC_USDT"', "result.s"),
        ("spot", "book_delta", '"77222.9"', '"NaN"', "result.b[0][0]"),
        ("spot", "book_delta", '["77222.9","0.25"]', '["77222.9"]', "result.b[0]"),
        ("spot", "book_snapshot", '"t":1777275365213', '"t":-1', "result.t"),
        ("spot", "increment", '"0.6135"', '"-1"', "result.a[0][1]"),
        ("spot", "increment", '"U":48776301,', "", "result.U"),
        ("spot", "top", '"lastUpdateId":48791820', '"lastUpdateId":null', "result.lastUpdateId"),
        ("spot", "trade", '"1606292218213.4578"', '"NaN"', "result.create_time_ms"),
        ("spot", "trade", '"1606292218213.4578"', '"1e99"', "result.create_time_ms"),
        ("spot", "trade", '"1606292218213.4578"', '"soon"', "result.create_time_ms"),
        ("spot", "trade", '"side":"sell"', '"side":"short"', "result.side"),
        ("spot", "trade", '"amount":"16.4700000000"', '"amount":"0"', "result.amount"),
        ("spot", "rest_book", '"id":123456,', "", ""),
        ("spot", "rest_trades", '"sequence_id":"2390903"', '"sequence_id":"2390903.5"', "[0].sequence_id"),
        ("spot", "rest_instruments", '"min_quote_amount":"3"', '"min_quote_amount":"NaN"', "min_quote_amount"),
        ("spot", "rest_instruments", '"min_quote_amount":"3"', '"min_quote_amount":"-3"', "min_quote_amount"),
        ("spot", "rest_instruments", '"amount_precision":6', '"amount_precision":-6', "[0].amount_precision"),
        ("futures", "book_delta", '"25.5"', '"1e999"', "result.b[0][1]"),
        ("futures", "increment", '"s":0', '"s":-1', "result.b[0].s"),
        ("futures", "increment", '"p":"54742"', '"p":null', "result.a[0].p"),
        ("futures", "trade", '"size":3', '"size":0', "result[2].size"),
        ("futures", "trade", '"size":"-108.5"', '"size":"much"', "result[0].size"),
        ("futures", "trade", '"size":3,', "", "result[2]"),
        ("futures", "funding", '"funding_rate":"0.000033"', '"funding_rate":"inf"', "result[0].funding_rate"),
        ("futures", "funding", '"funding_next_apply":1785571200', '"funding_next_apply":1e99', NEXT),
        ("futures", "funding", '"funding_interval":28800', '"funding_interval":-1', "result[0].funding_interval"),
        ("futures", "rest_book", '"update":1623898993.121', '"update":-1', "update"),
        ("futures", "rest_trades", '"create_time":1545136464,"contract"', '"contract"', "[3].create_time_ms"),
        ("futures", "rest_instruments", '"quanto_multiplier":"100"', '"quanto_multiplier":"1e-31"', SIZE),
    ],
)  # fmt: skip
def test_a_wrong_field_is_an_invalid_message_that_names_it(
    market: Market, channel: str, old: str, new: str, field: str
) -> None:
    line = frame(market, channel)
    assert line.frame.count(old) == 1
    with pytest.raises(InvalidMessage) as caught:
        meaning(line, line.frame.replace(old, new).encode())
    assert (caught.value.field or "") == field


def test_recent_trades_of_another_instrument_are_refused() -> None:
    for feed, market in ((SPOT, "spot"), (FUTURES, "futures")):
        line = next(line for line in own("gateio", market) if line.channel == "rest_trades")
        with pytest.raises(InvalidMessage, match="another instrument"):
            feed.read_trades(line.data, "ETH_USDT", NOW_US)


ACK = b'{"channel":"spot.trades","event":"subscribe","id":%b,"result":{"status":"success"}}'


@pytest.mark.parametrize("request_id", [b'"' + b"7" * 5_000 + b'"', b"-1", b'"x"', b"null"])
def test_an_id_that_is_none_of_ours_names_no_request(request_id: bytes) -> None:
    assert SPOT.decode(ACK % request_id, NOW_US) == (Answer(request_id=None),)


@pytest.mark.parametrize("request_id", [b"7.5", b"true", b"[]", b"7" * 5_000])
def test_an_id_of_another_kind_is_an_invalid_message(request_id: bytes) -> None:
    with pytest.raises(InvalidMessage):
        SPOT.decode(ACK % request_id, NOW_US)


@pytest.mark.parametrize("line", [*own("gateio", "spot"), *own("gateio", "futures")], ids=lambda line: line.channel)
def test_whatever_is_cut_or_changed_is_an_event_or_an_invalid_message(line: Recorded) -> None:
    data, refused = line.data, 0
    for at in range(0, len(data), 3):
        for broken in (data[:at], data[:at] + data[at + 1 :], data[:at] + b"\xff" + data[at + 1 :]):
            try:
                meaning(line, broken)
            except InvalidMessage:
                refused += 1
    assert refused > len(data) / 3


# ---------------------------------------------------------------- books
def test_c_02_a_change_without_levels_counts_on() -> None:
    keeper = BookKeeper(epoch=1)
    (whole,), (change,), (alone,), (after,) = (
        SPOT.decode(frame("spot", name).data, NOW_US)
        for name in ("book_snapshot", "book_delta", "book_numbers_alone", "book_exact")
    )
    assert isinstance(whole, BookSnapshot)
    assert isinstance(change, BookDelta)
    assert isinstance(alone, BookDelta)
    assert isinstance(after, BookDelta)
    assert isinstance(keeper.snapshot(whole), Restored)
    assert [keeper.delta(one) for one in (change, alone, after)] == [APPLIED, APPLIED, APPLIED]
    assert keeper.sequence == 9649549339

    keeper = BookKeeper(epoch=1)
    keeper.snapshot(whole)
    assert keeper.delta(change) is APPLIED
    assert isinstance(keeper.delta(after), WentStale)


def test_c_02_the_top_is_what_the_venue_itself_pushes_as_best_bid_and_ask() -> None:
    best: dict[tuple[str, int], tuple[float, ...]] = {}
    for line in stretch("gateio/futures.bbo-202305a"):
        data = json.loads(line.frame)["result"]
        best[data["s"], data["u"]] = tuple(float(data[name]) for name in ("b", "B", "a", "A"))
    compared = 0
    for name in ("phbusdt", "woousdt", "frontusdt", "sfpusdt", "zrxusdt"):
        keeper = BookKeeper(epoch=1)
        for line in stretch(f"gateio/futures.book-202305a-{name}"):
            if line.channel == "book_snapshot":
                keeper.snapshot(FUTURES.read_book(line.data, "any", 100, NOW_US))
                continue
            (change,) = FUTURES.decode(line.data, NOW_US)
            assert isinstance(change, BookDelta)
            keeper.delta(change)
            pushed = best.get((change.native, change.sequence))
            if keeper.state == "valid" and keeper.sequence == change.sequence and pushed is not None:
                top = keeper.top(1)
                assert (*top.bid_prices, *top.bid_quantities, *top.ask_prices, *top.ask_quantities) == pushed
                compared += 1
    assert compared > 5


# ---------------------------------------------------------------- recorded frames
def test_c_03_recorded_trades_are_read_with_their_microseconds() -> None:
    found = [one for line in stretch("gateio/spot.trade-202104a") for one in SPOT.decode(line.data, NOW_US)]
    assert all(isinstance(one, PublicTrade) for one in found)
    assert found[0] == PublicTrade(
        native="DIS_USDT",
        trade_id="816995772",
        price=121.58,
        quantity=0.201,
        side="sell",
        venue_us=1619093543708264,
        received_us=NOW_US,
    )
    assert [one.venue_us % 1_000 for one in found if isinstance(one, PublicTrade)] == [264, 116, 8, 921, 340, 582, 357]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("spot.bbo-202104a", "spot.tickers"), ("futures.bbo-202305a", "futures.book_ticker")],
)
def test_c_03_what_was_recorded_and_nobody_asks_for_is_unexpected(name: str, kind: str) -> None:
    feed = SPOT if name.startswith("spot") else FUTURES
    lines = stretch(f"gateio/{name}")
    assert [feed.decode(line.data, NOW_US) for line in lines] == [(Unexpected(kind=kind),)] * len(lines)


def test_c_03_single_frames_of_others_are_read_or_unexpected_by_name() -> None:
    known: dict[str, list[object]] = {"spot": [], "futures": []}
    for market, feed in (("spot", SPOT), ("futures", FUTURES)):
        for line in stretch(f"gateio/{market}.samples-jkorf"):
            known[market] += [one for one in feed.decode(line.data, NOW_US) if not isinstance(one, Unexpected)]
        skipped = {"balance", "order", "bbo", *(("ticker",) if market == "spot" else ())}
        for line in stretch(f"gateio/{market}.samples-jkorf"):
            unexpected = (Unexpected(kind=json.loads(line.frame)["channel"]),)
            assert (feed.decode(line.data, NOW_US) == unexpected) == (line.channel in skipped)
    assert [type(one).__name__ for one in known["spot"]] == ["BookDelta", "BookSnapshot", "PublicTrade"]
    # The trade there is of the insurance fund.
    assert [type(one).__name__ for one in known["futures"]] == ["BookDelta", "BookSnapshot", "FundingUpdate"]
    assert known["futures"][2] == FundingUpdate(
        native="ETH_USDT",
        whole=False,
        rate=-0.000114,
        mark_price=118.35,
        index_price=118.36,
        venue_us=1541659086123000,
        received_us=NOW_US,
    )


def test_c_03_single_answers_of_others_are_read() -> None:
    spot = {line.channel: line.data for line in stretch("gateio/spot.rest-jkorf")}
    futures = {line.channel: line.data for line in stretch("gateio/futures.rest-jkorf")}
    assert SPOT.read_book(spot["rest:GetOrderBook"], "ETH_USDT", 100, NOW_US).sequence == 123456
    assert FUTURES.read_book(futures["rest:GetOrderBook"], "ETH_USDT", 100, NOW_US).bid_quantities == (150.0, 203.0)
    (pair,) = SPOT.read_instruments(spot["rest:GetSymbols"], NOW_US).instruments
    assert (pair.symbol, pair.quantity_step, pair.price_tick) == ("ETH/USDT", Decimal("0.001"), Decimal("0.000001"))
    assert (pair.min_quantity, pair.max_quantity, pair.min_notional) == (Decimal("0.001"), Decimal(10000), Decimal(1))
    (contract,) = FUTURES.read_instruments(futures["rest:GetContracts"], NOW_US).instruments
    assert (contract.symbol, contract.quantity_step, contract.contract_size) == ("LAB/USDT", Decimal(100), Decimal(100))
    assert (contract.min_quantity, contract.max_quantity) == (Decimal(10), Decimal(120000))
    told = FUTURES.read_funding(futures["rest:GetContract"], NOW_US)
    assert (told.native, told.rate, told.interval_us) == ("BTC_USDT", 0.002053, 28_800_000_000)
    for body in (spot["rest:GetOrder"], futures["rest:PlaceOrder"]):
        assert SPOT.refusal(200, {}, body) is None


@pytest.mark.parametrize(
    "name",
    [
        "spot.instruments-cf-202104",
        "spot.instruments-raw-202505",
        "futures.instruments-cf-202305",
        "futures.instruments-raw-202505",
    ],
)
def test_d_19_recorded_instruments_are_read_whole(name: str) -> None:
    feed = SPOT if name.startswith("spot") else FUTURES
    (line,) = stretch(f"gateio/{name}")
    page = feed.read_instruments(line.data, NOW_US)
    told = [one.get("id") or one["name"] for one in json.loads(line.frame)]
    assert (page.skipped, [one.native for one in page.instruments]) == ((), told)
    for one, rules in zip(page.instruments, json.loads(line.frame), strict=True):
        assert feed.native(one.symbol) == one.native
        if feed is FUTURES:
            size = Decimal(rules["quanto_multiplier"])
            assert (one.contract_size, one.quantity_step) == (size, size)
            assert (one.min_quantity, one.max_quantity) == (
                size * rules["order_size_min"],
                size * rules["order_size_max"],
            )
        else:
            step = Decimal(1).scaleb(-rules["amount_precision"])
            assert (one.contract_size, one.quantity_step) == (Decimal(1), step)


# ---------------------------------------------------------------- refusals
@pytest.mark.parametrize(
    ("status", "body", "kind", "wait"),
    [
        (200, b'{"id":1,"bids":[],"asks":[]}', None, None),
        (200, b"[]", None, None),
        (200, b'{"label":"INTERNAL","message":"try again"}', Unavailable, 10),
        (200, b'{"label":"INVALID_CURRENCY_PAIR"}', VenueRefused, None),
        (429, b'{"label":"TOO_MANY_REQUESTS","message":"slow down"}', Unavailable, 10),
        (400, b'{"label":"TOO_FAST"}', Unavailable, 10),
        (429, b"<html>", Unavailable, 10),
        (400, b'{"label":"INVALID_PARAM_VALUE","message":"Invalid request parameter"}', VenueRefused, None),
        (404, b'{"label":"CONTRACT_NOT_FOUND"}', VenueRefused, None),
        (403, b'{"label":7}', VenueRefused, None),
        (400, b'{"label":', VenueRefused, None),
        (502, b"<html>", Unavailable, None),
        (503, b'{"label":"SERVER_ERROR"}', Unavailable, 10),
    ],
)
def test_x_05_a_refusal_says_who_must_act_and_how_long_to_wait(
    status: int, body: bytes, kind: type | None, wait: float | None
) -> None:
    found = FUTURES.refusal(status, {}, body)
    assert (type(found) if found else None) == kind
    assert getattr(found, "retry_after_s", None) == wait
