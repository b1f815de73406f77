"""A hole becomes one gap for each instrument of its partition, from what is stored to what is left."""

from __future__ import annotations

from sinks.holes import Hole, gaps_of
from sinks.rows.spreads import SPREADS
from sinks.rows.trades import TRADES
from tapeline.domain.events import Gap
from tapeline.domain.partition import partition_of
from tapeline.runtime.kafka import Partition

PLACE = Partition("md.trade", partition_of("BTC/USDT", 4))
HOLE = Hole(PLACE, range(100, 600), until_us=2_000)
OTHER = next(f"X{number}/USDT" for number in range(9) if partition_of(f"X{number}/USDT", 4) != PLACE.partition)
NEWEST = [("bybit", "spot", "BTC/USDT", 7, "t-99", 1_500), ("bybit", "spot", OTHER, 7, "t-1", 1_500)]


def test_the_instruments_of_the_partition_have_the_gap() -> None:
    assert gaps_of(HOLE, TRADES, NEWEST, 4, 3_000) == (
        Gap(
            venue="bybit",
            market="spot",
            symbol="BTC/USDT",
            channel="trade",
            epoch=7,
            from_id="t-99",
            to_epoch=7,
            start_us=1_500,
            end_us=2_000,
            cause="shed",
            detail=f"md.trade/{PLACE.partition}: offsets 100 to 599 were deleted before they were stored",
            published_us=3_000,
        ),
    )


def test_what_is_no_channel_of_an_instrument_has_no_gap() -> None:
    assert gaps_of(HOLE, SPREADS, NEWEST, 4, 3_000) == ()
