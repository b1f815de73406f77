"""Positions at a price: a book's mid before the stored one, its age with it, and null where there is none."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from tapeline.cli import trading_marks
from tapeline.cli.render import to_json
from tapeline.cli.trading_marks import Mark, Marks
from tapeline.cli.trading_positions import held, view
from tapeline.cli.view import Cell, Grid, line, row
from tapeline.domain.events import Book
from tapeline.domain.positions import OurPosition

D = Decimal

NOW_US = 1_790_000_000_000_000
KEY = "bybit:futures:BTC/USDT"
LONG = OurPosition(
    account="main", venue="bybit", market="futures", symbol="BTC/USDT", strategy="two-leg", status="OPEN",
    bought=D(3), bought_value=D(300), sold=D(1), sold_value=D(110), fees=D("0.41"), funding=D("-0.5"),
    leverage=D(2), entry_reason="the spread is wide", opened_us=NOW_US - 60_000_000, trace_id="t1",
    updated_us=NOW_US - 9_000_000,
)  # fmt: skip
ENDED = msgspec.structs.replace(
    LONG, status="CLOSED", sold=D(3), sold_value=D(330), closed_us=NOW_US, exit_reason="target", life=2
)
FRESH = Mark(price=D("105.5"), source="book", at_us=NOW_US - 250_000)
BOOK = Book(
    venue="bybit", market="futures", symbol="BTC/USDT", epoch=1, sequence=2, state="valid", depth=1,
    bid_prices=(0.1,), bid_quantities=(1.0,), ask_prices=(0.2,), ask_quantities=(1.0,), first_received_us=1,
    received_us=1, published_us=7,
)  # fmt: skip


def test_the_json_of_a_position_at_the_mid_value_for_value() -> None:
    (one,) = held((LONG,), Marks(mids={KEY: FRESH}), NOW_US)
    assert msgspec.json.decode(to_json(one.row)) == {
        "account": "main",
        "strategy": "two-leg",
        "venue": "bybit",
        "market": "futures",
        "symbol": "BTC/USDT",
        "life": 1,
        "status": "OPEN",
        "side": "long",
        "quantity": "2",
        "entry_price": "100",
        "mark_price": "105.5",
        "mark_source": "book",
        "mark_age_ms": 250,
        "unrealized": "11",
        "realized": "9.09",
        "fees": "0.41",
        "funding": "-0.5",
        "leverage": "2",
        "liquidation_price": None,
        "entry_reason": "the spread is wide",
        "exit_reason": None,
        "opened_us": NOW_US - 60_000_000,
        "closed_us": None,
        "trace_id": "t1",
    }


@pytest.mark.parametrize(
    ("own", "marks", "told"),
    [
        (LONG, Marks(problem="away"), (None, None, None, None)),
        (msgspec.structs.replace(LONG, mark_price=D(90)), Marks(problem="away"), ("90", "stored", 9_000, "-20")),
        (msgspec.structs.replace(LONG, mark_price=D(90)), Marks(mids={KEY: FRESH}), ("105.5", "book", 250, "11")),
        (ENDED, Marks(mids={KEY: FRESH}), (None, None, None, "0")),
    ],
)
def test_the_price_is_the_books_else_the_stored_one_else_none(
    own: OurPosition, marks: Marks, told: tuple[object, ...]
) -> None:
    (found,) = held((own,), marks, NOW_US)
    shown = found.row
    assert (shown.mark_price, shown.mark_source, shown.mark_age_ms, shown.unrealized) == told


def test_the_table_shows_open_and_closed_and_what_price_is_missing() -> None:
    stored = msgspec.structs.replace(LONG, mark_price=D(90), venue="okx")
    marks = Marks(mids={KEY: FRESH}, problem="no valid book of okx:futures:BTC/USDT")
    table, told = view(held((LONG, stored, ENDED), marks, NOW_US), marks)
    opened, why = "2026-09-21 14:12:20.000", Cell("the spread is wide", "dim")
    name, cost, paid = Cell("two-leg", "name"), "0.41", Cell("-0.5", "bad")
    assert table == Grid(
        (
            "strategy", "venue", "symbol", "side", "quantity>", "entry>", "mark>", "age>", "unrealized>", "realized>",
            "fees>", "funding>", "status", "opened", "closed", "why",
        ),
        (
            row(
                name, "bybit futures", "BTC/USDT", "long", "2", "100", "105.5", Cell("0.2 s", "dim"),
                Cell("+11", "good"), Cell("+9.09", "good"), cost, paid, "OPEN", opened, None, why,
            ),
            row(
                name, "okx futures", "BTC/USDT", "long", "2", "100", Cell("90", "warn"), Cell("9.0 s stored", "warn"),
                Cell("-20", "bad"), Cell("+9.09", "good"), cost, paid, "OPEN", opened, None, why,
            ),
            row(
                name, "bybit futures", "BTC/USDT", "flat", "0", None, None, None, None, Cell("+29.09", "good"), cost,
                paid, Cell("CLOSED", "dim"), opened, "2026-09-21 14:13:20.000", Cell("target", "dim"),
            ),
        ),
        empty="nothing is held",
    )  # fmt: skip
    assert told == line(Cell("not at the newest price: no valid book of okx:futures:BTC/USDT", "warn"))


def test_a_mid_is_exact_where_floats_are_not() -> None:
    assert trading_marks.mid(BOOK) == Mark(price=D("0.15"), source="book", at_us=7)


@pytest.mark.parametrize("changes", [{"state": "stale"}, {"bid_prices": ()}, {"ask_prices": ()}])
def test_a_book_that_is_stale_or_one_sided_has_no_mid(changes: dict[str, object]) -> None:
    assert trading_marks.mid(msgspec.structs.replace(BOOK, **changes)) is None
