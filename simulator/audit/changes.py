"""The changes of one instrument's book, level by level: emitted against stored, known by sequence, side and price.

Emitted is what the market changed after the first book that is stored, for what came before is in that book. Numbers
are compared as floats: the journal's text must give the very same one that stands in the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from simulator.audit.causes import US_PER_S
from simulator.audit.findings import Findings, Loss, never, say_lost
from simulator.audit.gaps import Hole, Missing, put_away
from simulator.audit.market import Told
from simulator.audit.rows import Instrument, LevelRow
from simulator.journal import Delta
from tapeline.runtime import clock

FIRST_BOOK_US: Final = 10 * US_PER_S
"""A first book must have been received so soon after the subscription: some venues let few ask in a second."""

Level = tuple[int, str, float]
"""sequence, side, price."""


def compare_changes(
    of: Instrument,
    told: Told[Delta] | None,
    rows: Sequence[LevelRow],
    holes: Sequence[Hole],
    findings: Findings,
    *,
    until_us: int | None = None,
    unseen: Callable[[int], bool] = never,
) -> list[Delta]:
    """Count the changes of one book and fill its gaps with what is missing; return the messages that count.

    What nobody can see to be missing at a time, by `unseen`, is counted by itself.
    """
    stored = _by_identity(of, rows, findings)
    counts = _counting(of, told, rows, findings, until_us)
    counted: list[Delta] = []
    lost: list[Loss] = []
    for number, message in enumerate(told.records if told is not None else ()):
        absent = 0
        for level, quantity in _levels(message):
            # What does not count is looked for as well: it is no invention.
            found = stored.pop(level, None)
            if found is None:
                absent += 1
            elif found != quantity:
                _say_value(of, level, quantity, found, message.at_us, findings)
        if not counts(number, message):
            continue
        size = len(message.bids) + len(message.asks)
        counted.append(message)
        findings.emitted_deltas += size
        findings.stored_deltas += size - absent
        if absent and put_away(Missing(str(message.sequence), message.at_us), holes):
            findings.in_gaps += absent
        elif absent and unseen(message.at_us):
            findings.unseen += absent
        elif absent:
            lost.append(Loss(len(counted), str(message.sequence), message.at_us, absent))
    say_lost(f"{of} book", "changes", lost, findings)
    _say_invented(of, stored, rows, findings, until_us)
    return counted


class _Counting:
    """Tells which messages of a channel count as emitted."""

    __slots__ = ("_above", "_before", "_until_us")

    def __init__(self, above: int | None, before: int, until_us: int | None) -> None:
        """Count what is above a sequence, or without one what is not among the first `before` messages."""
        self._above, self._before, self._until_us = above, before, until_us

    def __call__(self, number: int, message: Delta) -> bool:
        """Tell it of one message and its place."""
        if self._until_us is not None and message.at_us > self._until_us:
            return False
        return number >= self._before if self._above is None else message.sequence > self._above


def _counting(
    of: Instrument,
    told: Told[Delta] | None,
    rows: Sequence[LevelRow],
    findings: Findings,
    until_us: int | None,
) -> _Counting:
    """Find the first stored book, and say when there is none in time."""
    books = (row for row in rows if row.kind == "snapshot")
    first = min(books, key=lambda row: (row.epoch, row.sequence), default=None)
    if told is None:
        return _Counting(None, 0, until_us)
    asked = f"{of} book: subscribed at {clock.iso(told.since_us)}"
    if first is None:
        if until_us is None or told.since_us + FIRST_BOOK_US <= until_us:
            findings.say("start", f"{asked}, and no book was ever stored")
        return _Counting(None, told.before, until_us)
    if first.received_us > told.since_us + FIRST_BOOK_US:
        received = f"the first stored book, {first.sequence}, was received at {clock.iso(first.received_us)}"
        findings.say("start", f"{asked}, and {received}, more than {FIRST_BOOK_US // US_PER_S} s later")
    return _Counting(first.sequence, told.before, until_us)


def _levels(message: Delta) -> Iterator[tuple[Level, float]]:
    sequence = message.sequence
    for price, quantity in message.bids:
        yield (sequence, "bid", float(price)), float(quantity)
    for price, quantity in message.asks:
        yield (sequence, "ask", float(price)), float(quantity)


def _by_identity(of: Instrument, rows: Sequence[LevelRow], findings: Findings) -> dict[Level, float]:
    """Return the stored quantities of changes, and count the rows that are there more than once."""
    stored: dict[Level, float] = {}
    doubled: list[LevelRow] = []
    for row in rows:
        if row.kind != "change":
            continue
        level = (row.sequence, row.side, row.price)
        if level not in stored:
            stored[level] = row.quantity
            continue
        doubled.append(row)
        if stored[level] != row.quantity:
            _say_value(of, level, stored[level], row.quantity, row.at_us, findings)
    if doubled:
        first = doubled[0]
        where = f"first that of {first.sequence} ({first.side} {first.price!r}) at {clock.iso(first.at_us)}"
        findings.duplicates += len(doubled)
        findings.say("doubled", f"{of} book: {len(doubled)} changes are stored more than once, {where}")
    return stored


def _say_value(of: Instrument, level: Level, emitted: float, stored: float, at_us: int, findings: Findings) -> None:
    sequence, side, price = level
    told = f"change {sequence} ({side} {price!r}) at {clock.iso(at_us)} is {emitted!r} and stands as {stored!r}"
    findings.say("value", f"{of} book: {told}")


def _say_invented(
    of: Instrument, left: dict[Level, float], rows: Sequence[LevelRow], findings: Findings, until_us: int | None
) -> None:
    """Say which stored changes the market never made."""
    if not left:
        return
    made_us = {row.sequence: row.at_us for row in rows if row.kind == "change"}
    for sequence in sorted({level[0] for level in left}):
        if until_us is not None and made_us[sequence] > until_us:
            continue
        count = sum(level[0] == sequence for level in left)
        told = f"{count} changes of {sequence} at {clock.iso(made_us[sequence])} are stored and were never emitted"
        findings.say("invented", f"{of} book: {told}")
