"""The live screen of a demo: processes, flow and lag of topics, books and spreads of one symbol, trading.

Flow and lag are counted at the broker, trading stands in Postgres; while one is away its part stays as it was. All of
it fits in a terminal of 50 lines.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from tapeline.cli import book, market_reading, spreads
from tapeline.cli import status as state
from tapeline.cli.connecting import decoder_of
from tapeline.cli.demo import trading
from tapeline.cli.demo.drain import SINK, SPREADS
from tapeline.cli.demo.trading import Moment, Trading
from tapeline.cli.market_plan import Plan
from tapeline.cli.market_reading import Feed
from tapeline.cli.status import Status
from tapeline.cli.view import Block, Cell, Grid, View, line, row, span
from tapeline.errors import Unavailable
from tapeline.runtime import clock, endpoints, kafka
from tapeline.runtime.kafka import Admin
from tapeline.runtime.settings import Settings

SYMBOL: Final = "BTC/USDT"
TOPICS: Final = (
    "md.trade", "md.book", "md.delta", "md.gap", "signal.spread", "order.intent", "order.event", "dlq", "alert",
)  # fmt: skip
SHOWN_SPREADS: Final = 3
_BESIDE: Final = 2
"""So many topics stand in one row."""
_FOLLOW_S: Final = 0.2


class Screen:
    """Looks once a second and lays out what it saw."""

    def __init__(self, found: Settings) -> None:
        """Take whose demo it is; nothing is opened before `async with`."""
        self._settings = found
        plan = Plan(text=SYMBOL, depth=1)
        self._books = book.Panel(SYMBOL, plan)
        self._spreads = spreads.Panel(SYMBOL, plan)
        self._stack = contextlib.AsyncExitStack()
        self._admin: Admin | None = None
        self._feed: Feed | None = None
        self._trading: Trading | None = None
        self._ends: dict[str, int] = {}
        self._rates: dict[str, float] = {}
        self._lags: dict[str, int] = {}
        self._looked_s = clock.monotonic_s()

    async def __aenter__(self) -> Self:
        """Open the ways to the broker."""
        known = endpoints.resolve(self._settings)
        self._trading = Trading(known.postgres)
        self._stack.callback(self._trading.close)
        self._admin = await self._stack.enter_async_context(kafka.admin(known.kafka))
        self._feed = await market_reading.opened(
            self._stack,
            known.kafka,
            await decoder_of(known, self._stack),
            SYMBOL,
            await market_reading.extents(known.kafka, market_reading.TOPICS),
            newest=self._books.newest | self._spreads.newest,
            coming=self._books.coming | self._spreads.coming,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close them."""
        await self._stack.__aexit__(kind, error, trace)

    async def look(self) -> None:
        """See what is new."""
        with contextlib.suppress(Unavailable):
            if self._feed is not None:
                await self._feed.follow(clock.monotonic_s() + _FOLLOW_S)
            if self._admin is not None:
                await self._count(self._admin)
        if self._trading is not None:
            await self._trading.look()

    def view(self, ran_s: float) -> View:
        """Lay out the moment."""
        now_us = clock.now_us()
        return laid_out(
            state.read(self._settings),
            ran_s,
            flow(self._ends, self._rates, self._lags),
            self._books.view(now_us, shutil.get_terminal_size().columns),
            self._spreads.view(now_us, 0),
            Moment() if self._trading is None else self._trading.moment,
        )

    async def _count(self, admin: Admin) -> None:
        known = await admin.topics(TOPICS)
        ends = await admin.ends(part for topic in known.values() for part in topic.places())
        totals = dict.fromkeys(TOPICS, 0)
        for part, end in ends.items():
            totals[part.topic] += end
        now_s = clock.monotonic_s()
        passed_s = max(1e-3, now_s - self._looked_s)
        self._rates = {name: (total - self._ends.get(name, total)) / passed_s for name, total in totals.items()}
        self._ends, self._looked_s = totals, now_s
        for group, topics in (SPREADS, SINK):
            commits = await admin.commits(group)
            left = (
                end - commits[part].offset if part in commits else end
                for part, end in ends.items()
                if part.topic in topics
            )
            self._lags[group] = sum(max(0, one) for one in left)


def laid_out(now: Status, ran_s: float, flows: Grid, books: View, offers: View, traded: Moment) -> View:
    """Lay out everything; of books and spreads only what fits."""
    return (
        line(Cell(f"● demo {now.state}", "good" if now.state == "running" else "warn"), f"  {span(ran_s)}"),
        line(),
        state.processes_grid(now),
        line(),
        flows,
        line(),
        *_cut(books, None),
        line(),
        *_cut(offers, SHOWN_SPREADS),
        line(),
        *trading.view(traded),
    )


def _cut(blocks: Iterable[Block], rows: int | None) -> Iterator[Block]:
    """Yield the lines before the first table, and of the table so many rows (None: all)."""
    for block in blocks:
        if isinstance(block, Grid):
            yield Grid(block.columns, block.rows[:rows])
            return
        if block.cells:
            yield block


def flow(ends: Mapping[str, int], rates: Mapping[str, float], lags: Mapping[str, int]) -> Grid:
    """Return the topics in rows of two, and who reads each how far behind."""
    behind = {
        topic: f"{group} {lags[group]:,}" for group, topics in (SPREADS, SINK) if group in lags for topic in topics[:1]
    }
    cells = [
        row(Cell(name, "name"), f"{rates.get(name, 0.0):,.0f}", f"{total:,}", behind.get(name))
        for name, total in ends.items()
    ]
    bands = (cells[at : at + _BESIDE] for at in range(0, len(cells), _BESIDE))
    return Grid(("topic", "records/s>", "records>", "behind>") * _BESIDE, tuple(_joined(band) for band in bands))


def _joined(band: Sequence[tuple[Cell, ...]]) -> tuple[Cell, ...]:
    empty = (Cell(""),) * len(band[0])
    return tuple(cell for cells in (*band, *[empty] * (_BESIDE - len(band))) for cell in cells)
