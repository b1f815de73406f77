"""`tapeline venues`: what works at which venue, by the registry alone or, with --probe, by connecting to it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial

import msgspec

from tapeline.cli import venues_facts, venues_own, venues_probe, venues_where
from tapeline.cli.failure import CRASH, OK
from tapeline.cli.render import Output
from tapeline.cli.venues_facts import VenueRow
from tapeline.cli.venues_where import Asked, Place, Target
from tapeline.cli.view import Cell, Grid, View, line, row
from tapeline.venues import registry
from tapeline.venues.contract import Hosts

Rows = tuple[VenueRow, ...]


def venues(out: Output, asked: Asked) -> int:
    """Show what the registry has."""
    rows = tuple(venues_facts.told(venue, market) for venue, market in venues_where.places(asked))
    out.show({"venues": rows}, partial(view, rows, named=asked.venue is not None))
    return OK


def probe(out: Output, asked: Asked, *, within_s: float) -> int:
    """Connect to each market; exit code 1 when something does not work that should.

    Where nothing runs and settings name no network, it is simulated exchanges of the probe's own.
    """
    if venues_own.wanted(asked):
        out.remark("nothing runs here: probing simulated exchanges; with venues.network = main it is the real ones")
        with venues_own.running((venue.id, market) for venue, market in venues_where.places(asked)) as own:
            rows = probed(out, asked, within_s=within_s, own=own)
    else:
        rows = probed(out, asked, within_s=within_s)
    out.show({"venues": rows}, partial(probed_view, rows))
    return CRASH if any(map(fails, rows)) else OK


def probed(out: Output, asked: Asked, *, within_s: float, own: Mapping[Place, Hosts] | None = None) -> Rows:
    """Connect to each market, and return what was found; one without an address has the reason as its error."""
    told = {(venue.id, market): venues_facts.told(venue, market) for venue, market in venues_where.places(asked)}
    found, missing = venues_where.targets(asked, told, own)
    out.remark(f"connecting to {len(found)} markets, at most {within_s:g} s")
    reached = asyncio.run(_all({place: told[place] for place in found}, found, within_s))
    return tuple(
        reached[place] if place in reached else msgspec.structs.replace(one, error=missing[place])
        for place, one in told.items()
    )


async def _all(told: Mapping[Place, VenueRow], found: Mapping[Place, Target], within_s: float) -> dict[Place, VenueRow]:
    """Return the rows of all markets, probed at once."""
    work = (
        venues_probe.probe(one, registry.feed(*place), found[place], within_s=within_s) for place, one in told.items()
    )
    return dict(zip(told, await asyncio.gather(*work), strict=True))


def fails(one: VenueRow) -> bool:
    """Tell whether something does not work that should: not where nothing was probed, or the real venue is closing."""
    return one.ok is False and not (one.closing and one.network in {"main", "test"})


def view(rows: Rows, *, named: bool) -> View:
    """Lay out what the registry has; of one venue that was named also each unconfirmed point."""
    columns = ("venue", "market", "trades", "book", "whole book from", "instruments", "funding", "traded", "remarks")
    listed = tuple(
        row(
            Cell(one.venue, "name"),
            one.market,
            _trades(one),
            one.book.integrity,
            one.book.snapshot,
            one.instruments.source,
            None if one.funding is None else one.funding.source,
            Cell("yes", "good") if one.traded else Cell("no", "dim"),
            _remarks(one),
        )
        for one in rows
    )
    points = dict.fromkeys(point for one in rows for point in one.unconfirmed) if named else {}
    more = (line(), line(Cell("unconfirmed:", "bold")), *(line(f"- {point}") for point in points)) if points else ()
    return (Grid(columns, listed), *more)


def _trades(one: VenueRow) -> str:
    words = {"consecutive": "numbered", "unordered": "ids", "none": "no ids"}
    return words[one.trades.ids]


def _remarks(one: VenueRow) -> Cell:
    if one.closing:
        return Cell(f"closing, {len(one.unconfirmed)} unconfirmed", "bad")
    return Cell(f"{len(one.unconfirmed)} unconfirmed" if one.unconfirmed else "", "warn")


def probed_view(rows: Rows) -> View:
    """Lay out what a probe found, and under it each error in words."""
    columns = (
        "", "venue", "market", "network", "symbol", "instruments>", "trades>", "book", "checked>", "rule", "funding",
    )  # fmt: skip
    listed = tuple(_probed(one) for one in rows if one.ok is not None)
    errors = [line(Cell(f"{one.venue} {one.market} ", "name"), text) for one in rows for text in said(one)]
    left: dict[str, list[str]] = {}
    for one in rows:
        if one.ok is None and one.error is not None:
            left.setdefault(one.error, []).append(f"{one.venue} {one.market}")
    errors += [line(Cell(f"not probed, {why}: {', '.join(which)}", "dim")) for why, which in left.items()]
    return (Grid(columns, listed), *((line(), *errors) if errors else ()))


def _probed(one: VenueRow) -> tuple[Cell, ...]:
    mark = Cell("ok", "good") if one.ok else Cell("FAIL" if fails(one) else "closing", "bad")
    valid = {None: None, True: Cell("valid", "good"), False: Cell("not valid", "bad")}
    return row(
        mark,
        Cell(one.venue, "name"),
        one.market,
        one.network,
        one.symbol,
        one.instruments.count,
        one.trades.received,
        valid[one.book.valid],
        one.book.checked,
        one.book.integrity,
        None if one.funding is None else one.funding.rate,
    )


def said(one: VenueRow) -> tuple[str, ...]:
    """Return what is to be said of a market in words: its errors, and what was remarkable."""
    if one.ok is None:
        return ()
    parts = [("", one.error), ("instruments: ", one.instruments.error), ("trades: ", one.trades.error)]
    parts += [("trades: ", one.trades.remark), ("book: ", one.book.error)]
    if one.funding is not None:
        late = one.funding.received == "rest" and "stream" in one.funding.source and one.funding.poll_s is None
        parts += [("funding: ", one.funding.error)]
        parts += [("funding: ", "over REST; the stream told none in that time")] if late else []
    parts += [(f"{drift.channel} frames differ: ", drift.said) for drift in one.drift]
    return tuple(f"{name}{text}" for name, text in parts if text is not None)
