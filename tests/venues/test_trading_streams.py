"""One suite for all private streams: how they are opened and what each frame says, compared as whole values."""

from __future__ import annotations

import msgspec
import pytest

from tapeline.errors import InvalidMessage
from tapeline.venues.account import (
    Fill,
    OrderUpdate,
)
from tapeline.venues.calls import StreamKey
from tapeline.venues.contract import Hosts, Unexpected
from tapeline.venues.orders import Opening
from tapeline.venues.refusals import Reason
from tests.venues import expected_trading_frames_binance, expected_trading_frames_bybit
from tests.venues.expected_trading_frames_binance import ACCOUNT_UPDATE, FUTURES_FILL, SPOT_NEW
from tests.venues.expected_trading_frames_bybit import BYBIT_EXECUTION_FRAME, BYBIT_ORDER_FRAME, POSITION_FRAME
from tests.venues.test_trading import TRADINGS, widen
from tests.venues.trading_case import KEYS, changed

NOW_US = 1_700_000_000_000_000
FRAMES = [*expected_trading_frames_binance.FRAMES, *expected_trading_frames_bybit.FRAMES]
LOGIN = (
    b'{"req_id":"7","op":"auth","args":["test-key",1700000010000,'
    b'"977d2a1068009c263a4e3e15a2838ccaf62d1eda4ca2ff08b5456910b481b58b"]}'
)


def opened(name: str, *, dead_man: bool = False) -> Opening:
    trading = TRADINGS[name]
    return trading.opening(
        trading.facts.main, KEYS, at_us=NOW_US, stream_key=StreamKey(key="pqia91"), dead_man=dead_man, first_id=7
    )


def test_binance_spot_subscribes_on_the_websocket_api() -> None:
    opening = opened("binance:spot")
    assert (opening.url, opening.login) == ("wss://ws-api.binance.com:443/ws-api/v3", None)
    assert [msgspec.json.decode(frame) for frame in opening.subscribe] == [
        {
            "id": "7",
            "method": "userDataStream.subscribe.signature",
            "params": {
                "apiKey": "test-key",
                "timestamp": 1_700_000_000_000,
                "signature": "40b4b78df402bffcf600b5c8b83721f029b92dcf6287b6460f5947ed53376448",
            },
        }
    ]


def test_binance_futures_connect_with_the_listen_key() -> None:
    assert opened("binance:futures") == Opening(url="wss://fstream.binance.com/private/ws?listenKey=pqia91")
    trading = TRADINGS["binance:futures"]
    with pytest.raises(ValueError, match="listen key"):
        trading.opening(trading.facts.main, KEYS, at_us=NOW_US)


@pytest.mark.parametrize(
    ("name", "topics", "switch"),
    [
        ("bybit:spot", b'["order","execution","wallet"]', b'["dcp.spot"]'),
        ("bybit:futures", b'["order","execution","position","wallet"]', b'["dcp.future"]'),
    ],
)
def test_bybit_logs_in_and_subscribes_and_asks_for_its_switch_alone(name: str, topics: bytes, switch: bytes) -> None:
    subscribe = b'{"req_id":"8","op":"subscribe","args":' + topics + b"}"
    url = "wss://stream.bybit.com/v5/private"
    assert opened(name) == Opening(url=url, login=LOGIN, subscribe=(subscribe,))
    with_switch = (subscribe, b'{"req_id":"9","op":"subscribe","args":' + switch + b"}")
    assert opened(name, dead_man=True) == Opening(url=url, login=LOGIN, subscribe=with_switch)


@pytest.mark.parametrize("name", TRADINGS)
def test_a_stream_stands_behind_any_base_and_pings_as_its_facts_say(name: str) -> None:
    trading = TRADINGS[name]
    hosts = Hosts(rest="http://127.0.0.1:8081", ws="ws://127.0.0.1:8081/")
    opening = trading.opening(hosts, KEYS, at_us=NOW_US, stream_key=StreamKey(key="k"))
    assert opening.url.partition("?")[0] == f"ws://127.0.0.1:8081{trading.facts.stream.path}"
    json = trading.facts.stream.keepalive.ping == "message"
    assert trading.ping(3) == (b'{"req_id":"3","op":"ping"}' if json else None)


# ---------------------------------------------------------------- frames
@pytest.mark.parametrize(("name", "what", "frame", "events"), FRAMES, ids=[f"{one[0]} {one[1]}" for one in FRAMES])
def test_a_frame_says_this(name: str, what: str, frame: bytes, events: tuple[object, ...]) -> None:
    assert TRADINGS[name].decode_frame(frame) == events, what


@pytest.mark.parametrize(("name", "what", "frame", "events"), FRAMES, ids=[f"{one[0]} {one[1]}" for one in FRAMES])
def test_unknown_fields_of_a_frame_are_ignored(name: str, what: str, frame: bytes, events: tuple[object, ...]) -> None:
    plain = msgspec.json.decode(frame)
    widen(plain)
    assert TRADINGS[name].decode_frame(msgspec.json.encode(plain)) == events, what


BINANCE_STATUSES = {
    "NEW": "PLACED",
    "PENDING_NEW": "PLACED",
    "PARTIALLY_FILLED": "PARTIALLY_FILLED",
    "FILLED": "FILLED",
    "CANCELED": "CANCELLED",
    "REJECTED": "REJECTED",
    "EXPIRED": "EXPIRED",
    "EXPIRED_IN_MATCH": "EXPIRED",
    "PENDING_CANCEL": "UNKNOWN",
    "SOMETHING": "UNKNOWN",
}
BYBIT_STATUSES = {
    "New": "PLACED",
    "PartiallyFilled": "PARTIALLY_FILLED",
    "Untriggered": "PLACED",
    "Triggered": "PLACED",
    "Rejected": "REJECTED",
    "PartiallyFilledCanceled": "CANCELLED",
    "Filled": "FILLED",
    "Cancelled": "CANCELLED",
    "Deactivated": "CANCELLED",
    "Something": "UNKNOWN",
}


@pytest.mark.parametrize(("theirs", "ours"), BINANCE_STATUSES.items())
def test_e_09_a_status_of_binance_is_one_of_the_eight(theirs: str, ours: str) -> None:
    frame = changed(SPOT_NEW, (b'"X":"NEW"', b'"X":"' + theirs.encode() + b'"'))
    (update,) = TRADINGS["binance:spot"].decode_frame(frame)
    assert isinstance(update, OrderUpdate)
    assert update.order.status == ours


@pytest.mark.parametrize(("theirs", "ours"), BYBIT_STATUSES.items())
def test_e_09_a_status_of_bybit_is_one_of_the_eight(theirs: str, ours: str) -> None:
    (update,) = TRADINGS["bybit:futures"].decode_frame(BYBIT_ORDER_FRAME.replace(b'"Filled"', f'"{theirs}"'.encode()))
    assert isinstance(update, OrderUpdate)
    assert update.order.status == ours
    assert update.order.reason == (Reason.REJECTED if ours == "REJECTED" else None)


@pytest.mark.parametrize(
    ("reject", "cancel", "reason"),
    [
        ("EC_PostOnlyWillTakeLiquidity", "UNKNOWN", Reason.WOULD_TAKE),
        ("EC_NoImmediateQtyToFill", "UNKNOWN", Reason.WOULD_NOT_FILL),
        ("EC_NoEnoughQtyToFill", "UNKNOWN", Reason.WOULD_NOT_FILL),
        ("EC_CancelForNoFullFill", "UNKNOWN", Reason.WOULD_NOT_FILL),
        ("EC_BySelfMatch", "UNKNOWN", Reason.SELF_TRADE),
        ("EC_StopBySelfMatch", "UNKNOWN", Reason.SELF_TRADE),
        ("EC_DuplicatedClOrdID", "UNKNOWN", Reason.DUPLICATE),
        ("EC_InvalidSymbolStatus", "UNKNOWN", Reason.NOT_TRADING),
        ("EC_SecurityStatusFail", "UNKNOWN", Reason.NOT_TRADING),
        ("EC_LimitOrderInvalidPrice", "UNKNOWN", Reason.PRICE_RULE),
        ("EC_ReachRiskPriceLimit", "UNKNOWN", Reason.PRICE_RULE),
        ("EC_ReachMarketPriceLimit", "UNKNOWN", Reason.PRICE_RULE),
        ("EC_QtyCannotBeZero", "UNKNOWN", Reason.QUANTITY_RULE),
        ("EC_EcInvalidQty", "UNKNOWN", Reason.QUANTITY_RULE),
        ("EC_InvalidAmount", "UNKNOWN", Reason.NOTIONAL_RULE),
        ("EC_NoError", "CancelByReduceOnly", Reason.REDUCE_ONLY),
        ("EC_NoError", "CancelByPrepareLiq", Reason.LIQUIDATING),
        ("EC_NoError", "CancelAllBeforeLiq", Reason.LIQUIDATING),
        ("EC_NoError", "CancelByPrepareAdl", Reason.LIQUIDATING),
        ("EC_NoError", "CancelAllBeforeAdl", Reason.LIQUIDATING),
        ("EC_NoError", "CancelBySmp", Reason.SELF_TRADE),
        ("EC_NoError", "CancelBySettle", Reason.NOT_TRADING),
        ("EC_PerCancelRequest", "CancelByUser", None),
        # A cancel that lost the race against a fill.
        ("EC_OrigClOrdIDDoesNotExist", "CancelByUser", None),
    ],
)
def test_bybit_says_why_an_order_ended(reject: str, cancel: str, reason: Reason | None) -> None:
    frame = changed(
        BYBIT_ORDER_FRAME, (b'"EC_NoError"', f'"{reject}"'.encode()), (b'"UNKNOWN"', f'"{cancel}"'.encode())
    )
    (update,) = TRADINGS["bybit:futures"].decode_frame(frame)
    assert isinstance(update, OrderUpdate)
    assert update.order.reason == reason


@pytest.mark.parametrize(
    ("name", "frame", "old", "new", "field"),
    [
        ("binance:spot", SPOT_NEW, b'"q":"1.00000000"', b'"q":"NaN"', "q"),
        ("binance:spot", SPOT_NEW, b'"q":"1.00000000"', b'"q":"-1"', "q"),
        ("binance:spot", SPOT_NEW, b'"S":"BUY"', b'"S":"BOTH"', "side"),
        ("binance:spot", SPOT_NEW, b'"x":"NEW"', b'"x":"TRADE"', "t"),
        ("binance:spot", SPOT_NEW, b'"i":4293153', b'"i":-1', "i"),
        ("binance:futures", FUTURES_FILL, b'"N":"USDT"', b'"N":null', "N"),
        ("binance:futures", ACCOUNT_UPDATE, b'"ps":"BOTH"', b'"ps":"SIDEWAYS"', "positionSide"),
        ("bybit:futures", BYBIT_ORDER_FRAME, b'"qty":"1"', b'"qty":"1e99"', "data[0].qty"),
        ("bybit:futures", BYBIT_ORDER_FRAME, b'"qty":"1"', b'"qty":""', "data[0].qty"),
        ("bybit:futures", BYBIT_ORDER_FRAME, b'"side":"Sell"', b'"side":"None"', "side"),
        ("bybit:futures", BYBIT_EXECUTION_FRAME, b'"execTime":"1746270400353"', b'"execTime":"x"', "data[0].execTime"),
        ("bybit:futures", POSITION_FRAME, b'"positionIdx":0', b'"positionIdx":7', "positionIdx"),
    ],
)
def test_a_wrong_field_is_an_invalid_message_that_names_it(
    name: str, frame: bytes, old: bytes, new: bytes, field: str
) -> None:
    with pytest.raises(InvalidMessage) as caught:
        TRADINGS[name].decode_frame(changed(frame, (old, new)))
    assert caught.value.field == field


@pytest.mark.parametrize("name", TRADINGS)
@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff", b'{"topic":"order"}', b"[" * 5_000])
def test_what_is_no_frame_is_an_invalid_message(name: str, data: bytes) -> None:
    if data == b'{"topic":"order"}' and name.startswith("binance"):
        assert TRADINGS[name].decode_frame(data) == (Unexpected(kind="no event name and no status"),)
        return
    with pytest.raises(InvalidMessage):
        TRADINGS[name].decode_frame(data)


def test_e_16_both_sides_of_a_trade_with_ourselves_are_two_fills() -> None:
    mine = TRADINGS["binance:futures"].decode_frame(FUTURES_FILL)
    other = TRADINGS["binance:futures"].decode_frame(changed(FUTURES_FILL, (b'"i":8886774', b'"i":8886775')))
    ids = {event.fill_id for event in (*mine, *other) if isinstance(event, Fill)}
    assert ids == {"12345678:8886774", "12345678:8886775"}
