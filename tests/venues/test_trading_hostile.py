"""K14: whatever a venue or somebody between sends, no order is lost, nothing crashes, no secret is repeated."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tapeline.errors import InvalidMessage, TapelineError
from tapeline.venues.account import BalanceUpdate, Fill, OrderUpdate, PositionUpdate
from tapeline.venues.calls import (
    Accepted,
    AlreadyThere,
    BalancesQuery,
    Call,
    CancelAccepted,
    CancelAllRequest,
    CancelledAll,
    CancelRequest,
    OrderRequest,
    StreamKey,
    StreamKeyRequest,
)
from tapeline.venues.orders import Keys
from tapeline.venues.refusals import Refused, Unknown
from tests.venues.test_trading import CASES, TRADINGS
from tests.venues.test_trading_streams import FRAMES
from tests.venues.trading_case import AT_US, EXPIRES_IN_MS, KEYS, Case

OUTCOMES: dict[type, tuple[type, ...]] = {
    OrderRequest: (Accepted, AlreadyThere, Refused, Unknown),
    CancelRequest: (CancelAccepted, Refused, Unknown),
    CancelAllRequest: (CancelledAll, Refused, Unknown),
}
STATUSES = st.sampled_from([200, 200, 200, 201, 302, 400, 401, 403, 404, 418, 429, 451, 500, 503, 599, 0, -1])
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.sampled_from(["", "0", "-1", "NaN", "Infinity", "1e999", "0E-8", "1" * 50, "BUY", "FILLED", "\u0000", "💥"]),
    st.text(max_size=12),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def leaves(value: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401 - any JSON document
    """Return where every value of a JSON document stands: its holder and its name in it."""
    found: list[tuple[Any, Any]] = []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in pairs:
        found += [(value, name), *leaves(inner)]
    return found


@st.composite
def mutated(draw: st.DrawFn, document: bytes) -> bytes:
    """Draw a document in which one or two values are replaced or gone, or bytes are changed."""
    if draw(st.integers(0, 4)) == 0:
        data = bytearray(document)
        for _ in range(draw(st.integers(1, 3))):
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
        return bytes(data[: draw(st.integers(0, len(data)))])
    plain = msgspec.json.decode(document)
    for _ in range(draw(st.integers(1, 2))):
        places = leaves(plain)
        if places:
            holder, name = draw(st.sampled_from(places))
            if isinstance(holder, dict) and draw(st.booleans()):
                del holder[name]
            else:
                holder[name] = draw(LEAVES)
    return msgspec.json.encode(plain)


def judged(name: str, call: Call[object], status: int, body: bytes) -> object:
    """Decode an answer: an outcome for what changes orders, an answer or one of our errors for a question."""
    kinds = OUTCOMES.get(type(call))
    try:
        answer = TRADINGS[name].decode(call, status, {"Retry-After": "1"}, body)
    except TapelineError:
        assert kinds is None
        return None
    assert kinds is None or isinstance(answer, kinds)
    return answer


@given(st.data(), st.sampled_from(CASES), STATUSES)
def test_a_mutated_answer_is_an_outcome_or_one_of_our_errors(
    data: st.DataObject, picked: tuple[str, Case], status: int
) -> None:
    name, case = picked
    body = data.draw(mutated(case.body))
    answer = judged(name, case.call, status, body)
    if isinstance(case.call, OrderRequest) and isinstance(answer, Accepted):
        # Whatever else it says, it is about our order, and its numbers are numbers.
        assert answer.order.client_id == case.call.client_id
        assert answer.order.native == case.call.native
        assert all(number.is_finite() and number >= 0 for number in (answer.order.quantity, answer.order.filled))


@given(st.sampled_from(CASES), STATUSES, st.binary(max_size=60))
@example(CASES[0], 200, b"[" * 10_000)
@example(CASES[0], 200, b"\xff\xfe")
def test_what_is_no_answer_is_an_outcome_or_one_of_our_errors(
    picked: tuple[str, Case], status: int, body: bytes
) -> None:
    name, case = picked
    answer = judged(name, case.call, status, body)
    if isinstance(case.call, OrderRequest):
        assert not isinstance(answer, Accepted | AlreadyThere)


@given(st.data(), st.sampled_from(FRAMES))
def test_a_mutated_frame_is_events_or_an_invalid_message(
    data: st.DataObject, picked: tuple[str, str, bytes, tuple[object, ...]]
) -> None:
    name, _, frame, _ = picked
    try:
        events = TRADINGS[name].decode_frame(data.draw(mutated(frame)))
    except InvalidMessage:
        return
    numbers: list[Decimal] = []
    for event in events:
        match event:
            case Fill(price=price, quantity=quantity):
                numbers += [price, quantity]
            case OrderUpdate(order=order):
                numbers += [order.quantity, order.filled]
            case BalanceUpdate(balances=balances):
                numbers += [balance.total for balance in balances]
            case PositionUpdate(positions=positions):
                numbers += [position.quantity for position in positions]
            case _:
                pass
    assert all(number.is_finite() for number in numbers)


@given(st.sampled_from(list(TRADINGS)), st.binary(max_size=60))
def test_what_is_no_frame_is_events_or_an_invalid_message(name: str, frame: bytes) -> None:
    try:
        events = TRADINGS[name].decode_frame(frame)
    except InvalidMessage:
        return
    assert isinstance(events, tuple)


# ---------------------------------------------------------------- secrets
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
# Keys are random: none of them is a word of one case.
SECRETS = st.text(ALPHABET, min_size=18, max_size=64).filter(
    lambda text: not (text.isalpha() and (text.islower() or text.isupper() or text.istitle()))
)


@pytest.mark.parametrize(("name", "case"), CASES, ids=lambda one: one.name if isinstance(one, Case) else str(one))
def test_x_14_a_request_shows_neither_secret_nor_key_nor_signature(name: str, case: Case) -> None:
    request = TRADINGS[name].build(case.call, KEYS, at_us=AT_US, expires_in_ms=EXPIRES_IN_MS)
    for shown in (repr(request), str(request), f"{request}", f"{[request]}"):
        assert "test-" not in shown
        assert "signature" not in shown
        assert "X-" not in shown
        assert case.request.path in shown


@pytest.mark.parametrize("name", TRADINGS)
def test_x_14_keys_and_streams_show_nothing(name: str) -> None:
    key = StreamKey(key="pqia91ma19a5s61cv6")
    keys = Keys(key="test-key", secret="test-secret", passphrase="test-passphrase")
    opening = TRADINGS[name].opening(TRADINGS[name].facts.main, keys, at_us=AT_US, stream_key=key, dead_man=True)
    shown = f"{keys} {keys!r} {key} {key!r} {opening} {opening!r} { ({'a': (keys, key, opening)}) }"
    assert "test-" not in shown
    assert "pqia91" not in shown


@given(st.sampled_from(CASES), STATUSES, SECRETS, st.sampled_from(["msg", "retMsg", "listenKey", "page", "cut"]))
def test_x_14_what_a_venue_repeats_of_us_is_not_repeated(
    picked: tuple[str, Case], status: int, secret: str, where: str
) -> None:
    name, case = picked
    told = f"error sign! origin_string[1700000000000{secret}5000category=spot]"
    body = {
        "msg": msgspec.json.encode({"code": -1022, "msg": told}),
        "retMsg": msgspec.json.encode({"retCode": 10004, "retMsg": told}),
        "listenKey": msgspec.json.encode({"listenKey": [secret]}),
        "page": f"<html>{secret}</html>".encode(),
        "cut": b'{"x": "' + b" " * 190 + secret.encode(),
    }[where]
    try:
        shown = repr(TRADINGS[name].decode(case.call, status, {}, body))
    except TapelineError as error:
        shown = f"{error} {error!r}"
    assert secret[:16] not in shown
    with pytest.raises(TapelineError) as caught:
        TRADINGS["binance:futures"].decode(StreamKeyRequest(), 200, {}, b'{"listenKey":["' + secret.encode() + b'"]}')
    assert secret not in f"{caught.value} {caught.value!r}"


@given(SECRETS)
def test_x_14_a_refused_login_repeats_no_key(secret: str) -> None:
    frame = msgspec.json.encode({"success": False, "op": "auth", "ret_msg": f"error: {secret}"})
    assert secret not in repr(TRADINGS["bybit:spot"].decode_frame(frame))
    refused = msgspec.json.encode({"id": "1", "status": 401, "error": {"code": -2015, "msg": f"no {secret}"}})
    assert secret not in repr(TRADINGS["binance:spot"].decode_frame(refused))


def test_words_for_people_stay_readable() -> None:
    body = b'{"retCode":110007,"retMsg":"ab not enough for new order, FutureTradeReduceOnlyOrder"}'
    answer = TRADINGS["bybit:futures"].decode(CASES[0][1].call, 200, {}, body)
    assert isinstance(answer, Refused)
    assert answer.text.startswith("ab not enough for new order, ")
    with pytest.raises(TapelineError, match="Market is closed"):
        TRADINGS["binance:spot"].decode(BalancesQuery(), 400, {}, b'{"code":-2010,"msg":"Market is closed."}')
