"""The demo's screen: the last orders, open positions and profit as they are read, and all of it within 50 lines."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from pathlib import Path

from tapeline.cli import status
from tapeline.cli.demo import trading
from tapeline.cli.demo.screen import SHOWN_SPREADS, TOPICS, flow, laid_out
from tapeline.cli.demo.trading import Moment, ShownOrder, ShownPosition, Trading
from tapeline.cli.status import ProcessStatus
from tapeline.cli.view import Cell, Grid, Line, View, line, row
from tapeline.runtime.endpoints import PostgresEndpoint
from tests.support.clickhouse_front import free_port

D = Decimal
TERMINAL = 50
PROCESSES = 11
FILLED = ShownOrder(
    created_us=1_795_000_000_123_456, symbol="BTC/USDT", venue="bybit", market="spot", side="buy",
    quantity=D("0.010000000000000000"), price=D(64010), filled=D("0.01"), filled_value=D("640.05"), status="FILLED",
    code=None,
)  # fmt: skip
REFUSED = ShownOrder(
    created_us=1_795_000_001_000_000, symbol="BTC/USDT", venue="binance", market="futures", side="sell",
    quantity=D("0.01"), price=None, filled=D(0), filled_value=D(0), status="REJECTED", code="insufficient",
)  # fmt: skip
HELD = ShownPosition(
    symbol="BTC/USDT", venue="bybit", market="spot", side="long", quantity=D("0.01"), entry_price=D(64005),
    unrealized_pnl=D("-0.05"),
)  # fmt: skip
MOMENT = Moment(
    orders=(REFUSED, FILLED), positions=(HELD,), sent=1_200, held=1, realized=D("3.5"), unrealized=D("-0.05")
)


def texts(found: View) -> list[str]:
    lines: list[str] = []
    for block in found:
        rows = (block.cells,) if isinstance(block, Line) else block.rows
        lines += [("" if isinstance(block, Line) else " | ").join(cell.text for cell in cells) for cells in rows]
    return lines


def test_the_last_orders_open_positions_and_the_profit_are_shown() -> None:
    assert texts(trading.view(MOMENT)) == [
        "trading  profit +3.4500 USDT (+3.5000 closed, -0.0500 open)  1,200 orders, 1 open positions",
        "11:06:41.000 | sell | BTC/USDT | binance futures | 0.01 | 0 | market | REJECTED | insufficient",
        "11:06:40.123 | buy | BTC/USDT | bybit spot | 0.01 | 0.01 | 64005 | FILLED | ",
        "long | BTC/USDT | bybit spot | 0.01 | 64005 | -0.0500",
    ]


def test_of_a_run_without_orders_one_line_is_shown() -> None:
    assert texts(trading.view(Moment())) == [
        "trading  profit +0.0000 USDT (+0.0000 closed, +0.0000 open)  0 orders, 0 open positions"
    ]


async def test_postgres_that_is_away_breaks_nothing_and_what_was_seen_stays() -> None:
    one = Trading(PostgresEndpoint(host="127.0.0.1", port=free_port(), user="nobody", name="none"))
    one.moment = MOMENT
    await one.look()
    assert one.moment == MOMENT
    one.close()


def test_topics_stand_two_in_a_row_with_who_reads_them_how_far_behind() -> None:
    found = flow({"md.trade": 5_000, "md.book": 7, "dlq": 0}, {"md.trade": 99.6}, {"sink-clickhouse": 12})
    assert texts((found,)) == [
        "md.trade | 100 | 5,000 | sink-clickhouse 12 | md.book | 0 | 7 | -",
        "dlq | 0 | 0 | - |  |  |  | ",
    ]


def grid(rows: int, *columns: str) -> Grid:
    return Grid(columns, tuple(row(*columns) for _ in range(rows)))


def test_all_of_it_fits_in_a_terminal() -> None:
    process = partial(
        ProcessStatus,
        state="running",
        pid=1,
        restarts=0,
        uptime_s=1.0,
        rss_mb=1.0,
        cpu_s=1.0,
        metrics=None,
        detail=None,
    )
    now = status.Status(
        **{
            **{name: getattr(status.stopped(Path("d"), Path("l")), name) for name in status.Status.__struct_fields__},
            "state": "running",
            "processes": {str(number): process() for number in range(PROCESSES)},
        }
    )
    books = (line("BTC/USDT"), line(Cell("stale: ", "warn")), line(), grid(4, "book"), line(), grid(9, "ladder"))
    offers = (line("BTC/USDT"), line(), grid(6, "offer"), line("a wider screen shows size"))
    full = Moment(orders=(FILLED,) * trading.ORDERS, positions=(HELD,) * trading.POSITIONS)
    shown = laid_out(now, 65, flow(dict.fromkeys(TOPICS, 1), {}, {}), books, offers, full)
    assert sum(1 if isinstance(block, Line) else 1 + len(block.rows) for block in shown) <= TERMINAL
    found = texts(shown)
    assert found[0] == "● demo running  1 min 5 s"
    assert [found.count(one) for one in ("BTC/USDT", "stale: ", "book", "ladder", "offer")] == [
        2,
        1,
        4,
        0,
        SHOWN_SPREADS,
    ]
