"""HTX's JSON: prices and quantities as plain numbers, envelopes of pushed messages, candles of a single price."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from simulator.faces.texts import Texts, shortest
from simulator.market import Listing
from simulator.view import Level

_MINUTE_MS = 60_000


def plain(text: str) -> str:
    """Return a number without zeros at its end, as the venue writes it."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def pushed(topic: str, tick: str, now_ms: int) -> str:
    """Return a message of a topic."""
    return f'{{"ch":"{topic}","ts":{now_ms},"tick":{tick}}}'


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade of the recent past; `match` is the taker order's, `number` the id that a reader can use."""

    id: int
    match: int
    number: int
    price: str
    ticks: int
    lots: int
    side: str
    at_ms: int


class Wire:
    """Writes one instrument: spot counts in the base coin, linear in contracts of one lot."""

    def __init__(self, listing: Listing, *, is_spot: bool) -> None:
        """Write for this instrument."""
        self.texts = Texts(listing.instrument)
        self._instrument = listing.instrument
        self._is_spot = is_spot

    def price(self, ticks: int) -> str:
        """Return a price."""
        return plain(self.texts.price(ticks))

    def levels(self, levels: Iterable[Level]) -> str:
        """Return levels as pairs of numbers."""
        if self._is_spot:
            pairs = [f"[{self.price(price)},{plain(self.texts.quantity(lots))}]" for price, lots in levels]
        else:
            pairs = [f"[{self.price(price)},{lots}]" for price, lots in levels]
        return f"[{','.join(pairs)}]"

    def trade(self, fill: Fill, name: str = "tradeId") -> str:
        """Return a trade, in the base coin and on linear in contracts too."""
        quantity = plain(self.texts.quantity(fill.lots))
        if self._is_spot:
            return (
                f'{{"id":{fill.id},"ts":{fill.at_ms},"{name}":{fill.number},"amount":{quantity},'
                f'"price":{fill.price},"direction":"{fill.side}"}}'
            )
        one = self._instrument
        turnover = plain(f"{one.tick.exact(fill.ticks) * one.lot.exact(fill.lots):f}")
        return (
            f'{{"amount":{fill.lots},"quantity":{quantity},"trade_turnover":{turnover},"ts":{fill.at_ms},'
            f'"id":{fill.id},"price":{fill.price},"direction":"{fill.side}"}}'
        )


class Candle:
    """A price over the minute that has begun, which is how index and mark price are told."""

    __slots__ = ("_close", "_high", "_low", "_minute", "_open", "_tail", "is_new")

    def __init__(self, tail: str) -> None:
        """Begin without a price; `tail` are the fields that stand for nothing traded."""
        self._tail = tail
        self._minute = -1
        self._open = self._high = self._low = self._close = 0.0
        self.is_new = False

    def take(self, price: float, now_ms: int) -> None:
        """Note the price of now; `is_new` tells whether there is something to say."""
        minute = now_ms // _MINUTE_MS
        self.is_new = minute != self._minute or price != self._close
        if minute != self._minute:
            self._minute, self._open, self._high, self._low = minute, price, price, price
        self._close, self._high, self._low = price, max(self._high, price), min(self._low, price)

    def tick(self) -> str:
        """Return the candle."""
        begin, close = self._minute * _MINUTE_MS // 1000, shortest(self._close)
        first, high, low = shortest(self._open), shortest(self._high), shortest(self._low)
        return f'{{"id":{begin},"open":"{first}","close":"{close}","high":"{high}","low":"{low}",{self._tail}}}'
