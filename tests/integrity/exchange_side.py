"""The exchange's side of a trial: the simulator's own market and face in virtual time, and what its books truly were.

Nothing of `tapeline.venues` is asked: frames come from the face, the truth from the ladder behind it, at the number
under which the face wrote the change into its journal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from simulator.instruments import Instrument
from simulator.journal import AnyRecord, Delta, Journal, Served, Subscribed
from simulator.ladder import ASK, BID, Ladder
from simulator.market import Listing
from simulator.offline import BEGIN_US, US_PER_S, Offline
from simulator.places import Place

SHOWN: Final = 20
"""Levels a side that are compared: as many as a published book has."""
WARM_US: Final = 3 * US_PER_S
"""So long the market moves before anybody connects: every channel has told a change by then."""
_ALWAYS: Final = 1.34
"""The rate at which an instrument moves at every step."""

Column = tuple[float, ...]
Top = tuple[Column, Column, Column, Column]
"""Bid prices, bid quantities, ask prices, ask quantities, best first."""


class Truth(Journal):
    """Stands in for the journal: keeps of each change the book behind it, by symbol, channel and number."""

    def __init__(self, listings: Mapping[str, Listing]) -> None:
        """Take whose ladders these are."""
        super().__init__(None)
        self._listings = listings
        self._tops: defaultdict[tuple[str, str], dict[int, Top]] = defaultdict(dict)
        self.newest: dict[tuple[str, str], Delta] = {}
        """The last change of each channel."""
        self.subscribed: dict[str, str] = {}
        """The channel on which the book of a symbol is read."""
        self.served: set[tuple[str, int]] = set()
        """Symbol and number of each whole book: REST may have one between two messages of the stream."""

    def write(self, record: AnyRecord) -> None:
        """Keep a change's book; a whole book that is told under a new number changes nothing."""
        if isinstance(record, Delta):
            ladder = self._listings[record.symbol].ladder
            where = record.symbol, record.channel
            self._tops[where][record.sequence] = _top(ladder, self._listings[record.symbol].instrument)
            self.newest[where] = record
        elif isinstance(record, Subscribed) and record.type == "book" and record.channel:
            self.subscribed[record.symbol] = record.channel
        elif isinstance(record, Served):
            self.served.add((record.symbol, record.sequence))
            tops = self._tops[record.symbol, record.channel]
            if record.sequence not in tops and tops:
                tops[record.sequence] = tops[next(reversed(tops))]

    def top(self, symbol: str, channel: str, sequence: int) -> Top | None:
        """Return the book of a channel at a number, None where it never had it."""
        return self._tops[symbol, channel].get(sequence)


class ExchangeSide(Offline):
    """One simulated market that moves as time is given to it, with the truth beside it."""

    def __init__(self, place: Place, *, seed: int, symbols: int) -> None:
        """Open the market and let it move for a while without clients."""
        super().__init__(place, seed=seed, symbols=symbols, rate=_ALWAYS)
        self.truth = self.exchange.journal = Truth(self.listings)
        while self.now_us < BEGIN_US + WARM_US:
            self.tick()


def _top(ladder: Ladder, of: Instrument) -> Top:
    bids = range(ladder.bid, ladder.bid - SHOWN, -1)
    asks = range(ladder.ask, ladder.ask + SHOWN)
    return (
        tuple([of.tick.value(price) for price in bids]),
        tuple([of.lot.value(ladder.levels[BID][price]) for price in bids]),
        tuple([of.tick.value(price) for price in asks]),
        tuple([of.lot.value(ladder.levels[ASK][price]) for price in asks]),
    )
