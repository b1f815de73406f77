"""The shell around every agent: decode, decide, publish, acknowledge; what breaks its contract is set aside.

A batch is acknowledged when all that follows from it is: its outputs and its dead letters. Each partition has a lane
with at most one publication under way; what is decided meanwhile is published together, so that order is kept and a
slow acknowledgement costs latency, never throughput. Any other error crashes the worker; nothing of the batch is
committed then.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

import msgspec

from processors.agent import Agent, Output, Placed
from processors.notices import Notices
from processors.outlets import Outlets
from processors.transport.batch import Batch
from schemas import topics
from tapeline.domain import events
from tapeline.errors import InvalidMessage, UnknownSchema
from tapeline.runtime import clock, metrics
from tapeline.runtime.kafka import Outgoing, Record

State = TypeVar("State")
Spawn = Callable[[Coroutine[Any, Any, None]], object]
"""Runs work in the background; a crash in it must stop the worker."""


@dataclasses.dataclass(slots=True)
class _Decided:
    """A batch and what follows from it."""

    batch: Batch
    outputs: list[Output]
    broken: list[tuple[Record, InvalidMessage]]


class _Lane(Generic[State]):
    """One partition in one assignment: its state, and what waits to be published."""

    def __init__(self, assignment: int, state: State) -> None:
        self.assignment = assignment
        self.state = state
        self.waiting: deque[_Decided] = deque()
        self.running = False
        self.heard = 0
        """The number of the last notice that the state was told."""


class Shell(Generic[State]):
    """Runs one agent; Faust's agent hands it every batch."""

    def __init__(self, agent: Agent[State], outlets: Outlets, spawn: Spawn, notices: Notices | None = None) -> None:
        """Take the agent, where its outputs go, how to run what goes on in the background, and what all are told."""
        self._agent = agent
        self._outlets = outlets
        self._spawn = spawn
        self._notices = notices
        self._topics = {name: topics.by_name(name) for name in (*agent.reads, *agent.writes)}
        self._read = {name: metrics.RECORDS_READ.bind(agent=agent.name, topic=name) for name in agent.reads}
        self._written = {name: metrics.OUTPUTS.bind(agent=agent.name, topic=name) for name in agent.writes}
        self._lanes: dict[int, _Lane[State]] = {}

    async def turn(self, batch: Batch) -> None:
        """Decide on a batch; it is published and acknowledged in its partition's lane."""
        lane = self._lanes.get(batch.partition)
        if lane is None or lane.assignment != batch.assignment:
            lane = self._lanes[batch.partition] = _Lane(batch.assignment, self._agent.fresh())
        told = self._told(lane)
        decided = await self._decided(lane.state, batch, told)
        if not (decided.outputs or decided.broken or lane.running):
            self._acknowledge(decided)
            return
        lane.waiting.append(decided)
        if not lane.running:
            lane.running = True
            self._spawn(self._publish(lane))

    def _told(self, lane: _Lane[State]) -> list[Output]:
        """Tell the state what was noticed since its last turn, before the batch."""
        made: list[Output] = []
        if self._notices is not None:
            lane.heard, news = self._notices.since(lane.heard)
            for one in news:
                made += self._agent.decide(lane.state, one if self._agent.placed else one.value)
        return made

    async def _decided(self, state: State, batch: Batch, told: list[Output]) -> _Decided:
        """Take the records into the state; of a replayed batch nothing else follows."""
        made = _Decided(batch, told, [])
        for record in batch.newest() if batch.topic in self._agent.newest else batch.records:
            try:
                value = await self._value(record)
                if self._agent.placed:
                    value = Placed(value, record.topic, record.partition, record.offset)
                made.outputs += self._agent.decide(state, value)
            except InvalidMessage as error:
                made.broken.append((record, error))
        if batch.replayed and self._agent.recall is not None:
            self._agent.recall(state)
        elif self._agent.conclude is not None:
            made.outputs += self._agent.conclude(state)
        return _Decided(batch, [], []) if batch.replayed else made

    async def _value(self, record: Record) -> Any:  # noqa: ANN401 - the Struct differs from topic to topic
        topic = self._topics[record.topic]
        if record.value is None:
            raise InvalidMessage(f"a record of {topic.name} has no value", field="value")
        try:
            return self._outlets.codec.decode(topic, record.value)
        except UnknownSchema as error:
            await self._outlets.learn(error.schema_id)
            return self._outlets.codec.decode(topic, record.value)

    async def _publish(self, lane: _Lane[State]) -> None:
        try:
            while lane.waiting:
                decided = list(lane.waiting)
                lane.waiting.clear()
                await self._settle(lane.state, decided)
        finally:
            lane.running = False

    async def _settle(self, state: State, decided: list[_Decided]) -> None:
        """Publish what follows from these batches, then acknowledge them in their order."""
        partition = decided[0].batch.partition
        outgoing: dict[str, list[Outgoing]] = defaultdict(list)
        now_us = clock.now_us()
        for one in decided:
            for record, error in one.broken:
                await self._outlets.set_aside(record, error)
            for output in one.outputs:
                data = self._outlets.codec.encode(self._topics[output.topic], _stamped(output.value, now_us))
                outgoing[output.topic].append(Outgoing(output.key.encode(), data, output.headers))
        for name, records in outgoing.items():
            await self._outlets.publish(name, partition, records)
            self._written[name].inc(len(records))
        measure = self._agent.measure
        for one in decided:
            self._acknowledge(one)
            if measure is not None:
                measure(state, one.outputs)

    def _acknowledge(self, decided: _Decided) -> None:
        batch = decided.batch
        if not batch.replayed:
            self._outlets.passed(batch.topic, len(batch) - len(decided.broken))
            self._read[batch.topic].inc(len(batch))
        batch.acknowledge()


def _stamped(value: msgspec.Struct | dict[str, Any], now_us: int) -> msgspec.Struct | dict[str, Any]:
    """Return the value with the time at which it is handed to the broker, which no pure function knows."""
    if isinstance(value, dict):
        return {**value, "published_us": now_us}
    if f"tapeline.{type(value).__name__}" not in events.STRUCTS:
        # A signal has its Struct beside its function; the codec takes it as plain values.
        return {**msgspec.structs.asdict(value), "published_us": now_us}
    return msgspec.structs.replace(value, published_us=now_us)
