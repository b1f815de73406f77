"""Spreads as they are shown: one per pair, the best net first, stale ones behind; table and JSON value for value."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tapeline.cli.market_plan import Plan
from tapeline.cli.market_spreads import Spreads, text, view
from tapeline.cli.render import to_json
from tapeline.cli.view import Cell, Grid, Line, line
from tapeline.domain.events import Market
from tapeline.domain.spread import Spread

NOW_US = 1_790_000_010_000_000
SYMBOL = "BTC/USDT"

PAYS = Spread(
    signal_id="b8b2b0a4-3f0f-5d1c-9d0e-5f6c7a3e21d4",
    symbol=SYMBOL,
    quantity=0.01,
    buy_venue="binance",
    buy_market="spot",
    buy_epoch=5,
    buy_sequence=7,
    buy_price=100.0,
    sell_venue="bybit",
    sell_market="futures",
    sell_epoch=6,
    sell_sequence=9,
    sell_price=100.5,
    gross=0.005,
    fees=0.0031,
    net=0.0019,
    first_received_us=NOW_US,
    received_us=NOW_US,
    published_us=NOW_US - 250_000,
)


def spread(**changes: Any) -> Spread:  # noqa: ANN401 - fields of a spread
    return msgspec.structs.replace(PAYS, **changes)


COSTS = spread(sell_venue="okx", sell_market="spot", net=-0.0011, gross=0.002)
OLD = spread(buy_venue="htx", net=0.05, published_us=NOW_US - 2_000_001)


def taken(*values: Spread, venue: str | None = None, market: Market | None = None) -> Spreads:
    spreads = Spreads(SYMBOL, Plan(text=SYMBOL, venue=venue, market=market))
    for value in values:
        spreads.take(value)
    return spreads


def pairs(spreads: Spreads) -> list[tuple[str, str]]:
    return [(one.buy, one.sell) for one in spreads.offers(NOW_US)]


def said(shown: Line) -> str:
    return "".join(cell.text for cell in shown.cells)


def test_the_json_of_a_pair_value_for_value() -> None:
    (one,) = taken(PAYS).offers(NOW_US)
    assert to_json(one.row) == (
        '{"symbol":"BTC/USDT","buy_venue":"binance","buy_market":"spot","sell_venue":"bybit","sell_market":"futures",'
        '"state":"valid","quantity":"0.01","buy_price":"100.0","sell_price":"100.5",'
        '"gross_bps":"50.0","fees_bps":"31.0","net_bps":"19.0","age_ms":250,'
        '"buy_epoch":5,"buy_sequence":7,"sell_epoch":6,"sell_sequence":9,'
        '"signal_id":"b8b2b0a4-3f0f-5d1c-9d0e-5f6c7a3e21d4"}'
    )


def test_the_whole_table_has_the_best_net_first_and_the_stale_behind() -> None:
    def cells(*texts: str, dim: bool = False) -> tuple[Cell, ...]:
        return tuple(Cell(one, "dim" if dim else "") for one in texts)

    assert view(SYMBOL, taken(OLD, COSTS, PAYS).offers(NOW_US), columns=120) == (
        line(
            Cell(SYMBOL, "bold"), Cell("  best net ", "dim"), Cell("+19.00 bps", "good"),
            "  buy at binance spot, sell at bybit futures", "  1 of 3 pairs pay",
        ),
        line(),
        Grid(
            (
                "", "buy at", "sell at", "size>", "buy price>", "sell price>", "gross bps>", "fees bps>", "net bps>",
                "age>",
            ),
            (
                (
                    Cell("★", "good"), Cell("binance spot", "name"), Cell("bybit futures", "name"),
                    *cells("0.01", "100.0", "100.5", "+50.00", "31.00"), Cell("+19.00", "good"), Cell("0.2 s"),
                ),
                (
                    Cell("", "good"), Cell("binance spot", "name"), Cell("okx spot", "name"),
                    *cells("0.01", "100.0", "100.5", "+20.00", "31.00", "-11.00", "0.2 s"),
                ),
                cells(
                    "stale", "htx spot", "bybit futures", "0.01", "100.0", "100.5", "+50.00", "31.00", "+500.00",
                    "2.0 s", dim=True,
                ),
            ),
        ),
    )  # fmt: skip


def test_a_narrow_screen_says_what_it_leaves_out() -> None:
    _, _, table, more = view(SYMBOL, taken(PAYS).offers(NOW_US), columns=80)
    assert isinstance(table, Grid)
    assert table.columns == ("", "buy at", "sell at", "buy price>", "sell price>", "net bps>", "age>")
    assert [[cell.text for cell in found] for found in table.rows] == [
        ["★", "binance spot", "bybit futures", "100.0", "100.5", "+19.00", "0.2 s"]
    ]
    assert isinstance(more, Line)
    assert said(more) == "a wider screen shows size, gross and fees"


def test_nothing_and_nothing_but_stale_ones_are_told() -> None:
    assert view(SYMBOL, (), columns=120) == (line(Cell(SYMBOL, "bold"), Cell("  no spread yet", "dim")),)
    head = view(SYMBOL, taken(OLD).offers(NOW_US), columns=120)[0]
    assert head == line(Cell(SYMBOL, "bold"), Cell("  every spread is stale", "warn"))


@pytest.mark.parametrize(
    ("later", "net"),
    [
        ({"buy_sequence": 8}, 0.5),
        ({"published_us": NOW_US}, 0.5),
        ({"buy_sequence": 6}, 0.0019),
        ({"buy_sequence": 99, "sell_sequence": 8}, 0.0019),
        ({"sell_epoch": 5, "sell_sequence": 99}, 0.0019),
        # The same two books the other way round are the same pair.
        ({"buy_venue": "bybit", "buy_market": "futures", "buy_epoch": 6, "buy_sequence": 9,
          "sell_venue": "binance", "sell_market": "spot", "sell_epoch": 5, "sell_sequence": 8}, 0.5),
    ],
)  # fmt: skip
def test_a_spread_from_an_older_book_changes_nothing(later: dict[str, Any], net: float) -> None:
    assert [one.spread.net for one in taken(PAYS, spread(net=0.5, **later)).offers(NOW_US)] == [net]


def test_only_what_was_asked_for_is_kept() -> None:
    every = (PAYS, COSTS, spread(buy_market="futures", net=0.001), spread(symbol="ETH/USDT"))
    spot, mixed, futures = (
        ("binance spot", "okx spot"), ("binance spot", "bybit futures"), ("binance futures", "bybit futures"),
    )  # fmt: skip
    assert pairs(taken(*every)) == [mixed, futures, spot]
    assert pairs(taken(*every, venue="okx")) == [spot]
    assert pairs(taken(*every, venue="bybit")) == [mixed, futures]
    assert pairs(taken(*every, market="futures")) == [futures]
    assert pairs(taken(*every, venue="okx", market="futures")) == []


def test_a_pair_on_one_line() -> None:
    told = [said(text(one)) for one in taken(PAYS, OLD).offers(NOW_US)]
    sold = "for 100.0, sell at bybit futures for 100.5, gross +50.00 fees 31.00 net"
    assert told == [
        f"BTC/USDT valid buy 0.01 at binance spot {sold} +19.00 bps age 0.2 s",
        f"BTC/USDT stale buy 0.01 at htx spot {sold} +500.00 bps age 2.0 s",
    ]
