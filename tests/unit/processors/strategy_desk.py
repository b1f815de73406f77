"""A strategies agent by hand: records in, one batch each, intents out, as typed values."""

from __future__ import annotations

from typing import Any

import msgspec

from processors import strategies
from processors.agent import Output, Placed
from processors.strategy_board import recall
from tapeline.domain.account_records import Portfolio
from tapeline.domain.events import Book, ClockTick, Instrument
from tapeline.domain.order_records import OrderIntent
from tapeline.strategies.contract import Instance
from tapeline.strategies.registry import Order, instances

ONE = instances((Order(name="two-leg-1", strategy="two-leg", parameters={"cool_down_s": 0}),))
PARTITION = 3


class StrategyDesk:
    """One partition of the agent, fed record by record; offsets count up by topic."""

    def __init__(self, made: tuple[Instance, ...] = ONE) -> None:
        self.agent = strategies.agent(made)
        self.board = self.agent.fresh()
        self.offsets: dict[str, int] = {}
        self.outputs: list[Output] = []

    def hand(self, *values: Any, replayed: bool = False) -> list[OrderIntent]:  # noqa: ANN401 - any record
        """Hand each record as a batch of its own and return the intents that follow."""
        made: list[Output] = []
        for value in values:
            topic = topic_of(value)
            offset = self.offsets.get(topic, 0)
            self.offsets[topic] = offset + 1
            made += self.agent.decide(self.board, Placed(value, topic, PARTITION, offset))
            if replayed:
                recall(self.board)
            elif self.agent.conclude is not None:
                made += self.agent.conclude(self.board)
        self.outputs += made
        return [typed(one) for one in made]


def topic_of(value: Any) -> str:  # noqa: ANN401 - any record
    """Return the topic that a record is told on."""
    known: dict[type[msgspec.Struct], str] = {
        Book: "md.book",
        ClockTick: "clock",
        Instrument: "ref.instrument",
        Portfolio: "portfolio",
    }
    for kind, name in known.items():
        if isinstance(value, kind):
            return name
    return "control" if "scope" in value else "order.event" if "intent_id" in value else "signal.spread"


def typed(output: Output) -> OrderIntent:
    """Return the intent in an output."""
    assert isinstance(output.value, OrderIntent)
    return output.value


def control(desired: str, version: int = 1, scope: str = "system", target: str = "all") -> dict[str, Any]:
    """Return a record of control."""
    return {"scope": scope, "target": target, "version": version, "desired": desired, "actor": "me", "at_us": 1}


def event(intent: OrderIntent, kind: str, at_us: int) -> dict[str, Any]:
    """Return an order event about an intent."""
    return {
        "strategy": intent.strategy,
        "symbol": intent.symbol,
        "intent_id": intent.intent_id,
        "kind": kind,
        "at_us": at_us,
    }


def tick(at_us: int, epoch: int = 1) -> ClockTick:
    """Return a second that has passed."""
    return ClockTick(partition=PARTITION, at_us=at_us, process="test", epoch=epoch)
