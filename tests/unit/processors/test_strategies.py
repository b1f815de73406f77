"""The strategies agent: intents with ids, causes and a trace; nothing too early, nothing while one is unanswered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from processors import strategies
from processors.agent import Output
from processors.strategies import agent_of, traceparent
from processors.strategy_board import Board
from tapeline.domain.account_records import Slot
from tapeline.domain.ids import intent_id
from tapeline.domain.order_records import Cause, EnterPair, ExitPair, OrderIntent
from tapeline.errors import InvalidMessage
from tapeline.runtime.settings import Settings
from tests.unit.processors.strategy_desk import ONE, StrategyDesk, control, event, tick
from tests.unit.strategies.views import BOOKS, CHEAP, DEAR, NOW, RULES, SYMBOL, book, held, portfolio

INPUTS = (RULES[CHEAP], RULES[DEAR], BOOKS[CHEAP], BOOKS[DEAR])
# So dear that it pays whatever the venues' own fees are.
VERY_DEAR = book("bybit", "futures", 1_020.0, 1_021.0, first_received_us=NOW - 4_000)
PAYING = (RULES[CHEAP], RULES[DEAR], BOOKS[CHEAP], VERY_DEAR)
SENT_AT = NOW  # the newest of their times, that of the rules


def opened() -> tuple[StrategyDesk, OrderIntent]:
    desk = StrategyDesk()
    [intent] = desk.hand(*PAYING)
    return desk, intent


def again(sequence: int) -> Any:  # noqa: ANN401 - a book
    return msgspec.structs.replace(VERY_DEAR, sequence=sequence, published_us=SENT_AT + sequence)


def test_books_and_rules_in_one_intent_out_with_its_causes_and_times() -> None:
    desk, intent = opened()

    assert isinstance(intent.command, EnterPair)
    assert (intent.intent_id, intent.slot, intent.round) == (
        intent_id("two-leg-1", SYMBOL, 0, 0, intent.command),
        0,
        0,
    )
    assert intent.cause == (
        Cause(topic="md.book", partition=3, offset=0),
        Cause(topic="md.book", partition=3, offset=1),
    )
    assert (intent.decided_us, intent.expires_us) == (SENT_AT, SENT_AT + 1_000_000)
    assert intent.first_received_us == NOW - 4_000
    [output] = desk.outputs
    assert (output.topic, output.key) == ("order.intent", "two-leg-1:BTC/USDT")
    assert output.headers == (("traceparent", traceparent(intent)),)


def test_the_trace_is_made_of_the_first_cause_and_the_span_of_the_intent() -> None:
    _, intent = opened()
    other = msgspec.structs.replace(intent, intent_id="00000000-0000-0000-0000-00000000000a")
    version, trace, span, flags = traceparent(intent).decode().split("-")

    assert (version, len(trace), len(span), flags) == ("00", 32, 16, "01")
    assert traceparent(other).decode().split("-")[1] == trace
    assert traceparent(other).decode().split("-")[2] == "0" * 16


def test_nothing_follows_while_an_opening_is_unanswered_or_its_round_is_used() -> None:
    desk, intent = opened()

    assert desk.hand(again(12), tick(SENT_AT + 60)) == []
    assert desk.board.kept["two-leg-1:BTC/USDT"] == "its slot is taken"
    # Refused: the answer is there, and the round is used up until the executor raises it.
    assert desk.hand(event(intent, "intent_refused", SENT_AT), portfolio(version=1, at_us=SENT_AT), again(13)) == []
    [second] = desk.hand(portfolio(version=2, slots=(Slot(slot=0, round=1),), at_us=SENT_AT))
    assert (second.round, second.intent_id != intent.intent_id) == (1, True)
    # Both books were in an earlier decision: no frame caused this one.
    assert second.first_received_us is None


def test_an_exit_follows_from_the_open_pair_and_once_until_it_is_answered() -> None:
    desk = StrategyDesk()
    desk.hand(*PAYING, book("bybit", "futures", 1_004.0, 1_005.0, sequence=12))
    losing = book("binance", "futures", 900.0, 901.0, sequence=20)

    assert desk.hand(held(at_us=SENT_AT)) == []
    [intent] = desk.hand(losing)
    assert intent.command == ExitPair(pair_id="two-leg-1:BTC/USDT", round=4, parts=3)
    assert desk.hand(tick(SENT_AT + 1), held(version=10, at_us=SENT_AT)) == []
    # The event tells that it is taken, and the portfolio of that time that it still is to be left.
    assert desk.hand(event(intent, "intent_approved", SENT_AT + 5)) == []
    assert desk.hand(tick(SENT_AT + 2)) == []
    [repeated] = desk.hand(held(version=11, at_us=SENT_AT + 5))
    assert repeated.intent_id != intent.intent_id


def test_a_replayed_batch_is_known_and_decides_nothing() -> None:
    desk = StrategyDesk()

    assert desk.hand(*PAYING, replayed=True) == []
    [intent] = desk.hand(tick(SENT_AT + 100))
    assert intent.decided_us == SENT_AT + 100
    assert intent.first_received_us == NOW - 4_000


def test_a_restart_on_the_same_inputs_gives_the_same_intents() -> None:
    first, second = opened()[1], opened()[1]

    assert first == second


@pytest.mark.parametrize(
    ("scope", "target"),
    [("system", "all"), ("account", "main"), ("strategy", "two-leg-1"), ("pair", "two-leg-1:BTC/USDT")],
)
def test_control_of_each_scope_holds_openings_back(scope: str, target: str) -> None:
    desk = StrategyDesk()

    assert desk.hand(control("REDUCING", 2, scope, target), *PAYING) == []
    assert desk.hand(control("RUNNING", 1, scope, target), tick(SENT_AT + 1)) == []
    assert len(desk.hand(control("RUNNING", 3, scope, target), tick(SENT_AT + 2))) == 1


def test_control_of_another_holds_nobody_back() -> None:
    desk = StrategyDesk()

    assert len(desk.hand(control("HALTED", 1, "strategy", "other"), *PAYING)) == 1


def test_a_stale_book_a_late_one_and_an_older_epoch_open_nothing() -> None:
    stale = msgspec.structs.replace(VERY_DEAR, state="stale")
    desk = StrategyDesk()

    assert desk.hand(*INPUTS[:3], stale) == []
    assert desk.hand(msgspec.structs.replace(VERY_DEAR, epoch=1, sequence=99)) == []
    assert desk.hand(tick(SENT_AT + 2_000_001), msgspec.structs.replace(VERY_DEAR, sequence=30)) == []


def test_a_tick_of_a_lower_epoch_wakes_nobody() -> None:
    desk = StrategyDesk()
    desk.hand(tick(1, epoch=5))
    desk.hand(*PAYING, replayed=True)

    assert desk.hand(tick(SENT_AT + 1, epoch=4)) == []
    assert len(desk.hand(tick(SENT_AT + 1, epoch=5))) == 1


def test_an_older_portfolio_than_the_known_one_is_dropped() -> None:
    desk = StrategyDesk()
    desk.hand(held(version=10, at_us=SENT_AT), portfolio(version=9))

    assert desk.board.portfolios["two-leg-1:BTC/USDT"].version == 10


def test_a_spread_replaces_that_of_the_other_direction() -> None:
    leg = {"epoch": 1, "sequence": 1, "price": 1.0}
    sides = {"buy": {"venue": "a", "market": "spot", **leg}, "sell": {"venue": "b", "market": "spot", **leg}}

    def spread(one: str, other: str) -> dict[str, Any]:
        legs = {
            f"{side}_{name}": part for side, was in (("buy", one), ("sell", other)) for name, part in sides[was].items()
        }
        plain = dict.fromkeys(("quantity", "gross", "fees", "net"), 1.0)
        times = dict.fromkeys(("first_received_us", "received_us", "published_us"), 5)
        return {"signal_id": "x", "symbol": SYMBOL, **legs, **plain, **times}

    desk = StrategyDesk()
    desk.hand(spread("buy", "sell"), spread("sell", "buy"))

    assert list(desk.board.spreads[SYMBOL]) == [("b", "spot", "a", "spot")]


def test_what_breaks_its_contract_is_refused() -> None:
    desk = StrategyDesk()

    with pytest.raises(InvalidMessage, match="Wanted"):
        desk.hand(control("ASLEEP"))


def test_the_agent_reads_portfolios_and_rules_whole_and_begins_at_the_end() -> None:
    made = agent_of(Settings())
    assert made.rebuilt == {"portfolio", "ref.instrument"}
    assert (made.begin, made.everywhere, made.placed) == ("end", ("control",), True)
    assert isinstance(made.fresh(), Board)
    assert Output("a", "b", {}).headers == ()


def test_signals_are_read_only_where_a_strategy_asks_for_them() -> None:
    [one] = ONE
    asking = replace(one, strategy=replace(one.strategy, signals=frozenset({"signal.spread"})))
    base = ("md.book", "ref.instrument", "clock", "portfolio", "order.event")

    assert strategies.agent(ONE).reads == base
    assert sorted(strategies.agent((one, asking)).reads) == sorted((*base, "signal.spread"))
