"""`tapeline pnl`: profit per strategy and symbol and in total, as exact cash flow of every fill there ever was.

Fills at their price, less fees, plus funding, plus what is open at the newest mid: no average price enters the net.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from functools import partial

import msgspec

from tapeline.cli import trading_marks, trading_text
from tapeline.cli.failure import OK
from tapeline.cli.reaching import services
from tapeline.cli.render import Output
from tapeline.cli.trading_marks import Mark, Marks
from tapeline.cli.trading_positions import key_of
from tapeline.cli.view import Cell, Grid, View, line, row
from tapeline.domain import money, pnl
from tapeline.domain.partition import instrument_key
from tapeline.domain.pnl import Result
from tapeline.domain.positions import OurPosition
from tapeline.runtime import trading_rows
from tapeline.runtime.endpoints import Endpoints
from tapeline.runtime.single_transaction import transaction
from tapeline.runtime.trading_rows import Dealt

Owner = tuple[str, str]
"""Strategy and symbol."""


class PnlRow(msgspec.Struct, frozen=True, kw_only=True):
    """Profit in --json: decimal strings, net = realized + unrealized - fees + funding; null without a price."""

    strategy: str | None
    symbol: str | None
    fills: int
    realized: str
    unrealized: str | None
    fees: str
    funding: str
    net: str | None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """The profit of one strategy on one symbol, over its accounts, venues and markets."""

    strategy: str
    symbol: str
    fills: int
    result: Result


def standings(dealt: tuple[Dealt, ...], lives: tuple[OurPosition, ...], marks: Marks) -> tuple[Standing, ...]:
    """Return the profit of each strategy on each symbol; `lives` are the open ones, for entry and stored prices."""
    held = {(own.account, own.strategy, key_of(own)): own for own in lives}
    found: dict[Owner, list[tuple[int, Result]]] = {}
    for one in dealt:
        key = instrument_key(one.venue, one.market, one.symbol)
        own = held.get((one.account, one.strategy, key))
        mark = marks.mids.get(key) if own is None else marks.of(own, key)
        result = pnl.result(
            one.flow, funding=one.funding, mid=_price(mark), entry=None if own is None else own.entry_price
        )
        found.setdefault((one.strategy, one.symbol), []).append((one.fills, result))
    return tuple(
        Standing(
            strategy=strategy,
            symbol=symbol,
            fills=sum(fills for fills, _ in parts),
            result=pnl.total(result for _, result in parts),
        )
        for (strategy, symbol), parts in found.items()
    )


def _price(mark: Mark | None) -> Decimal | None:
    return None if mark is None else mark.price


def answer(found: tuple[Standing, ...], marks: Marks) -> Mapping[str, object]:
    """Return it as JSON has it."""
    return {
        "rows": tuple(_row(one.result, one.fills, one.strategy, one.symbol) for one in found),
        "total": _row(pnl.total(one.result for one in found), sum(one.fills for one in found)),
        "problem": marks.problem,
    }


def _row(result: Result, fills: int, strategy: str | None = None, symbol: str | None = None) -> PnlRow:
    return PnlRow(
        strategy=strategy,
        symbol=symbol,
        fills=fills,
        realized=money.text(result.realized),
        unrealized=trading_text.exact(result.unrealized),
        fees=money.text(result.fees),
        funding=money.text(result.funding),
        net=trading_text.exact(result.net),
    )


def show(out: Output) -> int:
    """Show the profit."""
    dealt, lives, marks = asyncio.run(_read(services()))
    found = standings(dealt, lives, marks)
    out.show(answer(found, marks), partial(view, found, marks))
    return OK


async def _read(known: Endpoints) -> tuple[tuple[Dealt, ...], tuple[OurPosition, ...], Marks]:
    async with transaction(known.postgres) as session:
        dealt = await trading_rows.dealt(session)
        lives = await trading_rows.positions(session)
    left = {instrument_key(one.venue, one.market, one.symbol) for one in dealt if one.flow.left}
    return dealt, lives, await trading_marks.read(known, left)


def view(found: tuple[Standing, ...], marks: Marks) -> View:
    """Lay out the profit for a person, the total last."""
    columns = ("strategy", "symbol", "fills>", "realized>", "unrealized>", "fees>", "funding>", "net>")
    rows = [_cells(Cell(one.strategy or "nobody", "name"), one.symbol, one.fills, one.result) for one in found]
    if found:
        whole = pnl.total(one.result for one in found)
        rows.append(_cells(Cell("total", "bold"), "", sum(one.fills for one in found), whole))
    told = () if marks.problem is None else (line(Cell(f"not at the newest price: {marks.problem}", "warn")),)
    return (Grid(columns, tuple(rows), empty="nothing was dealt yet"), *told)


def _cells(name: Cell, symbol: str, fills: int, result: Result) -> tuple[Cell, ...]:
    return row(
        name,
        symbol,
        fills,
        trading_text.gained(result.realized),
        trading_text.gained(result.unrealized),
        trading_text.shown(result.fees),
        trading_text.gained(result.funding),
        trading_text.gained(result.net),
    )
