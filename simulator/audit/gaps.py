"""What a gap record hides, and whether it may: it needs a cause at the source and hides no more than that took away.

A record says what may be missing, by numbers where it has them, else by time, each end for itself:

    book    changes after `from_id` up to and including `to_id`, the number of the whole book that repaired it
    trade   trades after `from_id` and before `to_id`, the first one that is there again, where these are numbers
    time    from `start_us`, the last proof of life, to `end_us`, when continuity was proven, both included and both
            in the venue's time, which is milliseconds here; an open gap has no end

A book that was repaired was broken from its cause until the repair was served. Where no repair was served (our buffer
shed records; trades) each cause has its own end. `published_us` closes the time in which a gap looks for its cause:
trades may have been quiet, so that `end_us` lies before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from simulator.audit.causes import REPAIR_US, Causes
from simulator.audit.findings import Findings, between
from simulator.audit.market import Emitted
from simulator.audit.rows import GapRow
from tapeline.runtime import clock

_VENUE_US: Final = 1_000
"""Both venues tell their time in milliseconds."""


class Missing(msgspec.Struct, frozen=True):
    """A message that was emitted and is not stored, or not whole."""

    id: str
    at_us: int


class Window(msgspec.Struct, frozen=True):
    """When messages may be missing; without an end until the last one."""

    begin_us: int
    end_us: int | None

    def holds(self, at_us: int) -> bool:
        """Tell whether a time is inside."""
        return self.begin_us <= at_us and (self.end_us is None or at_us <= self.end_us)


class Hole:
    """One gap record of a book or of trades, and what was found missing in it."""

    __slots__ = ("_after", "_end", "_last", "gap", "missing")

    def __init__(self, gap: GapRow) -> None:
        """Read its ends."""
        self.gap = gap
        self.missing: list[Missing] = []
        last = _number(gap.to_id)
        self._after = _number(gap.from_id)
        self._last = last - 1 if last is not None and gap.channel == "trade" else last
        self._end = gap.end_us

    def hides(self, message: Missing) -> bool:
        """Tell whether a message lies inside."""
        number, told_us = _number(message.id), message.at_us // _VENUE_US * _VENUE_US
        behind = self.gap.start_us <= told_us if self._after is None or number is None else number > self._after
        if self._last is not None and number is not None:
            return behind and number <= self._last
        return behind and (self._end is None or told_us <= self._end)

    def __str__(self) -> str:
        """Return it in words."""
        gap = self.gap
        ids = f"{'?' if gap.from_id is None else gap.from_id} to {'?' if gap.to_id is None else gap.to_id}"
        return f"{gap.instrument} {gap.channel}: the gap ({gap.cause}) {ids} {between(gap.start_us, gap.end_us)}"


def put_away(message: Missing, holes: Iterable[Hole]) -> bool:
    """Put a missing message into the gaps that it lies in; False when it is in none: it is lost."""
    found = [hole for hole in holes if hole.hides(message)]
    for hole in found:
        hole.missing.append(message)
    return bool(found)


def _is_of_the_halt(hole: Hole, emitted: Emitted, causes: Causes) -> bool:
    """Tell whether a gap begins behind the last message and ends behind the halt: then REST knew more than was told."""
    told = emitted.book if hole.gap.channel == "book" else emitted.trade
    end_us, halted_us = hole.gap.end_us, causes.halted_us
    if hole.gap.cause != "silence" or halted_us is None or end_us is None or told is None or not told.records:
        return False
    return end_us >= halted_us and hole.gap.start_us >= told.records[-1].at_us // _VENUE_US * _VENUE_US


def judge(
    holes: Iterable[Hole], emitted: Emitted, causes: Causes, findings: Findings, *, until_us: int | None = None
) -> None:
    """Say which gaps have no cause, are open at the end of the run, or hide what no cause took away.

    In the middle of a run (`until_us`) a gap may be open, and of those that begin later nothing is known yet.
    """
    found = [hole for hole in holes if until_us is None or hole.gap.start_us <= until_us]
    allowed = {id(hole): _windows(hole, emitted, causes) for hole in found}
    for hole in found:
        if not allowed[id(hole)] and not _is_of_the_halt(hole, emitted, causes):
            findings.say("gap without cause", f"{hole} has no cause at its source")
        if hole.gap.end_us is None and until_us is None and not causes.keeps_away():
            findings.say("open gap", f"{hole} is still open at the end of the run")
        if hole.gap.backfilled and hole.missing:
            told = f"{hole} says that it was filled, and {_listed(hole.missing)} are missing"
            findings.say("false backfill", told)
    excused = {
        message
        for hole in found
        for message in hole.missing
        if any(window.holds(message.at_us) for window in allowed[id(hole)])
    }
    for hole in found:
        # Without any cause that was said already.
        wide = [message for message in hole.missing if message not in excused] if allowed[id(hole)] else []
        if wide:
            told = " or ".join(between(one.begin_us, one.end_us) for one in allowed[id(hole)])
            findings.say("gap too wide", f"{hole} hides {_listed(wide)}, but its causes explain only {told}")


def _windows(hole: Hole, emitted: Emitted, causes: Causes) -> list[Window]:
    """Return when messages may be missing in a gap; none when it has no cause.

    A gap behind a book that REST gave begins when that was given, and may hide what was made just before.
    """
    gap = hole.gap
    began_us = min([gap.start_us, *(message.at_us for message in hole.missing)])
    served_us = _served_us(gap, emitted)
    end_us = None if gap.end_us is None else max(gap.end_us, gap.published_us)
    found = causes.of(gap.symbol, gap.channel, began_us, end_us if served_us is None else served_us)
    if not found:
        return []
    if served_us is not None:
        return [Window(min(cause.begin_us for cause in found), served_us + REPAIR_US)]
    return [Window(cause.begin_us, causes.until_us(cause)) for cause in found]


def _served_us(gap: GapRow, emitted: Emitted) -> int | None:
    """Return when the book that repaired this gap was served: on its own channel, else over REST.

    In a quiet market a book of the same number may have been served before, as a check, and after: the repair is the
    last one before the gap was closed.
    """
    number = _number(gap.to_id)
    if gap.channel != "book" or number is None or emitted.book is None:
        return None
    own = [one for one in emitted.served if one.channel == emitted.book.channel]
    served = own or [one for one in emitted.served if one.connection is None]
    return max((one.at_us for one in served if one.sequence == number and one.at_us <= gap.published_us), default=None)


def _listed(missing: Sequence[Missing]) -> str:
    first, last = missing[0], missing[-1]
    if len(missing) == 1:
        return f"{first.id} of {clock.iso(first.at_us)}"
    return f"{len(missing)} messages ({first.id} of {clock.iso(first.at_us)} to {last.id} of {clock.iso(last.at_us)})"


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
