"""One audit from beginning to end: journals and outages from files, rows from ClickHouse, instrument by instrument.

What is read of an instrument is let go before the next one, so memory does not grow with the number of symbols.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

from simulator.audit import compare, market
from simulator.audit import outages as written
from simulator.audit.causes import Causes, causes_of
from simulator.audit.compare import Audit
from simulator.audit.findings import Findings
from simulator.audit.market import Emitted, Played
from simulator.audit.rows import GapRow, Instrument, Rows
from simulator.audit.signals import Signals
from simulator.audit.stored import Store, StorePlace, store
from tapeline.errors import Misconfigured


async def audit(journals: Path, outages: Path, place: StorePlace, *, until_us: int | None = None) -> Audit:
    """Compare the journals of a folder, and the outages written down in a file, with what is stored.

    With `until_us` the run may still be going on: what was emitted later does not count. Give a time that lies so far
    back that the journals (half a second) and the sinks (their lag) have it all.
    """
    paths = await asyncio.to_thread(_journals, journals, outages)
    away = await asyncio.to_thread(written.read, outages)
    findings, signals = Findings(), Signals()
    async with store(place) as opened:
        gaps = await opened.gaps()
        findings.gap_records = len(gaps)
        known: set[Instrument] = set()
        played: list[Played] = []
        for path in paths:
            one = await asyncio.to_thread(market.read, path)
            for trouble in one.trouble:
                findings.say("journal", trouble)
            await _market(opened, one, causes_of(one, away), gaps, findings, until_us)
            known |= {emitted.instrument for emitted in one.emitted.values()}
            played.append(dataclasses.replace(one, emitted={}, events=()))
        _strays(await opened.instruments(), gaps, known, findings)
        async for rows in opened.spreads():
            signals.take(rows, findings)
    return compare.audit_of(findings, signals, compare.listed(played, away))


def _journals(folder: Path, outages: Path) -> list[Path]:
    paths = sorted(path for path in folder.glob("*.jsonl") if path.resolve() != outages.resolve())
    if not paths:
        raise Misconfigured(f"there is no journal in {folder}", fix="name the folder that the simulator writes to")
    return paths


async def _market(
    opened: Store, played: Played, causes: Causes, gaps: Sequence[GapRow], findings: Findings, until_us: int | None
) -> None:
    """Compare all instruments of one market; the next one is read while one is compared."""

    async def read(emitted: Emitted) -> Rows:
        of = emitted.instrument
        return Rows(
            levels=await opened.levels(of),
            books=await opened.books(of),
            trades=await opened.trades(of),
            gaps=[gap for gap in gaps if gap.instrument == of],
        )

    waiting = list(played.emitted.values())
    rows = await read(waiting[0])
    for number, emitted in enumerate(waiting):
        work = asyncio.to_thread(compare.compare_instrument, emitted, rows, causes, findings, until_us=until_us)
        if number + 1 < len(waiting):
            rows, _ = await asyncio.gather(read(waiting[number + 1]), work)
        else:
            await work


def _strays(stored: Iterable[Instrument], gaps: Iterable[GapRow], known: set[Instrument], findings: Findings) -> None:
    """Say which instruments have rows, though no journal lists them."""
    for of in sorted(({*stored} | {gap.instrument for gap in gaps}) - known):
        findings.say("stray", f"{of}: rows are stored, and no journal lists it")
