"""Values of an account's trading for tests: an intent, its plan, orders and fills, whole where a test names a part."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from tapeline.domain import risk
from tapeline.domain.account import AccountState
from tapeline.domain.booking import Plan
from tapeline.domain.ids import intent_id
from tapeline.domain.order_records import Command, Memory, OrderIntent, PlaceOrder
from tapeline.domain.orders import OurFill, OurOrder

FAR_US = 9_000_000_000_000_000
SYMBOL = "BTC/USDT"
BUY = PlaceOrder(
    venue="bybit", market="futures", side="buy", order_type="limit", time_in_force="GTC", quantity=Decimal(1),
    price=Decimal(100), tag="t",
)  # fmt: skip


def intent(
    command: Command = BUY,
    *,
    strategy: str = "grid-1",
    slot: int = 0,
    round_: int = 0,
    memory: Memory | None = None,
    again: str = "",
    expires_us: int = FAR_US,
) -> OrderIntent:
    """Return an intent with the id that belongs to it."""
    return OrderIntent(
        intent_id=intent_id(strategy, SYMBOL, slot, round_, command, again),
        strategy=strategy,
        account="main",
        symbol=SYMBOL,
        slot=slot,
        round=round_,
        command=command,
        memory=memory,
        cause=(),
        reason="the spread is wide",
        evidence={"spread": 0.25},
        decided_us=1,
        expires_us=expires_us,
        published_us=2,
    )


def order(of: OrderIntent, name: str, *, quantity: str = "1", closing: bool = False, at_us: int = 10) -> OurOrder:
    """Return an order of an intent, PENDING."""
    return OurOrder(
        client_order_id=name,
        account="main",
        intent_id=of.intent_id,
        strategy=of.strategy,
        symbol=of.symbol,
        venue="bybit",
        market="futures",
        side="sell" if closing else "buy",
        order_type="limit",
        time_in_force="GTC",
        price=Decimal(100),
        quantity=Decimal(quantity),
        reduce_only=closing,
        closing=closing,
        tag="t",
        expires_us=of.expires_us,
        created_us=at_us,
        updated_us=at_us,
    )


def plan(of: OrderIntent, *orders: OurOrder, exposure: str = "100") -> Plan:
    """Return a plan that reserves the exposure on one instrument."""
    claim = risk.Claim(venue="bybit", market="futures", exposure=Decimal(exposure), margin=Decimal(10))
    reserved = risk.Reservation(
        intent_id=of.intent_id, strategy=of.strategy, symbol=of.symbol, claims=(claim,), orders=len(orders)
    )
    return Plan(reservation=reserved, orders=orders)


def fill(name: str, client_order_id: str | None, quantity: str = "1", price: str = "100", side: str = "buy") -> OurFill:
    """Return a fill with a fee of a thousandth in quote currency."""
    value = Decimal(price) * Decimal(quantity)
    return msgspec.convert(
        {
            "account": "main", "venue": "bybit", "market": "futures", "symbol": SYMBOL, "fill_id": name,
            "client_order_id": client_order_id, "side": side, "price": Decimal(price), "quantity": Decimal(quantity),
            "fee": value / 1000, "fee_currency": "USDT", "fee_quote": value / 1000, "filled_us": 50,
        },
        OurFill,
        builtin_types=(Decimal,),
    )  # fmt: skip


def in_order(state: AccountState) -> AccountState:
    """Return a state with its rows in an order of their own: nobody relies on the one in which they are read."""
    rows = {
        name: tuple(sorted(found, key=repr))
        for name, found in msgspec.structs.asdict(state).items()
        if isinstance(found, tuple)
    }
    return msgspec.structs.replace(state, **rows)


def bare(state: AccountState) -> AccountState:
    """Return a state without what differs from run to run: the time."""

    def timeless(value: object) -> object:
        if isinstance(value, tuple):
            return tuple(timeless(one) for one in value)
        if isinstance(value, msgspec.Struct):
            fields = msgspec.structs.asdict(value)
            hidden = {name: 0 for name, found in fields.items() if name in _TIMES and found is not None}
            deep = {name: timeless(found) for name, found in fields.items() if isinstance(found, tuple)}
            return msgspec.structs.replace(value, **deep, **hidden)
        return value

    found = timeless(state)
    assert isinstance(found, AccountState)
    return found


_TIMES = {"now_us", "taken_us", "settled_us", "updated_us", "at_us", "since_us", "sent_us"}
