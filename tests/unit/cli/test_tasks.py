"""C-10, C-11: what a person may say of a task, and how tasks are shown."""

from __future__ import annotations

import msgspec
import pytest

from tapeline.cli.tasks import Done, Listed, changes, done_view, list_view, pair_of
from tapeline.cli.view import Cell, Grid, line, row
from tapeline.domain.tasks import Pair, Table
from tapeline.errors import Misconfigured
from tapeline.runtime import task_rows
from tests.support.task_values import monitor, pair, trading

S = 1_000_000
A = pair("A/USDT")


@pytest.mark.parametrize("text", ["bybit:futures:BTC/USDT", "bybit:futures:btc-usdt", "bybit:futures:BTCUSDT"])
def test_a_pair_is_understood_however_its_symbol_is_spelled(text: str) -> None:
    assert pair_of(text) == Pair("bybit", "futures", "BTC/USDT")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("BTC/USDT", "'BTC/USDT' names no pair"),
        ("bybit:margin:BTC/USDT", "bybit has no market 'margin'"),
        ("bybat:spot:BTC/USDT", "bybat"),
        ("bybit:spot:??", "'[?][?]' is no symbol"),
    ],
)
def test_a_pair_that_cannot_be_is_refused(text: str, told: str) -> None:
    with pytest.raises(Misconfigured, match=told):
        pair_of(text)


def wanted(table: Table, **options: str | int | bool) -> task_rows.Changes:
    named = ("depth", "priority", "enabled", "strategy", "parameters")
    return changes(table=table, **dict.fromkeys(named) | options)  # type: ignore[arg-type]  # a name each


def test_only_what_is_said_changes() -> None:
    assert wanted("monitoring", depth=0, enabled=False) == {"depth": 0, "enabled": False}
    assert wanted("trade", priority=-1, strategy="grid", parameters="{}") == {
        "priority": -1, "strategy": "grid", "parameters": "{}",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("table", "options", "told"),
    [
        ("trade", {"depth": 5}, "depth mean nothing in the table trade"),
        ("monitoring", {"strategy": "grid"}, "strategy mean nothing in the table monitoring"),
        ("trade", {"parameters": "[1]"}, "the parameters are no JSON object"),
        ("trade", {"parameters": "{"}, "the parameters are no JSON object"),
    ],
)
def test_what_a_table_has_no_column_for_is_refused(table: Table, options: dict[str, str | int], told: str) -> None:
    with pytest.raises(Misconfigured, match=told):
        wanted(table, **options)


def test_tasks_are_shown_with_who_records_them() -> None:
    traded = msgspec.structs.replace(trading(A, enabled=False, daemon="b", until=2 * S), strategy="grid")
    found = Listed(at_us=2 * S, tasks=(monitor(A, priority=3, depth=0, daemon="a", until=32 * S), traded, monitor(A)))
    (grid,) = list_view(found)
    assert isinstance(grid, Grid)
    yes, no = Cell("yes", "good"), Cell("no", "dim")
    assert grid.rows == (
        row(Cell(str(A), "name"), "monitoring", 3, "all", None, yes, "a", "30 s"),
        row(Cell(str(A), "dim"), "trade", 0, None, "grid", no, Cell("b", "dim"), Cell("run out", "warn")),
        row(Cell(str(A), "name"), "monitoring", 0, 20, None, yes, None, None),
    )


def test_what_was_done_is_said_with_how_many_rows() -> None:
    once = Done(table="trade", pair=str(A), rows=1, did="added")
    assert done_view(once) == (line(Cell("bybit:spot:A/USDT", "name"), " added in trade"),)
    assert done_view(msgspec.structs.replace(once, rows=2)) == (
        line(Cell("bybit:spot:A/USDT", "name"), " added in trade (2 rows)"),
    )
