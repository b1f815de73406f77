"""DESIGN 5, the audit of gaps: each has a cause at its source and hides no more than that took away."""

from __future__ import annotations

from typing import Literal

import msgspec
import pytest

from simulator.audit.compare import Audit
from simulator.audit.outages import Outage
from simulator.audit.rows import GapRow
from tests.unit.simulator.audit.run import (
    FIRST,
    OF,
    TRADES,
    Run,
    at,
    balanced,
    gap,
    played_run,
    served,
    told,
)

LONG_S = 40
MESSAGES = 10 * LONG_S


def without_problems(found: Audit) -> Audit:
    return msgspec.structs.replace(found, problems=(), balanced=True)


def broken(*numbers: int, record: GapRow | None = None, until: int | None = None) -> Run:
    """Return a run that lost these messages and repaired its book at the last one (or at `until`)."""
    run = played_run(MESSAGES, traded=MESSAGES)
    run.lose(*numbers)
    last = numbers[-1] if until is None else until
    run.repaired(last + 0.2, last)
    ids = (FIRST + numbers[0] - 1, FIRST + last)
    run.gaps.append(record or gap(numbers[0] - 1, last, ids=ids, published=last + 0.4))
    return run


def kill(process: str, step: float, *, back: float | None = None, action: Literal["kill", "pause"] = "kill") -> Outage:
    return Outage(process=process, action=action, at_us=at(step), back_us=None if back is None else at(back))


CAUSELESS = f"{OF} book: the gap (sequence) 103 to 105 from {told(3)} to {told(5)} has no cause at its source"


def test_a_gap_without_any_cause_is_a_problem() -> None:
    assert broken(4, 5).audit().problems == (CAUSELESS,)
    assert not broken(4, 5).audit().balanced


def test_a_gap_that_hides_nothing_needs_a_cause_too() -> None:
    run = played_run()
    run.gaps.append(gap(3, 4, ids=(FIRST + 3, FIRST + 4)))
    assert run.audit() == balanced(
        gap_records=1,
        conflated=0,
        problems=(f"{OF} book: the gap (sequence) 103 to 104 from {told(3)} to {told(4)} has no cause at its source",),
    )


@pytest.mark.parametrize("action", ["dropped", "moved", "broken"])
def test_a_message_that_a_fault_kept_from_us_is_a_cause(action: str) -> None:
    run = broken(4, 5)
    run.fault("gap", 3.5, 4, hits=[(4, action, "104")])
    found = run.audit()
    assert (found.in_gaps, found.problems) == (4, ())


@pytest.mark.parametrize(
    ("name", "symbol", "kind", "hits", "channel"),
    [
        ("duplicate", OF.symbol, "book", [(4, "repeated", "104")], "orderbook.50"),
        ("gap", OF.symbol, "book", [], "orderbook.50"),
        ("gap", OF.symbol, "trade", [(4, "dropped", "5004")], TRADES),
        ("gap", OF.symbol, "book", [(2, "dropped", "102")], "orderbook.50"),
        ("gap", OF.symbol, "book", [(7, "dropped", "107")], "orderbook.50"),
        ("stall-symbol", "ETH/USDT", None, [], "orderbook.50"),
        ("slow", None, None, [], "orderbook.50"),
        ("429", None, None, [], "orderbook.50"),
    ],
)
def test_what_lost_nothing_of_this_book_then_is_no_cause(
    name: str, symbol: str | None, kind: str | None, hits: list[tuple[float, str, str]], channel: str
) -> None:
    run = broken(4, 5)
    connection = None if name == "429" else 1
    run.fault(name, 3.5, 4, symbol=symbol, kind=kind, hits=hits, channel=channel, connection=connection)
    assert run.audit().problems == (CAUSELESS,)


@pytest.mark.parametrize(("name", "symbol"), [("stall", None), ("stall-symbol", OF.symbol)])
def test_a_silence_of_its_connection_or_symbol_is_a_cause(name: str, symbol: str | None) -> None:
    run = broken(4, 5)
    run.fault(name, 3.5, 4.8, symbol=symbol, kind=None)
    assert run.audit().problems == ()


def test_a_cause_of_what_a_gap_hides_is_one_of_the_gap_that_begins_with_a_later_book() -> None:
    """REST may give a book that is older than its time: what was made in between was lost before the gap began."""
    run = broken(4, record=gap(4.6, 5, ids=(FIRST + 3, FIRST + 4)))
    run.fault("stall-symbol", 3.5, 4.4, symbol=OF.symbol, kind=None)
    assert run.audit().problems == ()


def test_a_silence_of_another_connection_is_no_cause() -> None:
    run = broken(4, 5)
    run.fault("stall", 3.5, 4.8, symbol=None, kind=None, connection=2)
    assert run.audit().problems == (CAUSELESS,)


def test_a_gap_may_not_begin_before_the_first_message_that_was_dropped() -> None:
    run = broken(4, 5, 6)
    run.dropped(5)
    found = run.audit()
    assert found.in_gaps == 6
    assert found.problems == (
        (
            f"{OF} book: the gap (sequence) 103 to 106 from {told(3)} to {told(6)} hides 104 of {told(4)}, "
            f"but its causes explain only from {told(5)} to {told(26.2)}"
        ),
    )


def test_a_moved_message_counts_from_when_it_was_made() -> None:
    run = broken(4, 5, 6)
    run.fault("reorder", 3.5, 5, hits=[(5, "moved", "104")])
    assert run.audit().problems == ()


def test_a_gap_may_last_until_its_repair_was_served_however_late() -> None:
    run = broken(*range(4, 300))
    run.dropped(4)
    assert run.audit().problems == ()


def test_a_gap_whose_repair_nobody_served_ends_2_s_after_its_cause() -> None:
    """Also what is hidden behind the repair: a gap may not reach further than the book that closed it."""
    begin, last = 4, 4 + 20
    run = broken(*range(begin, last + 2), until=last)
    run.gaps = [gap(3, last + 1, ids=(FIRST + 3, FIRST + last + 1))]
    run.dropped(begin)
    assert run.audit().problems == (
        (
            f"{OF} book: the gap (sequence) 103 to 125 from {told(3)} to {told(25)} hides 125 of {told(25)}, "
            f"but its causes explain only from {told(4)} to {told(24)}"
        ),
    )
    run = broken(*range(begin, last + 1), until=last)
    run.gaps = [gap(3, last, ids=(FIRST + 3, FIRST + last))]
    run.dropped(begin)
    assert run.audit().problems == ()


def test_only_a_book_of_the_stream_repairs_where_the_stream_has_books() -> None:
    run = broken(*range(4, 26))
    run.records = [
        msgspec.structs.replace(one, channel="orderbook.1000", connection=None)
        if getattr(one, "sequence", 0) == FIRST + 25 and hasattr(one, "levels")
        else one
        for one in run.records
    ]
    run.dropped(4)
    assert run.audit().problems[0].endswith(f"but its causes explain only from {told(4)} to {told(24)}")


def test_a_book_of_another_stream_repairs_nothing() -> None:
    run = broken(*range(4, 26))
    run.records = [
        msgspec.structs.replace(one, channel="orderbook.200") if hasattr(one, "levels") else one for one in run.records
    ]
    run.dropped(4)
    assert run.audit().problems[0].endswith(f"but its causes explain only from {told(4)} to {told(24)}")


def test_a_book_of_the_same_number_that_was_served_before_or_later_is_no_repair() -> None:
    """In a quiet market a check before the cut shows the number that repairs it, and so does one long after."""
    run = played_run(10)
    run.cut(15, 16)
    run.records += [served(14, FIRST + 10), served(16.2, FIRST + 10, 2), served(99, FIRST + 10, 2)]
    run.gaps.append(gap(14, 16.2, ids=(FIRST + 10, FIRST + 10), cause="disconnect", published=16.4))
    assert run.audit().problems == ()
    run = played_run(10)
    run.records += [served(14, FIRST + 10), served(16.2, FIRST + 10), served(99, FIRST + 10, 2)]
    run.cut(80, 81)
    run.gaps.append(gap(14, 16.2, ids=(FIRST + 10, FIRST + 10), cause="disconnect", published=16.4))
    assert len(run.audit().problems) == 1


def test_what_happened_after_the_repair_is_no_cause() -> None:
    """Also when the record of the gap came late."""
    run = broken(4, 5, record=gap(3, 5, ids=(FIRST + 3, FIRST + 5), published=9))
    run.cut(7, 8)
    assert run.audit().problems == (CAUSELESS,)


def test_a_book_over_rest_repairs_where_the_stream_has_none() -> None:
    run = broken(*range(4, 26))
    run.records = [
        msgspec.structs.replace(one, channel="depth", connection=None) if hasattr(one, "levels") else one
        for one in run.records
    ]
    run.dropped(4)
    assert run.audit().problems == ()


def hidden_trades(first: int, last: int, *, start: float | None = None) -> Run:
    """Return a run in which a cut at step 3.5, back at 5.5, hid these trades; REST had not all of them."""
    run = played_run(MESSAGES, traded=MESSAGES)
    run.lose_trades(*range(first, last + 1))
    run.cut(3.5, 5.5)
    begin = first - 1 if start is None else start
    run.gaps.append(gap(begin, last, channel="trade", cause="disconnect", published=last + 1))
    return run


def test_trades_may_be_hidden_from_the_cut_until_2_s_after_they_were_subscribed_again() -> None:
    assert hidden_trades(4, 25).audit().problems == ()
    end = f"but its causes explain only from {told(3.5)} to {told(25.5)}"
    assert hidden_trades(4, 26).audit().problems == (
        f"{OF} trade: the gap (disconnect) ? to ? from {told(3)} to {told(26)} hides 5026 of {told(26)}, {end}",
    )
    assert hidden_trades(2, 25).audit().problems == (
        (
            f"{OF} trade: the gap (disconnect) ? to ? from {told(1)} to {told(25)} hides 2 messages "
            f"(5002 of {told(2)} to 5003 of {told(3)}), {end}"
        ),
    )


@pytest.mark.parametrize(("name", "connection"), [("429", None), ("slow", 2)])
def test_a_time_without_answers_prolongs_an_outage_by_itself_and_2_s(name: str, connection: int | None) -> None:
    run = hidden_trades(4, 51)
    assert len(run.audit().problems) == 1
    run.fault(name, 20, 31, symbol=None, kind=None, connection=connection)
    assert run.audit().problems == ()
    run = hidden_trades(4, 52)
    run.fault(name, 20, 31, symbol=None, kind=None, connection=connection)
    end = f"but its causes explain only from {told(3.5)} to {told(51)}"
    assert run.audit().problems == (
        f"{OF} trade: the gap (disconnect) ? to ? from {told(3)} to {told(52)} hides 5052 of {told(52)}, {end}",
    )


def test_a_429_period_that_began_after_all_was_over_prolongs_nothing() -> None:
    run = hidden_trades(4, 27)
    run.fault("429", 25.6, 31, symbol=None, kind=None, connection=None)
    assert len(run.audit().problems) == 1


def test_trades_that_were_quiet_have_a_gap_that_ends_before_its_cause() -> None:
    run = played_run()
    run.cut(7, 8)
    run.repaired(8, 10)
    run.gaps.append(gap(5, 5, channel="trade", cause="disconnect", published=8.5))
    found = run.audit()
    assert (found.lost, found.problems) == (0, ())
    run.gaps = [gap(5, 5, channel="trade", cause="disconnect", published=6.9)]
    assert len(run.audit().problems) == 1


@pytest.mark.parametrize("process", ["producers", "producers-2", "kafka", "kafka-3"])
@pytest.mark.parametrize("action", ["kill", "pause"])
def test_the_outage_of_a_producer_or_the_broker_is_a_cause(process: str, action: Literal["kill", "pause"]) -> None:
    run = broken(*range(24, 40))
    run.outages.append(kill(process, 24, back=30, action=action))
    assert without_problems(run.audit()) == run.audit()
    assert run.audit().faults == {action: {process: 1}}


@pytest.mark.parametrize("process", ["sinks", "gateway", "postgres", "kafka-ui", "the-producers"])
def test_the_outage_of_another_process_is_no_cause(process: str) -> None:
    run = broken(*range(24, 40))
    run.outages.append(kill(process, 24, back=30))
    assert len(run.audit().problems) == 1


@pytest.mark.parametrize(("process", "action"), [("producers", "pause"), ("kafka", "kill"), ("kafka", "pause")])
def test_only_a_killed_producer_takes_anything_along(process: str, action: Literal["kill", "pause"]) -> None:
    run = broken(*range(24, 40))
    run.outages.append(kill(process, 24.1, back=30, action=action))
    assert f"hides 124 of {told(24)}, but its causes explain only from {told(24.1)} to " in run.audit().problems[0]


def test_a_producer_that_is_killed_while_the_broker_is_away_takes_along_what_it_could_not_hand_over() -> None:
    run = broken(*range(24, 80), until=200)
    run.outages += [kill("kafka", 26, back=60), kill("producers", 70, back=75)]
    assert run.audit().problems == ()
    run.outages[1] = kill("producers", 70, back=75, action="pause")
    assert len(run.audit().problems) == 1


def test_a_killed_producer_takes_along_what_it_had_just_received_and_no_more() -> None:
    run = broken(*range(24, 40))
    run.outages.append(kill("producers", 34, back=35))
    assert run.audit().problems == ()
    run.outages = [kill("producers", 35, back=36)]
    assert len(run.audit().problems) == 1
    assert f"hides 124 of {told(24)}, but its causes explain only from {told(25)} to " in run.audit().problems[0]


def test_a_restart_counts_for_10_s_and_the_repair_for_2() -> None:
    for last, problems in ((150, 0), (151, 1)):
        run = played_run(MESSAGES, traded=MESSAGES)
        run.lose_trades(*range(24, last + 1))
        run.gaps.append(gap(23, last, channel="trade", cause="restart", published=last + 1))
        run.outages.append(kill("producers", 24, back=30))
        found = run.audit().problems
        assert len(found) == problems
    assert found[0].endswith(f"hides 5151 of {told(151)}, but its causes explain only from {told(14)} to {told(150)}")


def test_a_process_that_did_not_come_back_is_away_for_10_s() -> None:
    run = broken(*range(24, 60))
    run.outages.append(kill("producers", 24))
    assert run.audit().problems == ()
    late = broken(*range(240, 250))
    late.outages.append(kill("producers", 20))
    assert len(late.audit().problems) == 1


def test_a_gap_that_is_open_at_the_end_is_a_problem() -> None:
    run = played_run()
    run.lose(9, 10)
    run.dropped(9)
    run.gaps.append(gap(8, None, ids=(FIRST + 8, None)))
    found = run.audit()
    assert (found.in_gaps, found.lost) == (4, 0)
    assert found.problems == (
        f"{OF} book: the gap (sequence) 108 to ? from {told(8)} on is still open at the end of the run",
    )


def test_in_the_middle_of_a_run_a_gap_may_be_open_and_a_later_one_is_not_judged() -> None:
    run = played_run()
    run.lose(5, 6)
    run.dropped(5)
    run.gaps += [gap(4, None, ids=(FIRST + 4, None)), gap(8, 9, ids=(FIRST + 8, FIRST + 9))]
    found = run.audit(until_us=at(6))
    assert (found.in_gaps, found.lost, found.problems) == (4, 0, ())


def test_a_gap_that_says_that_it_was_filled_may_hide_nothing() -> None:
    run = hidden_trades(4, 5)
    run.gaps[0] = msgspec.structs.replace(run.gaps[0], backfilled=True)
    found = run.audit()
    assert found.in_gaps == 2
    assert found.problems == (
        (
            f"{OF} trade: the gap (disconnect) ? to ? from {told(3)} to {told(5)} says that it was filled, "
            f"and 2 messages (5004 of {told(4)} to 5005 of {told(5)}) are missing"
        ),
    )


def test_a_message_in_two_gaps_is_excused_by_either() -> None:
    run = broken(*range(4, 30))
    run.gaps.append(gap(20, 25, ids=(FIRST + 20, FIRST + 25)))
    run.dropped(4, 24)
    found = run.audit()
    assert (found.in_gaps, found.problems) == (52, ())


def test_a_gap_of_funding_needs_a_cause_on_any_stream_of_its_symbol() -> None:
    run = played_run()
    run.gaps.append(gap(3, 4, channel="funding", cause="shed"))
    assert run.audit().problems == (
        f"{OF} funding: the gap (shed) ? to ? from {told(3)} to {told(4)} has no cause at its source",
    )
    run.cut(3.5, 4)
    assert run.audit().problems == ()


def test_a_gap_of_what_was_shed_ends_with_the_outage_of_the_broker() -> None:
    """Its last number is a change's, for no book was asked for."""
    run = broken(*range(24, 60), until=200)
    run.gaps = [gap(23, 59, ids=(FIRST + 23, FIRST + 59), cause="shed", published=61)]
    run.outages.append(kill("kafka", 24, back=25))
    assert run.audit().problems == ()


def test_what_rest_knew_beyond_the_last_message_of_a_halted_market_is_no_loss() -> None:
    run = played_run()
    # The market stands still at 11: a look over REST finds the book behind what it never told.
    run.gaps.append(gap(10, 12, cause="silence", ids=(FIRST + 10, FIRST + 10)))
    assert run.audit() == balanced(gap_records=1)
    # Not so where it begins before the last message.
    run.gaps[-1] = gap(9, 12, cause="silence", ids=(FIRST + 9, FIRST + 10))
    assert not run.audit().balanced
