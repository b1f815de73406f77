"""The market of one venue and market type: a pure function of seed and tick number, step by step.

One reference price per symbol, the same for every venue with the same seed, wanders; each venue's price wanders around
it, so that venues drift apart and cross, and about every 80 s a shock throws it off by more than four fees for some
seconds. An instrument steps every fifth tick of 20 ms, each symbol at its turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from simulator import chance
from simulator.instruments import Instrument
from simulator.ladder import ASK, BID, Ladder

TICK_US = 20_000
TURNS = 5
STEP_MS = TICK_US * TURNS // 1000
DEPTH = 500

# Per step of 100 ms, as shares of the price.
_REFERENCE_DEVIATION = 0.3e-4
_PREMIUM_DEVIATION = 0.5e-4
_PREMIUM_PULL = 0.002
_PREMIUM_USUAL = 8e-4
# Half of a shock is gone after 4 s. Most are down: a spot market that is too dear is of no use to who holds no coins.
_SHOCK_SHARE = 1 / 800
_SHOCK_LEAST = 70e-4
_SHOCK_MOST = 90e-4
_SHOCK_PULL = 1 / 60
_SHOCK_DOWN_SHARE = 0.7
_LONGEST_MOVE = 4
_NARROW_SHARE = 0.8
_EDIT_SHARE = 0.6
_EDIT_REACH = 40
_TRADE_SHARE = 0.08
_SPLIT_SHARE = 0.3
_STEP_SHARE = 0.75
# A perpetual that trades above the index pays a tenth of the difference.
_FUNDING_PARTS = 0.1


@dataclass(frozen=True, slots=True)
class Deal:
    """One taker order that traded at one price: `side` is the side of the book that it took from, fills in lots."""

    side: int
    price: int
    fills: tuple[int, ...]


@dataclass(slots=True, eq=False)
class Listing:
    """One instrument at this venue: its book, the index price around which it trades, and how far from it."""

    instrument: Instrument
    ladder: Ladder
    reference: float
    premium: float
    shock: float = 0.0
    steps: int = 0

    @property
    def index_price(self) -> float:
        """Return the price over all venues."""
        return self.reference

    @property
    def mid_price(self) -> float:
        """Return the middle between best bid and best ask."""
        return self.instrument.tick.value(self.ladder.bid + self.ladder.ask) / 2

    @property
    def mark_price(self) -> str:
        """Return the price by which positions are valued, as all write it."""
        return f"{(self.mid_price + self.reference) / 2:.8f}"

    @property
    def funding_rate(self) -> str:
        """Return what part of its value a long position would pay now, as all write it."""
        return f"{(self.mid_price / self.reference - 1) * _FUNDING_PARTS:.8f}"


@dataclass(frozen=True, slots=True)
class Step:
    """What one turn of an instrument did; the changes stand in `listing.ladder.changes` until its next turn."""

    listing: Listing
    deals: tuple[Deal, ...]


class Market:
    """All instruments of one venue and market type."""

    def __init__(self, seed: int, place: str, instruments: Sequence[Instrument], *, rate: float = 1.0) -> None:
        """Open the books; `place` is `venue:market`, `rate` scales how often an instrument moves."""
        self.number = 0
        self._rate = rate
        self._own = [chance.stream(seed, place, one.symbol) for one in instruments]
        # Books draw levels also for what traders do to them; when a shock comes must not depend on that.
        self._shocks = [chance.stream(seed, place, one.symbol, "shocks") for one in instruments]
        self._shared = [chance.stream(seed, "reference", one.symbol) for one in instruments]
        self.listings = [self._open(one, own) for one, own in zip(instruments, self._own, strict=True)]

    def tick(self) -> Iterator[Step]:
        """Go one tick on and yield the step of each instrument whose turn it is, also of one that stood still."""
        turn = self.number % TURNS
        self.number += 1
        for place in range(turn, len(self.listings), TURNS):
            listing = self.listings[place]
            listing.shock = _shock(listing.shock, self._shocks[place])
            yield self._step(listing, self._own[place], self._shared[place])

    def _open(self, instrument: Instrument, own: chance.Chance) -> Listing:
        premium = own.normal(_PREMIUM_USUAL)
        bid = int(instrument.price * (1 + premium) / instrument.tick.value(1))
        ladder = Ladder(own, bid=bid, ask=bid + 1, depth=DEPTH)
        return Listing(instrument, ladder, instrument.price, premium)

    def _step(self, listing: Listing, own: chance.Chance, shared: chance.Chance) -> Step:
        ladder = listing.ladder
        ladder.changes = []
        listing.steps += 1
        listing.reference *= 1 + shared.normal(_REFERENCE_DEVIATION)
        listing.premium += own.normal(_PREMIUM_DEVIATION) - _PREMIUM_PULL * listing.premium
        if own.random() >= _STEP_SHARE * self._rate:
            return Step(listing, ())
        target = int(listing.reference * (1 + listing.premium + listing.shock) / listing.instrument.tick.value(1))
        move = max(-_LONGEST_MOVE, min(_LONGEST_MOVE, target - ladder.bid))
        bid = ladder.bid + move
        ladder.move(bid, bid + (1 if own.random() < _NARROW_SHARE else 2))
        while own.random() < _EDIT_SHARE:
            # Most orders come and go near the best price.
            ladder.renew(own.below(2), int(own.random() ** 3 * _EDIT_REACH))
        if own.random() < _TRADE_SHARE:
            return Step(listing, self._trade(ladder, own))
        return Step(listing, ())

    @staticmethod
    def _trade(ladder: Ladder, own: chance.Chance) -> tuple[Deal, ...]:
        """Let an order take a part of the best level, which leaves something there."""
        side = own.below(2)
        price = ladder.best(side)
        there = ladder.levels[side][price]
        lots = 1 + own.below(there // 4)
        if lots >= there:
            return ()
        ladder.put(side, price, there - lots)
        first = 1 + own.below(lots) if own.random() < _SPLIT_SHARE else lots
        fills = (first,) if first == lots else (first, lots - first)
        return (Deal(side, price, fills),)


def _shock(before: float, drawn: chance.Chance) -> float:
    """Return what is left of a shock after a step, or a new one."""
    if drawn.random() >= _SHOCK_SHARE:
        return before * (1 - _SHOCK_PULL)
    size = _SHOCK_LEAST + drawn.random() * (_SHOCK_MOST - _SHOCK_LEAST)
    return -size if drawn.random() < _SHOCK_DOWN_SHARE else size


__all__ = ["ASK", "BID", "Deal", "Listing", "Market", "Step"]
