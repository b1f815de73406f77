"""What a table of transitions can do: say the next state, keep its history, refuse all that does not stand in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

S = TypeVar("S", bound=str)
E = TypeVar("E", bound=str)

Table = Mapping[S, Mapping[E, S]]
"""`{state: {event: next}}`; every state stands in it, also the last ones."""


class IllegalTransition(ValueError):
    """What was asked for does not stand in the table: an error of ours, or a venue that contradicts itself."""


class Transition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One change that has happened."""

    was: str
    to: str
    event: str
    at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine(Generic[S, E]):
    """One literal table with its name and first state."""

    name: str
    first: S
    table: Table[S, E]

    def next(self, state: S, event: E) -> S:
        """Return the state after an event; raise IllegalTransition when the table has none."""
        found = self.table[state].get(event)
        if found is None:
            raise IllegalTransition(f"{self.name} in {state} does not know {event}")
        return found

    def knows(self, state: S, event: E) -> bool:
        """Tell whether an event is legal in a state."""
        return event in self.table[state]

    def event_between(self, state: S, target: S) -> E | None:
        """Return the event that leads from one state to another in one step, None where there is none."""
        return next((event for event, to in self.table[state].items() if to == target), None)

    def final(self, state: S) -> bool:
        """Tell whether no event leads out of a state."""
        return not self.table[state]

    def begun(self) -> Life[S, E]:
        """Return a life in the first state."""
        return Life(machine=self, state=self.first)


@dataclass(frozen=True, slots=True, kw_only=True)
class Life(Generic[S, E]):
    """One thing's way through its machine: where it stands and how it came there (E-11)."""

    machine: Machine[S, E]
    state: S
    history: tuple[Transition, ...] = ()

    @property
    def current_status(self) -> S:
        """Return where it stands."""
        return self.state

    def can_transition_to(self, target: S) -> bool:
        """Tell whether one event leads to that state."""
        return self.machine.event_between(self.state, target) is not None

    def apply(self, event: E, at_us: int) -> Life[S, E]:
        """Return the life after an event; raise IllegalTransition and change nothing when the table has none."""
        to = self.machine.next(self.state, event)
        done = Transition(was=self.state, to=to, event=event, at_us=at_us)
        return Life(machine=self.machine, state=to, history=(*self.history, done))

    def update_status(self, target: S, at_us: int) -> Life[S, E]:
        """Return the life in another state, by the event that leads there; raise IllegalTransition where none does."""
        event = self.machine.event_between(self.state, target)
        if event is None:
            raise IllegalTransition(f"{self.machine.name} in {self.state} cannot become {target}")
        return self.apply(event, at_us)

    def get_transition_history(self) -> list[dict[str, str | int]]:
        """Return every change so far as `{from, to, timestamp}`, oldest first."""
        return [{"from": one.was, "to": one.to, "timestamp": one.at_us} for one in self.history]
