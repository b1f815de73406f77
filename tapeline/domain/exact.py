"""Which numbers of a venue no double holds: their own text is kept beside the float, never rounded in silence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

Exact = dict[str, str]

DIGITS: Final = 15
"""A decimal of so many significant digits comes back from a double unchanged; a longer one may not."""

# Every digit and point becomes a zero and all else a blank, so that a long number is a long run of zeros.
_RUNS: Final = bytes(ord("0") if chr(code) in "0123456789." else ord(" ") for code in range(256))
_LONG_RUN: Final = b"0" * (DIGITS + 1)


def suspicious(frame: bytes) -> bool:
    """Tell whether a number in these bytes may be too long, in a microsecond or two, not number by number."""
    return _LONG_RUN in frame.translate(_RUNS)


def too_long(text: object) -> bool:
    """Tell whether this is the text of a number with more significant digits than a double surely keeps."""
    if not isinstance(text, str):
        return False
    mantissa = text.lower().partition("e")[0]
    return len(mantissa.lstrip("+-").replace(".", "").strip("0")) > DIGITS


def of_levels(bids: Iterable[Sequence[object]], asks: Iterable[Sequence[object]]) -> Exact | None:
    """Return the texts to keep of two sides of levels (price, quantity, ..), by the name of their field."""
    found: Exact = {}
    for side, levels in (("bid", bids), ("ask", asks)):
        for at, level in enumerate(levels):
            for column, text in zip(("prices", "quantities"), level, strict=False):
                if too_long(text):
                    found[f"{side}_{column}[{at}]"] = str(text)
    return found or None


def of_fields(**texts: object) -> Exact | None:
    """Return the texts to keep of single fields, by name."""
    return {name: str(text) for name, text in texts.items() if too_long(text)} or None
