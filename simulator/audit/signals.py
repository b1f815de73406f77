"""The stored spreads: how many, of how many symbols, which are there twice, how long each took from tick to signal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from simulator.audit.findings import Findings
from simulator.audit.rows import SpreadRow

_US_PER_MS = 1_000
_DIGITS = 3


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Percentiles in milliseconds by nearest rank, null without any value; `n` is how many values there were."""

    p50: float | None = None
    p90: float | None = None
    p99: float | None = None
    n: int = 0


@dataclass(slots=True)
class Signals:
    """All spreads, taken one after the other."""

    symbols: set[str] = field(default_factory=set)
    _ids: set[str] = field(default_factory=set)
    _took_us: list[int] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Return how many spreads there are, each once."""
        return len(self._ids)

    def take(self, rows: Iterable[SpreadRow], findings: Findings) -> None:
        """Take more rows; one whose id was there already is a duplicate."""
        for row in rows:
            if row.signal_id in self._ids:
                findings.duplicates += 1
                findings.say("doubled", f"{row.symbol} spread: {row.signal_id} is stored more than once")
                continue
            self._ids.add(row.signal_id)
            self.symbols.add(row.symbol)
            self._took_us.append(row.took_us)

    def latency(self) -> Latency:
        """Return how long they took."""
        return latency_of(self._took_us)


def latency_of(took_us: Iterable[int]) -> Latency:
    """Return the percentiles of lengths of time."""
    values = sorted(took_us)
    if not values:
        return Latency()
    return Latency(p50=_rank(values, 50), p90=_rank(values, 90), p99=_rank(values, 99), n=len(values))


def _rank(values: list[int], percent: int) -> float:
    """Return the smallest value that at least so many percent of all do not exceed."""
    place = -(-percent * len(values) // 100)
    return round(values[place - 1] / _US_PER_MS, _DIGITS)
