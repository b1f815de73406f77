"""Attempts at the same thing: the next one is made only when the one before is over and got nothing of what it asks.

An attempt is doubled where it stands more than once at the venues, where an earlier one was still open there, and where
the earlier ones had got all of the part already, or together got more than the part. A leg that is made smaller again
and again while the other one moves has no such size, so there only what stood open counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from simulator.audit.dealings import Seen
from simulator.audit.exact import plus, text
from simulator.audit.findings import Findings
from simulator.audit.order_rows import OrderRow


class _Attempt(msgspec.Struct, frozen=True):
    """One order of a part with what the venue has of it."""

    row: OrderRow
    seen: Seen

    @property
    def place(self) -> tuple[int, int]:
        """Return its place among the others of its part."""
        return self.row.attempt, self.seen.begin_us

    def open_at(self, at_us: int) -> bool:
        """Tell whether it could still be dealt at that time."""
        return self.seen.ended_us is None or self.seen.ended_us > at_us


def doubled_attempts(rows: Iterable[OrderRow], seen: Mapping[str, Sequence[Seen]], findings: Findings) -> int:
    """Return how many attempts were made twice or too early."""
    parts: dict[tuple[object, ...], list[_Attempt]] = {}
    for row in rows:
        key = (row.intent_id, row.place, row.symbol, row.leg or row.side, row.closing, row.part)
        # An id that stands more than once is told of by its own name.
        for one in seen.get(row.client_id, ())[:1]:
            parts.setdefault(key, []).append(_Attempt(row, one))
    return sum(_of_part(sorted(part, key=lambda one: one.place), findings) for part in parts.values())


def _of_part(part: Sequence[_Attempt], findings: Findings) -> int:
    row = part[0].row
    size = None if row.closing and row.leg is not None else max(one.row.quantity for one in part)
    doubled = 0
    for number, one in enumerate(part):
        told = _too_early(one, part[:number], size)
        if told is not None:
            doubled += 1
            findings.say("order doubled", f"{_named(one)}: {told}")
    dealt = _dealt(part)
    if not doubled and size is not None and dealt > size:
        doubled = 1
        told = f"all attempts together were dealt {text(dealt)}, the part is {text(size)}"
        findings.say("order doubled", f"{_named(part[-1])}: {told}")
    return doubled


def _too_early(one: _Attempt, before: Sequence[_Attempt], size: Decimal | None) -> str | None:
    """Return why an attempt should not have been made."""
    for other in before:
        of = f"attempt {other.row.attempt}, order {other.row.client_id},"
        if other.row.attempt == one.row.attempt:
            return f"{of} stands beside it"
        if other.open_at(one.seen.begin_us):
            return f"{of} was still open"
    if before and size is not None and _dealt(before, one.seen.begin_us) >= size:
        return f"all {text(size)} of the part had been dealt"
    return None


def _dealt(part: Iterable[_Attempt], until_us: int | None = None) -> Decimal:
    fills = (fill for one in part for fill in one.seen.fills)
    return plus(*(fill.quantity for fill in fills if until_us is None or fill.at_us <= until_us))


def _named(one: _Attempt) -> str:
    row = one.row
    return (
        f"order {row.client_id}, attempt {row.attempt} at part {row.part} of {row.leg or row.side} of {row.intent_id}"
    )
