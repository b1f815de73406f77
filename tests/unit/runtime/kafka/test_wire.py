"""Requests about rules and users as bytes, against what librdkafka and Kafka's own enums say."""

from __future__ import annotations

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it has them and does not say so
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
    ScramMechanism,
)

from schemas.acls import Binding, bindings
from tapeline.runtime.kafka import wire


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (wire.PATTERNS, ResourcePatternType),
        (wire.OPERATIONS, AclOperation),
        (wire.PERMISSIONS, AclPermissionType),
        (wire.SCRAM, ScramMechanism),
    ],
)
def test_the_numbers_are_those_of_another_client(ours: dict[str, int], theirs: type) -> None:
    known = {name.lower().replace("-", "_"): number for name, number in ours.items()}
    others = {one.name.lower(): one.value for one in theirs}  # type: ignore[attr-defined]  # an enum
    both = known.keys() & others.keys()
    assert {name: known[name] for name in both} == {name: others[name] for name in both}
    assert len(both) >= 2


def test_a_topic_is_a_topic() -> None:
    assert wire.RESOURCES["topic"] == ResourceType.TOPIC.value
    assert wire.RESOURCES["group"] == ResourceType.GROUP.value


def test_every_rule_survives_the_way_to_the_broker_and_back() -> None:
    other = Binding(
        principal="User:x", resource="user", name="y", operation="describe_tokens", permission="deny", host="1"
    )
    for one in (*bindings(), other):
        resource, name, pattern, principal, host, operation, permission = wire.row(one)
        assert wire.binding(resource, name, pattern, (principal, host, operation, permission)) == one
