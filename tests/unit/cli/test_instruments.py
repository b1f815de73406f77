"""`tapeline instruments`: the newest rules of each instrument, exact in JSON, side by side in the table."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from tapeline.cli.instruments import InstrumentRow, Rules, rules, view
from tapeline.cli.view import Grid
from tapeline.domain.events import Instrument

PLAIN = Instrument(
    venue="bybit", market="futures", symbol="BTC/USDT", native="BTCUSDT", base="BTC", quote="USDT", status="trading",
    price_tick=Decimal("0.10"), quantity_step=Decimal("0.001"), contract_size=Decimal(1),
    min_quantity=Decimal("0.001"), max_leverage=Decimal(100), taker_fee=Decimal("0.00055"),
    funding_interval_us=28_800_000_000, received_us=5_000_000, published_us=6_000_000,
)  # fmt: skip
SPOT = msgspec.structs.replace(PLAIN, market="spot", funding_interval_us=None, changes_us=9_000_000)


def test_a_venue_s_newest_word_counts_and_spot_stands_first() -> None:
    held = Rules()
    newer = msgspec.structs.replace(PLAIN, status="halted", received_us=7_000_000)
    other = msgspec.structs.replace(PLAIN, venue="binance")
    for one in (PLAIN, newer, PLAIN, SPOT, other):
        held.take(one)
    assert held.all() == (other, SPOT, newer)


def test_a_row_has_every_rule_exactly() -> None:
    assert rules(PLAIN) == InstrumentRow(
        venue="bybit", market="futures", native="BTCUSDT", base="BTC", quote="USDT", status="trading",
        price_tick="0.1", quantity_step="0.001", contract_size="1", min_quantity="0.001", max_quantity=None,
        max_market_quantity=None, min_notional=None, max_leverage="100", maker_fee=None, taker_fee="0.00055",
        funding_interval_us=28_800_000_000, changes_us=None, received_us=5_000_000,
    )  # fmt: skip


def test_the_table_has_a_row_each_and_says_what_will_change() -> None:
    _, _, grid, change = view("BTC/USDT", (SPOT, PLAIN))
    assert isinstance(grid, Grid)
    assert [[cell.text for cell in line] for line in grid.rows] == [
        ["bybit", "spot", "BTCUSDT", "trading", "0.1", "0.001", "1", "0.001", "-", "-", "-", "100", "-", "0.00055",
         "-", "1970-01-01 00:00:05.000"],
        ["bybit", "futures", "BTCUSDT", "trading", "0.1", "0.001", "1", "0.001", "-", "-", "-", "100", "-", "0.00055",
         "8 h", "1970-01-01 00:00:05.000"],
    ]  # fmt: skip
    assert not isinstance(change, Grid)
    assert "".join(cell.text for cell in change.cells) == "bybit spot changes at 1970-01-01T00:00:09.000000Z"
