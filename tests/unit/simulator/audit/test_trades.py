"""DESIGN 5, the audit of trades: each trade since the subscription is stored once, as it was, or lies in a gap."""

from __future__ import annotations

import msgspec
import pytest

from simulator.audit.compare import Counts
from simulator.audit.rows import TradeRow
from simulator.journal import Trade
from tests.unit.simulator.audit.run import OF, at, balanced, gap, played_run, told


def test_a_missing_trade_in_no_gap_is_lost() -> None:
    run = played_run()
    run.lose_trades(3)
    assert run.audit() == balanced(
        stored=Counts(trades=4, deltas=20),
        lost=1,
        problems=(f"{OF} trade: 1 trades of 5003 at {told(3)} are neither stored nor in a gap",),
    )


def test_a_trade_that_stands_there_twice_is_a_duplicate() -> None:
    run = played_run()
    run.trades.append(run.trades[2])
    assert run.audit() == balanced(
        duplicates=1,
        problems=(f"{OF} trade: 1 trades are stored more than once, first 5003 at {told(3)}",),
    )


@pytest.mark.parametrize(
    ("other", "stands"),
    [
        ({"side": "sell"}, "sell 0.3 at 100.1"),
        ({"price": 100.2}, "buy 0.3 at 100.2"),
        ({"quantity": 0.30000000000000004}, "buy 0.30000000000000004 at 100.1"),
    ],
)
def test_a_trade_that_is_stored_with_another_value_is_a_problem(other: dict[str, object], stands: str) -> None:
    run = played_run()
    run.trades[2] = msgspec.structs.replace(run.trades[2], **other)
    assert run.audit() == balanced(
        problems=(f"{OF} trade: trade 5003 at {told(3)} is buy 0.3 at 100.1 and stands as {stands}",)
    )


def test_a_stored_trade_that_never_was_is_a_problem() -> None:
    run = played_run()
    run.trades.append(TradeRow("7", "buy", 100.1, 1.0, at(4)))
    assert run.audit() == balanced(problems=(f"{OF} trade: trade 7 at {told(4)} is stored and was never emitted",))


def test_trades_before_the_subscription_do_not_count_and_may_be_stored() -> None:
    run = played_run(before=2)
    run.trades.append(TradeRow("4999", "buy", 100.1, 0.1, at(-10)))
    # The place in the file decides, not the time.
    run.records[1] = msgspec.structs.replace(run.records[1], at_us=at(9))
    assert run.audit() == balanced()


def test_numbers_of_a_gap_are_the_trades_that_are_there() -> None:
    run = played_run()
    run.lose_trades(2, 3)
    run.cut(1.5, 3.5)
    run.repaired(3.6, 10)
    run.gaps.append(gap(1, 4, channel="trade", ids=(5001, 5004), cause="disconnect"))
    assert run.audit() == balanced(
        stored=Counts(trades=3, deltas=20), gap_records=1, in_gaps=2, faults={"cut": {"bybit:spot": 1}}
    )


def test_where_a_number_of_its_own_counts_the_trades_a_gap_is_of_those() -> None:
    run = played_run()
    run.lose_trades(2, 3)
    run.cut(1.5, 3.5)
    run.repaired(3.6, 10)
    run.records = [
        msgspec.structs.replace(one, number=str(int(one.id) - 4000)) if isinstance(one, Trade) else one
        for one in run.records
    ]
    run.gaps.append(gap(1, 4, channel="trade", ids=(1001, 1004), cause="disconnect"))
    assert run.audit() == balanced(
        stored=Counts(trades=3, deltas=20), gap_records=1, in_gaps=2, faults={"cut": {"bybit:spot": 1}}
    )


@pytest.mark.parametrize("ids", [(5002, 5004), (5001, 5003)])
def test_a_trade_on_the_edge_of_a_gap_is_not_in_it(ids: tuple[int, int]) -> None:
    run = played_run()
    run.lose_trades(2, 3)
    run.cut(1.5, 3.5)
    run.gaps.append(gap(1, 4, channel="trade", ids=ids, cause="disconnect"))
    found = run.audit()
    assert (found.in_gaps, found.lost) == (1, 1)


def test_a_gap_without_numbers_goes_by_time() -> None:
    run = played_run()
    run.lose_trades(2, 3)
    run.cut(1.5, 3.5)
    run.gaps.append(gap(2, 3, channel="trade", cause="disconnect", published=4))
    assert run.audit() == balanced(
        stored=Counts(trades=3, deltas=20), gap_records=1, in_gaps=2, faults={"cut": {"bybit:spot": 1}}
    )
    run.gaps = [gap(2.1, 2.9, channel="trade", cause="disconnect", published=4)]
    assert (run.audit().in_gaps, run.audit().lost) == (0, 2)


def test_ids_that_are_no_numbers_go_by_time_too() -> None:
    run = played_run()
    names = {str(5000 + number): f"uuid-{number}" for number in range(1, 6)}
    run.records = [msgspec.structs.replace(one, id=names[one.id]) if hasattr(one, "id") else one for one in run.records]
    run.trades = [msgspec.structs.replace(row, id=names[row.id]) for row in run.trades if row.id != "5003"]
    run.cut(2.5, 3.5)
    # One that was closed by the sink names the last one that is stored.
    run.gaps.append(msgspec.structs.replace(gap(2, 3, channel="trade", published=4), from_id="uuid-2"))
    assert run.audit() == balanced(
        stored=Counts(trades=4, deltas=20), gap_records=1, in_gaps=1, faults={"cut": {"bybit:spot": 1}}
    )


def test_the_time_of_a_gap_is_in_milliseconds() -> None:
    run = played_run()
    run.records = [
        msgspec.structs.replace(one, at_us=one.at_us + 700) if getattr(one, "id", "") == "5003" else one
        for one in run.records
    ]
    run.lose_trades(3)
    run.cut(2.5, 3.5)
    run.gaps.append(gap(2, 3, channel="trade", published=4))
    assert (run.audit().in_gaps, run.audit().lost, run.audit().problems) == (1, 0, ())


def test_a_gap_of_the_book_hides_no_trade() -> None:
    run = played_run()
    run.lose_trades(3)
    run.cut(2.5, 3.5)
    run.gaps.append(gap(2, 4))
    found = run.audit()
    assert (found.in_gaps, found.lost) == (0, 1)


def test_in_the_middle_of_a_run_later_trades_do_not_count() -> None:
    run = played_run()
    run.lose_trades(4)
    run.trades.append(TradeRow("7", "buy", 100.1, 1.0, at(4)))
    found = run.audit(until_us=at(3))
    assert found == balanced(emitted=Counts(trades=3, deltas=6), stored=Counts(trades=3, deltas=6), books_checked=4)
