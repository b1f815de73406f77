"""What an audit counts and the sentences that it says: a few of each kind, so that one fault does not fill the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, Literal

import msgspec

from tapeline.runtime import clock

MOST_TOLD: Final = 20
"""Sentences of a kind; the rest are counted."""

About = Literal[
    "journal", "start", "market", "lost", "doubled", "value", "invented", "open gap", "gap without cause",
    "gap too wide", "false backfill", "crossed book", "wrong book", "wrong snapshot", "stray",
    "order doubled", "order orphan", "order left over", "order late", "order", "fill", "position", "profit", "account",
    "naked",
]  # fmt: skip
"""What a sentence is about."""


@dataclass(slots=True)
class Findings:
    """Counts and problems of a whole audit, filled while it goes from instrument to instrument."""

    emitted_trades: int = 0
    emitted_deltas: int = 0
    stored_trades: int = 0
    stored_deltas: int = 0
    gap_records: int = 0
    in_gaps: int = 0
    lost: int = 0
    duplicates: int = 0
    crossed: int = 0
    wrong: int = 0
    books: int = 0
    conflated: int = 0
    unseen: int = 0
    unseen_books: int = 0
    funding: int = 0
    _said: list[str] = field(default_factory=list)
    _counts: Counter[About] = field(default_factory=Counter)

    def say(self, about: About, sentence: str) -> None:
        """Note a problem."""
        self._counts[about] += 1
        if self._counts[about] <= MOST_TOLD:
            self._said.append(sentence)

    def problems(self) -> tuple[str, ...]:
        """Return the sentences, and how many more there would be."""
        more = ((about, count - MOST_TOLD) for about, count in self._counts.items() if count > MOST_TOLD)
        return (*self._said, *(f"and {count} more of this kind: {about}" for about, count in more))


def never(at_us: int) -> bool:
    """Tell of no time that a loss could not be seen then."""
    del at_us
    return False


class Loss(msgspec.Struct, frozen=True):
    """A message of which `count` parts are lost, and its place among those that were emitted."""

    place: int
    id: str
    at_us: int
    count: int


def say_lost(where: str, what: str, lost: Sequence[Loss], findings: Findings) -> None:
    """Count what is lost, and say it once for messages that follow one another."""
    findings.lost += sum(one.count for one in lost)
    for _, run in groupby(enumerate(lost), key=lambda one: one[1].place - one[0]):
        found = [one for _, one in run]
        first, last, count = found[0], found[-1], sum(one.count for one in found)
        ids = first.id if first is last else f"{first.id} to {last.id}"
        told = f"{count} {what} of {ids} {between(first.at_us, last.at_us)} are neither stored nor in a gap"
        findings.say("lost", f"{where}: {told}")


def between(begin_us: int, end_us: int | None) -> str:
    """Return a stretch of time in words."""
    if end_us == begin_us:
        return f"at {clock.iso(begin_us)}"
    return f"from {clock.iso(begin_us)} " + ("on" if end_us is None else f"to {clock.iso(end_us)}")
