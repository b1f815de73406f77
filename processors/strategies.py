"""The strategies agent: runs each instance on each symbol of its partitions; books and portfolio in, intents out.

`faust -A processors.strategies worker -l info` runs it alone. It issues nothing before it has read its portfolios and
the instruments' rules to their ends; what it may issue at all says `tapeline.strategies.guard`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, Final
from uuid import UUID, uuid5

from processors import commandline
from processors.agent import Agent, Output
from processors.spreads import TRADED, WARM_UP_S
from processors.strategy_board import READS, SIGNALS, Board, recall, take
from tapeline.domain.order_records import OrderIntent
from tapeline.domain.partition import origin_key, strategy_key
from tapeline.runtime.settings import Settings
from tapeline.strategies import guard, intents, registry
from tapeline.strategies.contract import Instance, View
from tapeline.strategies.holdings import empty

_OWN: Final = frozenset({"portfolio", "order.event"})
_TRACES: Final = UUID("0b6f5b54-6b7d-5f0e-9f0c-8b2f6f1f0a11")


def agent(instances: tuple[Instance, ...]) -> Agent[Board]:
    """Return the agent that runs these instances."""
    return Agent(
        name="strategies",
        reads=reads(instances),
        writes=("order.intent",),
        fresh=Board,
        decide=take,
        conclude=functools.partial(conclude, instances),
        recall=recall,
        newest=frozenset({"md.book", "portfolio", "ref.instrument"}),
        warm_up_s=WARM_UP_S,
        # What happened before the group was there is not traded on.
        begin="end",
        rebuilt=frozenset({"portfolio", "ref.instrument"}),
        everywhere=("control",),
        placed=True,
    )


def reads(instances: tuple[Instance, ...]) -> tuple[str, ...]:
    """Return the topics that these instances need."""
    wanted = frozenset[str]().union(*(one.strategy.signals | one.strategy.wakes for one in instances))
    return tuple(topic for topic in READS if topic not in SIGNALS or topic in wanted)


def conclude(instances: tuple[Instance, ...], board: Board) -> Iterator[Output]:
    """Wake every instance that trades a symbol with news, and return the intents that may be published."""
    woken, board.woken = board.woken, {}
    for symbol, topics in woken.items():
        for instance in instances:
            if instance.trades(symbol) and topics & (instance.strategy.wakes | _OWN):
                yield from _decided(board, instance, symbol)


def _decided(board: Board, instance: Instance, symbol: str) -> Iterator[Output]:
    key = strategy_key(instance.name, symbol)
    view = view_of(board, instance, symbol)
    decision = instance.strategy.decide(view)
    checked = guard.check(view, intents.build(view, decision))
    kept = "; ".join(reason for _, reason in checked.held) or decision.kept
    if kept is None:
        board.kept.pop(key, None)
    else:
        board.kept[key] = kept
    for intent in checked.passed:
        board.waiting(key).note(intent)
        yield Output("order.intent", intent.key, intent, (("traceparent", traceparent(intent)),))
    for name in view.news:
        book = view.books[name]
        board.decided[key, name] = (book.epoch, book.sequence)


def view_of(board: Board, instance: Instance, symbol: str) -> View[Any, Any]:
    """Return all that an instance knows of a symbol now."""
    key = strategy_key(instance.name, symbol)
    portfolio = board.portfolios.get(key)
    books = board.books.get(symbol, {})
    places = dict(board.places.get(symbol, {}))
    if portfolio is not None:
        places[intents.PORTFOLIO] = board.portfolio_places[key]
    held = portfolio or empty(instance.name, symbol, instance.account)
    waits = board.waiting(key)
    return View(
        strategy=instance.name,
        account=instance.account,
        symbol=symbol,
        now_us=board.now_us,
        books=dict(books),
        instruments=dict(board.instruments.get(symbol, {})),
        fees=TRADED,
        portfolio=held,
        parameters=instance.parameters,
        memory=intents.remembered(instance.strategy.memory, held.memory),
        spreads=tuple(board.spreads.get(symbol, {}).values()),
        desired=board.desired(instance, symbol),
        unanswered=waits.sent,
        used_rounds=dict(waits.used),
        places=places,
        news=frozenset(
            name for name, book in books.items() if board.decided.get((key, name)) != (book.epoch, book.sequence)
        ),
    )


def traceparent(intent: OrderIntent) -> bytes:
    """Return the header that one search follows from tick to fill; its trace id is made of the first cause (E-25)."""
    cause = intent.cause[0] if intent.cause else None
    origin = intent.intent_id if cause is None else origin_key(cause.topic, cause.partition, cause.offset)
    return f"00-{uuid5(_TRACES, origin).hex}-{UUID(intent.intent_id).hex[:16]}-01".encode()


def agent_of(settings: Settings) -> Agent[Board]:
    """Return the agent with the instances that settings name; Misconfigured for one that cannot be."""
    return agent(registry.instances(registry.ordered(settings.strategies.run)))


__getattr__: Callable[[str], object] = commandline.app_of("strategies", lambda settings: (agent_of(settings),))
"""Makes `app` when Faust's command asks for it, and not when this module is imported."""
