"""A sink's membership in its group: partitions come and go, no round is cut in two, a stop waits for the last one.

What differs by store (where a partition begins, how a batch is written) the sink says; nothing of it is decided here.
"""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from sinks.patience import GATHER_S, Lag, Patience
from tapeline.errors import Unavailable
from tapeline.runtime import kafka, lifecycle, logs
from tapeline.runtime.log_events import LogEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from tapeline.runtime.endpoints import KafkaEndpoint
    from tapeline.runtime.health import Health
    from tapeline.runtime.kafka import Partition, Reader, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the sink reads: the group and this member's own name in it."""

    kafka: KafkaEndpoint
    group: str
    member: str


class Owned(Protocol):
    """A partition that is ours."""

    @property
    def next(self) -> int:
        """Return the offset that is read next."""

    @property
    def replays(self) -> bool:
        """Tell whether a range that its last owner left pending comes first."""


One = TypeVar("One", bound=Owned)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a sink asks of its membership."""

    store: str
    topics: Sequence[str]
    most: int
    """Records of one poll at most."""
    waits: Sequence[str]
    """Under which name a take-over is waited for, then what else answers again once it has succeeded."""
    stop_s: float
    """How long a stop waits for the round under way."""
    turn_s: float | None = None
    """How long the group waits for the round under way before it takes partitions; None: until that ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work(Generic[One]):
    """What a sink does with its partitions; nobody takes them away meanwhile, unless `turn_s` is over."""

    take_over: Callable[[frozenset[Partition]], Awaitable[dict[Partition, One]]]
    """Find where each begins; raises Unavailable."""
    write: Callable[[Reader, Mapping[Partition, Sequence[Record]]], Awaitable[None]]
    """Do what a poll brings."""
    finish: Callable[[Reader], Awaitable[None]] | None = None
    """Do what is left at a stop."""


class Membership(Generic[One]):
    """The partitions of one sink; `running` is its life."""

    def __init__(self, place: Place, terms: Terms, health: Health, work: Work[One]) -> None:
        """Take the parts; nothing is read before `running`."""
        self._place = place
        self._terms = terms
        self._work = work
        self._owned: dict[Partition, One] = {}
        self._assigned: frozenset[Partition] = frozenset()
        # Held while a round is under way: the group waits for it before it takes partitions away.
        self._turn = asyncio.Lock()
        # Set when the group or a stop wants the round to end.
        self._hurry = asyncio.Event()
        self._stopping = False
        self._lag = Lag(terms.store, tuple(terms.topics), self._expected)
        self.patience = Patience(health, self._hurry)

    @property
    def owned(self) -> Mapping[Partition, One]:
        """Return what is ours; whoever takes it away puts another mapping in this one's place."""
        return self._owned

    @property
    def hurried(self) -> bool:
        """Tell whether the group or a stop wants the round to end."""
        return self._hurry.is_set()

    def let_go(self) -> None:
        """Forget what is ours, so that all of it is taken over anew."""
        self._owned = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Join the group and write until the block ends; then end the round under way, and leave."""
        reader = kafka.Reader.in_group(
            self._place.kafka,
            self._terms.topics,
            group=self._place.group,
            member=self._place.member,
            gather_s=GATHER_S,
            on_assigned=self._on_assigned,
            on_revoked=self._on_revoked,
        )
        measure, write = self._lag.measure(reader), self._run(reader)
        async with reader, lifecycle.background("measure", measure), lifecycle.background("write", write) as writing:
            try:
                yield
            finally:
                self._stopping = True
                self._hurry.set()
                await asyncio.wait({writing}, timeout=self._terms.stop_s)

    def lag(self) -> Mapping[str, int]:
        """Return the records not yet taken in, by topic, as last measured."""
        return self._lag.by_topic

    def _expected(self, partition: Partition) -> int | None:
        one = self._owned.get(partition)
        return None if one is None else one.next

    async def _on_revoked(self, partitions: frozenset[Partition]) -> None:
        """Let the round under way end, and forget all that was ours: another may write there from now on."""
        self._hurry.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._terms.turn_s), self._turn:
                pass
        # Nothing is awaited from here on, so no other round can begin before all is forgotten.
        if self._owned:
            logs.get(__name__).info(LogEvent.SINK_GAVE_UP, partitions=len(partitions))
        self.let_go()
        self._assigned = frozenset()
        if not self._stopping:
            self._hurry.clear()

    async def _on_assigned(self, partitions: frozenset[Partition]) -> None:
        # No heartbeat is sent while this runs, so the loop does what takes time.
        self._assigned = partitions

    async def _run(self, reader: Reader) -> None:
        while not self._stopping:
            found = await self.patience.polled(reader, most=self._terms.most)
            async with self._turn:
                if set(self._owned) != self._assigned:
                    # What was polled meanwhile is read again from where each partition begins.
                    await self._take_over(reader)
                    continue
                await self._work.write(reader, found)
        if self._work.finish is not None:
            async with self._turn:
                await self._work.finish(reader)

    async def _take_over(self, reader: Reader) -> None:
        assigned = self._assigned
        try:
            owned = await self._work.take_over(assigned)
        except Unavailable as error:
            await self.patience.away(self._terms.waits[0], error)
            return
        if self.hurried or assigned != self._assigned:
            return
        for partition, one in owned.items():
            await reader.seek(partition, one.next)
            where = f"{partition.topic}/{partition.partition}"
            logs.get(__name__).info(LogEvent.SINK_TOOK_OVER, partition=where, offset=one.next, pending=one.replays)
        self._owned = owned
        for name in self._terms.waits:
            self.patience.back(name)
