"""Reading: batches of records from partitions given by name or by a group; a hole in what is read is never silent.

A group's members are static (a restarted one takes its partitions back without a rebalance), with a session timeout of
6 s, a heartbeat each 2 s and 10 s to rejoin. Nothing is committed unless the caller commits. While the broker is away
`batches` is empty; the reader goes on by itself when it is back.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal, Self, cast

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, errors

from tapeline.errors import Unavailable
from tapeline.runtime import logs, metrics
from tapeline.runtime.kafka import connection
from tapeline.runtime.kafka.records import FromTime, Partition
from tapeline.runtime.log_events import LogEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
    from types import TracebackType

    from tapeline.runtime.endpoints import KafkaEndpoint
    from tapeline.runtime.kafka.records import Record, Start

SESSION_TIMEOUT_MS = 6_000
HEARTBEAT_MS = 2_000
REBALANCE_TIMEOUT_MS = 10_000
_MS = 1_000
_GATHERED_BYTES = 1 << 18


class Reader:
    """A consumer; make one with `Reader.assigned` or `Reader.in_group`, then `async with` it."""

    def __init__(self, endpoint: KafkaEndpoint, settings: dict[str, Any]) -> None:
        """Keep what the library's consumer will be built with; callers use the two constructors below."""
        self._endpoint = endpoint
        self._settings = settings
        self._group: str | None = settings["group_id"]
        self._begin: Literal["beginning", "end"] = "beginning"
        self._starts: Mapping[Partition | str, Start] = {}
        self._topics: tuple[str, ...] = ()
        self._listener: _Listener | None = None
        self._consumer: AIOKafkaConsumer | None = None

    @classmethod
    def assigned(
        cls,
        endpoint: KafkaEndpoint,
        starts: Mapping[Partition | str, Start],
        *,
        client_id: str,
        group: str | None = None,
        gather_s: float | None = None,
    ) -> Self:
        """Read these partitions from these places; a topic's name stands for all its partitions.

        `group` is only for committing and looking up offsets under that name. So long as `gather_s` the broker may
        gather records before it answers: many at once cost it and us a fraction.
        """
        made = cls(endpoint, {"client_id": client_id, "group_id": group, **_gathering(gather_s)})
        made._starts = starts
        return made

    @classmethod
    def in_group(
        cls,
        endpoint: KafkaEndpoint,
        topics: Iterable[str],
        *,
        group: str,
        member: str,
        begin: Literal["beginning", "end"] = "beginning",
        gather_s: float | None = None,
        on_assigned: Callable[[frozenset[Partition]], Awaitable[None]] | None = None,
        on_revoked: Callable[[frozenset[Partition]], Awaitable[None]] | None = None,
    ) -> Self:
        """Share these topics with the other members of the group; `member` is this one's own fixed name in it.

        `begin` says where to start in a partition in which the group has committed nothing. The callbacks run while
        nothing is fetched: load state (and `seek`) in the one, finish and commit in the other.
        """
        made = cls(
            endpoint,
            {
                "client_id": member,
                "group_id": group,
                "group_instance_id": member,
                "session_timeout_ms": SESSION_TIMEOUT_MS,
                "heartbeat_interval_ms": HEARTBEAT_MS,
                "rebalance_timeout_ms": REBALANCE_TIMEOUT_MS,
                **_gathering(gather_s),
            },
        )
        made._begin = begin
        made._topics = tuple(topics)
        made._listener = _Listener(on_assigned, on_revoked)
        return made

    async def __aenter__(self) -> Self:
        """Wait for the broker (X-06), then open and take the partitions."""
        await connection.reach(self._endpoint)
        consumer = AIOKafkaConsumer(
            **connection.options(self._endpoint),
            **self._settings,
            enable_auto_commit=False,
            # Out of range means that records are gone: we say so ourselves, see `batches`.
            auto_offset_reset="none",
        )
        try:
            await consumer.start()
            self._consumer = consumer
            await self._take()
        except BaseException as error:
            self._consumer = None
            await _stopped(consumer)
            if isinstance(error, errors.KafkaError):
                raise connection.translated(error, self._endpoint, self._doing(error)) from error
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close; a static member keeps its place in the group until its session times out."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await _stopped(consumer)

    async def batches(self, *, max_records: int = 500, wait_s: float = 1.0) -> Mapping[Partition, Sequence[Record]]:
        """Return what has come, by partition and in order; empty when nothing came within `wait_s`.

        Where the records to be read next are gone (retention ran ahead), reading goes on at the oldest left, and the
        hole is logged and counted.
        """
        consumer = self._open()
        try:
            found = await consumer.getmany(timeout_ms=int(wait_s * _MS), max_records=max_records)
        except errors.NoOffsetForPartitionError as error:
            await self._begin_at(error.args[0])
        except errors.OffsetOutOfRangeError as error:
            for partition, offset in error.args[0].items():
                await self._skip_hole(partition, offset)
        except errors.KafkaError as error:
            raise connection.translated(error, self._endpoint, self._doing(error)) from error
        else:
            return cast("Mapping[Partition, Sequence[Record]]", found)
        return {}

    async def until_end(self, *, max_records: int = 500) -> AsyncIterator[Record]:
        """Yield every record up to the end that the partitions had when this began: how state is rebuilt."""
        goals = await self.ends()
        consumer = self._open()
        while any([await consumer.position(partition) < goal for partition, goal in goals.items()]):
            for records in (await self.batches(max_records=max_records, wait_s=0.2)).values():
                for record in records:
                    yield record

    async def commit(self, offsets: Mapping[Partition, int | tuple[int, str]]) -> None:
        """Commit the offsets to be read next, each with metadata if given; they are stored when this returns.

        Raises Unavailable when the broker is away, and when the group has moved on and these partitions are another
        member's now: then what was done since the last commit is not ours to record.
        """
        try:
            await self._open().commit(dict(offsets))
        except connection.FORBIDDEN as error:
            raise connection.forbidden(self._endpoint, self._doing(error)) from error
        except errors.KafkaError as error:
            moved = isinstance(error, errors.CommitFailedError | errors.IllegalStateError)
            reason = "its partitions belong to another member now" if moved else str(error) or type(error).__name__
            raise Unavailable(f"the group {self._group} did not take the commit: {reason}") from error

    def assignment(self) -> frozenset[Partition]:
        """Return the partitions that are read now."""
        return frozenset(self._open().assignment())

    async def position(self, partition: Partition) -> int:
        """Return the offset that is read next."""
        return int(await self._open().position(partition))

    async def ends(self) -> dict[Partition, int]:
        """Return the end of each assigned partition: the offset that the next published record will have."""
        return dict(await self._asked(self._open().end_offsets(list(self.assignment()))))

    async def seek(self, partition: Partition, start: Start) -> None:
        """Go on reading a partition at that place."""
        self._open().seek(partition, await self._offset_of(partition, start))

    def pause(self, *partitions: Partition) -> None:
        """Stop fetching these partitions; the group keeps them."""
        self._open().pause(*partitions)

    def resume(self, *partitions: Partition) -> None:
        """Fetch these partitions again."""
        self._open().resume(*partitions)

    def _open(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise Unavailable("the reader is closed")
        return self._consumer

    async def _take(self) -> None:
        consumer = self._open()
        if self._listener is not None:
            for topic in self._topics:
                # The library would wait without a word for a topic that is not there, or that we may not see.
                await self._partitions(topic)
            consumer.subscribe(topics=list(self._topics), listener=self._listener)
            return
        starts: dict[Partition, Start] = {}
        for where, start in self._starts.items():
            for partition in [where] if isinstance(where, Partition) else await self._partitions(where):
                starts[partition] = start
        consumer.assign(list(starts))
        for partition, start in starts.items():
            await self.seek(partition, start)

    async def _partitions(self, topic: str) -> list[Partition]:
        # The consumer's own `partitions_for_topic` knows only the topics that it reads already.
        client = self._open()._client  # noqa: SLF001
        known = await self._asked(client.fetch_all_metadata())
        numbers = known.partitions_for_topic(topic)
        if numbers is None:
            raise await self._asked(connection.absent(client, topic, self._endpoint))
        return [Partition(topic, number) for number in sorted(numbers)]

    async def _offset_of(self, partition: Partition, start: Start) -> int:
        consumer = self._open()
        if isinstance(start, FromTime):
            # Kafka counts milliseconds: a record of the same one may be a little earlier than asked, none is missed.
            found = (await self._asked(consumer.offsets_for_times({partition: start.us // _MS})))[partition]
            if found is not None:
                return int(found.offset)
            start = "end"
        if start == "end":
            return int((await self._asked(consumer.end_offsets([partition])))[partition])
        if start == "beginning":
            return int((await self._asked(consumer.beginning_offsets([partition])))[partition])
        return start

    async def _begin_at(self, partition: Partition) -> None:
        await self.seek(partition, self._begin)

    async def _skip_hole(self, partition: Partition, offset: int) -> None:
        oldest = await self._offset_of(partition, "beginning")
        end = await self._offset_of(partition, "end")
        # Beyond the end: the log itself was cut short, and what comes next stands at its end.
        go_on = oldest if offset < oldest else end
        metrics.RECORDS_MISSED.inc(max(0, go_on - offset), topic=partition.topic)
        logs.get(__name__).error(
            LogEvent.RECORDS_MISSED,
            topic=partition.topic,
            partition=partition.partition,
            wanted=offset,
            oldest=oldest,
            end=end,
        )
        if partition in self.assignment():
            self._open().seek(partition, go_on)

    async def _asked(self, answer: Awaitable[Any]) -> Any:  # noqa: ANN401 - what the library answers is untyped
        try:
            async with asyncio.timeout(connection.REQUEST_TIMEOUT_MS / _MS):
                return await answer
        except (errors.KafkaError, TimeoutError) as error:
            raise connection.translated(error, self._endpoint, self._doing(error)) from error

    def _doing(self, error: BaseException) -> str:
        """Return what we were about, for the sentence of a refusal."""
        if isinstance(error, errors.GroupAuthorizationFailedError):
            return f"read in the group {self._group}"
        topics = error.args[0] if error.args else None
        told = topics if isinstance(topics, str) else ", ".join(sorted(topics or self._topics))
        return f"read the topic {told}"


def _gathering(gather_s: float | None) -> dict[str, int]:
    if gather_s is None:
        return {}
    return {"fetch_min_bytes": _GATHERED_BYTES, "fetch_max_wait_ms": int(gather_s * _MS)}


async def _stopped(consumer: AIOKafkaConsumer) -> None:
    """Stop the library's consumer.

    It cancels and awaits tasks of its own. One that has not begun to run, or rests between two tries of an absent
    broker, does not catch that, and its cancellation would look like ours.
    """
    task = asyncio.current_task()
    await asyncio.sleep(0)
    try:
        await consumer.stop()
    except asyncio.CancelledError:
        if task is None or task.cancelling():
            raise
        await consumer._client.close()  # noqa: SLF001 - the last step of a stop, which it did not reach


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc] # the library is untyped
    """Passes a rebalance on to the two callbacks."""

    def __init__(
        self,
        on_assigned: Callable[[frozenset[Partition]], Awaitable[None]] | None,
        on_revoked: Callable[[frozenset[Partition]], Awaitable[None]] | None,
    ) -> None:
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked

    async def on_partitions_revoked(self, revoked: Iterable[Partition]) -> None:
        """Tell which partitions are about to be given up."""
        if self._on_revoked is not None:
            await self._on_revoked(frozenset(revoked))

    async def on_partitions_assigned(self, assigned: Iterable[Partition]) -> None:
        """Tell which partitions are ours now."""
        if self._on_assigned is not None:
            await self._on_assigned(frozenset(assigned))
