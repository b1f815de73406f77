"""`tapeline positions`: what is held now, at the mid of the newest books, and with --all what was held before."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final, Literal

import msgspec

from tapeline.cli import trading_marks, trading_text
from tapeline.cli.failure import OK
from tapeline.cli.reaching import services
from tapeline.cli.render import Output
from tapeline.cli.trading_marks import Mark, Marks
from tapeline.cli.view import Cell, Grid, Style, View, line, row, span
from tapeline.domain import money
from tapeline.domain.instruments import Market
from tapeline.domain.machines.position import PositionState
from tapeline.domain.order_records import PositionSide
from tapeline.domain.partition import instrument_key
from tapeline.domain.positions import OurPosition
from tapeline.domain.spread import STALE_AFTER_US
from tapeline.runtime import clock, trading_rows
from tapeline.runtime.endpoints import Endpoints
from tapeline.runtime.single_transaction import transaction

_US_PER_S: Final = 1_000_000
_US_PER_MS: Final = 1_000


class PositionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One life of a position in --json: amounts are decimal strings in quote currency.

    `realized` is net of fees and funding; `mark_source` says whether the price is a book's mid or the stored one, and
    all that hangs on a price is null without one.
    """

    account: str
    strategy: str
    venue: str
    market: Market
    symbol: str
    life: int
    status: PositionState
    side: PositionSide
    quantity: str
    entry_price: str | None
    mark_price: str | None
    mark_source: Literal["book", "stored"] | None
    mark_age_ms: int | None
    unrealized: str | None
    realized: str
    fees: str
    funding: str
    leverage: str | None
    liquidation_price: str | None
    entry_reason: str | None
    exit_reason: str | None
    opened_us: int | None
    closed_us: int | None
    trace_id: str | None


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One life with the price at which it is judged, None where there is none or nothing is open."""

    own: OurPosition
    mark: Mark | None
    age_us: int = 0

    @property
    def unrealized(self) -> str | None:
        """Return the profit of what is open, None where it has no price."""
        if self.own.quantity == 0:
            return "0"
        return None if self.mark is None else money.text(self.marked.unrealized_pnl)

    @property
    def marked(self) -> OurPosition:
        """Return the position at its price."""
        return msgspec.structs.replace(self.own, mark_price=None if self.mark is None else self.mark.price)

    @property
    def row(self) -> PositionRow:
        """Return it as JSON has it."""
        own, mark = self.own, self.mark
        return PositionRow(
            account=own.account,
            strategy=own.strategy,
            venue=own.venue,
            market=own.market,
            symbol=own.symbol,
            life=own.life,
            status=own.status,
            side=own.side,
            quantity=money.text(own.quantity),
            entry_price=trading_text.exact(own.entry_price),
            mark_price=None if mark is None else money.text(mark.price),
            mark_source=None if mark is None else mark.source,
            mark_age_ms=None if mark is None else self.age_us // _US_PER_MS,
            unrealized=self.unrealized,
            realized=money.text(own.realized_pnl),
            fees=money.text(own.fees),
            funding=money.text(own.funding),
            leverage=trading_text.exact(own.leverage),
            liquidation_price=trading_text.exact(own.liquidation_price),
            entry_reason=own.entry_reason,
            exit_reason=own.exit_reason,
            opened_us=own.opened_us,
            closed_us=own.closed_us,
            trace_id=own.trace_id,
        )


def held(found: tuple[OurPosition, ...], marks: Marks, now_us: int) -> tuple[Held, ...]:
    """Set each life beside its price."""
    return tuple(_held(own, marks, now_us) for own in found)


def _held(own: OurPosition, marks: Marks, now_us: int) -> Held:
    mark = None if own.quantity == 0 else marks.of(own, key_of(own))
    return Held(own=own, mark=mark, age_us=0 if mark is None else max(0, now_us - mark.at_us))


def key_of(own: OurPosition) -> str:
    """Return the instrument of a position."""
    return instrument_key(own.venue, own.market, own.symbol)


def positions(out: Output, *, closed: bool) -> int:
    """Show what is held, and if wanted what was."""
    lives, marks = asyncio.run(_read(services(), closed=closed))
    found = held(lives, marks, clock.now_us())
    out.show({"positions": tuple(one.row for one in found), "problem": marks.problem}, partial(view, found, marks))
    return OK


async def _read(known: Endpoints, *, closed: bool) -> tuple[tuple[OurPosition, ...], Marks]:
    async with transaction(known.postgres) as session:
        found = await trading_rows.positions(session, closed=closed)
    return found, await trading_marks.read(known, {key_of(own) for own in found if own.quantity})


def view(found: tuple[Held, ...], marks: Marks) -> View:
    """Lay out positions for a person."""
    columns = (
        "strategy", "venue", "symbol", "side", "quantity>", "entry>", "mark>", "age>", "unrealized>", "realized>",
        "fees>", "funding>", "status", "opened", "closed", "why",
    )  # fmt: skip
    told = () if marks.problem is None else (line(Cell(f"not at the newest price: {marks.problem}", "warn")),)
    return (Grid(columns, tuple(map(_cells, found)), empty="nothing is held"), *told)


def _cells(one: Held) -> tuple[Cell, ...]:
    own, mark = one.own, one.mark
    old: Style = "" if mark is not None and mark.source == "book" and one.age_us <= STALE_AFTER_US else "warn"
    open_ = own.quantity != 0
    profit = one.marked.unrealized_pnl if open_ and mark is not None else None
    return row(
        Cell(own.strategy, "name"),
        trading_text.place(own.venue, own.market),
        own.symbol,
        own.side,
        trading_text.shown(own.quantity),
        trading_text.shown(own.entry_price),
        None if mark is None else Cell(trading_text.shown(mark.price) or "", old),
        None if mark is None else Cell(_age(one, mark), old or "dim"),
        trading_text.gained(profit),
        trading_text.gained(own.realized_pnl),
        trading_text.shown(own.fees),
        trading_text.gained(own.funding),
        Cell(own.status, "bad" if own.status == "CLOSING" else "dim" if own.status == "CLOSED" else ""),
        None if own.opened_us is None else trading_text.moment(own.opened_us),
        None if own.closed_us is None else trading_text.moment(own.closed_us),
        Cell(own.exit_reason or own.entry_reason or "", "dim"),
    )


def _age(one: Held, mark: Mark) -> str:
    return span(one.age_us / _US_PER_S) + (" stored" if mark.source == "stored" else "")
