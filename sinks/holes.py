"""What retention deleted before it was stored: a gap for each instrument of the partition, and an alarm.

Which records were lost nobody can say any more. All of them were published after the newest one that is stored and
before the oldest one that is left, so that is the gap of every instrument that the table knows in this partition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from schemas import topics
from tapeline.domain.events import Gap
from tapeline.domain.partition import partition_of
from tapeline.runtime import clock, metrics, telemetry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sinks.rows.table import Table
    from sinks.store import Store
    from tapeline.runtime.codec import Codec
    from tapeline.runtime.kafka import Partition, Publisher
    from tapeline.runtime.telemetry import Publish

GAP_TOPIC: Final = "md.gap"
_US_PER_DAY: Final = 86_400_000_000
# Topics of the tape are kept for a day.
_LOOK_BACK_US: Final = 2 * _US_PER_DAY


@dataclass(frozen=True, slots=True)
class Hole:
    """Offsets of a partition that are gone, and when the oldest record behind them was published."""

    partition: Partition
    gone: range
    until_us: int

    def __str__(self) -> str:
        """Return the hole in words."""
        where = f"{self.partition.topic}/{self.partition.partition}"
        return f"{where}: offsets {self.gone.start} to {self.gone.stop - 1} were deleted before they were stored"


def gaps_of(hole: Hole, table: Table, newest: Sequence[Sequence[Any]], partitions: int, now_us: int) -> tuple[Gap, ...]:
    """Return the gaps of a hole, given the newest stored record of each instrument. Pure."""
    if table.channel is None:
        return ()
    return tuple(
        Gap(
            venue=venue,
            market=market,
            symbol=symbol,
            channel=table.channel,
            epoch=epoch,
            from_id=identity,
            to_epoch=epoch,
            start_us=at_us,
            end_us=max(at_us, hole.until_us),
            cause="shed",
            detail=str(hole),
            published_us=now_us,
        )
        for venue, market, symbol, epoch, identity, at_us in newest
        if partition_of(symbol, partitions) == hole.partition.partition
    )


class Holes:
    """Tells of holes; returns when the broker has acknowledged every gap."""

    def __init__(self, publisher: Publisher, codec: Codec, store: Store, *, alarm: Publish, process: str) -> None:
        """Take where gaps and alerts go; `process` is the name in heartbeats."""
        self._publisher = publisher
        self._codec = codec
        self._store = store
        self._alarm = alarm
        self._process = process

    async def tell(self, hole: Hole, table: Table) -> None:
        """Publish the gaps and raise the alarm; Unavailable when that must be tried again."""
        topic = topics.by_name(GAP_TOPIC)
        partitions = await self._publisher.partitions(topic.name)
        newest = await self._store.newest(table, clock.now_us() - _LOOK_BACK_US)
        gaps = gaps_of(hole, table, newest, partitions, clock.now_us())
        for gap in gaps:
            _ = await self._publisher.publish(topic.name, gap.key, self._codec.encode(topic, gap))
        await alarm(self._alarm, self._process, hole, f"{len(gaps)} instruments have a gap record")


async def alarm(publish: Publish, process: str, hole: Hole, known: str) -> None:
    """Count what is gone and raise the alarm, with what is known about it; `process` is the name in heartbeats."""
    metrics.SINK_RECORDS_GONE.inc(len(hole.gone), topic=hole.partition.topic)
    _ = await telemetry.alert(
        publish,
        process,
        "critical",
        "sink_records_gone",
        f"{hole}; {known}",
        fix="run more sinks or keep the topic longer; `tapeline doctor` shows the lag",
        context={"topic": hole.partition.topic, "partition": str(hole.partition.partition)},
    )
