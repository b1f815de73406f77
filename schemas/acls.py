"""Who may do what on the broker, made from the catalogue's owners and readers: one user per kind of process.

A right that does not follow from here is granted to none of these users. Whoever runs `tapeline topics acls --apply` is
an administrator of the broker and none of them.
"""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from schemas.topics import TOPICS, Process, Topic

Resource = Literal["topic", "group", "cluster", "transactional_id", "delegation_token", "user"]
Pattern = Literal["literal", "prefixed"]
Operation = Literal[
    "all", "read", "write", "create", "delete", "alter", "describe", "cluster_action", "describe_configs",
    "alter_configs", "idempotent_write", "create_tokens", "describe_tokens", "two_phase_commit",
]  # fmt: skip
Permission = Literal["allow", "deny"]

PROCESSES: Final[tuple[Process, ...]] = typing.get_args(Process)
CLUSTER: Final = "kafka-cluster"
"""The name that Kafka gives to the one resource of kind cluster."""
REGISTRY_TOPIC: Final = "_schemas"
"""Where our own registry keeps the schemas; it is part of `infra`."""
GROUPS: Final[dict[Process, tuple[str, ...]]] = {
    "processors": ("spreads",),
    "strategies": ("strategies",),
    "sinks": ("sink-",),
}
"""How the names of a process's consumer groups begin; who is not here reads without a group."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Binding:
    """One rule of the broker: a principal may, or must not, do something to a resource from a host."""

    principal: str
    resource: Resource
    name: str
    operation: Operation
    pattern: Pattern = "literal"
    permission: Permission = "allow"
    host: str = "*"


def user_of(process: Process) -> str:
    """Return the broker's user of a kind of process: `tapeline-executor`."""
    return f"tapeline-{process}"


def principal_of(process: Process) -> str:
    """Return that user as the broker's rules spell it."""
    return f"User:{user_of(process)}"


def bindings(catalogue: Iterable[Topic] = TOPICS) -> tuple[Binding, ...]:
    """Return every rule that our processes need on a broker that denies what no rule allows, sorted."""
    return tuple(sorted(_bindings(tuple(catalogue))))


def _bindings(catalogue: tuple[Topic, ...]) -> Iterator[Binding]:
    for topic in catalogue:
        # To read or to write is to describe, for Kafka.
        for process in topic.owner:
            yield _on_topic(process, topic.name, "write")
        for process in topic.readers:
            yield _on_topic(process, topic.name, "read")
        # `up` makes the topics; people look at all of them, and at the records of those that say so.
        yield _on_topic("infra", topic.name, "create")
        for operation in _LOOKING:
            yield _on_topic("infra", topic.name, operation)
            yield _on_topic("cli", topic.name, operation)
    for operation in _OF_REGISTRY:
        yield _on_topic("infra", REGISTRY_TOPIC, operation)
    for process, prefixes in GROUPS.items():
        for prefix in prefixes:
            yield _on_group(process, prefix, "read")
            yield _on_group("cli", prefix, "describe")
    for process in PROCESSES:
        if any(process in topic.owner for topic in catalogue):
            # Kafka takes it from the right to write anything; Redpanda asks for it.
            yield _on_cluster(process, "idempotent_write")
    yield _on_cluster("cli", "describe")


_LOOKING: Final[tuple[Operation, ...]] = ("describe", "describe_configs")
_OF_REGISTRY: Final[tuple[Operation, ...]] = ("create", "describe", "describe_configs", "read", "write")


def _on_topic(process: Process, name: str, operation: Operation) -> Binding:
    return Binding(principal=principal_of(process), resource="topic", name=name, operation=operation)


def _on_group(process: Process, prefix: str, operation: Operation) -> Binding:
    principal = principal_of(process)
    return Binding(principal=principal, resource="group", name=prefix, operation=operation, pattern="prefixed")


def _on_cluster(process: Process, operation: Operation) -> Binding:
    return Binding(principal=principal_of(process), resource="cluster", name=CLUSTER, operation=operation)
