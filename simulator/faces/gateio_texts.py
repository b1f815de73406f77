"""Gate's JSON: the envelope of its messages, levels, trades and tickers, sizes as text or, on futures, as integers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from simulator.faces.texts import Texts, as_json
from simulator.market import Listing
from simulator.view import Level


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade of the recent past; `number` leaves none out within its market, `id` is that of the whole venue."""

    id: int
    number: int
    price: str
    lots: int
    side: str
    at_us: int

    @property
    def signed(self) -> int:
        """Return the contracts, below zero when the taker sold."""
        return self.lots if self.side == "buy" else -self.lots


def envelope(channel: str, result: str, now_us: int) -> str:
    """Return a message of a channel."""
    now_ms = now_us // 1000
    return f'{{"time":{now_ms // 1000},"time_ms":{now_ms},"channel":"{channel}","event":"update","result":{result}}}'


def milliseconds(at_us: int) -> str:
    """Return a time in milliseconds as text with a fraction."""
    return f"{at_us // 1000}.{at_us % 1000:03d}"


class Wire:
    """Writes one instrument; spot sizes are of the base coin and always text, those of futures are contracts."""

    def __init__(self, listing: Listing, *, is_spot: bool) -> None:
        """Write for this instrument."""
        self.texts = Texts(listing.instrument)
        self._is_spot = is_spot

    def price(self, ticks: int) -> str:
        """Return a price."""
        return self.texts.price(ticks)

    def arrays(self, sides: tuple[Iterable[Level], Iterable[Level]], *, decimal: bool) -> str:
        """Return bids and asks with levels as pairs."""
        bids, asks = (self._pairs(side, decimal=decimal) for side in sides)
        return f'"b":{bids},"a":{asks}'

    def objects(self, sides: tuple[Iterable[Level], Iterable[Level]], *, decimal: bool) -> str:
        """Return bids and asks with levels as objects."""
        bids, asks = (self.points(side, decimal=decimal) for side in sides)
        return f'"b":{bids},"a":{asks}'

    def points(self, levels: Iterable[Level], *, decimal: bool) -> str:
        """Return levels as objects of price and contracts."""
        shown = [f'{{"p":"{self.price(price)}","s":{_size(lots, decimal=decimal)}}}' for price, lots in levels]
        return f"[{','.join(shown)}]"

    def _pairs(self, levels: Iterable[Level], *, decimal: bool) -> str:
        if self._is_spot:
            return as_json(self.texts.levels(levels))
        shown = [f'["{self.price(price)}",{_size(lots, decimal=decimal)}]' for price, lots in levels]
        return f"[{','.join(shown)}]"

    def trade(self, fill: Fill, native: str, *, decimal: bool) -> str:
        """Return a trade as its channel tells it."""
        second = fill.at_us // 1_000_000
        if self._is_spot:
            return (
                f'{{"id":{fill.id},"id_market":{fill.number},"create_time":{second},'
                f'"create_time_ms":"{milliseconds(fill.at_us)}","side":"{fill.side}","currency_pair":"{native}",'
                f'"amount":"{self.texts.quantity(fill.lots)}","price":"{fill.price}",'
                f'"range":"{fill.number}-{fill.number}"}}'
            )
        return (
            f'{{"size":{_size(fill.signed, decimal=decimal)},"id":{fill.id},"create_time":{second},'
            f'"create_time_ms":{fill.at_us // 1000},"price":"{fill.price}","contract":"{native}"}}'
        )


def ticker(funding: Mapping[str, str | int], native: str) -> str:
    """Return the ticker of a contract; what is not simulated is zero."""
    return (
        f'{{"contract":"{native}","last":"{funding["last_price"]}","change_percentage":"0",'
        f'"funding_rate":"{funding["funding_rate"]}","funding_rate_indicative":"{funding["funding_rate"]}",'
        f'"funding_interval":{funding["funding_interval"]},"funding_next_apply":{funding["funding_next_apply"]},'
        f'"mark_price":"{funding["mark_price"]}","index_price":"{funding["index_price"]}","total_size":"0",'
        f'"volume_24h":"0","volume_24h_base":"0","volume_24h_quote":"0","volume_24h_settle":"0",'
        f'"quanto_base_rate":"","low_24h":"{funding["last_price"]}","high_24h":"{funding["last_price"]}"}}'
    )


def _size(lots: int, *, decimal: bool) -> str:
    return f'"{lots}"' if decimal else str(lots)
