"""The journal: every record comes back as it was written, in order; a line that was cut off is left out."""

from __future__ import annotations

from pathlib import Path

from simulator import journal
from simulator.journal import (
    Asset,
    Balances,
    Closed,
    Connected,
    Delta,
    FaultEnded,
    FaultHit,
    FaultStarted,
    Filled,
    Funded,
    Halted,
    Holding,
    Journal,
    Mid,
    Opened,
    OrderChanged,
    OrderRefused,
    Served,
    Subscribed,
    Trade,
    Unsubscribed,
)

RECORDS: list[journal.AnyRecord] = [
    Opened(at_us=1, venue="bybit", market="spot", seed=3, symbols=("BTC/USDT",), channels=("orderbook.50",)),
    Connected(at_us=2, connection=1, path="/v5/public/spot"),
    Subscribed(
        at_us=3, connection=1, stream="orderbook.50.BTCUSDT", symbol="BTC/USDT", channel="orderbook.50", type="book",
    ),
    Served(at_us=3, symbol="BTC/USDT", channel="orderbook.50", sequence=7, levels=50, connection=1),
    Delta(
        at_us=4, symbol="BTC/USDT", channel="orderbook.50", sequence=8, first=8, follows=7, bids=(("5", "0.1"),),
        asks=(("6", "0"),),
    ),
    Trade(at_us=5, symbol="BTC/USDT", channel="publicTrade", id="9", side="buy", price="6", quantity="1"),
    FaultStarted(at_us=6, fault_id=1, fault="gap", connection=1, symbol="BTC/USDT", type="book"),
    FaultHit(
        at_us=7, fault_id=1, action="dropped", connection=1, symbol="BTC/USDT", channel="orderbook.50", ids=("9",),
    ),
    FaultEnded(at_us=8, fault_id=1, reason="fired"),
    Unsubscribed(at_us=9, connection=1, stream="orderbook.50.BTCUSDT"),
    Closed(at_us=10, connection=1, reason="by the client"),
    OrderChanged(
        at_us=11, account="1", symbol="BTC/USDT", order_id="5", client_id="c", side="buy", type="limit", force="gtc",
        status="new", filled="0", value="0", price="5", quantity="0.1", reduce_only=True,
    ),
    OrderRefused(at_us=11, account="1", symbol="BTC/USDT", client_id="d", side="sell", reason="insufficient_balance"),
    Filled(
        at_us=12, account="1", symbol="BTC/USDT", order_id="5", client_id="c", trade_id="9", side="buy", price="5",
        quantity="0.1", fee="0.001", fee_asset="BTC", maker=True, realized="-2",
    ),
    Funded(
        at_us=13, account="1", symbol="BTC/USDT", position="0.1", mark="5", rate="0.0001", amount="-0.00005",
        asset="USDT",
    ),
    Mid(at_us=14, symbol="BTC/USDT", price="5.5"),
    Balances(
        at_us=14, account="1", moment="halt", assets=(Asset("USDT", "100", "0.5"),),
        positions=(Holding("BTC/USDT", "0.1", "5"),),
    ),
    Halted(at_us=15),
]  # fmt: skip


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / journal.file_name("bybit", "spot")
    written = Journal(path)
    for record in RECORDS:
        written.write(record)
    written.close()
    written.close()
    assert list(journal.read(path)) == RECORDS


def test_a_second_run_appends(tmp_path: Path) -> None:
    for record in RECORDS[:2]:
        one = Journal(tmp_path / "x")
        one.write(record)
        one.close()
    assert list(journal.read(tmp_path / "x")) == RECORDS[:2]


def test_a_last_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "x"
    one = Journal(path)
    for record in RECORDS:
        one.write(record)
    one.close()
    path.write_bytes(path.read_bytes()[:-5])
    assert list(journal.read(path)) == RECORDS[:-1]


def test_without_a_file_nothing_is_kept() -> None:
    one = Journal(None)
    one.write(RECORDS[0])
    one.close()
    assert one.path is None
