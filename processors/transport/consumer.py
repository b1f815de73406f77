"""The consumer: fetches, hands each partition's records to the agents as one batch, commits the acknowledged prefix.

Only the topics that `batched` names are read so; Faust's internal ones go the driver's way, message by message. A
rebalance closes what is outstanding: first the batches that agents have begun get a moment to be acknowledged and are
committed, then all others are forgotten and come again. What is fetched while the flow stands still is never skipped.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from faust.transport.drivers import aiokafka as stock
from faust.types import TP, ConsumerMessage

from processors.transport.batch import Batch
from processors.transport.loop import Mark, SameLoop
from processors.transport.outstanding import Outstanding, Ticket
from processors.transport.placing import Places
from tapeline.errors import Unavailable
from tapeline.runtime import logs, metrics, retry
from tapeline.runtime.log_events import LogEvent

if TYPE_CHECKING:
    from faust.types.transports import TPorTopicSet
    from mode import ServiceT

    from tapeline.runtime.kafka import Record

_FETCH_WITHIN_S = 1.0
# While one partition is full the others are asked for no longer than this, so that it is not kept waiting by them.
_FETCH_BESIDE_FULL_S = 0.02
# What agents have begun when partitions are taken away gets this long, well within the rebalance timeout of 10 s.
_SETTLE_S = 3.0


class BatchConsumer(stock.Consumer):
    """Faust's consumer with our own way from the fetch to the agents and from their acknowledgements to the commit."""

    _thread: SameLoop

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - what Faust's app passes on
        """Begin with nothing assigned; Faust's app makes it."""
        self.batched: frozenset[str] = frozenset()
        """The topics that are handed out in batches; the app that makes the consumer sets it before the start."""
        self.warm_up_ms: Mapping[str, int] = {}
        """How far before the committed offset reading begins, by topic, so that agents can rebuild their state."""
        self.rebuilt: frozenset[str] = frozenset()
        """Topics that are read from their beginning at every assignment, before the others of the same partition."""
        self.outstanding: dict[TP, Outstanding] = {}
        self.committed: dict[TP, int] = {}
        """Where the group stands in each batched partition that is ours, as far as it has committed anything."""
        self._places: Places | None = None
        self._assignments = 0
        self._room = asyncio.Event()
        super().__init__(*args, **kwargs)

    def _new_consumer_thread(self) -> SameLoop:
        return SameLoop(self, loop=self.loop, beacon=self.beacon)

    # ---------------------------------------------------------------- from the broker to the agents
    async def _drain_messages(self, fetcher: ServiceT) -> None:
        """Fetch and hand out until stopped; Faust's fetcher runs this."""
        try:
            while not (self.should_stop or fetcher.should_stop):
                if not self.flow_active:
                    await self.can_resume_flow.wait()
                elif self._places is None:
                    await self._take_places()
                else:
                    await self._fetch()
        except (stock.ConsumerStoppedError, asyncio.CancelledError):  # type: ignore[attr-defined] # imported, not exported
            if not self.app.should_stop:
                raise

    async def _fetch(self) -> None:
        """Fetch once from the partitions that have room, and hand it out."""
        self._room.clear()
        active = frozenset(self._get_active_partitions())
        full = {place for place in active if place in self.outstanding and not self.outstanding[place].has_room}
        full |= self._behind_rebuilt(active)
        if full == active:
            # Nothing to read before an agent is done with something or the assignment changes.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_FETCH_WITHIN_S):
                    await self._room.wait()
            return
        assignment, homes = self._assignments, dict(self.outstanding)
        timeout_s = _FETCH_BESIDE_FULL_S if full else _FETCH_WITHIN_S
        found = await self._thread.getmany(cast("set[TP]", active - full), timeout_s)
        # A partition that was sought elsewhere meanwhile has another home: what was fetched before is not for it.
        left = {TP(*place): records for place, records in found.items()}
        for place in list(left):
            if not self.flow_active or assignment != self._assignments:
                break
            # A partition that was sought elsewhere meanwhile has another home: this may be from before or behind that.
            if homes.get(place) is self.outstanding.get(place) and place in self._get_active_partitions():
                await self._hand_out(place, left.pop(place))
        if assignment == self._assignments and self._places is not None:
            # The flow stopped, or the partition was paused or sought: what was not handed out is fetched again.
            for place in left.keys() & self.assignment():
                self._thread.seek(place, self._places.next(place, left[place][0].offset))

    def _behind_rebuilt(self, active: frozenset[TP]) -> frozenset[TP]:
        """Return the partitions that must wait until the rebuilt topics of the same number are read to their ends."""
        open_ = frozenset() if self._places is None else self._places.rebuilding
        numbers = {place.partition for place in open_ & active}
        return frozenset(one for one in active if one.partition in numbers and one.topic not in self.rebuilt)

    async def _hand_out(self, place: TP, records: Sequence[Record]) -> None:
        if place.topic not in self.batched:
            await self._hand_out_singly(place, records)
            return
        places = self._places
        if places is None or place not in self.outstanding:
            return
        hole = await places.missed(place, records[0].offset)
        if hole:
            metrics.RECORDS_MISSED.inc(hole, topic=place.topic)
            logs.get(__name__).error(
                LogEvent.RECORDS_MISSED, topic=place.topic, partition=place.partition, oldest=records[0].offset
            )
        if place not in self.outstanding:
            return
        for replayed, part in places.split(place, records):
            await self._hand_out_batch(place, part, replayed=replayed)

    async def _hand_out_batch(self, place: TP, records: Sequence[Record], *, replayed: bool) -> None:
        last = records[-1]
        size = sum(len(record.value) for record in records if record.value is not None)
        ticket = Ticket(last.offset + 1, records=len(records), size=size, at_ms=last.timestamp)
        home = self.outstanding[place]
        home.deliver(ticket)
        batch = Batch(records, ticket=ticket, home=home, assignment=self._assignments, replayed=replayed)
        message = self._to_message(place, last)
        batch.carried_by(message, self)
        message.value = cast("bytes", batch)
        self._read_offset[place] = last.offset
        await self.callback(message)

    async def _hand_out_singly(self, place: TP, records: Sequence[Any]) -> None:
        """Do as the driver does: one event per message, holes noted for its own commit rule."""
        for record in records:
            if not self.flow_active:
                return
            read = self._read_offset[place]
            if read is not None and record.offset < read:
                continue
            if read and record.offset - read > 1 and self.app.topics.acks_enabled_for(place.topic):
                await self._add_gap(place, read + 1, record.offset)
            await self.callback(self._to_message(place, record))
            self._read_offset[place] = record.offset

    # ---------------------------------------------------------------- from acknowledgements to commits
    def ack(self, message: ConsumerMessage) -> bool:  # type: ignore[override] # the driver's messages are all of this type
        """Note that the last agent is done with a message; of a batch only what is still outstanding counts."""
        batch: Any = message.value
        if not isinstance(batch, Batch):
            return super().ack(message)
        message.acked = True
        self._unacked_messages.discard(message)
        batch.home.acknowledge(batch.ticket)
        self._room.set()
        if self._waiting_for_ack is not None and not self._waiting_for_ack.done():
            self._waiting_for_ack.set_result(None)
        return True

    async def force_commit(
        self,
        topics: TPorTopicSet | None = None,
        start_new_transaction: bool = True,  # noqa: FBT001, FBT002 - Faust's own
    ) -> bool:
        """Commit what is committable: the driver's topics by its rule, ours by the acknowledged prefix."""
        done = await super().force_commit(topics, start_new_transaction)
        ready = {
            place: Mark(one.end, _note(one.at_ms))
            for place, one in self.outstanding.items()
            if one.end is not None
            and one.end > self.committed.get(place, -1)
            and (topics is None or place in topics or place.topic in topics)
        }
        return (await self._store(ready) if ready else False) or done

    async def _store(self, marks: Mapping[TP, Mark]) -> bool:
        homes = {place: self.outstanding[place] for place in marks}
        try:
            if not await self._thread.store(marks):
                logs.get(__name__).warning(LogEvent.COMMIT_REFUSED, group=self.app.conf.id)
                return False
        except Unavailable as error:
            # It is tried again at the next interval, from the same prefix or a longer one.
            logs.get(__name__).warning(LogEvent.COMMIT_FAILED, group=self.app.conf.id, reason=str(error))
            return False
        for place, mark in marks.items():
            if self.outstanding.get(place) is homes[place]:
                self.committed[place] = mark.offset
                self._committed_offset[place] = mark.offset
        self.app.monitor.on_tp_commit({place: mark.offset for place, mark in marks.items()})
        return True

    async def wait_empty(self) -> None:
        """Give what agents have begun a moment to be acknowledged, then commit what is."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_S):
                while self._unacked_messages and not self.should_stop:
                    await self._wait_for_ack(timeout=1)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_S):
                await self.commit()

    async def progress(self) -> dict[TP, tuple[int, int]]:
        """Return (committed, end) of each batched partition of ours; asks the broker, Unavailable when it is away.

        Where everything is read and acknowledged the two are equal, also when the last records were deleted unread.
        """
        if not self.flow_active or not self.outstanding or self._places is None:
            return {}
        ends = await self._thread.ends(list(self.outstanding))
        found: dict[TP, tuple[int, int]] = {}
        for place, end in ends.items():
            read = await self._thread.read_to(place)
            home = self.outstanding.get(place)
            if home is not None:
                committed = self._stands(place)
                idle = read >= end and not len(home) and (home.end or committed) <= committed
                found[place] = (committed, committed if idle else end)
        return found

    def lag(self) -> dict[str, int]:
        """Return by topic how many records are not committed yet, as far as the last fetches told the ends."""
        found: dict[str, int] = {}
        for place in self.outstanding:
            end: int = self.highwater(place) or 0  # None before the first fetch, whatever Faust's types say
            found[place.topic] = found.get(place.topic, 0) + max(0, end - self._stands(place))
        return found

    def _stands(self, place: TP) -> int:
        """Return where the group stands: what it has committed, else where it began."""
        begun = 0 if self._places is None else self._places.begun(place)
        return self.committed.get(place, begun)

    # ---------------------------------------------------------------- assignment
    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let Faust stop the flow and settle, then forget what is outstanding in these partitions."""
        await super().on_partitions_revoked(revoked)
        for place in revoked:
            self.committed.pop(place, None)
            home = self.outstanding.pop(place, None)
            if home is not None:
                home.close()
        self._room.set()
        logs.get(__name__).info(LogEvent.PARTITIONS_REVOKED, group=self.app.conf.id, partitions=_told(revoked))

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Take partitions; where to begin in each is found out before the first fetch."""
        self._assignments += 1
        self._places = None
        for home in self.outstanding.values():
            home.close()
        self.outstanding.clear()
        self.committed.clear()
        await super().on_partitions_assigned(assigned, generation_id)
        self._room.set()
        logs.get(__name__).info(LogEvent.PARTITIONS_ASSIGNED, group=self.app.conf.id, partitions=_told(assigned))

    async def perform_seek(self) -> None:
        """Begin again at the committed offsets; the fetching loop looks ours up, for it can wait for a broker."""
        self._places = None
        if any(place.topic not in self.batched for place in self.assignment()):
            await super().perform_seek()

    async def seek(self, partition: TP, offset: int) -> None:
        """Go on reading a partition there, also while it is paused; what is outstanding of it counts no more."""
        await super().seek(partition, offset)
        home = self.outstanding.get(partition)
        if home is not None and self._places is not None:
            home.close()
            self.outstanding[partition] = Outstanding()
            self._places.move(partition, offset)
            self._room.set()

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Fetch these partitions again, at once."""
        super().resume_partitions(tps)
        self._room.set()

    async def _take_places(self) -> None:
        """Find out where to begin in each partition and go there, as often as it takes; a rebalance starts it anew."""
        assignment = self._assignments
        ours = {place for place in self.assignment() if place.topic in self.batched}
        marks, starts, goals = await retry.reach("Kafka", lambda: self._starts(ours), None)
        if assignment != self._assignments or ours != {p for p in self.assignment() if p.topic in self.batched}:
            return
        for home in self.outstanding.values():
            home.close()
        self.outstanding = {place: Outstanding() for place in ours}
        self.committed = {place: mark.offset for place, mark in marks.items()}
        self._committed_offset.update(self.committed)
        for place, offset in starts.items():
            self._thread.seek(place, offset)
        self._places = Places(self._thread.beginnings, starts, self.committed, goals)

    async def _starts(self, ours: Iterable[TP]) -> tuple[dict[TP, Mark], dict[TP, int], dict[TP, int]]:
        """Return the group's marks, where to begin, and how far rebuilding goes.

        Reading begins at the mark, earlier by the warm-up, or where `begin` says; in a rebuilt topic at the beginning.
        """
        marks = await self._thread.marks(ours)
        new = [place for place in ours if place not in marks]
        at_end = self.app.conf.consumer_auto_offset_reset == "latest"
        starts = await (self._thread.ends(new) if at_end else self._thread.beginnings(new)) if new else {}
        times = {
            place: at_ms - self.warm_up_ms[place.topic]
            for place, mark in marks.items()
            if self.warm_up_ms.get(place.topic) and (at_ms := _noted(mark.note)) is not None
        }
        earlier = await self._thread.at_times(times) if times else {}
        starts |= {place: min(mark.offset, earlier.get(place, mark.offset)) for place, mark in marks.items()}
        rebuilt = [place for place in ours if place.topic in self.rebuilt]
        goals = await self._thread.ends(rebuilt) if rebuilt else {}
        starts |= await self._thread.beginnings(rebuilt) if rebuilt else {}
        return marks, starts, goals

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Say nothing: the driver's guesses are of single messages; our watchdog looks at committed offsets."""


def _note(at_ms: int) -> str:
    """Return the note beside a commit: the time of the last record before it, from which a warm-up counts back."""
    return f"at={at_ms}"


def _noted(note: str) -> int | None:
    name, _, value = note.partition("=")
    return int(value) if name == "at" and value.isdigit() else None


def _told(places: Iterable[TP]) -> list[str]:
    return sorted(f"{place.topic}/{place.partition}" for place in places)
