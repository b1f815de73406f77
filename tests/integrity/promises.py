"""What must come of each fault on each market, by what the venue's facts say of its books."""

from __future__ import annotations

from typing import Final

from tapeline.venues.contract import BookProtocol, Facts
from tests.integrity.injecting import Kind
from tests.integrity.judging import HARMLESS, HEALED, MISSED, Verdict

FOUND_MS: Final = 1_000
"""A hole is found by the next change, and that comes within this."""
SILENCE_MS: Final = 23_000
"""A silence is found by the second look after 20 s."""
DOUBTED_MS: Final = 8_000
"""Where no number shows a hole, a wrong book stands no longer: two looks find it, or the stream told it anew."""
NUMBERS: Final = {"sequence": "number", "previous": "previous number"}


def ways_of(book: BookProtocol, kind: Kind) -> frozenset[str]:
    """Return how a fault may end."""
    if kind == "duplicate":
        return frozenset({HARMLESS})
    if kind == "silence":
        return frozenset({"cross-check"})
    if book.checksum is not None:
        # One that the routine whole book of each minute follows or overtakes is not seen as a hole; no book is wrong.
        beside = {"hole": {HARMLESS}, "corrupt": {HARMLESS}, "reorder": {"number"}}
        return frozenset({"checksum", *beside.get(kind, ())})
    if kind == "false level":
        return frozenset({MISSED, HEALED, HARMLESS, "crossed", "cross-check"})
    if book.rule == "skipping":
        return frozenset({"crossed", "number", "cross-check", HARMLESS, HEALED})
    return frozenset({NUMBERS[book.rule]})


def may_be_wrong(facts: Facts, kind: Kind) -> bool:
    """Tell whether a wrong book may be told as valid for a while: where nothing that the venue sends says so."""
    return is_unseen(facts.book, kind)


def is_unseen(book: BookProtocol, kind: Kind) -> bool:
    """Tell whether nothing that the venue sends shows a fault at once."""
    if kind in {"duplicate", "silence"} or book.checksum is not None:
        return False
    return kind == "false level" or book.rule == "skipping"


def broken_by(facts: Facts, one: Verdict) -> list[str]:
    """Return what is not as it is promised of one fault."""
    book = facts.book
    kind, told = one.hit.kind, []
    if one.how not in ways_of(book, kind):
        told.append(f"it ended as {one.how}")
    if book.rule == "skipping" and kind in {"hole", "corrupt"} and one.wrong_us > 1000 * DOUBTED_MS:
        told.append(f"wrong books were told as valid for {one.wrong_us / 1e6:.1f} s")
    if one.wrong and not may_be_wrong(facts, kind):
        told.append(f"{one.wrong} wrong books were told as valid")
    if one.found_us is not None and not is_unseen(book, kind):
        if not one.covered and (book.checksum is None or one.how == "checksum"):
            told.append("its gap record does not hold the place")
        if one.found_us > 1000 * (SILENCE_MS if kind == "silence" else FOUND_MS):
            told.append(f"it was found after {one.found_us / 1e6:.1f} s")
    return [f"{kind} at {one.hit.sequence} of {one.hit.symbol}: {words}" for words in told]


def rule_of(book: BookProtocol) -> str:
    """Return by what a hole shows, in a word."""
    if book.checksum is not None:
        return "checksum"
    return {"sequence": "numbers", "previous": "previous numbers", "skipping": "none"}[book.rule]
