"""What a producer records and where that is: markets by name, their addresses by network, symbols by wish."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tapeline.domain.events import Instrument
from tapeline.domain.instruments import MARKETS, Market
from tapeline.errors import Misconfigured
from tapeline.runtime import venue_hosts
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings
from tapeline.venues import registry
from tapeline.venues.contract import Feed, Hosts

ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class Place:
    """One market of a venue."""

    venue: str
    market: Market

    def __str__(self) -> str:
        """Return `venue:market`."""
        return f"{self.venue}:{self.market}"

    @property
    def feed(self) -> Feed:
        """Return what the venue is to us."""
        return registry.feed(self.venue, self.market)


def named(venues: str) -> tuple[str, ...]:
    """Return the names of a comma separated list."""
    return tuple(word.strip() for word in venues.split(",") if word.strip())


def choose(venues: Sequence[str], market: str, *, network: str = "main") -> tuple[Place, ...]:
    """Return the markets of these venues, of all of the network without a name; Misconfigured for what there is not."""
    if market not in (*MARKETS, ALL):
        raise Misconfigured(f"there is no market {market!r}", fix=f"choose {', '.join(MARKETS)} or {ALL}")
    every = registry.every(network)
    named = dict.fromkeys(one for name in venues or (ALL,) for one in (every if name == ALL else (name,)))
    return tuple(Place(venue, kind) for venue in named for kind in registry.venue(venue).feeds if market in (kind, ALL))


def hosts(place: Place, settings: Settings, run: RunFile | None) -> Hosts:
    """Return where a market is on the network that settings choose; Misconfigured when no simulator runs."""
    facts = place.feed.facts
    if settings.venues.network != "simulated":
        return venue_hosts.real(facts, settings.venues)
    found = venue_hosts.simulated(run).get((place.venue, place.market))
    if found is None:
        raise Misconfigured(
            f"venues.network is simulated and no simulator of {place} runs",
            fix="start it with `tapeline demo`, or set venues.network to main or test",
        )
    return found


def reachable(chosen: Iterable[Place], settings: Settings, run: RunFile | None) -> tuple[Place, ...]:
    """Return those markets that can be recorded here: of a simulated network only what runs."""
    found: list[Place] = []
    for place in chosen:
        with contextlib.suppress(Misconfigured):
            _ = hosts(place, settings, run)
            found.append(place)
    return tuple(found)


def chosen(listed: Iterable[Instrument], wish: str | Iterable[str]) -> tuple[dict[str, Instrument], tuple[str, ...]]:
    """Return the instruments that are wished for, by native name, and the symbols that are not listed."""
    by_symbol = {one.symbol: one for one in listed}
    if isinstance(wish, str):
        # One that is closed has no streams; a person who names it is told so by the venue.
        open_ones = [symbol for symbol, one in by_symbol.items() if one.status != "closed"]
        wish = open_ones if wish.strip() == ALL else named(wish)
    wanted = tuple(wish)
    found = {by_symbol[symbol].native: by_symbol[symbol] for symbol in wanted if symbol in by_symbol}
    return found, tuple(symbol for symbol in wanted if symbol not in by_symbol)
