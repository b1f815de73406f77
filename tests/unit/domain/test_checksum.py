"""A book whose venue sends a checksum: it stands only while it comes to it, and shows the venue's window alone."""

from __future__ import annotations

import msgspec
import pytest

from tapeline.domain.book import (
    APPLIED,
    KEPT,
    OLD,
    REFRESHED,
    Applied,
    BookDelta,
    BookKeeper,
    BookSnapshot,
    Hole,
    Restored,
    Top,
    Unusable,
    WentStale,
)
from tapeline.domain.checksum import Check, ChecksumRule, TextLevels

BIDS, ASKS = (("9", "1"), ("8", "2")), (("10", "3"), ("11", "4"))
WRONG = 7


def number(bids: TextLevels, asks: TextLevels) -> int:
    """Return a checksum that no two books share: their own text."""
    return int.from_bytes(repr((bids, asks)).encode(), "big")


RULE = ChecksumRule(levels=2, of=number)


def _columns(levels: TextLevels) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple(float(price) for price, _ in levels), tuple(float(quantity) for _, quantity in levels)


def delta(at: int, *bids: tuple[str, str], asks: TextLevels = (), value: int | None) -> BookDelta:
    return BookDelta(
        native="X",
        follows=None,
        first=at,
        sequence=at,
        bid_prices=_columns(bids)[0],
        bid_quantities=_columns(bids)[1],
        ask_prices=_columns(asks)[0],
        ask_quantities=_columns(asks)[1],
        venue_us=at,
        received_us=at,
        check=None if value is None else Check(value=value, bids=bids, asks=asks),
    )


def whole(
    at: int,
    bids: TextLevels = BIDS,
    asks: TextLevels = ASKS,
    *,
    value: int | None = None,
    replaces: bool = True,
    routine: bool = True,
) -> BookSnapshot:
    return BookSnapshot(
        native="X",
        sequence=at,
        replaces=replaces,
        routine=routine,
        bid_prices=_columns(bids)[0],
        bid_quantities=_columns(bids)[1],
        ask_prices=_columns(asks)[0],
        ask_quantities=_columns(asks)[1],
        venue_us=at,
        received_us=at,
        check=Check(value=number(bids, asks) if value is None else value, bids=bids, asks=asks),
    )


def keeper() -> BookKeeper:
    return BookKeeper(epoch=1, checksum=RULE)


def valid() -> BookKeeper:
    made = keeper()
    assert made.snapshot(whole(100)) == Restored(whole(100), (), None)
    return made


def hole(**values: object) -> Hole:
    known: dict[str, object] = {"epoch": 1, "from_id": "100", "start_us": 100, "cause": "checksum"}
    return Hole(**{**known, **values})  # type: ignore[arg-type]  # named by the caller, compared as a whole


def test_c_02_a_change_that_comes_to_its_checksum_is_applied() -> None:
    made = valid()
    after = number((("9", "1.50"), ("8", "2")), (("10", "3"), ("12", "1")))
    assert made.delta(delta(101, ("9", "1.50"), asks=(("11", "0"), ("12", "1")), value=after)) is APPLIED
    assert made.top(0) == Top((9.0, 8.0), (1.5, 2.0), (10.0, 12.0), (3.0, 1.0))
    assert (made.state, made.sequence) == ("valid", 101)


def test_c_02_a_change_that_does_not_makes_the_book_stale() -> None:
    made = valid()
    assert made.delta(delta(102, ("9", "1.5"), value=WRONG)) == WentStale(
        hole(detail=f"its checksum is 7, ours {number((('9', '1.5'), ('8', '2')), ASKS)} at 102, after 100")
    )
    assert (made.state, made.sequence) == ("stale", 100)
    repaired = made.snapshot(whole(103))
    assert isinstance(repaired, Restored)
    assert repaired.hole is not None
    assert (repaired.hole.cause, repaired.hole.to_id) == ("checksum", "103")


def test_a_text_is_what_counts_and_not_its_number() -> None:
    made = valid()
    assert made.delta(delta(101, ("9.0", "1.0"), value=number((("9.0", "1.0"), ("8", "2")), ASKS))) is APPLIED
    outcome = made.delta(delta(102, ("9.0", "1.0"), value=number((("9", "1"), ("8", "2")), ASKS)))
    assert isinstance(outcome, WentStale)


def test_a_change_without_a_checksum_proves_nothing() -> None:
    assert valid().delta(delta(101, ("9", "2"), value=None)) == WentStale(
        hole(detail="it has no checksum at 101, after 100")
    )


def test_the_checksum_is_told_also_of_a_book_that_crosses() -> None:
    outcome = valid().delta(delta(101, ("10", "1"), value=WRONG))
    assert isinstance(outcome, WentStale)
    assert outcome.hole.cause == "checksum"
    crossing = number((("10", "1"), ("9", "1")), ASKS)
    outcome = valid().delta(delta(101, ("10", "1"), value=crossing))
    assert isinstance(outcome, WentStale)
    assert outcome.hole.cause == "crossed"


def test_the_same_time_again_is_old() -> None:
    made = valid()
    assert made.delta(delta(100, ("9", "5"), value=WRONG)) is OLD
    assert made.top(1).bid_quantities == (1.0,)


def test_what_falls_out_of_the_window_is_deleted_for_readers_too() -> None:
    made = valid()
    after = number((("8.5", "7"), ("8", "2")), (("9.5", "6"), ("10", "3")))
    change = delta(101, ("9", "0"), ("8.5", "7"), ("3", "1"), asks=(("9.5", "6"),), value=after)
    widened = msgspec.structs.replace(
        change,
        bid_prices=(9.0, 8.5, 3.0, 3.0),
        bid_quantities=(0.0, 7.0, 1.0, 0.0),
        ask_prices=(9.5, 11.0),
        ask_quantities=(6.0, 0.0),
    )
    assert made.delta(change) == Applied(widened)
    assert made.top(0) == Top((8.5, 8.0), (7.0, 2.0), (9.5, 10.0), (6.0, 3.0))
    # What comes back into the window comes with the change: the old level is not remembered.
    back = delta(
        102, asks=(("9.5", "0"), ("11", "5")), value=number((("8.5", "7"), ("8", "2")), (("10", "3"), ("11", "5")))
    )
    assert made.delta(back) is APPLIED
    assert made.top(0).ask_quantities == (3.0, 5.0)


def test_a_level_that_falls_out_forgets_its_exact_text() -> None:
    made = valid()
    longest = "4.00000000000000001"
    noted = delta(101, asks=(("11", longest),), value=number(BIDS, (("10", "3"), ("11", longest))))
    made.delta(msgspec.structs.replace(noted, exact={"ask_quantities[0]": longest}))
    assert made.top(0).exact == {"ask_quantities[1]": longest}
    assert made.delta(delta(102, asks=(("9.5", "6"),), value=number(BIDS, (("9.5", "6"), ("10", "3"))))) != APPLIED
    made.delta(delta(103, asks=(("9.5", "0"), ("11", "4")), value=number(BIDS, (("10", "3"), ("11", "4")))))
    assert (made.state, made.top(0).exact) == ("valid", None)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (whole(100, value=WRONG), f"its checksum is 7, ours {number(BIDS, ASKS)}"),
        (msgspec.structs.replace(whole(100), check=None), "it has no checksum"),
        (whole(100, (*BIDS, ("7", "1"))), "it has 3 bids and 2 asks, more than its checksum is of"),
        (whole(100, (), ()), "it is empty"),
    ],
    ids=["unlike", "unsaid", "too long", "empty"],
)
def test_a_whole_book_that_does_not_come_to_its_checksum_does_not_help(wrong: BookSnapshot, reason: str) -> None:
    made = keeper()
    assert made.snapshot(wrong) == Unusable(reason)
    assert (made.state, made.sequence) == ("waiting", None)
    standing = valid()
    outcome = standing.snapshot(wrong)
    assert isinstance(outcome, WentStale)
    assert outcome.hole == hole(
        cause="venue" if reason == "it is empty" else "checksum", detail=f"the venue replaced its book, and {reason}"
    )
    assert standing.top(0).bid_prices == (9.0, 8.0)


def test_a_deleted_level_in_a_whole_book_does_not_count() -> None:
    told = whole(100, (*BIDS, ("7", "0")), value=number(BIDS, ASKS))
    assert keeper().snapshot(told) == Restored(told, (), None)


def test_a_routine_whole_book_follows_without_a_hole() -> None:
    made = valid()
    told = whole(160, (("9", "4"),))
    assert made.snapshot(told) == Restored(told, (), None)
    assert made.delta(delta(161, ("8", "1"), value=number((("9", "4"), ("8", "1")), ASKS))) is APPLIED


def test_kept_changes_continue_a_snapshot_when_each_comes_to_its_checksum() -> None:
    made = keeper()
    first = delta(101, ("8.5", "1"), value=number((("9", "1"), ("8.5", "1")), ASKS))
    second = delta(102, ("9", "0"), ("8", "6"), value=number((("8.5", "1"), ("8", "6")), ASKS))
    asked = whole(100, replaces=False, routine=False)
    assert [made.delta(first), made.delta(second)] == [KEPT, KEPT]
    assert made.snapshot(whole(99, (("9", "5"),), replaces=False)) == Unusable(
        f"its checksum is {first.check and first.check.value}, ours {number((('9', '5'), ('8.5', '1')), ASKS)}"
    )
    widened = msgspec.structs.replace(first, bid_prices=(8.5, 8.0), bid_quantities=(1.0, 0.0))
    assert made.snapshot(asked) == Restored(asked, (widened, second), None)
    assert made.top(0).bid_prices == (8.5, 8.0)
    assert made.delta(delta(103, ("8.5", "0"), value=number((("8", "6"),), ASKS))) is APPLIED


def test_a_refresh_must_come_to_its_checksum_too() -> None:
    made = valid()
    made.begin_refresh()
    assert made.refresh(whole(100, value=WRONG)) == Unusable(f"its checksum is 7, ours {number(BIDS, ASKS)}")
    after = number((("9", "2"), ("8", "2")), ASKS)
    assert made.delta(delta(101, ("9", "2"), value=after)) is APPLIED
    assert made.refresh(whole(100)) is REFRESHED
    assert made.delta(delta(102, ("9", "1"), value=number(BIDS, ASKS))) is APPLIED


def test_without_a_rule_nobody_looks_at_a_checksum() -> None:
    made = BookKeeper(epoch=1)
    made.snapshot(whole(100, value=WRONG))
    assert made.delta(delta(101, ("8.5", "1"), value=WRONG)) is APPLIED
    assert made.top(0).bid_prices == (9.0, 8.5, 8.0)
