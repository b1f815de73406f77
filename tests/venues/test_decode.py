"""One suite for all venues and markets: what a frame or answer means, compared as whole values."""

from __future__ import annotations

from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec

import msgspec
import pytest

from tapeline.errors import InvalidMessage, Misconfigured
from tapeline.venues import registry
from tapeline.venues.contract import Answer, Feed, FundingUpdate, Pong, PublicTrade
from tapeline.venues.funding import merged
from tests.venues import expected_binance
from tests.venues.recorded import Recorded, own, stretch

NOW_US = expected_binance.RECEIVED_US
NATIVES = {
    "okx:spot": "BTC-USDT",
    "okx:futures": "BTC-USDT-SWAP",
    "kucoin:spot": "BTC-USDT",
    "kucoin:futures": "XBTUSDTM",
    "htx:spot": "btcusdt",
    "htx:futures": "BTC-USDT",
    "mexc:futures": "BTC_USDT",
    "bingx:spot": "BTC-USDT",
    "bingx:futures": "BTC-USDT",
    "gateio:spot": "BTC_USDT",
    "gateio:futures": "BTC_USDT",
    "uniswap:spot": "BTC/USDT",
    "1inch:spot": "BTC/USDT",
}
"""BTC/USDT, where it is not BTCUSDT."""
BOOKS = {"1inch": "ETH/USDC"}
"""Whose book our own answer is, where it is not that of BTC/USDT."""
FEEDS = {f"{venue.id}:{market}": feed for venue in registry.VENUES.values() for market, feed in venue.feeds.items()}


def expected(name: str) -> dict[str, object]:
    """Return what a market's own frames mean, from the module of its venue or of that one market."""
    venue, _, market = name.partition(":")
    of = f"tests.venues.expected_{venue}"
    alone = find_spec(f"{of}_{market}") is not None
    found: dict[str, object] = getattr(import_module(f"{of}_{market}" if alone else of), market.upper())
    return found


EXPECTED = {name: expected(name) for name in FEEDS}
OWN = [(name, line) for name in FEEDS for line in own(*name.split(":"))]
TEXTS = [(name, line) for name, line in OWN if line.encoding != "base64"]


def meaning(feed: Feed, line: Recorded) -> object:
    match line.channel:
        case "rest_book":
            return feed.read_book(line.data, feed.native(BOOKS.get(line.venue, "BTC/USDT")), 100, NOW_US)
        case "rest_trades":
            return feed.read_trades(line.data, feed.native("BTC/USDT"), NOW_US)
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
    # Numbers as they are written: some are too long for a double.
    plain = msgspec.json.Decoder(float_hook=Decimal).decode(line.frame)
    for holder in (plain, *(plain.values() if isinstance(plain, dict) else plain)):
        if isinstance(holder, dict):
            holder["something_new"] = {"deep": [1, None]}
    text = msgspec.json.Encoder(decimal_format="number").encode(plain).decode()
    widened = msgspec.structs.replace(line, frame=text)
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
        ("okx:spot", "book_delta", '"seqId":123460', '"seqId":"x"', "data[0].seqId"),
        ("okx:spot", "book_delta", ',"seqId":123460', "", "data[0].seqId"),
        ("okx:spot", "book_delta", '"prevSeqId":123456,"seqId":123460', '"x":1', "data[0].seqId"),
        ("okx:spot", "book_delta", '"prevSeqId":123456,', "", "data[0].prevSeqId"),
        ("okx:spot", "book_delta", '"action":"update",', "", "action"),
        ("okx:spot", "book_delta", '"update"', '"news"', "action"),
        ("okx:spot", "book_delta", '"250.5"', '"NaN"', "data[0].bids[0][1]"),
        ("okx:spot", "book_delta", '["8476.97","250.5","0","11"]', '["8476.97"]', "data[0].bids[0]"),
        ("okx:spot", "book_delta", '"ts":"1597026383185"', '"ts":""', "data[0].ts"),
        ("okx:spot", "book_snapshot", ',"instId":"BTC-USDT"', "", "arg.instId"),
        ("okx:spot", "trade", '"side":"buy"', '"side":"both"', "side"),
        ("okx:spot", "trade", '"130639474"', '"x1"', "data[0].tradeId"),
        ("okx:spot", "trade", '"sz":"0.1234567890123456"', '"sz":"0"', "data[0].sz"),
        ("okx:futures", "funding", '"fundingRate":"-0.0000691810863830"', '"fundingRate":"inf"', "fundingRate"),
        ("okx:futures", "funding", '"fundingTime":"1706169600000"', '"fundingTime":"1.5"', "fundingTime"),
        ("okx:futures", "mark", '"markPx":"42310.6"', '"markPx":""', "data[0].markPx"),
        ("okx:futures", "rest_instruments", '"ctVal":"100","ctMult":"10"', '"ctVal":"NaN","ctMult":"10"', "ctVal"),
        ("okx:spot", "rest_instruments", '"1704876000000"', '"soon"', "upcChg.effTime"),
        ("coinex:spot", "book_delta", '"86680.5"', '"-1"', "data.depth.bids[1][0]"),
        ("coinex:spot", "book_delta", '"86680.5"', "86680.5", "data.depth.bids[1][0]"),
        ("coinex:spot", "book_delta", '"0.60000000"', '"nan"', "data.depth.asks[0][1]"),
        ("coinex:spot", "book_delta", ',"checksum":325907212', "", "data.depth"),
        ("coinex:spot", "book_delta", "325907212", "4294967296", "data.depth.checksum"),
        ("coinex:spot", "book_delta", '"is_full":false,', "", "data"),
        ("coinex:spot", "trade", '"sell"', '"both"', "side"),
        ("coinex:spot", "trade", '"0.00000325"', '"0"', "data.deal_list[0].amount"),
        ("coinex:spot", "pong", '{"result":"pong"}', '{"result":[]}', "result"),
        ("coinex:spot", "rest_book", '"BTCUSDT"', '"ETHUSDT"', "data.market"),
        ("coinex:spot", "rest_instruments", '"0.0015"', '"much"', "maker_fee_rate"),
        ("coinex:futures", "funding", '"83154"', '"inf"', "data.state_list[0].mark_price"),
        ("coinex:futures", "rest_funding", "[{", "[{},{", "data[0]"),
        ("1inch:spot", "rest_book", '"299900000"', '"-1"', "[0].dstAmount"),
        ("1inch:spot", "rest_book", '"299900000"', "299900000", "[0].dstAmount"),
        ("1inch:spot", "rest_book", '{"dstAmount":"99900000000000000"}', "{}", "[1].dstAmount"),
        ("1inch:spot", "rest_book", '{"dstAmount":"99900000000000000"},', "", None),
        ("1inch:spot", "rest_book", '"299900000"', f'"{10**39}"', "dstAmount"),
        ("1inch:spot", "rest_instruments", '"WBTC","decimals":18', '"WBTC","decimals":"x"', "tokens[...].decimals"),
    ],
)
def test_a_wrong_field_is_an_invalid_message_that_names_it(
    name: str, channel: str, old: str, new: str, field: str | None
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
    [
        ("binance:spot", "binance/spot.trade-20240808btc"),
        ("binance:futures", "binance/futures.trade-202107"),
        ("okx:spot", "okx/spot.trade-202205"),
    ],
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
        ("okx:spot", "okx/spot.instruments-cf-202205"),
        ("htx:spot", "htx/spot.instruments-cf-202104"),
        ("htx:futures", "htx/futures.instruments-cf-202202"),
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


@pytest.mark.parametrize(
    ("name", "frame", "event"),
    [
        ("binance:spot", b'{"result":null,"id":"%s"}', Answer(request_id=None)),
        ("bybit:spot", b'{"req_id":"%s","op":"pong"}', Pong(request_id=None)),
    ],
)
def test_a_number_of_thousands_of_digits_is_none_of_ours(name: str, frame: bytes, event: Answer | Pong) -> None:
    assert FEEDS[name].decode(frame % (b"9" * 5_000), NOW_US) == (event,)
