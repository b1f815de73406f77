"""Rules of the broker as values: they follow from owners and readers, and from nothing else."""

from __future__ import annotations

from dataclasses import replace

from schemas import acls
from schemas.acls import Binding
from schemas.topics import TOPICS, by_name
from tapeline.runtime.acls_admin import Changes, changes


def test_one_topic_gives_each_owner_and_reader_what_it_does_and_people_a_look() -> None:
    topic = replace(by_name("order.intent"), owner=("gateway",), readers=("executor",))
    found = [one for one in acls.bindings([topic]) if one.name == topic.name]

    assert sorted((one.principal, one.operation) for one in found) == [
        ("User:tapeline-cli", "describe"),
        ("User:tapeline-cli", "describe_configs"),
        ("User:tapeline-executor", "read"),
        ("User:tapeline-gateway", "write"),
        ("User:tapeline-infra", "create"),
        ("User:tapeline-infra", "describe"),
        ("User:tapeline-infra", "describe_configs"),
    ]
    assert {(one.resource, one.pattern, one.permission, one.host) for one in found} == {
        ("topic", "literal", "allow", "*")
    }


def test_groups_belong_to_who_reads_in_them_and_only_their_names_begin() -> None:
    found = {(one.principal, one.name, one.operation) for one in acls.bindings() if one.resource == "group"}
    assert found == {
        ("User:tapeline-processors", "spreads", "read"),
        ("User:tapeline-strategies", "strategies", "read"),
        ("User:tapeline-sinks", "sink-", "read"),
        ("User:tapeline-cli", "spreads", "describe"),
        ("User:tapeline-cli", "strategies", "describe"),
        ("User:tapeline-cli", "sink-", "describe"),
    }
    assert {one.pattern for one in acls.bindings() if one.resource == "group"} == {"prefixed"}


def test_who_writes_nothing_may_not_write_at_all_and_nobody_rules_the_cluster() -> None:
    found = {(one.principal, one.operation) for one in acls.bindings() if one.resource == "cluster"}
    writers = {process for topic in TOPICS for process in topic.owner}
    assert found == {(acls.principal_of(one), "idempotent_write") for one in writers} | {
        ("User:tapeline-cli", "describe")
    }
    assert not {one.operation for one in acls.bindings()} & {
        "all",
        "alter",
        "alter_configs",
        "delete",
        "cluster_action",
    }


def test_there_is_no_rule_twice_and_their_order_is_fixed() -> None:
    found = acls.bindings()
    assert found == tuple(sorted(set(found)))


def test_what_must_change_is_what_differs() -> None:
    one, two, three = (Binding(principal="User:a", resource="topic", name=name, operation="read") for name in "abc")
    assert changes([one, two], [two, three]) == Changes(add=(one,), remove=(three,), same=1)
    assert changes([one], [replace(one, permission="deny")]).remove == (replace(one, permission="deny"),)
