"""What a fault took of messages without a number: nobody could know, so that alone is counted by itself."""

from __future__ import annotations

import msgspec
import pytest

from simulator.audit.compare import Counts, Unseen
from simulator.journal import FaultEnded, FaultStarted, Opened
from tests.unit.simulator.audit.run import FIRST, Run, at, balanced, book_row, gap, played_run


def blind(run: Run, *kinds: str) -> Run:
    run.records = [msgspec.structs.replace(one, blind=kinds) if isinstance(one, Opened) else one for one in run.records]
    return run


def test_a_change_that_a_fault_took_is_unseen_and_its_book_may_be_wrong_for_a_while() -> None:
    run = blind(played_run(), "book")
    run.lose(4)
    run.dropped(4)
    wrong = msgspec.structs.replace(book_row(FIRST + 5), bid_quantities=book_row(FIRST + 3).bid_quantities)
    run.books = [wrong if one.sequence == FIRST + 5 else one for one in run.books]
    found = run.audit()
    assert (found.lost, found.wrong_valid_books, found.unseen, found.problems, found.balanced) == (
        0, 0, Unseen(messages=2, books=1), (), True,
    )  # fmt: skip


def test_without_a_fault_it_is_lost_all_the_same() -> None:
    run = blind(played_run(), "book")
    run.lose(4)
    found = run.audit()
    assert (found.lost, found.unseen, found.balanced) == (2, Unseen(messages=0, books=0), False)


@pytest.mark.parametrize("kinds", [(), ("trade",)])
def test_where_messages_bear_numbers_nothing_is_excused(kinds: tuple[str, ...]) -> None:
    run = blind(played_run(), *kinds)
    run.lose(4)
    run.dropped(4)
    found = run.audit()
    assert (found.lost, found.unseen) == (2, Unseen(messages=0, books=0))


def test_a_trade_without_a_number_that_a_fault_took_is_unseen() -> None:
    run = blind(played_run(), "trade")
    run.lose_trades(2)
    run.cut(1.5, 2.5)
    assert run.audit() == balanced(
        stored=Counts(trades=4, deltas=20), unseen=Unseen(messages=1, books=0), faults={"cut": {"bybit:spot": 1}}
    )


@pytest.mark.parametrize(("away_s", "problems"), [(300.0, 0), (0.0, 1)])
def test_a_gap_stays_open_while_a_client_that_was_refused_stays_away(away_s: float, problems: int) -> None:
    run = played_run()
    run.records = [
        msgspec.structs.replace(one, away_s=away_s) if isinstance(one, Opened) else one for one in run.records
    ]
    run.cut(9.5, 9.8)
    halted = run.records.pop()
    refused = FaultStarted(at_us=at(9.6), fault_id=9, fault="429")
    run.records += [refused, FaultEnded(at_us=at(9.7), fault_id=9, reason="over"), halted]
    run.gaps.append(gap(9.4, None, channel="trade", cause="disconnect"))
    assert len(run.audit().problems) == problems
