"""What a strategy is: data and one pure function `decide(view) -> Decision(intents, memory)`.

The view holds all that a strategy may know, so a decision can be computed again from it: no clock, no randomness, no
state but the declared memory. What it may do with it is said by `tapeline.strategies.guard`, whatever it decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

import msgspec

from tapeline.domain.account_records import Portfolio, Slot
from tapeline.domain.events import Book, Instrument
from tapeline.domain.order_records import Cause, Command, DesiredState
from tapeline.domain.spread import Fees, Spread, tradable
from tapeline.strategies.holdings import slot_of

P = TypeVar("P", bound=msgspec.Struct)
M = TypeVar("M", bound=msgspec.Struct)

DEFAULT_TTL_US: Final = 1_000_000


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """An intent that was published and is not answered yet; one that only remembers takes no slot."""

    intent_id: str
    slot: int
    round: int
    opening: bool
    remembers: bool
    expires_us: int
    takes_slot: bool = True


class Nothing(msgspec.Struct, frozen=True):
    """The memory of a strategy that needs none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View(Generic[P, M]):
    """All that one instance of a strategy knows of one symbol when a record wakes it.

    `now_us` is the time of that record. `books`, `instruments` and `places` go by instrument key; `portfolio` stands in
    `places` under its topic's name. `desired` is the strictest of what is wanted of the system, account and strategy.
    """

    strategy: str
    account: str
    symbol: str
    now_us: int
    books: Mapping[str, Book]
    instruments: Mapping[str, Instrument]
    fees: Fees
    portfolio: Portfolio
    parameters: P
    memory: M
    spreads: tuple[Spread, ...] = ()
    desired: DesiredState = "RUNNING"
    unanswered: tuple[Sent, ...] = ()
    used_rounds: Mapping[int, int] = field(default_factory=dict)
    places: Mapping[str, Cause] = field(default_factory=dict)
    news: frozenset[str] = frozenset()

    def is_fresh(self, *instruments: str) -> bool:
        """Tell whether all of these have a book that may be decided on: valid and younger than two seconds."""
        found = [self.books.get(name) for name in instruments]
        return all(book is not None and tradable(book, self.now_us) for book in found)

    def slot(self, number: int) -> Slot:
        """Return one of its slots; one that was never used is free and in its first round."""
        return slot_of(self.portfolio, number)

    def is_free(self, slot: int) -> bool:
        """Tell whether a slot may take an opening: nothing is in it, on the way to it, or was sent in its round."""
        found = self.slot(slot)
        if found.intent_id is not None or any(sent.slot == slot and sent.takes_slot for sent in self.unanswered):
            return False
        return self.used_rounds.get(slot, found.round - 1) < found.round


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One thing that a strategy wants: what, why in words and numbers, and which instruments' books it looked at."""

    command: Command
    reason: str
    evidence: Mapping[str, float]
    inputs: tuple[str, ...]
    slot: int = 0
    ttl_us: int = DEFAULT_TTL_US


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Generic[M]):
    """What follows from a view: intents, the memory (None leaves it as it is), and why there is no intent, if told."""

    intents: tuple[Intent, ...] = ()
    memory: M | None = None
    kept: str | None = None


Decide = Callable[[View[P, M]], Decision[M]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy(Generic[P, M]):
    """One strategy: its name, the structs of its parameters and memory (each with defaults), and its function.

    `wakes` are the topics whose records call it; a portfolio or order event of its own does so always. `signals` are
    those whose newest records its view holds: what no strategy asks for is not read, for signals are many.
    """

    name: str
    parameters: type[P]
    memory: type[M]
    decide: Decide[P, M]
    wakes: frozenset[str] = frozenset({"md.book", "clock"})
    signals: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A strategy with its parameters, on its symbols (None: on all), for an account; `name` is told in its intents."""

    name: str
    strategy: Strategy[Any, Any]
    parameters: msgspec.Struct
    account: str
    symbols: frozenset[str] | None = None

    def trades(self, symbol: str) -> bool:
        """Tell whether the instance is to trade a symbol."""
        return self.symbols is None or symbol in self.symbols
