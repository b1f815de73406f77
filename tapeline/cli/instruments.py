"""`tapeline instruments`: the rules of one symbol on all venues side by side, as each venue gave them last."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

import msgspec

from tapeline.cli import market_reading
from tapeline.cli.connecting import decoder_of
from tapeline.cli.failure import OK
from tapeline.cli.market_symbols import Missing, symbol_of
from tapeline.cli.reaching import services
from tapeline.cli.render import Output
from tapeline.cli.trading_text import exact, moment
from tapeline.cli.view import Cell, Grid, Style, View, line, row, span
from tapeline.domain import money
from tapeline.domain.events import Instrument, InstrumentStatus
from tapeline.domain.instruments import Market
from tapeline.runtime import clock
from tapeline.runtime.endpoints import Endpoints

TOPIC: Final = "ref.instrument"
_STYLES: Final[dict[InstrumentStatus, Style]] = {
    "trading": "good",
    "reducing": "warn",
    "halted": "bad",
    "closed": "bad",
}
_US: Final = 1_000_000


class InstrumentRow(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one instrument in --json: amounts are decimal strings in base or quote units, null: not said."""

    venue: str
    market: Market
    native: str
    base: str
    quote: str
    status: InstrumentStatus
    price_tick: str
    quantity_step: str
    contract_size: str
    min_quantity: str | None
    max_quantity: str | None
    max_market_quantity: str | None
    min_notional: str | None
    max_leverage: str | None
    maker_fee: str | None
    taker_fee: str | None
    funding_interval_us: int | None
    changes_us: int | None
    received_us: int


class Rules:
    """The newest rules of each instrument of a symbol."""

    def __init__(self) -> None:
        """Begin with none."""
        self._newest: dict[str, Instrument] = {}

    def take(self, value: Instrument) -> None:
        """Take what a venue said, unless it said something later."""
        known = self._newest.get(value.key)
        if known is None or value.received_us >= known.received_us:
            self._newest[value.key] = value

    def all(self) -> tuple[Instrument, ...]:
        """Return them by venue and market, spot first."""
        return tuple(sorted(self._newest.values(), key=lambda one: (one.venue, one.market != "spot")))


def instruments(out: Output, text: str) -> int:
    """Show the rules; exit code 1 when no venue lists the symbol."""
    try:
        symbol, found = asyncio.run(_read(services(), text))
    except Missing as missing:
        out.fail(missing.failure)
        return missing.failure.exit_code
    out.show({"symbol": symbol, "instruments": tuple(map(rules, found))}, partial(view, symbol, found))
    return OK


async def _read(known: Endpoints, text: str) -> tuple[str, tuple[Instrument, ...]]:
    held = Rules()
    async with AsyncExitStack() as stack:
        extents = await market_reading.extents(known.kafka, (TOPIC,))
        symbol = symbol_of(text, await market_reading.known(known.kafka, extents))
        decoder = await decoder_of(known, stack)
        feed = await market_reading.opened(
            stack, known.kafka, decoder, symbol, extents, newest={TOPIC: held.take}, coming={}
        )
        await feed.catch_up()
    found = held.all()
    if not found:
        raise feed.unread or Missing(
            f"no venue has said anything of {symbol}", fix="see with `tapeline status` whether producers run"
        )
    return symbol, found


def rules(one: Instrument) -> InstrumentRow:
    """Return an instrument as JSON has it."""
    return InstrumentRow(
        venue=one.venue,
        market=one.market,
        native=one.native,
        base=one.base,
        quote=one.quote,
        status=one.status,
        price_tick=money.text(one.price_tick),
        quantity_step=money.text(one.quantity_step),
        contract_size=money.text(one.contract_size),
        min_quantity=exact(one.min_quantity),
        max_quantity=exact(one.max_quantity),
        max_market_quantity=exact(one.max_market_quantity),
        min_notional=exact(one.min_notional),
        max_leverage=exact(one.max_leverage),
        maker_fee=exact(one.maker_fee),
        taker_fee=exact(one.taker_fee),
        funding_interval_us=one.funding_interval_us,
        changes_us=one.changes_us,
        received_us=one.received_us,
    )


def view(symbol: str, found: tuple[Instrument, ...]) -> View:
    """Lay out the rules, one instrument a row."""
    columns = (
        "venue", "market", "native", "status", "tick>", "step>", "contract>", "least>", "most>", "most at market>",
        "least value>", "leverage>", "maker>", "taker>", "funding each>", "as of",
    )  # fmt: skip
    head = line(
        Cell(symbol, "bold"), Cell(f"  quantities in {found[0].base}, prices and values in {found[0].quote}", "dim")
    )
    return (head, line(), Grid(columns, tuple(map(_cells, found))), *_changes(found))


def _cells(one: Instrument) -> tuple[Cell, ...]:
    return row(
        Cell(one.venue, "name"),
        one.market,
        one.native,
        Cell(one.status, _STYLES[one.status]),
        money.text(one.price_tick),
        money.text(one.quantity_step),
        money.text(one.contract_size),
        exact(one.min_quantity),
        exact(one.max_quantity),
        exact(one.max_market_quantity),
        exact(one.min_notional),
        exact(one.max_leverage),
        exact(one.maker_fee),
        exact(one.taker_fee),
        None if one.funding_interval_us is None else span(one.funding_interval_us / _US),
        moment(one.received_us),
    )


def _changes(found: tuple[Instrument, ...]) -> View:
    """Say which venue will change or end an instrument, and when."""
    return tuple(
        line(Cell(f"{one.venue} {one.market} ", "name"), Cell(f"changes at {clock.iso(one.changes_us)}", "warn"))
        for one in found
        if one.changes_us is not None
    )
