"""The sink's shell: polls, does what each lane decides, tells it what came of it; nothing is decided here.

All partitions take their steps together: one commit records or settles the ranges of all of them, then all rows go out.
A partition that the group takes away is left as it stands: its next owner finds the recorded range and replays it.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sinks import pending
from sinks.batching import Bounds, Commit, Insert, Lane, Wait, opened, token
from sinks.holes import Hole
from sinks.known import Known
from sinks.membership import Membership, Terms, Work
from sinks.rows.catalogue import BY_TOPIC
from sinks.steps import NoSteps, Steps
from sinks.store import Late
from tapeline.errors import Unavailable
from tapeline.runtime import clock, kafka, logs, metrics
from tapeline.runtime.log_events import LogEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from sinks.holes import Holes
    from sinks.intake import Intake
    from sinks.known import Key
    from sinks.membership import Place
    from sinks.rows.table import Table
    from sinks.store import Store
    from tapeline.runtime.health import Health
    from tapeline.runtime.kafka import Partition, Reader, Record

SEND_WITHIN_S: Final = 30.0
"""How long after the last proof that a partition is ours the server takes its rows. Must be short against the time in
which a table's deduplication window fills."""

PROVE_AFTER_S: Final = 8.0
"""A proof of this age is renewed before rows are sent."""

FLUSH_S: Final = 15.0
"""How long a stop waits for the rows that were taken in."""

LOOK_UP: Final = 2_000
"""Keys of one group that one look-up returns at most, unless more have the same time."""

_MOST_RECORDS: Final = 5_000
_COMMIT_S: Final = 5.0
_TERMS: Final = Terms(
    store="clickhouse", topics=tuple(BY_TOPIC), most=_MOST_RECORDS, waits=("take-over",), stop_s=FLUSH_S
)


@dataclass(slots=True)
class _Owned:
    """A partition that is ours."""

    lane: Lane
    known: Known
    # Monotonic time before the last commit that the group took from us.
    proved_s: float = float("-inf")
    unsettled: bool = False
    reread: int | None = None

    @property
    def next(self) -> int:
        """Return the offset that is read next."""
        return self.lane.expected or 0

    @property
    def replays(self) -> bool:
        """Tell whether a range that its last owner left pending comes first."""
        return self.lane.pending is not None


class Sink:
    """Writes the tape's topics to ClickHouse; `running` is its life."""

    def __init__(
        self,
        place: Place,
        store: Store,
        intake: Intake,
        holes: Holes,
        health: Health,
        *,
        bounds: Bounds | None = None,
        steps: Steps | None = None,
    ) -> None:
        """Take the parts; nothing is read before `running`."""
        self._place = place
        self._store = store
        self._intake = intake
        self._holes = holes
        self._bounds = bounds or Bounds()
        self._steps = steps or NoSteps()
        work = Work(take_over=self._take_over, write=self._on_polled, finish=self._flush)
        self._membership: Membership[_Owned] = Membership(place, _TERMS, health, work)
        self._patience = self._membership.patience

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Sink]:
        """Join the group and write until the block ends; then write what was taken in, and leave."""
        async with self._membership.running():
            yield self

    def lag(self) -> Mapping[str, int]:
        """Return the records not yet taken in, by topic, as last measured."""
        return self._membership.lag()

    async def _on_polled(self, reader: Reader, found: Mapping[Partition, Sequence[Record]]) -> None:
        try:
            await self._take_in(reader, found)
        except Unavailable as error:
            # What was left out is read again: its lanes see the jump.
            await self._patience.away("intake", error)
            return
        self._patience.back("intake")
        await self._round(reader, flush=False)

    async def _flush(self, reader: Reader) -> None:
        # What is not written by the time that a stop has stays recorded, for the next owner.
        await self._round(reader, flush=True)

    async def _take_over(self, assigned: frozenset[Partition]) -> dict[Partition, _Owned]:
        """Open a lane for each partition: what its last owner left pending comes first."""
        async with kafka.admin(self._place.kafka) as admin:
            commits = await admin.commits(self._place.group)
            oldest, ends = await admin.beginnings(assigned), await admin.ends(assigned)
        await self._store.set_clock()
        owned: dict[Partition, _Owned] = {}
        for partition in sorted(assigned):
            commit = commits.get(partition)
            where = f"{partition.topic}/{partition.partition}"
            left = None if commit is None else pending.read(commit.metadata, where=where)
            offset = None if commit is None else commit.offset
            lane, gone = opened(self._bounds, offset, left, oldest=oldest[partition], end=ends[partition])
            if gone:
                # The oldest record left is not read yet: it was published before now.
                await self._holes.tell(Hole(partition, gone, clock.now_us()), BY_TOPIC[partition.topic])
            owned[partition] = _Owned(lane, Known())
            if lane.pending is not None:
                metrics.SINK_REPLAYS.inc(table=BY_TOPIC[partition.topic].name)
        return owned

    async def _take_in(self, reader: Reader, found: Mapping[Partition, Sequence[Record]]) -> None:
        for partition, records in found.items():
            one = self._membership.owned.get(partition)
            if one is None or not records or not await self._continues(reader, partition, one, records[0]):
                continue
            entries = await self._intake.entries(BY_TOPIC[partition.topic], records)
            one.lane.offer(entries, clock.monotonic_s())
            if one.lane.full:
                reader.pause(partition)

    async def _continues(self, reader: Reader, partition: Partition, one: _Owned, record: Record) -> bool:
        """Tell whether a record may follow: what lies before it is gone for ever, or was never there."""
        if not one.lane.jumped(record.offset):
            return True
        expected = one.lane.expected or 0
        async with kafka.admin(self._place.kafka) as admin:
            oldest = (await admin.beginnings([partition]))[partition]
        if oldest > expected:
            gone = range(expected, min(oldest, record.offset))
            await self._holes.tell(Hole(partition, gone, record.timestamp * 1_000), BY_TOPIC[partition.topic])
        elif one.reread != expected:
            # Read once more; when it jumps again, those offsets hold no records (a transaction's marks).
            one.reread = expected
            logs.get(__name__).warning(LogEvent.SINK_REREAD, topic=partition.topic, offset=expected)
            await reader.seek(partition, expected)
            return False
        one.lane.skip_to(record.offset)
        return True

    async def _round(self, reader: Reader, *, flush: bool) -> None:
        """Do all that is due until nothing is; when the group or a stop asks us to hurry, begin nothing new."""
        while True:
            now_s, hold = clock.monotonic_s(), self._membership.hurried and not flush
            decided = {
                part: one.lane.decide(now_s, flush=flush, hold=hold) for part, one in self._membership.owned.items()
            }
            due = {partition: found for partition, found in decided.items() if not isinstance(found, Wait)}
            if not due:
                break
            name = "commit"
            try:
                await self._commit(reader, due, now_s)
                self._patience.back(name)
                name = "clickhouse"
                await self._write(due)
                self._patience.back(name)
            except Unavailable as error:
                if self._membership.hurried:
                    # Recorded or not, the next owner finds what it needs.
                    return
                await self._patience.away(name, error)
        reader.resume(*(partition for partition, one in self._membership.owned.items() if not one.lane.full))

    async def _commit(self, reader: Reader, due: Mapping[Partition, Insert | Commit], now_s: float) -> None:
        """Record and settle; ranges about to be sent are recorded again where the last proof is old."""
        commits = {partition: found for partition, found in due.items() if isinstance(found, Commit)}
        renewed = {
            partition: self._membership.owned[partition].lane.renewal()
            for partition, found in due.items()
            if isinstance(found, Insert) and now_s - self._membership.owned[partition].proved_s > PROVE_AFTER_S
        }
        if not commits and not renewed:
            return
        for partition, found in commits.items():
            if self._membership.owned[partition].unsettled:
                await self._steps.at("before_commit", partition, found.pending)
            if found.pending is not None:
                await self._steps.at("before_record", partition, found.pending)
        before_s = clock.monotonic_s()
        try:
            async with asyncio.timeout(_COMMIT_S):
                notes = {where: (one.offset, pending.note(one.pending)) for where, one in (commits | renewed).items()}
                await reader.commit(notes)
        except TimeoutError as error:
            raise Unavailable(f"the broker took no commit within {_COMMIT_S:g} s") from error
        for partition, found in (commits | renewed).items():
            one = self._membership.owned[partition]
            one.proved_s = before_s
            if partition in renewed:
                continue
            one.lane.committed()
            if one.unsettled:
                one.unsettled = False
                metrics.SINK_BATCHES.inc(table=BY_TOPIC[partition.topic].name)
                await self._steps.at("after_commit", partition, None)
            if found.pending is not None:
                await self._steps.at("after_record", partition, found.pending)

    async def _write(self, due: Mapping[Partition, Insert | Commit]) -> None:
        inserts = {partition: found for partition, found in due.items() if isinstance(found, Insert)}
        done = await asyncio.gather(*(self._insert(*one) for one in inserts.items()), return_exceptions=True)
        failed = [found for found in done if isinstance(found, BaseException)]
        # What is no outage must not hide behind one.
        for error in sorted(failed, key=lambda found: isinstance(found, Unavailable)):
            raise error

    async def _insert(self, partition: Partition, wanted: Insert) -> None:
        """Store the rows of a range that are not stored yet."""
        one, table = self._membership.owned[partition], BY_TOPIC[partition.topic]
        began_s = clock.monotonic_s()
        keyed = [entry for entry in wanted.entries if entry.key is not None]
        keys = [entry.key for entry in keyed if entry.key is not None]
        await self._look_up(table, one.known, keys)
        fresh = one.known.fresh(keys)
        values = [entry.value for entry, new in zip(keyed, fresh, strict=True) if new and entry.rows]
        if values:
            await self._steps.at("before_insert", partition, wanted.range)
            # A large batch takes its time: the loop, and with it the group's heartbeat, goes on.
            batch = await asyncio.to_thread(table.columns, values)
            try:
                await self._store.insert(
                    table,
                    batch,
                    token=token(partition.topic, partition.partition, wanted.range),
                    send_by_s=one.proved_s + SEND_WITHIN_S,
                )
            except Late:
                one.proved_s = float("-inf")
                await self._store.set_clock()
                raise
            metrics.SINK_ROWS.inc(batch.num_rows, table=table.name)
            metrics.SINK_BATCH_S.observe(clock.monotonic_s() - began_s, table=table.name)
        metrics.SINK_DUPLICATES.inc(len(fresh) - sum(fresh), table=table.name)
        one.known.stored(keys)
        one.lane.inserted()
        one.unsettled = True
        await self._steps.at("after_insert", partition, wanted.range)

    async def _look_up(self, table: Table, known: Known, keys: Sequence[Key]) -> None:
        """Ask the store until it is known of each key whether it is stored."""
        limit = LOOK_UP
        while asked := known.wanted(keys):
            if not known.loaded(asked, await self._store.stored(table, asked, limit=limit), limit=limit):
                limit *= 2
