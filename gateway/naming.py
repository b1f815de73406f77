"""How people spell what we know: `BTC-USDT`, `btcusdt`, `BTC/USDT` are one symbol; a wrong name gets the nearest."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from tapeline.domain.events import Market

_BETWEEN: Final = re.compile(r"[-_/]")
_SYMBOL: Final = re.compile(r"[^\W_]{1,20}/[^\W_]{1,20}")
# A name this unlike all of ours is no slip of the pen.
_SIMILAR: Final = 0.5
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


def spellings(symbols: Iterable[str]) -> Mapping[str, str]:
    """Return known symbols by what is left of them without a separator."""
    return {_squashed(symbol): symbol for symbol in symbols}


def symbol_of(text: str, known: Mapping[str, str]) -> str | None:
    """Return the known symbol that is meant, whatever stands between base and quote; None when there is none."""
    return known.get(_squashed(text))


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
    symbol = symbol_of(pair, spellings(place.symbol for place in here))
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
    spelt_so = spellings(known)
    near = difflib.get_close_matches(_squashed(text), spelt_so, n=1, cutoff=_SIMILAR)
    if near:
        return f"did you mean {spelt_so[near[0]]!r}?"
    named = sorted(known)
    more = f" and {len(named) - _NAMED_MOST} more" if len(named) > _NAMED_MOST else ""
    return f"known are {', '.join(named[:_NAMED_MOST])}{more}"


def shown(value: object) -> str:
    """Return a value as a sentence shows it: quoted, and not longer than a person reads."""
    text = repr(value)
    return text if len(text) <= _SHOWN_MOST else f"{text[:_SHOWN_MOST]}.."


def _squashed(text: str) -> str:
    return _BETWEEN.sub("", text).upper()
