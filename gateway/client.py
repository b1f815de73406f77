"""What one client is owed, within bounds: of a book or a spread only the newest, of everything else each in its order.

A book or spread that was sent rests for 50 ms; what comes meanwhile waits, the newest in place of those before it, and
how many were left out is told. So there are at most 20 updates a second of each, and one after a pause is sent at once.
Events never rest; a client that lets too many of them pile up is given up (`over`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from gateway.interest import Interest, Kind

REST_S: Final = 0.05
EVENTS_MOST: Final = 1_000


class Update(Protocol):
    """A book or a spread, one of many under its key."""

    @property
    def kind(self) -> Kind:
        """Return what it is."""

    @property
    def key(self) -> str:
        """Return what it is the newest of."""

    @property
    def symbol(self) -> str:
        """Return the symbol that it belongs to."""


U = TypeVar("U", bound=Update)
Key = tuple[Kind, str]


class Event(NamedTuple):
    """A frame that is sent as it is, and its type."""

    kind: str
    frame: str


@dataclass(slots=True, eq=False)
class Owed(Generic[U]):
    """The newest of its key, and how many before it the client was not shown."""

    update: U
    skipped: int


class Client(Generic[U]):
    """What waits for one client; never more than one update a key and `most` events."""

    def __init__(self, interest: Interest | None = None, *, most: int = EVENTS_MOST) -> None:
        """Begin with nothing waiting; by default everything is wanted."""
        self.interest = interest or Interest()
        self.over = False
        self._most = most
        self._events: deque[Event] = deque()
        self._waiting: dict[Key, Owed[U]] = {}
        # Keys that wait and may be sent, in turn; and until when those rest that were sent, the first to wake first.
        self._ready: deque[Key] = deque()
        self._resting: dict[Key, float] = {}

    def __len__(self) -> int:
        """Return how much waits."""
        return len(self._events) + len(self._waiting)

    def offer(self, update: U, skipped: int = 0) -> None:
        """Let a newer update take the place of the one that waits; `skipped` counts those left out before it came."""
        if self.over or not self.interest.wants(update.kind, update.symbol):
            return
        key = (update.kind, update.key)
        waiting = self._waiting.get(key)
        if waiting is not None:
            waiting.update = update
            waiting.skipped += skipped + 1
            return
        self._waiting[key] = Owed(update, skipped)
        if key not in self._resting:
            self._ready.append(key)

    def tell(self, event: Event) -> None:
        """Queue an event; one too many gives the client up, and what waited is let go."""
        if self.over:
            return
        if len(self._events) >= self._most:
            self.over = True
            self._events.clear()
            self._waiting.clear()
            self._ready.clear()
        else:
            self._events.append(event)

    def narrow(self, interest: Interest, updates: Iterable[U]) -> None:
        """Take a new interest: what it leaves out is let go, and the newest of all it names is owed."""
        self.interest = interest
        self._waiting = {
            key: owed for key, owed in self._waiting.items() if interest.wants(owed.update.kind, owed.update.symbol)
        }
        self._ready = deque(key for key in self._ready if key in self._waiting)
        for update in updates:
            if (update.kind, update.key) not in self._waiting:
                self.offer(update)

    def next(self, now_s: float) -> Event | Owed[U] | None:
        """Return what is to be sent next and forget it; None when nothing is due."""
        if self._events:
            return self._events.popleft()
        self._wake(now_s)
        if not self._ready:
            return None
        key = self._ready.popleft()
        self._resting[key] = now_s + REST_S
        return self._waiting.pop(key)

    def wait_s(self, now_s: float) -> float | None:
        """Return how long nothing will be due, or a little less; None: until something comes."""
        if self._events or self._ready:
            return 0.0
        return max(0.0, next(iter(self._resting.values())) - now_s) if self._waiting else None

    def _wake(self, now_s: float) -> None:
        """End the rest of what has rested."""
        while self._resting:
            key, until_s = next(iter(self._resting.items()))
            if until_s > now_s:
                return
            del self._resting[key]
            if key in self._waiting:
                self._ready.append(key)
