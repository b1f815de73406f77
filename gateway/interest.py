"""What one client wants to hear: kinds, symbols, depth; a wrong request is told in a sentence and changes nothing."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NamedTuple, get_args

import msgspec

from gateway import naming
from tapeline.domain import spelling

Kind = Literal["book", "spread", "gap", "alert", "heartbeat"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
DEPTH: Final = 20
DEPTH_MOST: Final = 1_000
SYMBOLS_MOST: Final = 1_000
_KEYS: Final = ("subscribe", "symbols", "depth")
_EXAMPLE: Final = '{"subscribe": ["book"], "symbols": ["BTC/USDT"], "depth": 5}'


class Mistake(NamedTuple):
    """Why a request was not taken: the field, its value and what to write instead, in one sentence."""

    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """All by default; `symbols` is None for every symbol. Alerts and heartbeats belong to no symbol."""

    kinds: frozenset[Kind] = frozenset(KINDS)
    symbols: frozenset[str] | None = None
    depth: int = DEPTH

    def wants(self, kind: Kind, symbol: str | None) -> bool:
        """Tell whether an event is for this client."""
        return kind in self.kinds and (symbol is None or self.symbols is None or symbol in self.symbols)


def read(text: str | bytes, before: Interest, known: Collection[str]) -> Interest | Mistake:
    """Return the interest after a client's request; what it does not name stays as it was.

    `known` are the symbols that there are: they may be spelt without a separator, others need one.
    """
    try:
        asked = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Mistake(f"the message is no JSON: send an object like {_EXAMPLE}")
    if not isinstance(asked, dict) or not asked:
        return Mistake(f"the message is {naming.shown(asked)}: send an object like {_EXAMPLE}")
    found = before
    for key, value in asked.items():
        step = _taken(found, key, value, known)
        if isinstance(step, Mistake):
            return step
        found = step
    return found


def _taken(before: Interest, key: str, value: Any, known: Collection[str]) -> Interest | Mistake:  # noqa: ANN401 - JSON
    if key == "subscribe":
        return _kinds(before, value)
    if key == "symbols":
        return _symbols(before, value, known)
    if key == "depth":
        return _depth(before, value)
    near = difflib.get_close_matches(key, _KEYS, n=1)
    told = f"did you mean {near[0]!r}?" if near else f"use {', '.join(_KEYS)}"
    return Mistake(f"the field {naming.shown(key)} is not known: {told}")


def _kinds(before: Interest, value: Any) -> Interest | Mistake:  # noqa: ANN401 - JSON
    if not isinstance(value, list):
        return Mistake(f"subscribe is {naming.shown(value)}: give a list of {', '.join(KINDS)}")
    for at, kind in enumerate(value):
        if kind not in KINDS:
            near = difflib.get_close_matches(str(kind), KINDS, n=1)
            told = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(KINDS)}"
            return Mistake(f"subscribe[{at}] is {naming.shown(kind)}: {told}")
    return replace(before, kinds=frozenset(value))


def _symbols(before: Interest, value: Any, known: Collection[str]) -> Interest | Mistake:  # noqa: ANN401 - JSON
    if value is None:
        return replace(before, symbols=None)
    if not isinstance(value, list) or len(value) > SYMBOLS_MOST:
        told = f"{len(value)} entries long" if isinstance(value, list) else naming.shown(value)
        return Mistake(f"symbols is {told}: give a list of at most {SYMBOLS_MOST}, or null for all")
    found: set[str] = set()
    by_spelling = spelling.spellings(known)
    for at, text in enumerate(value):
        symbol = (naming.known_as(text, by_spelling) or naming.spelt(text)) if isinstance(text, str) else None
        if symbol is None:
            told = naming.hint(text, known) if isinstance(text, str) and known else "write it as 'BTC/USDT'"
            return Mistake(f"symbols[{at}] is {naming.shown(text)}: {told}")
        found.add(symbol)
    return replace(before, symbols=frozenset(found))


def _depth(before: Interest, value: Any) -> Interest | Mistake:  # noqa: ANN401 - JSON
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= DEPTH_MOST:
        return Mistake(f"depth is {naming.shown(value)}: give a whole number from 1 to {DEPTH_MOST}")
    return replace(before, depth=value)
