"""The audit of spreads: each once, with the time from tick to signal as percentiles by nearest rank."""

from __future__ import annotations

import pytest

from simulator.audit.findings import Findings
from simulator.audit.rows import SpreadRow
from simulator.audit.signals import Latency, Signals
from tests.unit.simulator.audit.run import balanced, played_run


def spreads(*took_us: int) -> list[SpreadRow]:
    return [SpreadRow("BTC/USDT" if number % 2 else "ETH/USDT", f"s{number}", us) for number, us in enumerate(took_us)]


@pytest.mark.parametrize(
    ("took_us", "wanted"),
    [
        ([], Latency(p50=None, p90=None, p99=None, n=0)),
        ([1500], Latency(p50=1.5, p90=1.5, p99=1.5, n=1)),
        ([4000, 1000], Latency(p50=1.0, p90=4.0, p99=4.0, n=2)),
        ([*range(1000, 101_000, 1000)], Latency(p50=50.0, p90=90.0, p99=99.0, n=100)),
        ([*range(1000, 11_000, 1000)], Latency(p50=5.0, p90=9.0, p99=10.0, n=10)),
        ([1234, 1234, 1235], Latency(p50=1.234, p90=1.235, p99=1.235, n=3)),
    ],
)
def test_percentiles_go_by_nearest_rank(took_us: list[int], wanted: Latency) -> None:
    signals = Signals()
    signals.take(spreads(*took_us), Findings())
    assert signals.latency() == wanted


def test_spreads_are_counted_once_and_doubled_ones_unbalance() -> None:
    run = played_run()
    run.spreads = [*spreads(1000, 2000, 3000), SpreadRow("BTC/USDT", "s1", 9000)]
    assert run.audit() == balanced(
        spreads=3,
        spread_symbols=2,
        duplicates=1,
        tick_to_signal_ms=Latency(p50=2.0, p90=3.0, p99=3.0, n=3),
        problems=("BTC/USDT spread: s1 is stored more than once",),
    )
