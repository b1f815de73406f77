"""Which symbol a person means: `BTC/USDT`, `BTC-USDT`, `btcusdt` and `BTCUSDT` are one, among those that are known."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from tapeline.cli.failure import CRASH, Failure
from tapeline.domain import spelling
from tapeline.errors import Misconfigured

QUOTES: Final = ("USDT", "USDC", "FDUSD", "USD", "EUR", "BTC", "ETH")
"""Where a symbol without a separator is split as long as none is known; what another ends in stands behind it."""
_SEPARATORS = re.compile(r"[/_-]")
_LISTED: Final = 5


class Missing(Exception):
    """The question was right and there is nothing to show: one sentence with its fix, exit code 1."""

    def __init__(self, problem: str, *, fix: str) -> None:
        """Keep both halves of the sentence."""
        self.problem = problem
        self.fix = fix
        super().__init__(f"{problem}: {fix}")

    @property
    def failure(self) -> Failure:
        """Return how the command ends."""
        return Failure(kind="missing", problem=self.problem, fix=self.fix, exit_code=CRASH)


def symbol_of(text: str, known: Collection[str]) -> str:
    """Return the symbol that a text means.

    Raises Missing naming the nearest when it is none of the known, Misconfigured when it cannot be read as one. Where
    none is known at all, a text is believed as far as it says where it is to be split.
    """
    squeezed = spelling.squeezed(text)
    meant = sorted(symbol for symbol in known if spelling.squeezed(symbol) == squeezed)
    if len(meant) == 1:
        return meant[0]
    spelled = _spelled(text)
    if spelled is not None and (spelled in meant or not known):
        return spelled
    if meant:
        raise Misconfigured(f"{text!r} may be {' or '.join(meant)}", fix="write it with its slash")
    if not known or not squeezed:
        raise Misconfigured(f"{text!r} is no symbol", fix="write base and quote, e.g. BTC/USDT")
    raise Missing(f"no symbol {spelled or text!r} is known here", fix=spelling.advice(text, known, most=_LISTED))


def _spelled(text: str) -> str | None:
    """Return base and quote as the text itself separates them, None when it does not."""
    parts = _SEPARATORS.split(text.strip().upper())
    if len(parts) == 1:
        quote = next((quote for quote in QUOTES if parts[0].endswith(quote)), "")
        parts = [parts[0].removesuffix(quote), quote]
    return "/".join(parts) if len(parts) == 2 and all(map(str.isalnum, parts)) else None  # noqa: PLR2004 - a pair
