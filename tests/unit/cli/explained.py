"""One two-leg order with all that led to it, as rows and books, for the tests of its explanation."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from tapeline.cli.explain_parts import BookPart
from tapeline.domain.account import TakenIntent
from tapeline.domain.account_records import Audit, Pair, PairLeg
from tapeline.domain.order_records import Cause, EnterPair, Memory, OrderIntent, Place
from tapeline.domain.orders import OurFill, OurOrder
from tapeline.domain.risk import Claim, Reservation
from tapeline.runtime.trading_story import Story

D = Decimal

AT_US = 1_790_000_000_000_000
SYMBOL = "BTC/USDT"
BUY, SELL = "bybit:futures:BTC/USDT", "okx:futures:BTC/USDT"
COMMAND = EnterPair(
    pair_id="two-leg:BTC/USDT",
    buy=Place(venue="bybit", market="futures", limit_price=D("100.2")),
    sell=Place(venue="okx", market="futures", limit_price=D("101.1")),
    quantity=D(2),
    parts=1,
    min_net=D("0.001"),
    target_profit=D("0.002"),
    stop_loss=D(5),
    leverage=D(2),
)
INTENT = OrderIntent(
    intent_id="i1",
    strategy="two-leg",
    account="main",
    symbol=SYMBOL,
    slot=0,
    round=4,
    command=COMMAND,
    memory=Memory(version=1, kind="Peak", body='{"peak":1}'),
    cause=(
        Cause(topic="md.book", partition=2, offset=10),
        Cause(topic="md.book", partition=2, offset=11),
        Cause(topic="portfolio", partition=2, offset=3),
    ),
    reason="buying there and selling here earns",
    evidence={"net": 0.0075, "buy_price": 100.0, "sell_price": 101.25, "quantity": 2.0},
    decided_us=AT_US,
    expires_us=AT_US + 1_000_000,
    first_received_us=AT_US - 3_000,
    published_us=AT_US,
)
RESERVED = Reservation(
    intent_id="i1",
    strategy="two-leg",
    symbol=SYMBOL,
    claims=(Claim(venue="bybit", market="futures", exposure=D("200.4"), margin=D("100.2")),),
    orders=2,
    pairs=1,
)
ROW = TakenIntent(
    intent_id="i1",
    account="main",
    strategy="two-leg",
    symbol=SYMBOL,
    slot=0,
    round=4,
    command="EnterPair",
    opening=True,
    status="APPROVED",
    wanted_because=INTENT.reason,
    reservation=RESERVED,
    context='{"net":0.0075}',
    actor="two-leg",
    trace_id="t1",
    first_received_us=AT_US - 3_000,
    decided_us=AT_US,
    expires_us=AT_US + 1_000_000,
    taken_us=AT_US + 2_500,
)
ORDER = OurOrder(
    client_order_id="c-buy",
    account="main",
    intent_id="i1",
    strategy="two-leg",
    symbol=SYMBOL,
    venue="bybit",
    market="futures",
    leg="buy",
    side="buy",
    order_type="limit",
    time_in_force="IOC",
    price=D("100.2"),
    quantity=D(2),
    expires_us=AT_US + 1_000_000,
    status="FILLED",
    filled=D(2),
    filled_value=D(200),
    told_filled=D(2),
    commission=D("0.2"),
    venue_order_id="v-1",
    trace_id="t1",
    created_us=AT_US + 2_500,
    sent_us=AT_US + 3_000,
    answered_us=AT_US + 7_000,
    updated_us=AT_US + 9_000,
)
OTHER: OurOrder = msgspec.structs.replace(
    ORDER, client_order_id="c-sell", venue="okx", leg="sell", side="sell", price=D("101.1"), status="REJECTED",
    filled=D(0), filled_value=D(0), commission=D(0), code="insufficient_funds", reason="no margin",
    venue_order_id=None,
)  # fmt: skip
FILL = OurFill(
    account="main",
    venue="bybit",
    market="futures",
    symbol=SYMBOL,
    fill_id="f1",
    client_order_id="c-buy",
    side="buy",
    price=D(100),
    quantity=D(2),
    fee=D("0.2"),
    fee_currency="USDT",
    fee_quote=D("0.2"),
    liquidity="taker",
    filled_us=AT_US + 6_000,
)
PAIR = Pair(
    pair_id="two-leg:BTC/USDT",
    account="main",
    strategy="two-leg",
    symbol=SYMBOL,
    slot=0,
    round=4,
    version=2,
    state="ENTERING",
    event="entered",
    reason="one leg was refused",
    parts=1,
    part=1,
    legs=(
        PairLeg(leg="buy", venue="bybit", market="futures", quantity=D(2), opened=D(2), closed=D(0), fees=D("0.2")),
        PairLeg(leg="sell", venue="okx", market="futures", quantity=D(2), opened=D(0), closed=D(0), fees=D(0)),
    ),
    unrealized_pnl=D(0),
    realized_pnl=D("-0.2"),
    at_us=AT_US,
)
BOUGHT = BookPart(
    instrument=BUY,
    place="md.book/2/10",
    source="kafka",
    epoch=5,
    sequence=7,
    state="valid",
    venue_us=AT_US - 8_000,
    first_received_us=AT_US - 3_000,
    received_us=AT_US - 2_000,
    published_us=AT_US - 1_000,
    bids=((99.0, 1.0),),
    asks=((100.0, 3.0), (100.5, 1.0)),
)
SOLD = msgspec.structs.replace(
    BOUGHT, instrument=SELL, place="md.book/2/11", sequence=8, venue_us=None, first_received_us=AT_US - 2_500,
    bids=((101.5, 1.0), (101.0, 1.0), (100.0, 9.0)), asks=((102.0, 1.0),),
)  # fmt: skip


def entry(sequence: int, action: str, of: tuple[str, str], **more: object) -> Audit:
    """Return an entry of the audit."""
    made = Audit(
        sequence=sequence, action=action, entity_type=of[0], entity_id=of[1], success=True, actor="executor",
        at_us=AT_US + sequence * 1_000, previous_hash="", hash="",
    )  # fmt: skip
    return msgspec.structs.replace(made, **more)


def text(value: object) -> str:
    """Return a value as the audit keeps it."""
    return msgspec.json.encode(value).decode()


AUDITS = (
    entry(3, "INTENT_APPROVE", ("intent", "i1"), new_value=text(INTENT), reason=INTENT.reason, actor="two-leg"),
    entry(4, "ORDER_PLACE", ("order", "c-buy"), new_value='{"status":"PENDING","filled":"0"}', reason=INTENT.reason),
    entry(6, "ORDER_FILL", ("order", "c-buy"), new_value='{"status":"FILLED","filled":"2.000"}'),
    entry(9, "INTENT_SETTLE", ("intent", "i1"), old_value=text(ROW), reason="rejected", error_message="x"),
)
STORY = Story(order=ORDER, intent=ROW, orders=(ORDER, OTHER), fills=(FILL,), audits=AUDITS, pair=PAIR)
