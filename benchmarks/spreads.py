"""Books of 20 markets a symbol through the spreads agent, bytes in and bytes out, against telling every pair each time.

Both run in our shell, with a broker that takes everything at once: what differs is what is computed, and what is told.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import random
import sys
import time
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, cast

from benchmarks import plain_spreads
from benchmarks.measure import Result, against
from processors.agent import Agent
from processors.outlets import Outlets
from processors.shell import Shell
from processors.spread_board import Board
from processors.spreads import FEES, SPREADS
from processors.transport import Batch
from processors.transport.outstanding import Outstanding, Ticket
from schemas import topics
from tapeline.domain.events import Book
from tapeline.domain.spread import Fees
from tapeline.runtime.codec import Codec
from tapeline.runtime.dlq import DeadLetters
from tapeline.runtime.kafka import Outgoing, Publisher, Record
from tapeline.runtime.registry import RegistryClient

MARKETS: Final = sorted(FEES)[:20]
SYMBOLS: Final = 5
TENTHS: Final = 30
"""Each market publishes ten books a second of each symbol."""
BATCH: Final = 8
ROUNDS: Final = 9
LEVELS: Final = 20
PEER: Final = "every pair, all told"
CODEC: Final = Codec({topic.subject: number for number, topic in enumerate(topics.TOPICS, 1)})
_BEGAN_US = 1_700_000_000_000_000
_TENTH_US = 100_000
_MOVES = 0.6
"""How many of the books have other best prices than the one before."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A record as the consumer hands it over."""

    offset: int
    key: bytes
    value: bytes
    topic: str = "md.book"
    partition: int = 0
    timestamp_ms: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()


class Nowhere:
    """A broker that takes everything at once and keeps nothing."""

    def __init__(self) -> None:
        """Begin with nothing taken."""
        self.taken = 0

    async def publish_many(self, topic: str, partition: int, records: Sequence[Outgoing]) -> None:
        """Take records."""
        del topic, partition
        self.taken += len(records)

    def passed(self, topic: str, count: int) -> None:
        """Count nothing."""


def run() -> list[Result]:
    """Return the comparisons: as fees are, and with fees so low that every pair pays."""
    batches = list(_batches())
    free = dict.fromkeys(FEES, -1.0)
    return [
        *_compared("book of one of 20 markets to its symbol's spreads", FEES, batches),
        *_compared("the same, when every pair pays", free, batches),
    ]


def _compared(what: str, fees: Fees, batches: list[list[Kept]]) -> list[Result]:
    ways: dict[str, Agent[Any]] = {"": replace(SPREADS, fresh=partial(Board, fees)), PEER: plain_spreads.agent(fees)}
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, agent in ways.items():
            spent[name].append(asyncio.run(_cpu_us(agent, batches)))
    return against(what, spent, {PEER: ROUNDS * sum(map(len, batches))})


async def _cpu_us(agent: Agent[Any], batches: list[list[Kept]]) -> float:
    """Return the CPU time of a book, in microseconds, from its bytes to the bytes of what follows."""
    waiting: list[Coroutine[Any, Any, None]] = []
    nowhere = Nowhere()
    outlets = Outlets(
        codec=CODEC,
        publisher=cast("Publisher", nowhere),
        dead_letters=cast("DeadLetters", nowhere),
        registry=cast("RegistryClient", None),
    )
    shell = Shell(agent, outlets, waiting.append)
    home = Outstanding()
    gc.collect()
    gc.disable()
    began = time.process_time()
    for records in batches:
        ticket = Ticket(records[-1].offset + 1, records=len(records), size=0, at_ms=0)
        await shell.turn(Batch(cast("list[Record]", records), ticket=ticket, home=home, assignment=1))
        while waiting:
            await waiting.pop()
    spent = time.process_time() - began
    gc.enable()
    return spent / sum(map(len, batches)) * 1e6


def _batches() -> Iterator[list[Kept]]:
    """Yield the books as they are fetched, a few at a time."""
    books = enumerate(_books())
    topic = topics.by_name("md.book")
    while found := list(itertools.islice(books, BATCH)):
        yield [Kept(offset, book.key.encode(), CODEC.encode(topic, book)) for offset, book in found]


def _books() -> Iterator[Book]:
    """Yield all markets' books: prices that wander together, and a little apart."""
    drawn = random.Random(7)  # noqa: S311 - prices of a benchmark
    middles = {f"S{number}/USDT": 100.0 * 7**number for number in range(SYMBOLS)}
    places = [(symbol, place) for symbol in middles for place in MARKETS]
    apart = {at: drawn.gauss(0, 4e-4) for at in places}
    best: dict[tuple[str, object], float] = {}
    due = sorted(
        (_BEGAN_US + tenth * _TENTH_US + drawn.randrange(_TENTH_US), at) for tenth in range(TENTHS) for at in places
    )
    for sequence, (at_us, at) in enumerate(due):
        symbol, (venue, market) = at
        middles[symbol] *= 1 + drawn.gauss(0, 2e-5)
        if at not in best or drawn.random() < _MOVES:
            best[at] = middles[symbol] * (1 + apart[at] + drawn.gauss(0, 5e-5))
        middle, step = best[at], 1e-5 * best[at]
        quantities = tuple(300 / middle * (level + 1) for level in range(LEVELS))
        yield Book(
            venue=venue,
            market=market,
            symbol=symbol,
            epoch=1,
            sequence=sequence,
            state="valid",
            depth=LEVELS,
            bid_prices=tuple(middle - step * (level + 0.5) for level in range(LEVELS)),
            bid_quantities=quantities,
            ask_prices=tuple(middle + step * (level + 0.5) for level in range(LEVELS)),
            ask_quantities=quantities,
            first_received_us=at_us,
            received_us=at_us,
            published_us=at_us,
        )


if __name__ == "__main__":
    for one in run():
        sys.stdout.write(f"{one}\n")
