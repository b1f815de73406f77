"""What came of the faults of one run: how each was found, whether its gap record covers it, what was told meanwhile.

A published book that is valid and is not the exchange's own at its number is wrong, whoever could have known it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import msgspec

from producers.market import Record
from tapeline.domain.events import Book, Gap
from tapeline.venues.contract import Facts
from tests.integrity.exchange_side import Truth
from tests.integrity.injecting import Hit

HARMLESS: Final = "harmless"
HEALED: Final = "healed"
"""Nothing said that a book was wrong, and the stream told it right again by itself."""
MISSED: Final = "missed"


class Told(msgspec.Struct, frozen=True):
    """One published record and when; a book that is valid is `right` or not."""

    at_us: int
    record: Record
    right: bool | None = None


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one fault."""

    hit: Hit
    how: str
    found_us: int | None
    """How long until its gap record was told, None where there was none."""
    covered: bool
    wrong_us: int
    """From the first to the last wrong book that was told as valid, 0 for none."""
    wrong: int


def is_true(book: Book, truth: Truth) -> bool | None:
    """Tell whether a published book is the top of the exchange's own at its number.

    None where only REST had that number, between two messages: the book is REST's answer, and nothing else can tell.
    """
    top = truth.top(book.symbol, truth.subscribed[book.symbol], book.sequence)
    if top is None and (book.symbol, book.sequence) in truth.served:
        return None
    return top == (book.bid_prices, book.bid_quantities, book.ask_prices, book.ask_quantities)


def verdicts(hits: Sequence[Hit], told: Sequence[Told], facts: Facts, end_us: int) -> list[Verdict]:
    """Return what became of each fault until the next one of its symbol."""
    of: defaultdict[str, list[Told]] = defaultdict(list)
    for one in told:
        of[one.record.symbol].append(one)
    found = []
    for at, hit in enumerate(hits):
        until_us = next((other.at_us for other in hits[at + 1 :] if other.symbol == hit.symbol), end_us)
        found.append(_verdict(hit, [one for one in of[hit.symbol] if hit.at_us <= one.at_us < until_us], facts))
    return found


def _verdict(hit: Hit, told: Sequence[Told], facts: Facts) -> Verdict:
    gaps = [(one.at_us, one.record) for one in told if isinstance(one.record, Gap) and one.record.channel == "book"]
    wrong_us = [one.at_us for one in told if one.right is False]
    at_us, gap = gaps[0] if gaps else (None, None)
    how = _way(gap, facts) if gap is not None else _unsaid(told)
    return Verdict(
        hit=hit,
        how=how,
        found_us=None if at_us is None else at_us - hit.at_us,
        covered=any(_covers(one, hit) for _, one in gaps),
        wrong_us=wrong_us[-1] - wrong_us[0] if wrong_us else 0,
        wrong=len(wrong_us),
    )


def _unsaid(told: Sequence[Told]) -> str:
    """Return what became of a fault that no gap record tells, by the valid books that were told after it."""
    rights = [one.right for one in told if one.right is not None]
    if all(rights):
        return HARMLESS
    return HEALED if rights[-1] else MISSED


def _covers(gap: Gap, hit: Hit) -> bool:
    """Tell whether a closed gap holds everything from the change that was hit on."""
    if gap.to_id is None:
        return False
    later = gap.to_epoch is not None and gap.to_epoch > gap.epoch
    begins = gap.start_us <= hit.at_us if gap.from_id is None else int(gap.from_id) <= hit.before
    return begins and (later or int(gap.to_id) >= hit.sequence)


def _way(gap: Gap, facts: Facts) -> str:
    if gap.cause == "sequence":
        return "previous number" if facts.book.rule == "previous" else "number"
    return {"silence": "cross-check", "crossed": "crossed", "checksum": "checksum"}.get(gap.cause, gap.cause)
