"""Shows the market four times a second: in place on a terminal, elsewhere one line for each thing that has changed.

What has changed is told by the row without its age: an unchanged book that is published again is no news.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

import msgspec

from tapeline.cli import market_reading
from tapeline.cli.connecting import decoder_of
from tapeline.cli.market_plan import Plan
from tapeline.cli.market_reading import Extents, Feed, Take
from tapeline.cli.market_symbols import Missing, symbol_of
from tapeline.cli.reaching import services
from tapeline.cli.render import Output
from tapeline.cli.stream import until_stopped
from tapeline.cli.view import Cell, Line, View, line
from tapeline.runtime import clock
from tapeline.runtime.endpoints import Endpoints

REFRESH_S: Final = 0.25
ONCE_WAIT_S: Final = 3.0
"""How long --once waits for the first record; a valid book is published again each second."""
_NO_SCREEN: Final = 1_000


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of a moment, an instrument or a pair of them: what it is, its row (age in `age_ms`), and its line."""

    identity: str
    row: msgspec.Struct
    text: Callable[[], Line]


class Panel(Protocol):
    """What a live view keeps of a symbol, and how it shows it."""

    @property
    def newest(self) -> dict[str, Take]:
        """Return the topics of which what exists is shown, too, with their takers."""

    @property
    def coming(self) -> dict[str, Take]:
        """Return the topics of which only what comes counts, with their takers."""

    def items(self, now_us: int) -> Sequence[Item]:
        """Return everything as it stands."""

    def view(self, now_us: int, columns: int) -> View:
        """Lay out the moment for a screen of so many columns."""

    def missing(self) -> Missing:
        """Say that there is nothing, and what to do."""


def run(out: Output, plan: Plan, make: Callable[[str, Plan], Panel]) -> int:
    """Show the symbol until the plan is met or Ctrl-C; exit code 1 when it is not there."""
    silence()
    try:
        return until_stopped(_run(out, plan, make, services()))
    except Missing as missing:
        out.fail(missing.failure)
        return missing.failure.exit_code


def silence() -> None:
    """Keep off the screen what the library logs of a broker that is gone; we say it ourselves."""
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())


async def meant(plan: Plan, known: Endpoints) -> tuple[str, Extents]:
    """Return the symbol that is asked for, Missing when nobody lists it, and how far the topics reach."""
    extents = await market_reading.extents(known.kafka, market_reading.TOPICS)
    return symbol_of(plan.text, await market_reading.known(known.kafka, extents)), extents


async def _run(out: Output, plan: Plan, make: Callable[[str, Plan], Panel], known: Endpoints) -> None:
    async with AsyncExitStack() as stack:
        symbol, extents = await meant(plan, known)
        panel = make(symbol, plan)
        feed = await market_reading.opened(
            stack,
            known.kafka,
            await decoder_of(known, stack),
            symbol,
            extents,
            newest=panel.newest,
            coming=panel.coming,
        )
        await feed.catch_up()
        await (_once(out, panel, feed) if plan.once else _live(out, plan, panel, feed))


async def _once(out: Output, panel: Panel, feed: Feed) -> None:
    """Show the newest that exists; when nothing does, what comes first."""
    give_up_s = clock.monotonic_s() + ONCE_WAIT_S
    while not panel.items(clock.now_us()):
        if clock.monotonic_s() >= give_up_s:
            raise feed.unread or panel.missing()
        await feed.follow(min(give_up_s, clock.monotonic_s() + REFRESH_S))
    now_us = clock.now_us()
    if out.as_json:
        for item in panel.items(now_us):
            out.item(item.row, item.text)
    else:
        out.show(None, partial(_whole, out, panel, feed, now_us))


async def _live(out: Output, plan: Plan, panel: Panel, feed: Feed) -> None:
    end_s = None if plan.for_s is None else clock.monotonic_s() + plan.for_s
    in_place = out.stdout.isatty() and not out.as_json
    shown: dict[str, msgspec.Struct] = {}
    if not panel.items(clock.now_us()):
        out.remark(f"{feed.unread or panel.missing()}; waiting for it")
    with out.live() as show:
        while True:
            now_us = clock.now_us()
            if in_place:
                show(None, partial(_whole, out, panel, feed, now_us))
            else:
                _changes(out, panel, now_us, shown)
            left_s = REFRESH_S if end_s is None else end_s - clock.monotonic_s()
            if left_s <= 0:
                return
            await feed.follow(clock.monotonic_s() + min(REFRESH_S, left_s))


def _changes(out: Output, panel: Panel, now_us: int, shown: dict[str, msgspec.Struct]) -> None:
    """Print what is not as it was when it was printed last."""
    for item in panel.items(now_us):
        ageless = msgspec.structs.replace(item.row, age_ms=0)
        if shown.get(item.identity) != ageless:
            shown[item.identity] = ageless
            out.item(item.row, item.text)


def _whole(out: Output, panel: Panel, feed: Feed, now_us: int) -> View:
    columns = shutil.get_terminal_size().columns if out.stdout.isatty() else _NO_SCREEN
    unread = () if feed.unread is None else (line(Cell(str(feed.unread), "bad")),)
    return (*panel.view(now_us, columns), *unread)
