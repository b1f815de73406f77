"""Records of a decision: deterministic, with causes, times and the memory of the whole decision."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from schemas import topics
from tapeline.domain.account_records import Slot
from tapeline.domain.ids import intent_id
from tapeline.domain.order_records import Cause, ClosePosition, Memory, OrderIntent, PlaceOrder, Remember
from tapeline.errors import Misconfigured
from tapeline.runtime.codec import Codec
from tapeline.strategies.contract import Decision, Intent, Nothing
from tapeline.strategies.intents import build, remembered, sent
from tests.support.records import IDS
from tests.unit.strategies.views import CHEAP, DEAR, NOW, SPOT, portfolio, view

BUY = PlaceOrder(
    venue="bybit",
    market="futures",
    side="buy",
    order_type="limit",
    time_in_force="GTC",
    quantity=Decimal("0.1"),
    price=Decimal(900),
)
CLOSE = ClosePosition(venue="bybit", market="futures")


class Count(msgspec.Struct, frozen=True):
    number: int = 0


def wish(command: Any = BUY, slot: int = 0) -> Intent:  # noqa: ANN401 - any command
    return Intent(command=command, reason="because", evidence={"price": 1.5}, inputs=(DEAR, CHEAP), slot=slot)


HELD = portfolio(version=6, slots=(Slot(slot=2, round=5),))


def test_an_intent_tells_who_what_why_and_from_what() -> None:
    [found] = build(view(portfolio=HELD), Decision(intents=(wish(slot=2),)))

    assert found == OrderIntent(
        intent_id=intent_id("two-leg-1", "BTC/USDT", 2, 5, BUY),
        strategy="two-leg-1",
        account="main",
        symbol="BTC/USDT",
        slot=2,
        round=5,
        command=BUY,
        cause=(Cause(topic="md.book", partition=3, offset=2), Cause(topic="md.book", partition=3, offset=1)),
        reason="because",
        evidence={"price": 1.5},
        decided_us=NOW,
        expires_us=NOW + 1_000_000,
        first_received_us=NOW - 4_000,
        published_us=NOW,
    )


def test_only_books_that_were_in_no_earlier_decision_begin_the_way_from_tick_to_order() -> None:
    def oldest(*news: str) -> int | None:
        [found] = build(view(news=frozenset(news)), Decision(intents=(wish(),)))
        return found.first_received_us

    assert (oldest(CHEAP), oldest(CHEAP, DEAR), oldest(SPOT), oldest()) == (NOW - 3_000, NOW - 4_000, None, None)


def test_a_close_can_be_asked_for_again_when_the_portfolio_has_changed_and_an_opening_only_once() -> None:
    def ids(version: int) -> list[str]:
        found = build(view(portfolio=portfolio(version=version)), Decision(intents=(wish(), wish(CLOSE))))
        return [one.intent_id for one in found]

    assert ids(1) == ids(1)
    assert (ids(1)[0] == ids(2)[0], ids(1)[1] == ids(2)[1]) == (True, False)


def test_a_changed_memory_goes_with_the_first_intent() -> None:
    at_two = view(memory=Count(2), portfolio=portfolio(memory=Memory(version=8, kind="Count", body='{"number":2}')))

    first, second = build(at_two, Decision(intents=(wish(), wish(slot=1)), memory=Count(3)))

    assert first.memory == Memory(version=9, kind="Count", body='{"number":3}')
    assert second.memory is None
    assert sent(first).remembers
    assert not sent(second).remembers


def test_a_changed_memory_alone_is_remembered_and_an_unchanged_one_is_not() -> None:
    [found] = build(view(memory=Count()), Decision(memory=Count(1)))

    assert (found.command, found.memory) == (
        Remember(replaces=0),
        Memory(version=1, kind="Count", body='{"number":1}'),
    )
    assert build(view(memory=Count(1)), Decision(memory=Count(1))) == ()


def test_the_codec_carries_an_intent_unchanged() -> None:
    [found] = build(view(), Decision(intents=(wish(),), memory=Count(1)))
    codec, topic = Codec(IDS), topics.by_name("order.intent")

    assert codec.decode(topic, codec.encode(topic, found)) == found


def test_a_memory_comes_back_as_it_was_and_a_strange_one_begins_anew() -> None:
    assert remembered(Count, Memory(version=1, kind="Count", body='{"number":7}')) == Count(7)
    assert remembered(Count, Memory(version=1, kind="Other", body="{}")) == Count()
    assert remembered(Nothing, None) == Nothing()


def test_a_memory_that_does_not_fit_its_struct_is_told() -> None:
    with pytest.raises(Misconfigured, match="the stored memory Count of version 4"):
        remembered(Count, Memory(version=4, kind="Count", body='{"number":"x"}'))
