"""What is listed in the simulated market: symbols with their price, tick and lot, as integers so that nothing rounds.

Prices are counted in ticks, quantities in lots. Ticks are about one basis point of the price, so that an ordinary step
of the price is one or two levels of the book.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from tapeline.errors import Misconfigured

QUOTE = "USDT"

# base coin, price, tick, lot
_LISTED = (
    ("BTC", "64000", "5", "0.0001"),
    ("ETH", "3200", "0.2", "0.001"),
    ("SOL", "150", "0.01", "0.01"),
    ("XRP", "0.6", "0.00005", "1"),
    ("BNB", "590", "0.05", "0.01"),
    ("DOGE", "0.14", "0.00001", "5"),
    ("ADA", "0.45", "0.00005", "1"),
    ("TRX", "0.13", "0.00001", "5"),
    ("AVAX", "28", "0.002", "0.05"),
    ("LINK", "14", "0.001", "0.1"),
    ("DOT", "6.5", "0.0005", "0.2"),
    ("LTC", "72", "0.005", "0.02"),
    ("BCH", "380", "0.05", "0.005"),
    ("UNI", "8.1", "0.0005", "0.2"),
    ("NEAR", "4.8", "0.0005", "0.5"),
    ("APT", "7.3", "0.0005", "0.2"),
    ("ARB", "0.82", "0.00005", "1"),
    ("OP", "1.7", "0.0001", "1"),
    ("ATOM", "6.9", "0.0005", "0.2"),
    ("FIL", "4.4", "0.0005", "0.5"),
    ("ETC", "21", "0.002", "0.05"),
    ("XLM", "0.11", "0.00001", "10"),
    ("SUI", "1.3", "0.0001", "1"),
    ("INJ", "22", "0.002", "0.05"),
)

DEFAULT_SYMBOLS = 20
MOST_SYMBOLS = len(_LISTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A step such as 0.05 as integers: a count of steps is `count * units / 10**digits`."""

    text: str
    units: int
    digits: int

    def format(self, count: int, digits: int | None = None) -> str:
        """Return so many steps as exact text with this many digits behind the point (default: the step's own)."""
        scaled = count * self.units
        wanted = self.digits if digits is None else digits
        if self.digits == 0:
            return f"{scaled}.{'0' * wanted}" if wanted else str(scaled)
        whole, part = divmod(scaled, 10**self.digits)
        return f"{whole}.{part:0{self.digits}d}{'0' * (wanted - self.digits)}"

    def value(self, count: int) -> float:
        """Return so many steps as the nearest float."""
        return count * self.units / float(10**self.digits)

    def exact(self, count: int) -> Decimal:
        """Return so many steps as they are."""
        return Decimal(count * self.units).scaleb(-self.digits)

    def steps(self, value: Decimal) -> Decimal:
        """Return how many steps a value is; not a whole number where the value does not fit."""
        return value.scaleb(self.digits) / self.units


def scale(text: str) -> Scale:
    """Read a step from its text."""
    exponent = Decimal(text).as_tuple().exponent
    digits = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    return Scale(text=text, units=int(Decimal(text).scaleb(digits)), digits=digits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One listed pair; `wire` is how both venues write it."""

    base: str
    price: float
    tick: Scale
    lot: Scale
    quote: str = QUOTE
    symbol: str = field(init=False)
    wire: str = field(init=False)

    def __post_init__(self) -> None:
        """Derive the names."""
        object.__setattr__(self, "symbol", f"{self.base}/{self.quote}")
        object.__setattr__(self, "wire", f"{self.base}{self.quote}")


def listed(count: int = DEFAULT_SYMBOLS) -> tuple[Instrument, ...]:
    """Return the first `count` instruments; raise Misconfigured when there are not so many."""
    if not 1 <= count <= MOST_SYMBOLS:
        raise Misconfigured(f"--symbols {count} is out of range", fix=f"give 1 to {MOST_SYMBOLS}")
    return tuple(
        Instrument(base=base, price=float(price), tick=scale(tick), lot=scale(lot))
        for base, price, tick, lot in _LISTED[:count]
    )
