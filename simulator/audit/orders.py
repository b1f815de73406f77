"""Orders: what the venues took and refused against what stands in Postgres, row by row, each known by its client id.

A venue may call an order that ended by itself cancelled. One that was dealt after its end stays ended in Postgres, with
the amounts of what was dealt (K14). None may be sent after its time. A halted market deals nothing: an order that was
made after the halt is beyond the run, whatever became of it, unless the market took it all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from simulator.audit.attempts import doubled_attempts
from simulator.audit.dealings import REFUSED, Dealings, Seen
from simulator.audit.exact import ZERO, plus, text
from simulator.audit.fills import compare_fills
from simulator.audit.findings import Findings
from simulator.audit.order_rows import Kept, OrderRow

_OPEN_HERE: Final = frozenset({"PENDING", "PLACED", "PARTIALLY_FILLED", "UNKNOWN"})
_OPEN_THERE: Final = frozenset({"new", "partially_filled"})
_SAME: Final[Mapping[str, frozenset[str]]] = {
    "new": frozenset({"PLACED"}),
    "partially_filled": frozenset({"PARTIALLY_FILLED"}),
    "filled": frozenset({"FILLED"}),
    "cancelled": frozenset({"CANCELLED"}),
    "expired": frozenset({"EXPIRED", "CANCELLED"}),
    REFUSED: frozenset({"REJECTED"}),
}
_US_PER_MS: Final = 1_000
_LATE: Final = frozenset({"FILLED", "CANCELLED", "EXPIRED"})


class OrderCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many orders reached a venue and how many were dealt; of the rest there should be none.

    `duplicate`: client ids, attempts and fills above one each, and attempts beside one that was not over without a
    fill. `orphan`: orders and fills that one side alone has. `unknown_open`: orders whose end is not known in Postgres,
    or that are open on one side alone.
    """

    sent: int = 0
    filled: int = 0
    duplicate: int = 0
    orphan: int = 0
    unknown_open: int = 0


def compare_orders(dealings: Sequence[Dealings], kept: Kept, findings: Findings) -> OrderCounts:
    """Compare all orders and fills of all venues; one that a ban kept away counts as sent."""
    seen: dict[str, list[Seen]] = {}
    for one in (one for dealt in dealings for one in dealt.seen):
        seen.setdefault(one.client_id, []).append(one)
    sent = {*seen, *(name for dealt in dealings for name in dealt.kept_away)}
    lost = sorted(sent - {row.client_id for row in kept.orders})
    for name in lost:
        where = ", ".join(sorted({one.place for one in seen.get(name, ())})) or "a venue that kept it away"
        findings.say("order orphan", f"{_named(name)}: it was sent to {where} and is not in Postgres")
    doubled = _doubled(seen, findings) + doubled_attempts(kept.orders, seen, findings)
    left = sum(_compare(row, seen.get(row.client_id, ()), findings) for row in of_the_run(kept.orders, dealings))
    fills = compare_fills(dealings, kept.fills, findings)
    return OrderCounts(
        sent=len(sent),
        filled=sum(any(one.fills for one in found) for found in seen.values()),
        duplicate=doubled + fills.doubled,
        orphan=len(lost) + fills.orphan,
        unknown_open=left,
    )


def of_the_run(rows: Iterable[OrderRow], dealings: Iterable[Dealings]) -> list[OrderRow]:
    """Return the orders that were made before their market was halted, or that it took."""
    every = tuple(dealings)
    halts = {one.place: one.halted_us for one in every}
    taken = {one.client_id for dealt in every for one in dealt.seen if one.status != REFUSED}
    return [row for row in rows if row.client_id in taken or _before(row.created_us, halts.get(row.place))]


def _before(at_us: int, halted_us: int | None) -> bool:
    return halted_us is None or at_us <= halted_us


def _named(client_id: str) -> str:
    return f"order {client_id}" if client_id else "an order without a client id"


def _doubled(seen: Mapping[str, Sequence[Seen]], findings: Findings) -> int:
    doubled = 0
    for name, found in sorted(seen.items()):
        if len(found) > 1:
            doubled += len(found) - 1
            where = ", ".join(sorted(f"{one.place} {one.status}" for one in found))
            findings.say("order doubled", f"{_named(name)}: it reached the venues {len(found)} times ({where})")
    return doubled


def _compare(row: OrderRow, found: Sequence[Seen], findings: Findings) -> bool:
    """Compare one order; return whether its end is not known, or it is open on one side alone."""
    of = f"order {row.client_id} at {row.place}:{row.symbol}"
    taken = [one for one in found if one.status != REFUSED]
    one = next(iter((*taken, *found)), None)
    there = "not there" if one is None else one.status
    wanted = frozenset({"REJECTED"}) if one is None else _LATE if one.late else _SAME[one.status]
    if row.sent_us is not None and row.sent_us > row.expires_us and found:
        late_ms = (row.sent_us - row.expires_us) / _US_PER_MS
        findings.say("order late", f"{of}: it was sent {late_ms:g} ms after its time was over")
    left = row.status == "UNKNOWN" or (row.status in _OPEN_HERE) != (there in _OPEN_THERE)
    if left or row.status not in wanted:
        told = f"{of}: its status is {row.status} in Postgres and {there} at the venue"
        findings.say("order left over" if left else "order", told)
    if one is not None and (one.place, one.symbol, one.side) != (row.place, row.symbol, row.side):
        ours, theirs = f"{row.side} {row.place}:{row.symbol}", f"{one.side} {one.place}:{one.symbol}"
        findings.say("order", f"{of}: it is {ours} in Postgres and {theirs} at the venue")
    amounts = {
        "filled quantity": (row.filled, ZERO if one is None else one.filled),
        "filled value": (row.value, ZERO if one is None else one.value),
        "fee in quote": (row.fees, ZERO if one is None else plus(*(fill.fee_quote for fill in one.fills))),
    }
    for what, (amount, other) in amounts.items():
        if amount != other:
            told = f"{text(amount)} in Postgres and {text(other)} at the venue"
            findings.say("order", f"{of}: its {what} is {told}")
    return left
