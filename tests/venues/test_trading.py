"""One suite for all venues and markets: what a call becomes and what its answer means, compared as whole values."""

from __future__ import annotations

import re
from decimal import Decimal

import msgspec
import pytest

from tapeline.errors import InvalidMessage, Misconfigured
from tapeline.venues.binance import trading as binance
from tapeline.venues.bybit import trading as bybit
from tapeline.venues.calls import (
    BalancesQuery,
    Call,
    CancelRequest,
    DeadManRequest,
    Fills,
    FillsQuery,
    FundingPayments,
    FundingQuery,
    LeverageRequest,
    OrderQuery,
    OrderRequest,
    PositionsQuery,
    StreamKeyGone,
    StreamKeyRenewal,
    StreamKeyRequest,
)
from tapeline.venues.calls import StreamKey as Key
from tapeline.venues.orders import Trading, client_id
from tapeline.venues.refusals import Unknown
from tests.venues import (
    expected_trading_binance,
    expected_trading_binance_futures,
    expected_trading_bybit,
    expected_trading_bybit_futures,
)
from tests.venues.trading_case import AT_US, DAY_US, EXPIRES_IN_MS, KEYS, Case

TRADINGS: dict[str, Trading] = {
    "binance:spot": binance.SPOT,
    "binance:futures": binance.FUTURES,
    "bybit:spot": bybit.SPOT,
    "bybit:futures": bybit.FUTURES,
}
EXPECTED: dict[str, tuple[Case, ...]] = {
    "binance:spot": expected_trading_binance.SPOT,
    "binance:futures": expected_trading_binance_futures.FUTURES,
    "bybit:spot": expected_trading_bybit.SPOT,
    "bybit:futures": expected_trading_bybit_futures.FUTURES,
}
CASES = [(name, case) for name, cases in EXPECTED.items() for case in cases]
NOT_HERE: dict[str, set[type]] = {
    "binance:spot": {
        PositionsQuery,
        FundingQuery,
        LeverageRequest,
        DeadManRequest,
        StreamKeyRequest,
        StreamKeyRenewal,
    },
    "binance:futures": set(),
    "bybit:spot": {PositionsQuery, FundingQuery, LeverageRequest, StreamKeyRequest, StreamKeyRenewal},
    "bybit:futures": {StreamKeyRequest, StreamKeyRenewal},
}


def label(one: object) -> str:
    return one.name if isinstance(one, Case) else str(one)


@pytest.mark.parametrize("name", TRADINGS)
def test_c_25_every_call_has_its_case_or_is_not_there(name: str) -> None:
    assert {type(case.call) for case in EXPECTED[name]} | NOT_HERE[name] == set(Call.__subclasses__())


@pytest.mark.parametrize(("name", "case"), CASES, ids=label)
def test_c_25_a_call_becomes_this_request(name: str, case: Case) -> None:
    assert TRADINGS[name].build(case.call, KEYS, at_us=AT_US, expires_in_ms=EXPIRES_IN_MS) == case.request


@pytest.mark.parametrize(("name", "case"), CASES, ids=label)
def test_c_25_an_answer_means_this(name: str, case: Case) -> None:
    assert TRADINGS[name].decode(case.call, case.status, {}, case.body) == case.answer


@pytest.mark.parametrize(("name", "case"), CASES, ids=label)
def test_unknown_fields_are_ignored(name: str, case: Case) -> None:
    plain = msgspec.json.decode(case.body)
    widen(plain)
    assert TRADINGS[name].decode(case.call, case.status, {}, msgspec.json.encode(plain)) == case.answer


def widen(value: object) -> None:
    if isinstance(value, dict):
        for inner in list(value.values()):
            widen(inner)
        value["something_new"] = {"deep": [1, None]}
    elif isinstance(value, list):
        for inner in value:
            widen(inner)


def calls_not_here() -> list[tuple[str, Call[object]]]:
    made: list[Call[object]] = [
        PositionsQuery(),
        FundingQuery(since_us=0, until_us=1),
        LeverageRequest(native="BTCUSDT", leverage=Decimal(1)),
        DeadManRequest(native="BTCUSDT", within_ms=30_000),
        StreamKeyRequest(),
        StreamKeyRenewal(key=Key(key="abc")),
    ]
    return [(name, call) for name, types in NOT_HERE.items() for call in made if type(call) in types]


@pytest.mark.parametrize(("name", "call"), calls_not_here(), ids=lambda one: one if isinstance(one, str) else "")
def test_a_call_that_a_market_does_not_have_names_it(name: str, call: Call[object]) -> None:
    told = rf"^{name.replace(':', ' ')} has no {type(call).__name__}: "
    with pytest.raises(Misconfigured, match=told):
        TRADINGS[name].build(call, KEYS, at_us=AT_US, expires_in_ms=EXPIRES_IN_MS)
    with pytest.raises(Misconfigured, match=told):
        TRADINGS[name].decode(call, 200, {}, b"{}")


ORDER = OrderRequest(
    client_id="cid-0001", native="BTCUSDT", side="buy", kind="limit", quantity=Decimal(1), price=Decimal(2)
)


@pytest.mark.parametrize("name", TRADINGS)
def test_a_request_is_never_valid_for_longer_than_asked(name: str) -> None:
    trading = TRADINGS[name]
    most = trading.facts.expiry.most_ms

    def window(expires_in_ms: int) -> str:
        request = trading.build(ORDER, KEYS, at_us=AT_US, expires_in_ms=expires_in_ms)
        found = re.search(r"recvWindow=(\d+)", request.body.decode())
        return found[1] if found else request.headers["X-BAPI-RECV-WINDOW"]

    assert [window(1), window(most), window(most + 1)] == ["1", str(most), str(most)]
    with pytest.raises(ValueError, match="expired"):
        window(0)


@pytest.mark.parametrize("name", TRADINGS)
@pytest.mark.parametrize("bad", ["", "a" * 37, "a b", "\u00e4", "a&b=c", 'a"', "a\n"])
def test_an_id_that_is_not_legal_is_never_sent(name: str, bad: str) -> None:
    with pytest.raises(ValueError, match="no such client id"):
        TRADINGS[name].build(
            msgspec.structs.replace(ORDER, client_id=bad), KEYS, at_us=AT_US, expires_in_ms=EXPIRES_IN_MS
        )


@pytest.mark.parametrize("name", TRADINGS)
def test_numbers_are_sent_as_they_stand_and_never_with_an_exponent(name: str) -> None:
    call = msgspec.structs.replace(ORDER, quantity=Decimal("1E+3"), price=Decimal("1E-8"))
    body = TRADINGS[name].build(call, KEYS, at_us=AT_US, expires_in_ms=EXPIRES_IN_MS).body.decode()
    assert "1000" in body
    assert "0.00000001" in body
    assert re.search(r"\dE[+-]\d", body) is None


@pytest.mark.parametrize("name", TRADINGS)
def test_facts_belong_together(name: str) -> None:
    facts = TRADINGS[name].facts
    assert f"{facts.venue}:{facts.market}" == name
    assert facts.reduce_only == (facts.market == "futures")
    used = {case.request.bucket for case in EXPECTED[name]}
    assert set(facts.limits) == used
    dearest = {
        bucket: max(case.request.cost for case in EXPECTED[name] if case.request.bucket == bucket) for bucket in used
    }
    # Half of a limit is what we take: the dearest call must fit into it.
    assert all(facts.limits[bucket].tokens // 2 >= cost for bucket, cost in dearest.items())
    for hosts in (facts.main, facts.test):
        assert hosts.rest.startswith("https://")
        assert hosts.ws.startswith("wss://")


def test_what_an_answer_is_is_known_to_the_types() -> None:
    found = TRADINGS["bybit:spot"].decode(
        FillsQuery(native="BTCUSDT", since_us=0, until_us=1), 200, {}, expected_trading_bybit.EMPTY_PAGE
    )
    fills: Fills = found
    assert fills.then is None


# ---------------------------------------------------------------- places and pages
def test_bybit_is_asked_in_every_place_before_an_order_counts_as_not_found() -> None:
    trading = TRADINGS["bybit:futures"]
    call: OrderQuery | None = OrderQuery(native="BTCUSDT", client_id="cid-0001")
    paths = []
    while call is not None:
        paths.append(trading.build(call, KEYS, at_us=AT_US, expires_in_ms=EXPIRES_IN_MS).path)
        answer = trading.decode(call, 200, {}, expected_trading_bybit.EMPTY_PAGE)
        call = getattr(answer, "then", None)
    assert paths == ["/v5/order/realtime", "/v5/order/history"]
    assert len(paths) == trading.facts.order_places


def test_bybit_reads_no_other_order_as_the_one_asked_for() -> None:
    call = OrderQuery(native="BTCUSDT", client_id="another", place=1)
    body = next(case.body for case in EXPECTED["bybit:spot"] if isinstance(case.call, OrderQuery))
    assert TRADINGS["bybit:spot"].decode(call, 200, {}, body).__class__.__name__ == "NotFound"


def page(count: int, first_id: int, at_ms: int) -> bytes:
    trade = {
        "symbol": "BTCUSDT",
        "orderId": 1,
        "price": "1",
        "qty": "1",
        "commission": "0",
        "commissionAsset": "BNB",
        "time": at_ms,
        "isBuyer": True,
        "isMaker": True,
        "buyer": True,
        "maker": True,
    }
    return msgspec.json.encode([trade | {"id": first_id + at} for at in range(count)])


@pytest.mark.parametrize(
    ("name", "window_days"), [("binance:spot", 1), ("binance:futures", 7)], ids=["spot", "futures"]
)
def test_binance_fills_are_walked_without_a_hole(name: str, window_days: int) -> None:
    trading = TRADINGS[name]
    call = FillsQuery(native="BTCUSDT", since_us=AT_US, until_us=AT_US + (window_days + 1) * DAY_US)
    at_ms = AT_US // 1000
    empty = trading.decode(call, 200, {}, b"[]")
    after = msgspec.structs.replace(call, since_us=AT_US + window_days * DAY_US)
    assert empty == Fills(fills=(), then=after)
    assert trading.decode(after, 200, {}, b"[]") == Fills(fills=())
    full = trading.decode(call, 200, {}, page(1000, 5, at_ms))
    assert full.then == msgspec.structs.replace(call, cursor="1005")
    # Behind a full page ids leave no hole, whatever the windows are, until a trade is later than asked for.
    assert full.then is not None
    assert trading.decode(full.then, 200, {}, page(3, 1005, at_ms)).then is None
    late = call.until_us // 1000 + 1
    assert trading.decode(full.then, 200, {}, page(1000, 1005, late)).then is None


def income(count: int, first_id: int, at_ms: int) -> bytes:
    paid = {"symbol": "BTCUSDT", "incomeType": "FUNDING_FEE", "income": "-1", "asset": "USDT"}
    return msgspec.json.encode([paid | {"tranId": first_id + at, "time": at_ms + at} for at in range(count)])


def test_binance_funding_is_walked_without_a_hole() -> None:
    trading = TRADINGS["binance:futures"]
    call = FundingQuery(since_us=AT_US, until_us=AT_US + 8 * DAY_US)
    at_ms = AT_US // 1000
    full = trading.decode(call, 200, {}, income(1000, 5, at_ms))
    assert len(full.payments) == 1000
    # The newest is told again: others of its millisecond may stand behind it.
    assert full.then == msgspec.structs.replace(call, since_us=(at_ms + 999) * 1000)
    rest = msgspec.structs.replace(call, since_us=AT_US + DAY_US + 1)
    assert trading.decode(rest, 200, {}, b"[]") == FundingPayments(payments=())
    with pytest.raises(InvalidMessage, match="ends where it began"):
        trading.decode(call, 200, {}, income(1, 5, at_ms)[:-1] + (b"," + income(1, 5, at_ms)[1:-1]) * 999 + b"]")


# ---------------------------------------------------------------- what is not sure
@pytest.mark.parametrize(("name", "case"), [one for one in CASES if isinstance(one[1].call, OrderRequest)], ids=label)
def test_an_answer_about_another_order_leaves_ours_unknown(name: str, case: Case) -> None:
    assert isinstance(case.call, OrderRequest)
    call = msgspec.structs.replace(case.call, client_id="another")
    answer = TRADINGS[name].decode(call, case.status, {}, case.body)
    assert isinstance(answer, Unknown)
    assert "about another order" in answer.why


@pytest.mark.parametrize(("name", "case"), [one for one in CASES if isinstance(one[1].call, CancelRequest)], ids=label)
def test_an_answer_about_another_cancel_leaves_ours_unknown(name: str, case: Case) -> None:
    assert isinstance(case.call, CancelRequest)
    call = msgspec.structs.replace(case.call, client_id="another")
    answer = TRADINGS[name].decode(call, case.status, {}, case.body)
    assert isinstance(answer, Unknown)
    assert "about another order" in answer.why


def test_bybit_has_one_unified_account() -> None:
    for wallets in (b"", b'{"coin":[]},{"coin":[]}'):
        with pytest.raises(InvalidMessage, match="one unified account"):
            TRADINGS["bybit:spot"].decode(
                BalancesQuery(), 200, {}, b'{"retCode":0,"result":{"list":[' + wallets + b"]}}"
            )


@pytest.mark.parametrize("name", ["binance:spot", "binance:futures"])
def test_an_order_is_known_by_the_id_that_found_it_and_by_its_instrument(name: str) -> None:
    case = next(case for case in EXPECTED[name] if isinstance(case.call, OrderQuery))
    assert isinstance(case.call, OrderQuery)
    renamed = case.body.replace(case.call.client_id.encode(), b"cancel-id")
    assert TRADINGS[name].decode(case.call, 200, {}, renamed) == case.answer
    with pytest.raises(InvalidMessage, match="another instrument"):
        TRADINGS[name].decode(msgspec.structs.replace(case.call, native="ETHUSDT"), 200, {}, case.body)


def test_a_listen_key_that_is_gone_is_created_again() -> None:
    call = StreamKeyRenewal(key=Key(key="abc"))
    body = b'{"code":-1125,"msg":"This listenKey does not exist."}'
    assert TRADINGS["binance:futures"].decode(call, 400, {}, body) == StreamKeyGone()


def test_binance_takes_whole_leverage_alone() -> None:
    with pytest.raises(Misconfigured, match=r"no leverage of 1\.5: set a whole number"):
        TRADINGS["binance:futures"].build(
            LeverageRequest(native="BTCUSDT", leverage=Decimal("1.5")), KEYS, at_us=AT_US, expires_in_ms=5_000
        )


@pytest.mark.parametrize("within_ms", [0, 2_999, 300_001])
def test_bybits_switch_takes_its_own_range_alone(within_ms: int) -> None:
    with pytest.raises(Misconfigured, match="no sooner than 3 s"):
        TRADINGS["bybit:spot"].build(
            DeadManRequest(native="BTCUSDT", within_ms=within_ms), KEYS, at_us=AT_US, expires_in_ms=5_000
        )


@pytest.mark.parametrize("name", TRADINGS)
def test_k15_an_id_of_ours_is_legal(name: str) -> None:
    rules = TRADINGS[name].facts.client_ids
    made = client_id(rules, account="main", intent_id="3f1c", leg="buy", part=1, attempt=1)
    assert re.fullmatch(rules.pattern, made)
    assert len(made) <= rules.longest
