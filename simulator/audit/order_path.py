"""The whole order path: orders, fills, positions, profit, wallets, time on one side, time from tick to order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from simulator.audit.accounts import check_accounts
from simulator.audit.dealings import Dealings
from simulator.audit.findings import Findings
from simulator.audit.naked import Naked, check_naked
from simulator.audit.order_rows import IntentRow, Kept, OrderRow
from simulator.audit.orders import OrderCounts, compare_orders, of_the_run
from simulator.audit.outages import Outage
from simulator.audit.positions import compare_positions
from simulator.audit.profit import Profit, profit
from simulator.audit.signals import Latency, latency_of


class OrderPath(msgspec.Struct, frozen=True, kw_only=True):
    """What an audit says of it; of a run in which nobody traded all is zero, and so it is where this was left out."""

    intents: int = 0
    orders: OrderCounts = OrderCounts()
    naked: Naked = Naked()
    pnl: Profit = Profit()
    tick_to_order: Latency = Latency()


def compare_order_path(
    dealings: Sequence[Dealings], kept: Kept, outages: Iterable[Outage], findings: Findings
) -> OrderPath:
    """Compare what the venues dealt with what stands in Postgres."""
    counts = compare_orders(dealings, kept, findings)
    compare_positions(dealings, kept.positions, findings)
    check_accounts(dealings, findings)
    return OrderPath(
        intents=len(kept.intents),
        orders=counts,
        naked=check_naked(dealings, kept.orders, outages, findings),
        pnl=profit(dealings, kept, findings),
        tick_to_order=latency_of(_took_us(kept.intents, of_the_run(kept.orders, dealings))),
    )


def _took_us(intents: Iterable[IntentRow], rows: Iterable[OrderRow]) -> Iterable[int]:
    """Yield how long each first order of an opening took, from the receipt of what it rests on until it was sent.

    First are those of the lowest part and attempt that were sent: of two legs both.
    """
    orders: dict[str, list[OrderRow]] = {}
    for row in rows:
        if row.sent_us is not None:
            orders.setdefault(row.intent_id, []).append(row)
    for intent in intents:
        sent = orders.get(intent.intent_id, [])
        if not intent.opening or intent.first_received_us is None or not sent:
            continue
        first = min((row.part, row.attempt) for row in sent)
        for row in sent:
            if (row.part, row.attempt) == first and row.sent_us is not None and not row.closing:
                yield row.sent_us - intent.first_received_us
