"""How people spell what we know: `BTC-USDT`, `btcusdt`, `BTC/USDT` are one symbol; a wrong name gets the nearest."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from tapeline.domain.events import Market
from tapeline.domain.spelling import advice, spellings, squeezed

_BETWEEN: Final = re.compile(r"[-_/]")
_SYMBOL: Final = re.compile(r"[^\W_]{1,20}/[^\W_]{1,20}")
_SHOWN_MOST: Final = 40
_NAMED_MOST: Final = 10


class Place(NamedTuple):
    """Where a book is: one instrument, by its parts."""

    venue: str
    market: Market
    symbol: str


class Unknown(NamedTuple):
    """Why a name was not found, in one sentence with what to do."""

    sentence: str


def known_as(text: str, known: Mapping[str, str]) -> str | None:
    """Return the symbol that is meant among those that `spellings` gave; None when there is none."""
    return known.get(squeezed(text))


def spelt(text: str) -> str | None:
    """Return a symbol that need not be known yet, when its spelling shows base and quote; None when it does not."""
    symbol = _BETWEEN.sub("/", text.upper())
    return symbol if _SYMBOL.fullmatch(symbol) else None


def find(places: Collection[Place], venue: str, market: Market, pair: str) -> Place | Unknown:
    """Return the instrument that is meant, or the sentence that names the nearest one."""
    venues = sorted({place.venue for place in places})
    wanted = venue.lower()
    if wanted not in venues:
        return Unknown(f"no book of the exchange {shown(venue)} is known: {hint(wanted, venues)}")
    here = [place for place in places if place.venue == wanted]
    symbol = known_as(pair, spellings(place.symbol for place in here))
    if symbol is not None:
        found = Place(wanted, market, symbol)
        if found in here:
            return found
        others = " and ".join(sorted(place.market for place in here if place.symbol == symbol))
        return Unknown(f"{wanted} has no {market} book of {symbol}: it has one on {others}, so say market={others}")
    symbols = sorted({place.symbol for place in here if place.market == market})
    return Unknown(f"{wanted} has no {market} book of {shown(pair)}: {hint(pair, symbols)}")


def hint(text: str, known: Collection[str]) -> str:
    """Return what to do about a name that is not among the known ones."""
    if not known:
        return "none is known yet, try again when producers run"
    return advice(text, known, most=_NAMED_MOST)


def shown(value: object) -> str:
    """Return a value as a sentence shows it: quoted, and not longer than a person reads."""
    text = repr(value)
    return text if len(text) <= _SHOWN_MOST else f"{text[:_SHOWN_MOST]}.."
