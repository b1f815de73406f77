"""C-22, D-19, X-16: an order is cut down to exact steps, never up, never to a worse price, or refused with the rule."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tapeline.domain.events import Instrument
from tapeline.venues.account import (
    Balance,
    BalanceUpdate,
    Fill,
    OrderUpdate,
    PositionUpdate,
    VenueOrder,
    VenuePosition,
)
from tapeline.venues.calls import Accepted, CancelAccepted, Fills, FoundOrder, OpenOrders, OrderRequest, Positions
from tapeline.venues.refusals import Reason, Refused
from tapeline.venues.sizing import fee_currency, in_base, in_contracts, quantize

RULES = Instrument(
    venue="bybit",
    market="futures",
    symbol="BTC/USDT",
    native="BTCUSDT",
    base="BTC",
    quote="USDT",
    status="trading",
    price_tick=Decimal("0.10"),
    quantity_step=Decimal("0.001"),
    contract_size=Decimal(1),
    min_quantity=Decimal("0.002"),
    max_quantity=Decimal(100),
    max_market_quantity=Decimal(50),
    min_notional=Decimal(5),
    received_us=1,
    published_us=1,
)
ORDER = OrderRequest(
    client_id="cid-0001",
    native="BTCUSDT",
    side="buy",
    kind="limit",
    quantity=Decimal("0.0129"),
    price=Decimal("50000.19"),
)


def ordered(**changes: object) -> OrderRequest:
    return msgspec.structs.replace(ORDER, **changes)


def ruled(**changes: object) -> Instrument:
    return msgspec.structs.replace(RULES, **changes)


MARKET = ordered(kind="market", price=None)
CLOSE = ordered(reduce_only=True)


@pytest.mark.parametrize(
    ("request_", "rules", "quantity", "price"),
    [
        (ORDER, RULES, "0.012", "50000.1"),
        (ordered(side="sell"), RULES, "0.012", "50000.2"),
        (ordered(side="sell", price=Decimal("50000.10")), RULES, "0.012", "50000.1"),
        (MARKET, RULES, "0.012", None),
        (ordered(quantity=Decimal(100)), RULES, "100", "50000.1"),
        (ordered(quantity=Decimal("0.002")), RULES, "0.002", "50000.1"),
        (ordered(quantity=Decimal("25.5")), ruled(quantity_step=Decimal(10), min_quantity=None), "20", "50000.1"),
        # A small rest of a futures position may always be closed.
        (ordered(reduce_only=True, price=Decimal(100)), RULES, "0.012", "100"),
        (CLOSE, ruled(status="reducing"), "0.012", "50000.1"),
        (ordered(price=Decimal(1)), ruled(min_notional=None), "0.012", "1"),
        (ordered(quantity=Decimal("0.02"), price=Decimal(250)), RULES, "0.020", "250"),
    ],
)
def test_an_order_is_cut_down_to_its_steps(
    request_: OrderRequest, rules: Instrument, quantity: str, price: str | None
) -> None:
    assert quantize(request_, rules) == msgspec.structs.replace(
        request_, quantity=Decimal(quantity), price=None if price is None else Decimal(price)
    )


@pytest.mark.parametrize(
    ("request_", "rules", "reference", "reason", "text"),
    [
        (ordered(quantity=Decimal("0.0019")), RULES, None, Reason.QUANTITY_RULE,
            "takes no less than 0.002, asked 0.0019"),
        (ordered(quantity=Decimal("0.0009")), ruled(min_quantity=None), None, Reason.QUANTITY_RULE,
            "takes no less than 0.001, asked 0.0009"),
        (ordered(quantity=Decimal("100.001")), RULES, None, Reason.QUANTITY_RULE,
            "takes no more than 100, asked 100.001"),
        (ordered(kind="market", price=None, quantity=Decimal(51)), RULES, None, Reason.QUANTITY_RULE,
            "takes no more than 50, asked 51"),
        (ordered(price=Decimal(400)), RULES, None, Reason.NOTIONAL_RULE,
            "takes orders worth 5 USDT or more, this one is 4.8"),
        (MARKET, RULES, Decimal(400), Reason.NOTIONAL_RULE, "takes orders worth 5 USDT or more, this one is 4.8"),
        (ordered(price=Decimal(400), reduce_only=True), ruled(market="spot"), None, Reason.NOTIONAL_RULE,
            "takes orders worth 5 USDT or more, this one is 4.8"),
        (ordered(price=Decimal("0.09")), RULES, None, Reason.PRICE_RULE, "has prices from 0.1"),
        (ORDER, ruled(status="halted"), None, Reason.NOT_TRADING, "is halted"),
        (CLOSE, ruled(status="closed"), None, Reason.NOT_TRADING, "is closed"),
        (ORDER, ruled(status="reducing"), None, Reason.NOT_TRADING, "is reducing"),
    ],
)  # fmt: skip
def test_x_16_an_order_below_the_venues_minimum_is_refused_with_the_rule(
    request_: OrderRequest, rules: Instrument, reference: Decimal | None, reason: Reason, text: str
) -> None:
    told = f"bybit {rules.market} BTC/USDT {text}"
    assert quantize(request_, rules, reference) == Refused(reason=reason, text=told)


def test_rules_of_another_instrument_are_an_error_of_ours() -> None:
    with pytest.raises(ValueError, match="rules of BTCUSDT for an order on ETHUSDT"):
        quantize(ordered(native="ETHUSDT"), RULES)


AMOUNTS = st.decimals(min_value="1e-12", max_value="1e12", places=12, allow_nan=False)
STEPS = st.tuples(st.integers(1, 50), st.integers(-12, 3)).map(lambda pair: Decimal(pair[0]).scaleb(pair[1]))


LONG = Decimal("999999999999999999.999999999999999999")


@given(AMOUNTS, AMOUNTS, STEPS, STEPS, st.sampled_from(["buy", "sell"]))
@example(LONG, LONG, Decimal("1e-18"), Decimal("3e-18"), "sell")
def test_sizing_is_exact_never_larger_never_worse_and_settles(
    quantity: Decimal, price: Decimal, step: Decimal, tick: Decimal, side: str
) -> None:
    rules = ruled(quantity_step=step, price_tick=tick, min_quantity=None, max_quantity=None, min_notional=None)
    request = ordered(quantity=quantity, price=price, side=side)
    sized = quantize(request, rules)
    if isinstance(sized, Refused):
        assert quantity < step or (side == "buy" and price < tick)
        return
    assert sized.price is not None
    assert Fraction(sized.quantity) % Fraction(step) == 0
    assert Fraction(sized.price) % Fraction(tick) == 0
    assert 0 <= Fraction(quantity) - Fraction(sized.quantity) < Fraction(step)
    better = Fraction(price) - Fraction(sized.price) if side == "buy" else Fraction(sized.price) - Fraction(price)
    assert 0 <= better < Fraction(tick)
    assert quantize(sized, rules) == sized


# ---------------------------------------------------------------- contracts
CONTRACT = Decimal("0.0001")
FOUND = VenueOrder(
    native="BTCUSDT",
    client_id="a",
    venue_id="1",
    status="FILLED",
    side="buy",
    kind="limit",
    time_in_force="GTC",
    price=Decimal(5),
    quantity=Decimal(30),
    filled=Decimal(20),
)
FILL = Fill(
    native="BTCUSDT",
    fill_id="1:1",
    venue_order_id="1",
    client_id=None,
    side="buy",
    price=Decimal(5),
    quantity=Decimal(20),
    fee=Decimal(1),
    fee_currency=None,
    fee_in="quote",
    liquidity="taker",
    filled_us=1,
)
HELD = VenuePosition(native="BTCUSDT", quantity=Decimal(-20), mode="net")
IN_BASE = msgspec.structs.replace(FOUND, quantity=Decimal("0.003"), filled=Decimal("0.002"))
FILL_IN_BASE = msgspec.structs.replace(FILL, quantity=Decimal("0.002"))
HELD_IN_BASE = msgspec.structs.replace(HELD, quantity=Decimal("-0.002"))
BALANCES = BalanceUpdate(balances=(Balance(currency="USDT", total=Decimal(1)),), venue_us=1)


@pytest.mark.parametrize(
    ("value", "converted"),
    [
        (FOUND, IN_BASE),
        (FILL, FILL_IN_BASE),
        (HELD, HELD_IN_BASE),
        (Accepted(order=FOUND, fills=(FILL,)), Accepted(order=IN_BASE, fills=(FILL_IN_BASE,))),
        (CancelAccepted(client_id="a", order=FOUND), CancelAccepted(client_id="a", order=IN_BASE)),
        (CancelAccepted(client_id="a"), CancelAccepted(client_id="a")),
        (FoundOrder(order=FOUND), FoundOrder(order=IN_BASE)),
        (OrderUpdate(order=FOUND), OrderUpdate(order=IN_BASE)),
        (OpenOrders(orders=(FOUND,)), OpenOrders(orders=(IN_BASE,))),
        (Fills(fills=(FILL,)), Fills(fills=(FILL_IN_BASE,))),
        (Positions(positions=(HELD,)), Positions(positions=(HELD_IN_BASE,))),
        (PositionUpdate(positions=(HELD,), venue_us=1), PositionUpdate(positions=(HELD_IN_BASE,), venue_us=1)),
        (BALANCES, BALANCES),
    ],
    ids=lambda one: type(one).__name__,
)
def test_k22_quantities_of_an_answer_become_base_currency(value: msgspec.Struct, converted: msgspec.Struct) -> None:
    assert in_base(value, {"BTCUSDT": CONTRACT}) == converted
    # Other instruments, and venues that count in base currency, stay as they are.
    assert in_base(value, {"ETHUSDT": CONTRACT}) == value
    assert in_base(value, {}) == value


@given(st.integers(1, 10**9), STEPS)
def test_k22_contracts_there_and_back_are_exact(count: int, size: Decimal) -> None:
    quantity = count * size
    assume(quantity > 0)
    rules = ruled(contract_size=size)
    sent = in_contracts(ordered(quantity=quantity), rules)
    assert sent.quantity == count
    order = msgspec.structs.replace(FOUND, quantity=sent.quantity)
    assert in_base(order, {"BTCUSDT": size}).quantity == quantity


def test_k22_what_is_no_exact_number_of_contracts_is_never_rounded() -> None:
    with pytest.raises(ValueError, match="no exact number of contracts"):
        in_contracts(ordered(quantity=Decimal(1)), ruled(contract_size=Decimal("0.3")))


@pytest.mark.parametrize(
    ("named", "side", "currency"), [("BNB", None, "BNB"), (None, "base", "BTC"), (None, "quote", "USDT")]
)
def test_a_fee_is_in_what_the_venue_says_or_in_a_side_of_the_instrument(
    named: str | None, side: str | None, currency: str
) -> None:
    fill = msgspec.structs.replace(FILL, fee_currency=named, fee_in=side)
    assert fee_currency(fill, RULES) == currency
