"""Faust's consumer "thread" without the thread: aiokafka on the agents' own loop, so that no fetch is handed over.

Stock Faust runs the consumer in a second thread with a loop of its own; every fetch and commit crosses over by a queue
and two futures. Here each call is a plain call. What a lost broker makes fail is told as `Unavailable`.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from faust.transport.drivers import aiokafka as stock
from faust.types import TP
from mode import Service

from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import clock

# The library's errors, by way of the driver that we build on.
_KafkaError = cast("type[Exception]", stock.KafkaError)  # type: ignore[attr-defined] # imported there, not exported
_CommitFailed = cast("type[Exception]", stock.CommitFailedError)  # type: ignore[attr-defined] # imported, not exported
_IllegalState = cast("type[Exception]", stock.IllegalStateError)  # type: ignore[attr-defined] # imported, not exported

_NOT_COMMITTED = -1
_FENCED = "FencedInstanceId"
_ANSWER_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Mark:
    """What the group has committed of a partition: the offset to be read next and the note beside it."""

    offset: int
    note: str


class SameLoop(stock.AIOKafkaConsumerThread):
    """The driver's consumer as an ordinary service of the loop that starts it."""

    # Nobody else has to wait until a thread has come down.
    wait_for_shutdown = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - what the driver takes
        """Use the running loop where the driver would make one."""
        kwargs["thread_loop"] = asyncio.get_running_loop()
        super().__init__(*args, **kwargs)

    async def start(self) -> None:
        """Start as a service does that has no thread."""
        self._thread_started.set()
        await Service.start(self)

    async def stop(self) -> None:
        """Stop as a service does that has no thread; the library's consumer leaves the group in order."""
        await Service.stop(self)

    async def on_stop(self) -> None:
        """Close the library's consumer."""
        if self._consumer is not None:
            await self._consumer.stop()

    async def crash(self, exc: BaseException) -> None:
        """Tell the tree of services, without the way between threads."""
        await Service.crash(self, exc)

    async def _stop_children(self) -> None:
        await self._default_stop_children()

    async def _stop_futures(self) -> None:
        await self._default_stop_futures()

    async def _stop_exit_stacks(self) -> None:
        await self._default_stop_exit_stacks()

    def _stopped_set(self) -> None:
        self._stopped.set()

    async def call_thread(self, fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - see driver
        """Call it: there is no thread."""
        result = fun(*args, **kwargs)
        return await result if inspect.isawaitable(result) else result

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Pass it on: we are on the right loop already."""
        await self.consumer.on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Pass it on: we are on the right loop already."""
        await self.consumer.on_partitions_assigned(assigned, generation_id)

    async def marks(self, partitions: Iterable[TP]) -> dict[TP, Mark]:
        """Return what the group has committed of these partitions, without those of which it has nothing."""
        wanted = [stock.ensure_aiokafka_TP(partition) for partition in partitions]
        found = await self._asked(self._ensure_consumer()._coordinator.fetch_committed_offsets(wanted))  # noqa: SLF001 - only there with the note
        return {
            TP(*place): Mark(int(answer.offset), str(answer.metadata or ""))
            for place, answer in found.items()
            if answer.offset != _NOT_COMMITTED
        }

    async def beginnings(self, partitions: Iterable[TP]) -> dict[TP, int]:
        """Return the oldest offset that is left in each partition."""
        return _plain(await self._asked(self._ensure_consumer().beginning_offsets(_places(partitions))))

    async def ends(self, partitions: Iterable[TP]) -> dict[TP, int]:
        """Return the offset that the next record of each partition will have."""
        return _plain(await self._asked(self._ensure_consumer().end_offsets(_places(partitions))))

    async def read_to(self, partition: TP) -> int:
        """Return the offset that is fetched next."""
        return int(await self._asked(self._ensure_consumer().position(stock.ensure_aiokafka_TP(partition))))

    async def at_times(self, times_ms: Mapping[TP, int]) -> dict[TP, int]:
        """Return the first offset at or after each time, without partitions that have none so late."""
        asked = {stock.ensure_aiokafka_TP(place): at_ms for place, at_ms in times_ms.items()}
        found = await self._asked(self._ensure_consumer().offsets_for_times(asked))
        return {TP(*place): int(answer.offset) for place, answer in found.items() if answer is not None}

    async def store(self, marks: Mapping[TP, Mark]) -> bool:
        """Commit; False when the group has moved on and these partitions are not ours to commit.

        Raises Unavailable when the broker did not take it, Misconfigured when another process has our member's name.
        """
        self.tp_last_committed_at.update(dict.fromkeys(marks, clock.monotonic_s()))
        offsets = {stock.ensure_aiokafka_TP(place): (mark.offset, mark.note) for place, mark in marks.items()}
        try:
            await self._ensure_consumer().commit(offsets)
        except (_CommitFailed, _IllegalState):
            return False
        except _KafkaError as error:
            if _FENCED in type(error).__name__:
                name = self.app.conf.consumer_group_instance_id
                raise Misconfigured(
                    f"another process is the member {name!r} of the group {self.app.conf.id!r}",
                    fix="stop one of the two",
                ) from error
            raise Unavailable(f"Kafka did not take a commit ({_said(error)})") from error
        return True

    async def _asked(self, answer: Any) -> Any:  # noqa: ANN401 - what the library answers is untyped
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                return await answer
        except (_KafkaError, TimeoutError) as error:
            raise Unavailable(f"Kafka does not answer ({_said(error)})") from error


def _places(partitions: Iterable[TP]) -> list[Any]:
    return [stock.ensure_aiokafka_TP(partition) for partition in partitions]


def _plain(found: Mapping[Any, int]) -> dict[TP, int]:
    return {TP(*place): int(offset) for place, offset in found.items()}


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__
