"""How people spell a name: `BTC/USDT`, `BTC-USDT`, `btcusdt` are one; a wrong one has a nearest among those known."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import Final

# A name this unlike all of ours is no slip of the pen.
_SIMILAR: Final = 0.5


def squeezed(text: str) -> str:
    """Return what all spellings of a name have in common."""
    return "".join(filter(str.isalnum, text)).upper()


def spellings(known: Iterable[str]) -> Mapping[str, str]:
    """Return names by what all their spellings have in common."""
    return {squeezed(name): name for name in known}


def advice(text: str, known: Collection[str], *, most: int) -> str:
    """Return what to do about a name that is not among the known ones, of which at most so many are listed."""
    spelt_so = spellings(known)
    near = difflib.get_close_matches(squeezed(text), spelt_so, n=1, cutoff=_SIMILAR)
    if near:
        return f"did you mean {spelt_so[near[0]]!r}?"
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return f"known are {', '.join(sorted(known)[:most])}{more}"
