"""The frames of `/ws` as JSON texts: one object each, with its type and the time it speaks of.

What many clients get is encoded once: an event as a whole, a book once per depth.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from gateway import views
from gateway.client import Event, Owed
from gateway.interest import KINDS, Interest, Kind
from gateway.state import State, pair_key
from tapeline.domain.events import Alert, Book, BookState, Gap, Heartbeat
from tapeline.domain.spread import Spread

TYPES: Final = (
    "initial_state", "book", "spread", "gap", "alert", "heartbeat", "subscribed", "error", "reconnected",
)  # fmt: skip
"""Every type of frame that a client may get."""


class Shown:
    """A book or a spread as it stood when it was taken in, ready to be sent to any client."""

    __slots__ = ("_bodies", "_state", "_value", "key", "kind", "symbol")

    def __init__(self, value: Book | Spread, state: BookState) -> None:
        """Keep the value and its state; it is encoded when a client needs it."""
        self.kind: Literal["book", "spread"] = "book" if isinstance(value, Book) else "spread"
        self.key = value.key if isinstance(value, Book) else "|".join(pair_key(value))
        self.symbol = value.symbol
        self._value = value
        self._state = state
        self._bodies: dict[int, msgspec.Raw] = {}

    def body(self, depth: int) -> msgspec.Raw:
        """Return the JSON of it with so many levels a side."""
        found = self._bodies.get(depth)
        if found is None:
            view: object
            if isinstance(self._value, Book):
                view = views.book(self._value, self._state, depth)
            else:
                view = views.spread(self._value, self._state)
            found = self._bodies[depth] = msgspec.Raw(msgspec.json.encode(view))
        return found


def everything(state: State, now_us: int) -> tuple[Shown, ...]:
    """Return the newest of every book and spread, as it stands now."""
    books = (Shown(book, views.book_state(book, now_us)) for book in state.books())
    spreads = (Shown(spread, state.spread_state(spread, now_us)) for spread in state.spreads())
    return (*books, *spreads)


def initial_state(state: State, interest: Interest, now_us: int) -> Event:
    """Return the first frame of a client: all that is known (A-08)."""
    shown = [one for one in everything(state, now_us) if interest.wants(one.kind, one.symbol)]
    frame = _text(
        "initial_state",
        now_us,
        books=[one.body(interest.depth) for one in shown if one.kind == "book"],
        spreads=[one.body(interest.depth) for one in shown if one.kind == "spread"],
        processes=state.processes(now_us),
    )
    return Event("initial_state", frame)


def update(owed: Owed[Shown], depth: int, now_us: int) -> Event:
    """Return the frame of a book or a spread; `skipped` says how many before it the client was not sent."""
    kind = owed.update.kind
    body: dict[str, object] = {kind: owed.update.body(depth)}
    return Event(kind, _text(kind, now_us, skipped=owed.skipped, **body))


def gap(of: Gap, now_us: int) -> Event:
    """Return the event of a hole in the tape."""
    return Event("gap", _text("gap", now_us, gap=of))


def alert(of: Alert, now_us: int) -> Event:
    """Return the event of something that a person must see."""
    return Event("alert", _text("alert", now_us, alert=of))


def heartbeat(of: Heartbeat, now_us: int) -> Event:
    """Return the event of a process that lives, or does no longer."""
    return Event("heartbeat", _text("heartbeat", now_us, process=views.process(of, now_us)))


def subscribed(interest: Interest, now_us: int) -> Event:
    """Return the answer to a request: what this client hears from now on."""
    kinds: Iterable[Kind] = (kind for kind in KINDS if kind in interest.kinds)
    symbols = None if interest.symbols is None else sorted(interest.symbols)
    return Event(
        "subscribed", _text("subscribed", now_us, subscribe=list(kinds), symbols=symbols, depth=interest.depth)
    )


def mistake(sentence: str, now_us: int) -> Event:
    """Return the answer to a request that was not taken."""
    return Event("error", _text("error", now_us, message=sentence))


def bus_lost(now_us: int) -> Event:
    """Return the event of a broker that does not answer (A-10)."""
    message = "the broker does not answer: what is shown grows stale until it is back"
    return Event("error", _text("error", now_us, event="BUS_DISCONNECTED", message=message))


def bus_back(now_us: int) -> Event:
    """Return the event of a broker that answers again (A-10)."""
    return Event("reconnected", _text("reconnected", now_us, event="BUS_RECONNECTED"))


def _text(kind: str, now_us: int, **fields: object) -> str:
    return msgspec.json.encode({"type": kind, "at_us": now_us, **fields}).decode()
