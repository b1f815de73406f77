"""Faults that are put into the stream of a simulated exchange, one at a time and only where the book is right.

A fault falls on a change of a book of one of the first symbols; the others are never touched. Each is written down with
the number of the change that it hit and of the one before it, so that a gap record can be held against it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, get_args

from simulator import chance
from simulator.disturb import Disturbance
from simulator.frames import Frame, binary_message
from simulator.journal import Delta
from simulator.offline import US_PER_S
from tests.integrity.exchange_side import ExchangeSide

Kind = Literal["hole", "duplicate", "reorder", "corrupt", "false level", "silence"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
"""A change is lost, comes twice, after the next one, with bytes that are others, with another quantity, or is lost and
nothing of its symbol comes any more."""
TARGETS: Final = 2
"""So many of the symbols are hit."""
APART_US: Final = 4 * US_PER_S
SILENCE_US: Final = 26 * US_PER_S
"""So long after a fault nothing else may hit the symbol: by then it is found, or never at once."""
_BYTES: Final = 8
_SHORT, _LONG = 126, 127


@dataclass(slots=True, kw_only=True)
class Hit:
    """One fault: what it hit, when, and the number before it."""

    kind: Kind
    symbol: str
    at_us: int
    sequence: int
    before: int


class Injector(Disturbance):
    """Hits the books of a connection; `is_right` tells whether the book of a symbol is now valid and true."""

    def __init__(self, side: ExchangeSide, kind: Kind | None, *, seed: int, is_right: Callable[[str], bool]) -> None:
        """Take what is to be done; None: nothing, only count."""
        self.hits: list[Hit] = []
        self.messages = 0
        """How many changes and whole books the exchange sent, those that were lost among them."""
        self.enough = False
        """Set when nothing more is to be hit."""
        self._side, self._kind, self._is_right = side, kind, is_right
        self._chance = chance.stream(seed, str(side.place), kind or "clean", "integrity")
        self._free_us = dict.fromkeys(side.symbols[:TARGETS], side.now_us + US_PER_S)
        self._held: Frame | None = None
        self._muted: set[str] = set()

    def unmute(self, symbol: str) -> None:
        """End the silence of a symbol."""
        self._muted.discard(symbol)

    def act(self, frame: Frame, *, combined: bool) -> tuple[bytes, ...] | None:
        """Return what is sent instead of this message; None: it goes as it is."""
        if frame.kind != "book":
            return None
        self.messages += 1
        if frame.symbol in self._muted:
            return ()
        if self._held is not None and frame.stream == self._held.stream:
            held, self._held = self._held, None
            return frame.message(combined=combined), held.message(combined=combined)
        delta = self._side.truth.newest.get((frame.symbol, frame.channel))
        if self._kind is None or delta is None or not self._may_hit(frame, delta):
            return None
        return self._hit(self._kind, frame, delta, combined=combined)

    def _may_hit(self, frame: Frame, delta: Delta) -> bool:
        free_us = self._free_us.get(frame.symbol)
        if self.enough or self._held is not None or free_us is None or self._side.now_us < free_us:
            return False
        return frame.ids == (str(delta.sequence),) and self._is_right(frame.symbol)

    def _hit(self, kind: Kind, frame: Frame, delta: Delta, *, combined: bool) -> tuple[bytes, ...] | None:
        message = frame.message(combined=combined)
        instead: tuple[bytes, ...] | None = ()
        if kind == "duplicate":
            instead = (message, message)
        elif kind == "reorder":
            self._held = frame
        elif kind == "corrupt":
            instead = (self._corrupted(message),)
        elif kind == "false level":
            instead = self._falsified(frame, delta, combined=combined)
        elif kind == "silence":
            self._muted.add(frame.symbol)
        if instead is None:
            return None
        now_us = self._side.now_us
        wait_us = SILENCE_US if kind == "silence" else APART_US + self._chance.below(US_PER_S)
        self._free_us[frame.symbol] = now_us + wait_us
        self.hits.append(
            Hit(kind=kind, symbol=frame.symbol, at_us=now_us, sequence=delta.sequence, before=delta.follows)
        )
        return instead

    def _corrupted(self, message: bytes) -> bytes:
        """Return a message with some bytes of its payload drawn anew."""
        head = 2 + {_SHORT: 2, _LONG: 8}.get(message[1], 0)
        changed = bytearray(message)
        for _ in range(_BYTES):
            changed[head + self._chance.below(len(message) - head)] = self._chance.below(256)
        return bytes(changed)

    def _falsified(self, frame: Frame, delta: Delta, *, combined: bool) -> tuple[bytes, ...] | None:
        """Return a message with another quantity of a level that is seen, None where it tells of none."""
        data = frame.payload(combined=combined).encode() if frame.body is None else frame.body
        top = self._side.truth.top(frame.symbol, frame.channel, delta.sequence)
        for price, quantity in (*delta.bids, *delta.asks):
            if top is None or not float(quantity) or float(price) not in (*top[0], *top[2]):
                continue
            changed = _other_quantity(data, price)
            if changed is not None:
                return (frame.pack(changed.decode()) if frame.body is None else binary_message(changed),)
        return None


def _other_quantity(data: bytes, price: str) -> bytes | None:
    """Return a frame with another first digit of the quantity behind a price; however a venue writes its levels."""
    plain = re.escape(price.encode())
    found = re.search(rb"(?<![0-9.])" + plain + rb"0*[^0-9.\-]{1,9}?(?=[1-9])([1-9])[0-9]*", data)
    if found is None:
        return None
    at = found.start(1)
    digit = data[at] - ord("0")
    return data[:at] + bytes([ord("0") + digit % 9 + 1]) + data[at + 1 :]
