"""One market measured: a run without faults, then one of each kind on the same market, compared record by record."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from producers.market import Record
from simulator.offline import US_PER_S
from simulator.places import Place
from tapeline.domain.events import Book, Gap
from tapeline.venues import registry
from tapeline.venues.contract import Facts
from tests.integrity.exchange_side import ExchangeSide
from tests.integrity.injecting import KINDS, TARGETS, Hit, Injector, Kind
from tests.integrity.judging import Told, Verdict, is_true, verdicts
from tests.integrity.our_side import OurSide

SYMBOLS: Final = 4
LEAST_US: Final = 36 * US_PER_S
"""A silence is found by the cross-check within this time."""
_TAIL_US: Final[dict[Kind, int]] = {"silence": 24 * US_PER_S}
"""Nothing is hit so shortly before the end that there would be no time to find it."""
_USUAL_TAIL_US: Final = 8 * US_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run told."""

    told: tuple[Told, ...]
    hits: tuple[Hit, ...]
    messages: int
    broken: int
    end_us: int
    symbols: tuple[str, ...]

    def of(self, symbols: tuple[str, ...]) -> list[Record]:
        """Return the records of some symbols."""
        return [one.record for one in self.told if one.record.symbol in symbols]

    @property
    def wrong(self) -> list[Told]:
        """Return the books that were told as valid and are not the exchange's."""
        return [one for one in self.told if one.right is False]

    @property
    def gaps(self) -> list[Gap]:
        """Return the gaps of books."""
        return [one.record for one in self.told if isinstance(one.record, Gap) and one.record.channel == "book"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What all runs of a market told."""

    place: Place
    facts: Facts
    clean: Run
    runs: dict[Kind, Run]
    verdicts: dict[Kind, list[Verdict]]
    undisturbed: bool
    """Whether every record of the symbols that were not hit is the same in each run."""


class _Trial:
    """One run."""

    def __init__(self, place: Place, kind: Kind | None, seed: int) -> None:
        self.side = ExchangeSide(place, seed=seed, symbols=SYMBOLS)
        self._tail_us = _USUAL_TAIL_US if kind is None else _TAIL_US.get(kind, _USUAL_TAIL_US)
        self.told: list[Told] = []
        self._right: defaultdict[str, bool] = defaultdict(bool)
        self.injector = Injector(self.side, kind, seed=seed, is_right=self._right.__getitem__)
        self.ours = OurSide(self.side, self._tell)
        for connection in self.ours.connections.values():
            connection.disturbances.append(self.injector)

    def run(self, messages: int, end_us: int | None) -> Run:
        """Let time pass until so many messages were sent, or until the end of another run."""
        side, injector = self.side, self.injector
        least_us = side.now_us + LEAST_US if end_us is None else end_us
        while side.now_us < least_us or (end_us is None and injector.messages < messages):
            injector.enough = end_us is not None and side.now_us >= end_us - self._tail_us
            self.ours.tick()
        return Run(
            told=tuple(self.told),
            hits=tuple(injector.hits),
            messages=injector.messages,
            broken=len(self.ours.broken),
            end_us=side.now_us,
            symbols=side.symbols,
        )

    def _tell(self, topic: str, record: Record) -> None:
        del topic
        right: bool | None = None
        if isinstance(record, Book):
            right = is_true(record, self.side.truth) if record.state == "valid" else None
            self._right[record.symbol] = right is True
        elif isinstance(record, Gap) and record.channel == "book":
            self._right[record.symbol] = False
            self.injector.unmute(record.symbol)
        self.told.append(Told(self.side.now_us, record, right))


def facts_of(place: Place) -> Facts:
    """Return what our venue says of a market."""
    return registry.feed(place.venue, "spot" if place.market == "spot" else "futures").facts


def measure(place: Place, *, messages: int, seed: int, kinds: tuple[Kind, ...] = KINDS) -> Measured:
    """Run a market without faults and once with each kind."""
    clean = _Trial(place, None, seed).run(messages, None)
    runs = {kind: _Trial(place, kind, seed).run(messages, clean.end_us) for kind in kinds}
    untouched = clean.symbols[TARGETS:]
    facts = facts_of(place)
    return Measured(
        place=place,
        facts=facts,
        clean=clean,
        runs=runs,
        verdicts={kind: verdicts(run.hits, run.told, facts, run.end_us) for kind, run in runs.items()},
        undisturbed=all(run.of(untouched) == clean.of(untouched) for run in runs.values()),
    )
