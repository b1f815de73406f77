"""The Postgres sink's shell: what a poll brings is one transaction with its offsets, and Postgres says what is next.

Its offset is the truth: at each take-over reading begins there, and after any failure all partitions are taken over
anew, so that a transaction of unknown outcome needs no guess. The group's own commit comes afterwards, to be looked at.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from schemas import topics
from sinks.batching import Range
from sinks.histories.catalogue import BY_TOPIC
from sinks.holes import Hole
from sinks.ledger import Move
from sinks.membership import Membership, Terms, Work
from sinks.steps import NoSteps, Steps
from tapeline.errors import Unavailable
from tapeline.runtime import clock, kafka, logs, metrics
from tapeline.runtime.log_events import LogEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from sinks.intake import Intake
    from sinks.ledger import Ledger
    from sinks.membership import Place
    from sinks.steps import Step
    from tapeline.runtime.health import Health
    from tapeline.runtime.kafka import Partition, Reader, Record

MOST: Final = 1_000
"""Records of one transaction at most: rows cost least in batches of this size."""

STOP_S: Final = 10.0
"""How long a stop waits for the transaction under way."""

_COMMIT_S: Final = 5.0
_US_PER_MS: Final = 1_000
_DEPENDENCY: Final = "postgres"
_TERMS: Final = Terms(
    store="postgres",
    topics=tuple(BY_TOPIC),
    most=MOST,
    # A server that has answered is back: with nothing left to write nobody else would say so.
    waits=(f"{_DEPENDENCY} take-over", _DEPENDENCY),
    stop_s=STOP_S,
    # A round that hangs longer is fenced when it goes on.
    turn_s=8.0,
)


@dataclass(slots=True)
class _Owned:
    """A partition that is ours: what Postgres has as its next offset, and what the group was told."""

    next: int
    told: int | None = None

    @property
    def replays(self) -> bool:
        """Tell that nothing is ever left pending."""
        return False


class Sink:
    """Writes histories to Postgres; `running` is its life."""

    def __init__(
        self,
        place: Place,
        ledger: Ledger,
        intake: Intake,
        alarm: Callable[[Hole], Awaitable[None]],
        health: Health,
        *,
        steps: Steps | None = None,
    ) -> None:
        """Take the parts; nothing is read before `running`. `alarm` tells what was deleted before it was stored."""
        self._place = place
        self._ledger = ledger
        self._intake = intake
        self._alarm = alarm
        self._steps = steps or NoSteps()
        self._reread: dict[Partition, int] = {}
        self._membership: Membership[_Owned] = Membership(
            place, _TERMS, health, Work(take_over=self._take_over, write=self._on_polled)
        )
        self._patience = self._membership.patience

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Sink]:
        """Join the group and write until the block ends; what was taken in by then is written."""
        async with self._membership.running():
            yield self

    def lag(self) -> Mapping[str, int]:
        """Return the records not yet stored, by topic, as last measured."""
        return self._membership.lag()

    async def _on_polled(self, reader: Reader, found: Mapping[Partition, Sequence[Record]]) -> None:
        # Whoever takes the partitions away puts another mapping in this one's place.
        owned = self._membership.owned
        await self._store(owned, found)
        await self._tell(reader, owned)

    async def _take_over(self, assigned: frozenset[Partition]) -> dict[Partition, _Owned]:
        """Begin each partition where Postgres says that the last transaction ended."""
        async with kafka.admin(self._place.kafka) as admin:
            oldest, ends = await admin.beginnings(assigned), await admin.ends(assigned)
        taken = await self._ledger.taken({partition: oldest[partition] for partition in assigned})
        return {
            partition: _Owned(await self._begun(partition, taken[partition], oldest[partition], ends[partition]))
            for partition in sorted(assigned)
        }

    async def _begun(self, partition: Partition, following: int, oldest: int, end: int) -> int:
        """Return where reading begins; where the log has no such place, at its oldest record, also in Postgres."""
        if oldest <= following <= end:
            return following
        if following < oldest:
            await self._alarm(Hole(partition, range(following, oldest), clock.now_us()))
        move = Move(partition=partition, expected=following, next=oldest, history=BY_TOPIC[partition.topic])
        await self._ledger.write([move])
        return oldest

    async def _store(self, owned: Mapping[Partition, _Owned], found: Mapping[Partition, Sequence[Record]]) -> None:
        """Store what was polled, all of it or nothing."""
        name = f"{_DEPENDENCY} intake"
        try:
            moves, ranges = await self._taken_in(owned, found)
            self._patience.back(name)
            if not moves:
                return
            name = _DEPENDENCY
            began_s = clock.monotonic_s()
            await self._reach("before_insert", ranges)
            new = await self._ledger.write(moves, before_end=lambda: self._reach("after_insert", ranges))
            self._patience.back(name)
        except Unavailable as error:
            # Whether it is stored or not, Postgres knows.
            self._membership.let_go()
            await self._patience.away(name, error)
            return
        for move in moves:
            owned[move.partition].next = move.next
        for history in {move.history.name: move.history for move in moves}.values():
            rows = sum(len(move.values) for move in moves if move.history.name == history.name)
            metrics.SINK_ROWS.inc(new[history.name], table=history.name)
            metrics.SINK_DUPLICATES.inc(rows - new[history.name], table=history.name)
            metrics.SINK_BATCHES.inc(table=history.name)
            metrics.SINK_BATCH_S.observe(clock.monotonic_s() - began_s, table=history.name)
        await self._reach("before_commit", ranges)

    async def _taken_in(
        self, owned: Mapping[Partition, _Owned], found: Mapping[Partition, Sequence[Record]]
    ) -> tuple[list[Move], dict[Partition, Range]]:
        """Return the steps to be made, with their values, and which offsets each is."""
        moves: list[Move] = []
        ranges: dict[Partition, Range] = {}
        for partition, one in owned.items():
            records = [record for record in found.get(partition, ()) if record.offset >= one.next]
            if not records:
                continue
            first, last = records[0], records[-1]
            self._check_joint(partition, one.next, first.offset)
            history = BY_TOPIC[partition.topic]
            values = [entry.value for entry in await self._intake.entries(history, records) if entry.rows]
            ranges[partition] = Range(first.offset, last.offset, first.timestamp * _US_PER_MS)
            moves.append(
                Move(partition=partition, expected=one.next, next=last.offset + 1, history=history, values=values)
            )
        return moves, ranges

    def _check_joint(self, partition: Partition, expected: int, offset: int) -> None:
        """Let no record follow a hole that a second reading, from Postgres's offset on, does not show as well."""
        if offset == expected or topics.by_name(partition.topic).cleanup == "compact":
            return
        if self._reread.get(partition) != expected:
            self._reread[partition] = expected
            logs.get(__name__).warning(LogEvent.SINK_REREAD, topic=partition.topic, offset=expected)
            raise Unavailable(f"{partition.topic}/{partition.partition} was read from offset {offset}, not {expected}")

    async def _tell(self, reader: Reader, owned: Mapping[Partition, _Owned]) -> None:
        """Commit Postgres's offsets to the group, where they are looked at; nothing depends on them."""
        behind = {partition: one.next for partition, one in owned.items() if one.told != one.next}
        if not behind or self._membership.owned is not owned:
            return
        name = f"{_DEPENDENCY} commit"
        try:
            async with asyncio.timeout(_COMMIT_S):
                await reader.commit(behind)
        except Unavailable as error:
            await self._patience.away(name, error)
            return
        except TimeoutError:
            await self._patience.away(name, Unavailable(f"the broker took no commit within {_COMMIT_S:g} s"))
            return
        self._patience.back(name)
        for partition, told in behind.items():
            owned[partition].told = told
            await self._steps.at("after_commit", partition, None)

    async def _reach(self, step: Step, ranges: Mapping[Partition, Range]) -> None:
        for partition, wanted in ranges.items():
            await self._steps.at(step, partition, wanted)
