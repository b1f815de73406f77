"""Administering the cluster: topics, their settings, groups and offsets, as plain values and our own errors."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, errors
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime.kafka import connection
from tapeline.runtime.kafka.records import Partition

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from tapeline.runtime.endpoints import KafkaEndpoint

_TIMEOUT_MS = 10_000
_LOOK_AGAIN_S = 0.02
_NO_OFFSET = -1
_EXISTS = errors.TopicAlreadyExistsError.errno
_FORBIDDEN = {errors.TopicAuthorizationFailedError.errno, errors.ClusterAuthorizationFailedError.errno}


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicState:
    """A topic as the cluster has it: the leader of each partition (None while there is none) and its copies."""

    name: str
    leaders: tuple[int | None, ...]
    replicas: tuple[tuple[int, ...], ...]
    in_sync: tuple[tuple[int, ...], ...]

    @property
    def partitions(self) -> int:
        """Return how many partitions it has."""
        return len(self.leaders)

    def places(self) -> tuple[Partition, ...]:
        """Return all its partitions."""
        return tuple(Partition(self.name, number) for number in range(self.partitions))


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What a group has committed: the offset to be read next, and the note beside it."""

    offset: int
    metadata: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMember:
    """A living member of a group."""

    member_id: str
    instance_id: str | None
    client_id: str
    host: str


@contextlib.asynccontextmanager
async def admin(endpoint: KafkaEndpoint) -> AsyncIterator[Admin]:
    """Wait for the broker (X-06) and open an administrator for the time of the block."""
    await connection.reach(endpoint)
    known = connection.options(endpoint)
    client = AIOKafkaAdminClient(**known, client_id="tapeline-admin")
    # The library's administrator cannot ask for ends; a consumer without group and topics can.
    reader = AIOKafkaConsumer(**known, client_id="tapeline-admin", enable_auto_commit=False)
    try:
        try:
            await client.start()
            await reader.start()
            yield Admin(endpoint, client, reader)
        finally:
            await reader.stop()
            await client.close()
    except (errors.KafkaError, TimeoutError) as error:
        raise connection.translated(error, endpoint) from error


class Admin:
    """What can be asked of a cluster and done to it; use it inside `async with admin(endpoint)`."""

    def __init__(self, endpoint: KafkaEndpoint, client: AIOKafkaAdminClient, reader: AIOKafkaConsumer) -> None:
        """Keep the open clients; `admin` makes and closes them."""
        self._endpoint = endpoint
        self._client = client
        self._reader = reader

    async def brokers(self) -> dict[int, str]:
        """Return host:port of each broker by its id."""
        found = await self._client.describe_cluster()
        return {broker["node_id"]: f"{broker['host']}:{broker['port']}" for broker in found["brokers"]}

    async def topics(self, names: Iterable[str] | None = None, *, internal: bool = False) -> dict[str, TopicState]:
        """Return the topics of these names (default: all) that exist; the broker's own only with `internal`."""
        found: dict[str, TopicState] = {}
        for topic in await self._client.describe_topics(None if names is None else list(names)):
            if topic["error_code"] == 0 and (internal or not topic["is_internal"]):
                parts = sorted(topic["partitions"], key=lambda part: int(part["partition"]))
                found[topic["topic"]] = TopicState(
                    name=topic["topic"],
                    leaders=tuple(part["leader"] if part["leader"] >= 0 else None for part in parts),
                    replicas=tuple(tuple(part["replicas"]) for part in parts),
                    in_sync=tuple(tuple(part["isr"]) for part in parts),
                )
        return found

    async def create(self, name: str, *, partitions: int, replication: int, config: Mapping[str, str]) -> bool:
        """Create a topic and return when every partition has its leader; False when it exists already."""
        wanted = NewTopic(name, partitions, replication, topic_configs=dict(config))
        response = await self._client.create_topics([wanted], timeout_ms=_TIMEOUT_MS)
        for _, code, message, *_ in response.topic_errors:
            if code == _EXISTS:
                return False
            if code in _FORBIDDEN:
                raise connection.forbidden(self._endpoint, f"create the topic {name}")
            if code:
                raise Misconfigured(
                    f"Kafka at {self._endpoint.bootstrap} refused to create the topic {name} ({message})",
                    fix="correct kafka.partitions or kafka.replication",
                )
        await self._await_leaders(name, partitions)
        return True

    async def _await_leaders(self, name: str, partitions: int) -> None:
        """Wait until the brokers show a new topic: they answer before they all know it."""
        try:
            async with asyncio.timeout(_TIMEOUT_MS / 1_000):
                while True:
                    state = (await self.topics([name])).get(name)
                    if state is not None and state.partitions == partitions and None not in state.leaders:
                        return
                    await asyncio.sleep(_LOOK_AGAIN_S)
        except TimeoutError as error:
            raise Unavailable(f"the topic {name} was created and has no leader for every partition yet") from error

    async def delete(self, name: str) -> None:
        """Delete a topic and all its records."""
        response = await self._client.delete_topics([name], timeout_ms=_TIMEOUT_MS)
        for _, code in response.topic_error_codes:
            if code:
                raise connection.translated(errors.for_code(code)(), self._endpoint, f"delete the topic {name}")

    async def config(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        """Return the settings of each topic, defaults included."""
        asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        found: dict[str, dict[str, str]] = {}
        for response in await self._client.describe_configs(asked) if asked else ():
            for code, _, _, name, entries in response.resources:
                if code == 0:
                    found[name] = {entry[0]: entry[1] or "" for entry in entries}
        return found

    async def groups(self) -> tuple[str, ...]:
        """Return the names of all groups, sorted."""
        return tuple(sorted({group[0] for group in await self._client.list_consumer_groups()}))

    async def members(self, group: str) -> tuple[str, tuple[GroupMember, ...]]:
        """Return the state of a group (`Stable`, `Empty`, ..) and its living members."""
        for response in await self._client.describe_consumer_groups([group]):
            for found in response.to_object()["groups"]:
                return found["state"], tuple(_member(member) for member in found["members"])
        raise Unavailable(f"Kafka at {self._endpoint.bootstrap} says nothing about the group {group}")

    async def commits(self, group: str) -> dict[Partition, Commit]:
        """Return what a group has committed, with its metadata."""
        found = await self._client.list_consumer_group_offsets(group)
        return {
            partition: Commit(offset=commit.offset, metadata=commit.metadata or "")
            for partition, commit in found.items()
            if commit.offset != _NO_OFFSET
        }

    async def ends(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Return the end of each partition; one whose topic is gone is absent."""
        asked: dict[str, list[Partition]] = defaultdict(list)
        for partition in partitions:
            asked[partition.topic].append(partition)
        living = await self.topics(asked)
        known = [part for topic in living for part in asked[topic] if part.partition < living[topic].partitions]
        return dict(await self._reader.end_offsets(known)) if known else {}

    async def beginnings(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Return the oldest offset left in each partition."""
        return dict(await self._reader.beginning_offsets(list(partitions)))


def _member(found: Mapping[str, Any]) -> GroupMember:
    return GroupMember(
        member_id=found["member_id"],
        instance_id=found.get("group_instance_id"),
        client_id=found["client_id"],
        host=found["client_host"].removeprefix("/"),
    )
