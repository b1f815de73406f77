"""Books as a person reads them, whole: head with the best prices, one row per instrument, ladders side by side."""

from __future__ import annotations

import msgspec

from tapeline.cli.market_book_view import aligned, decimals, text, view
from tapeline.cli.market_books import Books
from tapeline.cli.market_plan import Plan
from tapeline.cli.view import Cell, Grid, Line, View, line
from tapeline.domain.events import Book, Gap

NOW_US = 1_790_000_010_000_000
SYMBOL = "BTC/USDT"

CHEAP = Book(
    venue="binance",
    market="spot",
    symbol=SYMBOL,
    epoch=5,
    sequence=7,
    state="valid",
    depth=20,
    bid_prices=(100.25, 100.0),
    bid_quantities=(1.0, 2.5),
    ask_prices=(100.5,),
    ask_quantities=(3.5,),
    first_received_us=NOW_US,
    received_us=NOW_US,
    published_us=NOW_US - 300_000,
)
DEAR = msgspec.structs.replace(
    CHEAP, venue="bybit", market="futures", bid_prices=(101.0,), bid_quantities=(1.0,), ask_prices=(101.5,), epoch=6
)
OLD = msgspec.structs.replace(CHEAP, venue="okx", published_us=NOW_US - 5_000_000)
SAID = msgspec.structs.replace(CHEAP, venue="htx", state="stale")
GAP = Gap(
    venue="htx",
    market="spot",
    symbol=SYMBOL,
    channel="book",
    epoch=5,
    start_us=1,
    cause="sequence",
    published_us=NOW_US,
)


def laid_out(*values: Book | Gap, columns: int = 200, depth: int = 10) -> View:
    books = Books(SYMBOL, Plan(text=SYMBOL, depth=depth))
    for value in values:
        books.take(value)
    return view(SYMBOL, books.best(NOW_US), books.standings(NOW_US), columns=columns)


def cells(*texts: str, dim: bool = False) -> tuple[Cell, ...]:
    return tuple(Cell(one, "dim" if dim else "") for one in texts)


def lines(shown: View) -> list[str]:
    return ["".join(cell.text for cell in block.cells) for block in shown if isinstance(block, Line)]


def grids(shown: View) -> list[Grid]:
    return [block for block in shown if isinstance(block, Grid)]


def test_the_whole_view_of_two_venues_that_cross() -> None:
    plain = Cell("", "")
    assert laid_out(CHEAP, DEAR) == (
        line(
            Cell(SYMBOL, "bold"),
            Cell("  best bid ", "dim"), Cell("101.0", "good"), " at bybit futures",
            Cell("  best ask ", "dim"), Cell("100.5", "good"), " at binance spot",
            Cell("  crossed by 0.5 (49.63 bps)", "warn"),
        ),
        line(),
        Grid(
            ("", "instrument", "state", "bid>", "ask>", "spread>", "bps>", "imbalance>", "age>", "gaps>"),
            (
                (
                    Cell("●", "good"), Cell("binance spot", "name"), Cell("valid"), Cell("100.25", "bold"),
                    Cell("★ 100.5", "good"), *cells("0.25", "24.91", "0.50", "0.3 s"), Cell("0", "dim"),
                ),
                (
                    Cell("●", "good"), Cell("bybit futures", "name"), Cell("valid"), Cell("★ 101.0", "good"),
                    Cell("101.5", "bold"), *cells("0.5", "49.38", "0.22", "0.3 s"), Cell("0", "dim"),
                ),
            ),
        ),
        line(),
        Grid(
            ("", "binance spot>", "quantity>", "bybit futures>", "quantity>"),
            (
                (Cell("ask 1", "dim"), Cell("★ 100.50", "good"), Cell("3.5"), Cell("101.5", "bold"), Cell("3.5")),
                (Cell("spread", "dim"), Cell("0.25", "dim"), plain, Cell("0.5", "dim"), plain),
                (Cell("bid 1", "dim"), Cell("100.25", "bold"), Cell("1.0"), Cell("★ 101.0", "good"), Cell("1.0")),
                (Cell("bid 2", "dim"), *cells("100.00", "2.5"), plain, plain),
                (Cell("epoch", "dim"), Cell("5", "dim"), plain, Cell("6", "dim"), plain),
                (Cell("sequence", "dim"), Cell("7", "dim"), plain, Cell("7", "dim"), plain),
            ),
        ),
    )  # fmt: skip


def test_what_is_stale_is_dim_and_named_with_its_reason() -> None:
    shown = laid_out(OLD, SAID, GAP)
    assert lines(shown)[:2] == [
        "BTC/USDT  best bid none  best ask none",
        "stale: htx spot (its producer says so, last gap: sequence), okx spot (no word for 5.0 s)",
    ]
    summary, ladder = grids(shown)
    assert summary.rows == (
        (
            Cell("○", "dim"), Cell("htx spot", "dim"), Cell("stale", "warn"),
            *cells("100.25", "100.5", "0.25", "24.91", "0.50", "0.3 s", dim=True), Cell("1 (sequence)", "warn"),
        ),
        (
            Cell("○", "dim"), Cell("okx spot", "dim"), Cell("stale", "warn"),
            *cells("100.25", "100.5", "0.25", "24.91", "0.50", dim=True), Cell("5.0 s", "warn"), Cell("0", "dim"),
        ),
    )  # fmt: skip
    assert ladder.columns == ("", "htx spot (stale)>", "quantity>", "okx spot (stale)>", "quantity>")
    assert ladder.rows[2] == cells("bid 1", "100.25", "1.0", "100.25", "1.0", dim=True)


def test_prices_that_do_not_cross_are_apart() -> None:
    assert lines(laid_out(CHEAP))[0] == (
        "BTC/USDT  best bid 100.25 at binance spot  best ask 100.5 at binance spot  apart 0.25 (24.91 bps)"
    )


def test_a_narrow_screen_has_the_prices_in_the_ladders_only_and_these_below_each_other() -> None:
    summary, *ladders = grids(laid_out(CHEAP, DEAR, OLD, columns=80))
    assert summary.columns == ("", "instrument", "state", "spread>", "bps>", "imbalance>", "age>", "gaps>")
    assert {len(found) for found in summary.rows} == {8}
    assert [ladder.columns for ladder in ladders] == [
        ("", "binance spot>", "quantity>", "bybit futures>", "quantity>"),
        ("", "okx spot (stale)>", "quantity>"),
    ]


def test_a_book_with_an_empty_side_and_no_book_at_all() -> None:
    empty = msgspec.structs.replace(CHEAP, ask_prices=(), ask_quantities=())
    summary, ladder = grids(laid_out(empty))
    dash = Cell("-", "dim")
    assert summary.rows[0][3:8] == (Cell("★ 100.25", "good"), dash, dash, dash, Cell("1.00"))
    assert [found[0].text for found in ladder.rows] == ["spread", "bid 1", "bid 2", "epoch", "sequence"]
    assert laid_out() == (line(Cell(SYMBOL, "bold"), Cell("  no book yet", "dim")),)


def test_digits_stand_in_line_and_none_is_lost() -> None:
    books = Books(SYMBOL, Plan(text=SYMBOL))
    tiny = msgspec.structs.replace(
        CHEAP,
        bid_prices=(1e-07, 9.5e-08),
        ask_prices=(2e-07,),
        exact={"bid_quantities[1]": "2.500000000000000000000000000001"},
    )
    books.take(tiny)
    (standing,) = books.standings(NOW_US)
    assert aligned(standing) == (
        (("0.000000100", "1.000000000000000000000000000000"), ("0.000000095", "2.500000000000000000000000000001")),
        (("0.000000200", "3.500000000000000000000000000000"),),
    )
    assert [decimals(number) for number in ("64000.0", "1e-08", "0.10", "1e+16")] == [0, 8, 1, 0]


def test_an_instrument_on_one_line() -> None:
    books = Books(SYMBOL, Plan(text=SYMBOL))
    for value in (CHEAP, SAID, GAP):
        books.take(value)
    told = ["".join(cell.text for cell in text(one).cells) for one in books.standings(NOW_US)]
    rest = "bid 100.25 x 1.0 ask 100.5 x 3.5 spread 0.25 (24.91 bps) imbalance 0.50 age 0.3 s epoch 5 sequence 7 gaps"
    assert told == [f"binance:spot:BTC/USDT valid {rest} 0", f"htx:spot:BTC/USDT stale {rest} 1 (sequence)"]
