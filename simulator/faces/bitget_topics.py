"""The channels of Bitget's two generations: how a client names them, and how each message names its own.

v2 says `instType` in capitals, `channel` and `instId`; v3 says `instType` in small letters, `topic` and `symbol`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.frames import Kind

_TOPS = {"v2": (1, 5, 15), "v3": (1, 5, 50)}
_TRADES = {"v2": "trade", "v3": "publicTrade"}
_PRODUCTS = ("spot", "usdt-futures", "usdc-futures", "coin-futures")
_CHANNELS: dict[Kind, str] = {"book": "books", "trade": "publicTrade"}


@dataclass(frozen=True, slots=True)
class Topic:
    """One channel of one instrument; `arg` is its JSON, `product` in small letters."""

    generation: Generation
    name: str
    kind: Kind
    product: str
    wire: str
    levels: int = 0
    stream: str = field(init=False)
    arg: str = field(init=False)

    def __post_init__(self) -> None:
        """Derive the names."""
        words = self.generation
        inst = words.product(self.product)
        object.__setattr__(self, "stream", f"{words.name}:{inst}:{self.name}:{self.wire}")
        named = f'"{words.what}":"{self.name}","{words.whose}":"{self.wire}"'
        object.__setattr__(self, "arg", f'{{"instType":"{inst}",{named}}}')

    @property
    def channel(self) -> str:
        """Return how the journal calls it."""
        return _CHANNELS.get(self.kind, self.name)


@dataclass(frozen=True, slots=True)
class Generation:
    """The words of a generation: the keys under which a client names a channel and an instrument."""

    name: str
    what: str
    whose: str

    def product(self, product: str) -> str:
        """Return how it writes a product."""
        return product.upper() if self.name == "v2" else product

    def topic(self, kind: Kind, product: str, wire: str) -> Topic:
        """Return the book or the trades of an instrument."""
        return Topic(self, "books" if kind == "book" else _TRADES[self.name], kind, product, wire)

    def parse(self, arg: Mapping[str, Any]) -> Topic | None:
        """Read what a client names; None for a channel or product that does not exist."""
        inst, name, wire = str(arg.get("instType")), str(arg.get(self.what)), str(arg.get(self.whose))
        product = inst.lower()
        if product not in _PRODUCTS or inst != self.product(product):
            return None
        kind, levels = self._kind(name)
        return None if kind is None else Topic(self, name, kind, product, wire, levels)

    def _kind(self, name: str) -> tuple[Kind | None, int]:
        if name == "books":
            return "book", 0
        if name == _TRADES[self.name]:
            return "trade", 0
        if name == "ticker":
            return "ticker", 0
        levels = next((one for one in _TOPS[self.name] if name == f"books{one}"), 0)
        return ("top", levels) if levels else (None, 0)


V2 = Generation("v2", "channel", "instId")
V3 = Generation("v3", "topic", "symbol")
GENERATIONS = (V3, V2)
