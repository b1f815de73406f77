"""The faults of single orders: each waits for an order that it can happen to, happens once, and is written down.

An order suffers one fault at most. Orders count as legs of one pair across all exchanges of the process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import inf

from simulator import chance
from simulator.desk import Blow
from simulator.faults import Wish
from simulator.orders import Order, Ticket
from tapeline.domain.matching import Force

LATE = "late-fill"
# In the order in which they come when several wait; the last are those that let an order live.
BEFALLING = ("refuse", "leg-refused", "duplicate-id", "partial", "lost-answer", LATE)
ONE_ORDER = BEFALLING
TAKER, CANCEL = "taker", "cancel"
"""The kinds of late fill."""
LATE_MS = (200, 700)
"""Between these the books of a venue lie behind its matching; a leg may stand alone for thrice as long."""
LATE_MARKET_MS = (150, 350)
"""The same of market orders: what ends the time of a leg alone has less of that time left."""
_PAIR_S = 2.0
_IMPATIENT_S = 5.0
HANG_S = 12.0
"""How long an answer hangs that never comes, where it does not break off at once."""
_LEAST_TO_CUT = 2

Once = Callable[[str, str, str, str], None]
"""Writes down that a fault of this name happened to this symbol's order: action, client id."""


@dataclass(slots=True)
class Legs:
    """When the last order was taken, by whichever exchange of the process."""

    last_s: float = -inf


@dataclass(slots=True)
class _Armed:
    """A fault that waits for its order."""

    wish: Wish
    since_s: float
    left: int


@dataclass(slots=True, eq=False)
class OrderStrikes:
    """What is armed at one exchange."""

    once: Once
    legs: Legs
    now_s: Callable[[], float]
    seed: int = 0
    _armed: list[_Armed] = field(default_factory=list)
    _counts: dict[str, int] = field(default_factory=dict)

    def arm(self, wish: Wish) -> None:
        """Let a fault wait for the next order that it can happen to, or for the next so many."""
        self._armed.append(_Armed(wish, self.now_s(), wish.count or 1))

    def waits(self, name: str) -> bool:
        """Tell whether a fault of this name is armed."""
        return any(one.wish.name == name for one in self._armed)

    def disarm(self) -> None:
        """Let nothing more happen."""
        self._armed.clear()

    def befall(self, ticket: Ticket, takes: int) -> Blow | None:
        """Return what happens to an order that would take so many lots at once."""
        symbol = ticket.listing.instrument.symbol
        found = next(
            (one for name in BEFALLING for one in self._of(name, symbol) if self._can(one, ticket, takes)), None
        )
        blow = None if found is None else self._blow(found, ticket)
        refused = blow is not None and (
            blow.name in {"refuse", "leg-refused"} or (blow.name == "duplicate-id" and not blow.taken)
        )
        if not refused:
            self.legs.last_s = self.now_s()
        return blow

    def befall_cancel(self, order: Order) -> bool:
        """Tell whether an order is dealt although its cancel is answered."""
        if order.ticket.reduce_only:
            return False
        found = next((one for one in self._of(LATE, order.instrument.symbol) if one.wish.kind != TAKER), None)
        if found is None:
            return False
        self._happened(found, order.instrument.symbol, "filled_late", order.client_id)
        return True

    def _of(self, name: str, symbol: str) -> Iterator[_Armed]:
        return (one for one in self._armed if one.wish.name == name and one.wish.symbol in {None, symbol})

    def _can(self, one: _Armed, ticket: Ticket, takes: int) -> bool:
        name = one.wish.name
        if name == "partial":
            return takes >= _LEAST_TO_CUT and ticket.force is not Force.FOK
        if name == "leg-refused":
            # Where orders never come in pairs, or always here first, one leg is as good as the other.
            near = self.now_s() - self.legs.last_s <= _PAIR_S
            return not ticket.reduce_only and (near or self.now_s() - one.since_s > _IMPATIENT_S)
        if name == LATE:
            # What rests has its own late fill, at its cancel; what only reduces is a leg's last way out.
            takes_only = ticket.is_market or ticket.force in {Force.IOC, Force.FOK}
            return one.wish.kind != CANCEL and takes > 0 and takes_only and not ticket.reduce_only
        return True

    def _blow(self, one: _Armed, ticket: Ticket) -> Blow:
        name, wish = one.wish.name, one.wish
        symbol, client_id = ticket.listing.instrument.symbol, ticket.client_id
        even = self._counts.get(name, 0) % 2 == 0
        actions = {
            "partial": "cut_short", "lost-answer": "unanswered", "duplicate-id": "called_taken", LATE: "told_late",
        }  # fmt: skip
        self._happened(one, symbol, actions.get(name, "refused"), client_id)
        if name == "lost-answer":
            hold_s = (0.0 if even else HANG_S) if wish.duration_s is None else wish.duration_s
            return Blow(name, hold_s=hold_s, visible_after_ms=wish.visible_after_ms or 0)
        if name == LATE:
            least_ms, most_ms = LATE_MARKET_MS if ticket.is_market else LATE_MS
            late_ms = chance.stream(self.seed, LATE, client_id).uniform(least_ms, most_ms)
            return Blow(name, late_us=int(late_ms * 1000), halved=not even and ticket.force is not Force.FOK)
        return Blow(name, taken=name == "duplicate-id" and not even)

    def _happened(self, one: _Armed, symbol: str, action: str, client_id: str) -> None:
        name = one.wish.name
        self._counts[name] = self._counts.get(name, 0) + 1
        one.left -= 1
        if one.left == 0:
            self._armed.remove(one)
        self.once(name, symbol, action, client_id)
