"""Every row of every error table, typed out once more: who must act on it, and what it says about an order."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec
import pytest

from tapeline.errors import InvalidMessage, Misconfigured, OutcomeUnknown, TapelineError, Unavailable, VenueRefused
from tapeline.venues.binance import trading_errors as binance
from tapeline.venues.bybit import trading_errors as bybit
from tapeline.venues.calls import (
    AlreadyThere,
    BalancesQuery,
    CancelAllRequest,
    CancelRequest,
    DeadManRequest,
    LeverageRequest,
    NotFound,
    OrderQuery,
    OrderRequest,
)
from tapeline.venues.refusals import Reason, Refused, Unknown, error_of
from tests.venues.test_trading import TRADINGS

PLACE = OrderRequest(
    client_id="cid-0001", native="BTCUSDT", side="buy", kind="limit", quantity=Decimal(1), price=Decimal(2)
)
CANCEL = CancelRequest(native="BTCUSDT", client_id="cid-0001")

# What each reason is, said a second time and not in the product's words.
PERSON = {"bad_keys", "bad_signature", "not_permitted", "account_mode", "restricted"}
LATER = {"rate_limited", "banned", "overloaded", "expired", "outcome_unknown"}
NO_WORD_ABOUT_A_NEW_ORDER = {"order_not_found", "order_done", "order_busy", "unchanged", "stream_key"}

BINANCE_BOTH = """
outcome_unknown -1000 -1001 -1006 -1007
not_permitted -1002
rate_limited -1003 -1015
overloaded -1008 -1016
expired -1021
bad_signature -1022
bad_request -1014 -1020 -1100 -1101 -1102 -1103 -1104 -1105 -1106 -1114 -1115 -1116 -1117 -1128 -1130
precision -1111
client_id -1118 -1119
unknown_instrument -1121
stream_key -1125
order_not_found -2013
bad_keys -2014 -2015
"""
BINANCE_SPOT = """
order_done -2026
"""
BINANCE_FUTURES = """
not_permitted -1011 -1099 -2017 -4088 -4192
bad_request -1136 -2026 -4062 -4120 -5025
insufficient_funds -2018 -2019
would_not_fill -2020 -5021
reduce_only -2022 -2024 -4118
liquidating -2023
too_many_orders -2025
position_limit -2027
leverage -2028 -4028 -4161 -4202 -4203 -4205 -4206 -4208 -4209 -4403
price_rule -4001 -4002 -4013 -4014 -4016 -4024 -4131
quantity_rule -4003 -4004 -4005 -4023
client_id -4015
unchanged -4046 -4059
account_mode -4060 -4061
only_reducing -4087 -4400 -4401
duplicate -4116
not_trading -4140 -4141
unknown_instrument -4144
notional_rule -4164
restricted -4402
would_take -5022
expired -5028
"""
BYBIT_BOTH = """
expired -1 10002
bad_keys -2015 10003 10007 10010 33004
outcome_unknown 429 10000 10014 10016
bad_request 10001 10017
bad_signature 10004
not_permitted 10005 10008 10027
rate_limited 10006 10018
banned 10009
restricted 10024
account_mode 10028
unknown_instrument 10029
"""
BYBIT_FUTURES = """
order_not_found 110001
price_rule 110003 110120 110121
insufficient_funds 110004 110006 110007 110012 110014 110044 110045 110051 110052 110053
order_done 110008 110010
too_many_orders 110009 110020
leverage 110013 110036 110038 110086 110087
reduce_only 110017
bad_request 110019 110032
position_limit 110021 110089 110090
only_reducing 110023 110042
unchanged 110025 110026 110043
account_mode 110029 110088
liquidating 110040 110080
duplicate 110072
not_trading 110066 110074 110095 110103
order_busy 110079
notional_rule 110094
would_not_fill 110118
"""
BYBIT_SPOT = """
outcome_unknown 170001 170007 170032 170035 170146 170147 170149 170150 170234
rate_limited 170005 170222
insufficient_funds 170033 170131
bad_request 170105 170115 170116 170117 170130 170227
unknown_instrument 170121 170221
quantity_rule 170124 170136 170197 170198 170228 170229 170341 170381 170382
price_rule 170132 170133 170192 170193 170194 170371 170372
precision 170134 170137 170148
order_done 170139 170142 170190
notional_rule 170140
duplicate 170141
order_not_found 170143 170213
order_busy 170144 170191 170212
not_trading 170151 170157 170159 170217
rejected 170210
would_take 170218
not_permitted 170219 170224
liquidating 170226
too_many_orders 170810
"""
TEXTS = {
    "insufficient_funds": ["Account has insufficient balance for requested action."],
    "bad_request": [
        "Cancel order is invalid. Check origClOrdId and orderId.",
        "Market orders are not supported for this symbol.",
        "Unsupported order combination",
    ],
    "duplicate": ["Duplicate order sent."],
    "not_trading": ["Market is closed."],
    "would_take": ["Order would immediately match and take."],
    "notional_rule": ["Price * QTY is zero or less."],
    "not_permitted": [
        "Rest API trading is not enabled.",
        "This account may not place or cancel orders.",
        "This action is disabled on this account.",
        "This symbol is not permitted for this account.",
        "This symbol is restricted for this account.",
    ],
    "order_not_found": ["Unknown order sent."],
}
FILTERS = {
    "price_rule": ["PRICE_FILTER", "PERCENT_PRICE", "PERCENT_PRICE_BY_SIDE"],
    "quantity_rule": ["LOT_SIZE", "MARKET_LOT_SIZE"],
    "notional_rule": ["NOTIONAL", "MIN_NOTIONAL"],
    "position_limit": ["MAX_POSITION"],
    "too_many_orders": ["MAX_NUM_ORDERS", "MAX_NUM_ALGO_ORDERS", "EXCHANGE_MAX_NUM_ORDERS"],
    "bad_request": ["TRAILING_DELTA"],
}


def rows(*texts: str) -> dict[int, str]:
    return {int(code): line.split()[0] for text in texts for line in text.split("\n") for code in line.split()[1:]}


TABLES: dict[str, tuple[Mapping[int, Reason], dict[int, str]]] = {
    "binance:spot": (binance.SPOT, rows(BINANCE_BOTH, BINANCE_SPOT)),
    "binance:futures": (binance.FUTURES, rows(BINANCE_BOTH, BINANCE_FUTURES)),
    "bybit:spot": (bybit.SPOT, rows(BYBIT_BOTH, BYBIT_SPOT)),
    "bybit:futures": (bybit.FUTURES, rows(BYBIT_BOTH, BYBIT_FUTURES)),
}


def body(name: str, code: int, text: str = "words") -> tuple[int, bytes]:
    """Say no as the venue does: Binance by the status too, Bybit in the body alone."""
    if name.startswith("binance"):
        return 400, msgspec.json.encode({"code": code, "msg": text})
    return 200, msgspec.json.encode({"retCode": code, "retMsg": text, "result": {}, "time": 1})


ROWS = [
    (name, code, "words", reason) for name, (_, expected) in TABLES.items() for code, reason in expected.items()
] + [
    (f"binance:{market}", code, text, reason)
    for market in ("spot", "futures")
    for code in (-1010, -2010, -2011)
    for reason, texts in TEXTS.items()
    for text in texts
] + [
    (f"binance:{market}", -1013, f"Filter failure: {text}", reason)
    for market in ("spot", "futures")
    for reason, texts in FILTERS.items()
    for text in texts
]  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_hold_these_rows_and_no_others(name: str) -> None:
    table, expected = TABLES[name]
    assert {code: reason.value for code, reason in table.items()} == expected


def test_the_tables_of_texts_hold_these_rows_and_no_others() -> None:
    expected = {text: reason for reason, texts in TEXTS.items() for text in texts}
    assert {text: reason.value for text, reason in binance.TEXTS.items()} == expected
    named = {text: reason for reason, texts in FILTERS.items() for text in texts if reason != "bad_request"}
    assert {text: reason.value for text, reason in binance.FILTERS.items()} == named


@pytest.mark.parametrize(("name", "code", "text", "reason"), ROWS)
def test_a_row_says_whether_an_order_was_taken(name: str, code: int, text: str, reason: str) -> None:
    status, data = body(name, code, text)
    answer = TRADINGS[name].decode(PLACE, status, {}, data)
    if reason == "duplicate":
        assert answer == AlreadyThere(client_id="cid-0001")
    elif reason == "outcome_unknown" or reason in NO_WORD_ABOUT_A_NEW_ORDER:
        assert answer == Unknown(why=f"HTTP {status}, code {code}: {text}")
    else:
        assert isinstance(answer, Refused)
        assert (answer.reason.value, answer.code, answer.text) == (reason, str(code), text)


@pytest.mark.parametrize(("name", "code", "text", "reason"), ROWS)
def test_a_row_says_whether_a_cancel_was_taken(name: str, code: int, text: str, reason: str) -> None:
    status, data = body(name, code, text)
    answer = TRADINGS[name].decode(CANCEL, status, {}, data)
    if reason == "outcome_unknown":
        assert answer == Unknown(why=f"HTTP {status}, code {code}: {text}")
    else:
        assert isinstance(answer, Refused)
        assert answer.reason.value == reason


@pytest.mark.parametrize(("name", "code", "text", "reason"), ROWS)
def test_a_row_says_who_must_act_on_a_question(name: str, code: int, text: str, reason: str) -> None:
    kind: type[TapelineError] = VenueRefused
    if reason in PERSON:
        kind = Misconfigured
    elif reason in LATER:
        kind = Unavailable
    status, data = body(name, code, text)
    with pytest.raises(kind) as caught:
        TRADINGS[name].decode(BalancesQuery(), status, {}, data)
    assert type(caught.value) is kind
    assert str(caught.value).startswith(f"{name.replace(':', ' ')}: HTTP {status}, code {code}: {text}")


@pytest.mark.parametrize("name", TRADINGS)
def test_an_order_that_a_query_does_not_find_is_not_found(name: str) -> None:
    code = {"binance:spot": -2013, "binance:futures": -2013, "bybit:spot": 170213, "bybit:futures": 110001}[name]
    last = TRADINGS[name].facts.order_places - 1
    status, data = body(name, code, "Order does not exist.")
    query = OrderQuery(native="BTCUSDT", client_id="cid-0001", place=last)
    assert TRADINGS[name].decode(query, status, {}, data) == NotFound()


# ---------------------------------------------------------------- what stands in no table
@pytest.mark.parametrize("name", TRADINGS)
@pytest.mark.parametrize("call", [PLACE, CANCEL, CancelAllRequest(native="BTCUSDT")], ids=["place", "cancel", "all"])
@pytest.mark.parametrize("code", [-9999, 99999, 0, -2021, 110061, -1010, -2010, -2011])
def test_k14_a_code_that_stands_in_no_table_proves_nothing(
    name: str, call: OrderRequest | CancelRequest | CancelAllRequest, code: int
) -> None:
    data = body("bybit" if name.startswith("bybit") else "binance", code)[1]
    assert isinstance(TRADINGS[name].decode(call, 400, {}, data), Unknown)


@pytest.mark.parametrize("name", TRADINGS)
@pytest.mark.parametrize("code", [-2010, -2011, 10001])
def test_k14_another_text_of_the_engine_or_a_hidden_duplicate_proves_nothing(name: str, code: int) -> None:
    for words in ("Duplicated clientOrderId.", "orderLinkIdDuplicate1"):
        status, data = body(name, code, words)
        assert isinstance(TRADINGS[name].decode(PLACE, status, {}, data), Unknown)


@pytest.mark.parametrize("name", TRADINGS)
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_k14_after_a_5xx_an_order_is_unknown_whatever_the_body_says(name: str, status: int) -> None:
    for code, reason in TABLES[name][1].items():
        answer = TRADINGS[name].decode(PLACE, status, {}, body(name, code)[1])
        assert isinstance(answer, Unknown), reason
    for data in (b"", b"<html>bad gateway</html>", b'{"code":0,"msg":"Service Unavailable."}'):
        assert isinstance(TRADINGS[name].decode(PLACE, status, {}, data), Unknown)
        with pytest.raises(Unavailable) as caught:
            TRADINGS[name].decode(BalancesQuery(), status, {}, data)
        assert caught.value.retry_after_s is None


@pytest.mark.parametrize("name", TRADINGS)
def test_k14_after_a_5xx_no_order_counts_as_not_found(name: str) -> None:
    code = {"binance:spot": -2013, "binance:futures": -2013, "bybit:spot": 170213, "bybit:futures": 110001}[name]
    data = body(name, code, "Order does not exist.")[1]
    with pytest.raises(Unavailable):
        TRADINGS[name].decode(OrderQuery(native="BTCUSDT", client_id="cid-0001"), 503, {}, data)
    engine = body(name, -2011 if name.startswith("binance") else code, "Unknown order sent.")[1]
    assert isinstance(TRADINGS[name].decode(CancelAllRequest(native="BTCUSDT"), 503, {}, engine), Unknown)


@pytest.mark.parametrize(
    ("name", "status", "headers", "data", "answer"),
    [
        ("binance:spot", 429, {"Retry-After": "7"}, b"", Refused(reason=Reason.RATE_LIMITED, retry_after_s=7)),
        ("binance:spot", 429, {}, b"", Refused(reason=Reason.RATE_LIMITED, retry_after_s=60)),
        ("binance:futures", 418, {"retry-after": "300"}, b"", Refused(reason=Reason.BANNED, retry_after_s=300)),
        ("binance:futures", 418, {"Retry-After": "soon"}, b"", Refused(reason=Reason.BANNED, retry_after_s=120)),
        ("binance:futures", 418, {"Retry-After": "9" * 400}, b"", Refused(reason=Reason.BANNED, retry_after_s=259200)),
        ("binance:spot", 403, {}, b"waf", Refused(reason=Reason.BANNED, text="waf", retry_after_s=120)),
        ("binance:spot", 451, {}, b"", Refused(reason=Reason.RESTRICTED)),
        ("binance:spot", 401, {}, b"", Refused(reason=Reason.BAD_KEYS)),
        (
            "binance:futures",
            400,
            {},
            b'{"code":-1015,"msg":"Too many new orders."}',
            Refused(reason=Reason.RATE_LIMITED, code="-1015", text="Too many new orders.", retry_after_s=10),
        ),
        ("bybit:spot", 403, {}, b"access", Refused(reason=Reason.BANNED, text="access", retry_after_s=600)),
        ("bybit:spot", 401, {}, b"", Refused(reason=Reason.BAD_KEYS)),
        ("bybit:futures", 429, {}, b"", Unknown(why="HTTP 429: ")),
        (
            "bybit:futures",
            200,
            {},
            b'{"retCode":10006,"retMsg":"Too many visits!"}',
            Refused(reason=Reason.RATE_LIMITED, code="10006", text="Too many visits!", retry_after_s=1),
        ),
        (
            "bybit:futures",
            200,
            {},
            b'{"retCode":10018,"retMsg":"Out of frequency limit of IP"}',
            Refused(reason=Reason.RATE_LIMITED, code="10018", text="Out of frequency limit of IP", retry_after_s=5),
        ),
    ],
)
def test_x_05_a_refusal_says_how_long_to_wait(
    name: str, status: int, headers: dict[str, str], data: bytes, answer: object
) -> None:
    assert TRADINGS[name].decode(PLACE, status, headers, data) == answer


@pytest.mark.parametrize("name", TRADINGS)
@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 5_000, b"{}", b'{"retCode":0}'])
def test_k14_a_success_that_cannot_be_read_leaves_the_order_unknown(name: str, data: bytes) -> None:
    for call in (PLACE, CANCEL):
        assert isinstance(TRADINGS[name].decode(call, 200, {}, data), Unknown)
    with pytest.raises(InvalidMessage):
        TRADINGS[name].decode(OrderQuery(native="BTCUSDT", client_id="cid-0001"), 200, {}, data)


@pytest.mark.parametrize("name", ["binance:futures", "bybit:futures"])
@pytest.mark.parametrize("data", [b"", b"<html>", b"null", b"{}"])
def test_a_setting_that_cannot_be_read_does_not_count_as_set(name: str, data: bytes) -> None:
    for call in (
        LeverageRequest(native="BTCUSDT", leverage=Decimal(1)),
        DeadManRequest(native="BTCUSDT", within_ms=30_000),
    ):
        with pytest.raises(InvalidMessage):
            TRADINGS[name].decode(call, 200, {}, data)


def test_an_outcome_becomes_the_error_of_who_must_act() -> None:
    def kind(no: Refused | Unknown) -> tuple[type, str]:
        error = error_of("bybit spot", no)
        return type(error), str(error)

    assert kind(Unknown(why="no answer")) == (OutcomeUnknown, "bybit spot: no answer")
    assert kind(Refused(reason=Reason.WOULD_TAKE, text="it would")) == (
        VenueRefused,
        "bybit spot: would_take: it would",
    )
    assert kind(Refused(reason=Reason.BANNED, text="away")) == (Unavailable, "bybit spot: banned: away")
    assert kind(Refused(reason=Reason.BAD_SIGNATURE)) == (
        Misconfigured,
        "bybit spot: bad_signature: : check that the secret belongs to the key",
    )
