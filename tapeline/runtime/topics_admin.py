"""The cluster's topics against the catalogue: what is missing is created, what differs is told, nothing is changed.

A topic's partitions decide where a symbol's records stand, so a count that differs from ours refuses the start.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tapeline.errors import Misconfigured
from tapeline.runtime import logs
from tapeline.runtime.log_events import LogEvent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from schemas.topics import Topic
    from tapeline.runtime.kafka import Admin, TopicState


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A setting of a topic that is not what the catalogue says."""

    topic: str
    key: str
    found: str | None
    expected: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ensured:
    """What `ensure` did and found."""

    created: tuple[str, ...]
    drift: tuple[Drift, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How far a group is behind in one partition; `committed` is None where it has committed nothing."""

    group: str
    topic: str
    partition: int
    committed: int | None
    end: int
    metadata: str

    @property
    def lag(self) -> int:
        """Return how many offsets stand between what is committed and the end."""
        return self.end - (self.committed or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """One topic as the cluster has it."""

    state: TopicState
    config: Mapping[str, str]
    drift: tuple[Drift, ...]
    beginnings: tuple[int, ...]
    ends: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """How many partitions of a topic have fewer copies in step than they should, and than a write needs."""

    wanted: int
    needed: int
    under_replicated: int
    under_min: int


def copies(state: TopicState, config: Mapping[str, str]) -> Copies:
    """Count a topic's copies."""
    needed = int(config.get("min.insync.replicas", "1"))
    pairs = tuple(zip(state.in_sync, state.replicas, strict=True))
    return Copies(
        wanted=max((len(replicas) for replicas in state.replicas), default=0),
        needed=needed,
        under_replicated=sum(len(there) < len(replicas) for there, replicas in pairs),
        under_min=sum(len(there) < needed for there, _ in pairs),
    )


async def ensure(admin: Admin, catalogue: Iterable[Topic], *, partitions: int, replication: int) -> Ensured:
    """Create the topics that are missing and return what was created and which settings differ.

    `partitions` is how many the topics have that are split by symbol. Raises Misconfigured when a topic has another
    number of partitions; then nothing was created.
    """
    wanted = tuple(catalogue)
    states = await admin.topics()
    existing = [topic for topic in wanted if topic.name in states]
    for topic in existing:
        _check_partitions(topic, states[topic.name].partitions, topic.partition_count(partitions))
    missing = [topic for topic in wanted if topic.name not in states]
    # All at once: the broker takes about 40 ms for each.
    ours = await asyncio.gather(*(_create(admin, topic, partitions, replication) for topic in missing))
    created = tuple(topic.name for topic, made in zip(missing, ours, strict=True) if made)
    configs = await admin.config(topic.name for topic in existing)
    drift = tuple(
        found
        for topic in existing
        for found in _drift(topic, configs.get(topic.name, {}), topic.partition_count(partitions), replication)
    )
    return Ensured(created=created, drift=drift)


async def _create(admin: Admin, topic: Topic, partitions: int, replication: int) -> bool:
    count = topic.partition_count(partitions)
    config = topic.config(partitions=count, replication=replication)
    made = await admin.create(topic.name, partitions=count, replication=replication, config=config)
    if made:
        logs.get(__name__).info(LogEvent.TOPIC_CREATED, topic=topic.name, partitions=count)
    return made


async def describe(admin: Admin, topic: Topic, *, replication: int) -> Description:
    """Return all about one topic; Misconfigured when the cluster does not have it."""
    states = await admin.topics([topic.name])
    state = states.get(topic.name)
    if state is None:
        raise Misconfigured(
            f"there is no topic {topic.name} on the broker",
            fix="run `tapeline up`, which creates the catalogue's topics",
        )
    config = (await admin.config([topic.name])).get(topic.name, {})
    places = state.places()
    ends, beginnings = await admin.ends(places), await admin.beginnings(places)
    return Description(
        state=state,
        config=config,
        drift=_drift(topic, config, state.partitions, replication),
        beginnings=tuple(beginnings[place] for place in places),
        ends=tuple(ends[place] for place in places),
    )


async def lag(admin: Admin, group: str) -> tuple[Lag, ...]:
    """Return how far a group is behind, by topic and partition.

    A partition in which it has committed nothing is shown where it has committed in another one of the same topic.
    """
    commits = await admin.commits(group)
    states = await admin.topics({place.topic for place in commits})
    places = [place for name in sorted(states) for place in states[name].places()]
    ends = await admin.ends(places)
    found = []
    for place in places:
        commit = commits.get(place)
        found.append(
            Lag(
                group=group,
                topic=place.topic,
                partition=place.partition,
                committed=None if commit is None else commit.offset,
                end=ends[place],
                metadata="" if commit is None else commit.metadata,
            )
        )
    return tuple(found)


async def lags(admin: Admin) -> tuple[Lag, ...]:
    """Return how far every group is behind."""
    return tuple([row for group in await admin.groups() for row in await lag(admin, group)])


def _check_partitions(topic: Topic, found: int, expected: int) -> None:
    if found != expected:
        fix = f"set kafka.partitions to {found}" if topic.partitions == "symbol" else "restore it as it was"
        raise Misconfigured(
            f"the topic {topic.name} has {found} partitions and {expected} are expected",
            fix=f"{fix}, or move its records to a new cluster: the number is fixed when a topic is created",
        )


def _drift(topic: Topic, found: Mapping[str, str], partitions: int, replication: int) -> tuple[Drift, ...]:
    expected = topic.config(partitions=partitions, replication=replication)
    return tuple(
        Drift(topic=topic.name, key=key, found=found.get(key), expected=value)
        for key, value in expected.items()
        if found.get(key) != value
    )
