"""One audit from beginning to end: journals and outages from files, rows from ClickHouse and Postgres.

What is read of an instrument is let go before the next one, so memory does not grow with the number of symbols.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

from simulator.audit import compare, funding, market
from simulator.audit import outages as written
from simulator.audit.causes import Causes, causes_of
from simulator.audit.compare import Audit
from simulator.audit.dealings import Dealings, dealings_of
from simulator.audit.findings import Findings
from simulator.audit.kept import OrdersPlace, read
from simulator.audit.market import Emitted, Played
from simulator.audit.order_path import OrderPath, compare_order_path
from simulator.audit.outages import Outage
from simulator.audit.rows import GapRow, Instrument, Rows
from simulator.audit.signals import Signals
from simulator.audit.stored import Store, StorePlace, store
from simulator.dex import onchain
from tapeline.errors import Misconfigured


async def audit(
    journals: Path,
    outages: Path,
    place: StorePlace,
    orders: OrdersPlace | None = None,
    *,
    until_us: int | None = None,
) -> Audit:
    """Compare the journals of a folder, and the outages written down in a file, with what is stored.

    With `until_us` the run may still be going on: what was emitted later does not count. Give a time that lies so far
    back that the journals (half a second) and the sinks (their lag) have it all. Orders are left out then, for what is
    dealt goes on; else Misconfigured when the journals have orders and nobody says where Postgres is.
    """
    paths = await asyncio.to_thread(_journals, journals, outages)
    away = await asyncio.to_thread(written.read, outages)
    findings, signals = Findings(), Signals()
    async with store(place) as opened:
        gaps = await opened.gaps()
        findings.gap_records = len(gaps)
        known: set[Instrument] = set()
        played: list[Played] = []
        dealings: list[Dealings] = []
        for path in paths:
            one = await asyncio.to_thread(market.read, path)
            for trouble in one.trouble:
                findings.say("journal", trouble)
            if until_us is None:
                compare.unheard(one, findings)
            await _market(opened, one, causes_of(one, away), gaps, findings, until_us)
            known |= {emitted.instrument for emitted in one.emitted.values()}
            dealings.append(dealings_of(one))
            played.append(dataclasses.replace(one, emitted={}, events=(), own=()))
        stored = await opened.instruments()
        apart = without_journal((*stored, *(gap.instrument for gap in gaps)))
        _strays(stored, gaps, known | apart, findings)
        funding.take(await opened.funding(), findings)
        async for rows in opened.spreads():
            signals.take(rows, findings)
    traded = await order_path_of(dealings, orders, away, findings) if until_us is None else None
    run = dataclasses.replace(
        compare.listed(played, away), apart=tuple(sorted({f"{of.venue}:{of.market}" for of in apart}))
    )
    return compare.audit_of(findings, signals, run, traded)


async def order_path_of(
    dealings: Sequence[Dealings], orders: OrdersPlace | None, away: Sequence[Outage], findings: Findings
) -> OrderPath | None:
    """Compare the orders; None when there are none and nobody says where they would be."""
    if orders is None:
        if any(one.has_orders for one in dealings):
            raise Misconfigured("the journals have orders to compare", fix="say where the Postgres of the executor is")
        return None
    kept = await read(orders)
    return await asyncio.to_thread(compare_order_path, dealings, kept, away, findings)


def _journals(folder: Path, outages: Path) -> list[Path]:
    paths = sorted(path for path in folder.glob("*.jsonl") if path.resolve() != outages.resolve())
    if not paths:
        raise Misconfigured(f"there is no journal in {folder}", fix="name the folder that the simulator writes to")
    return paths


async def _market(
    opened: Store, played: Played, causes: Causes, gaps: Sequence[GapRow], findings: Findings, until_us: int | None
) -> None:
    """Compare all instruments of one market; the next one is read while one is compared."""

    async def rows_of(emitted: Emitted) -> Rows:
        of = emitted.instrument
        return Rows(
            levels=await opened.levels(of),
            books=await opened.books(of),
            trades=await opened.trades(of),
            gaps=[gap for gap in gaps if gap.instrument == of],
        )

    waiting = list(played.emitted.values())
    rows = await rows_of(waiting[0])
    for number, emitted in enumerate(waiting):
        work = asyncio.to_thread(compare.compare_instrument, emitted, rows, causes, findings, until_us=until_us)
        if number + 1 < len(waiting):
            rows, _ = await asyncio.gather(rows_of(waiting[number + 1]), work)
        else:
            await work


def without_journal(stored: Iterable[Instrument]) -> set[Instrument]:
    """Return those of the instruments whose markets write no journal: the venues of a chain."""
    return {of for of in stored if of.venue in onchain.VENUES}


def _strays(stored: Iterable[Instrument], gaps: Iterable[GapRow], known: set[Instrument], findings: Findings) -> None:
    """Say which instruments have rows, though no journal lists them."""
    for of in sorted(({*stored} | {gap.instrument for gap in gaps}) - known):
        findings.say("stray", f"{of}: rows are stored, and no journal lists it")
