"""The broker's rules as the catalogue says them: every user tries every topic on a real broker, and is told why not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from schemas import acls
from schemas.acls import PROCESSES, Binding, user_of
from schemas.topics import TOPICS, Process
from tapeline.errors import Misconfigured
from tapeline.runtime import acls_admin, topics_admin
from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.kafka import Partition, Publisher, Reader, Record, access, admin
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings
from tests.support.eventually import eventually
from tests.support.guarded_kafka import Guarded, guarded_kafka

PASSWORDS: dict[Process, str | None] = {process: f"of the {process} here" for process in PROCESSES}


@pytest.fixture(scope="module")
def guarded(
    tapeline_up: RunFile, tapeline_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Guarded]:
    """A broker with users and rules of ours."""
    cache = tapeline_settings.data.cache_dir
    assert cache is not None
    with guarded_kafka(tmp_path_factory.mktemp("ruled"), cache) as found:
        asyncio.run(set_up(found.both))
        yield found


async def set_up(endpoint: KafkaEndpoint) -> None:
    async with admin(endpoint) as asked:
        await topics_admin.ensure(asked, TOPICS, partitions=2, replication=1)
    async with access(endpoint) as asked:
        await acls_admin.apply(asked, await acls_admin.look(asked))
        await acls_admin.set_users(asked, await acls_admin.users(endpoint, PASSWORDS), PASSWORDS)
    async with Publisher(endpoint, client_id="test") as publisher:
        for topic in TOPICS:
            await publisher.publish(topic.name, "k", b"v", partition=0)


def as_user(guarded: Guarded, process: Process) -> KafkaEndpoint:
    return replace(guarded.both, username=user_of(process), password=PASSWORDS[process])


def refusal(guarded: Guarded, process: Process, doing: str) -> str:
    return (
        f"Kafka at {guarded.both.bootstrap} (kafka.bootstrap) does not permit the user '{user_of(process)}' to {doing}"
        ": set kafka.username to this process's user, or grant it there (`tapeline topics acls` shows the rules)"
    )


async def writes(publisher: Publisher | str, topic: str) -> str:
    if isinstance(publisher, str):
        return publisher
    try:
        await publisher.publish(topic, "k", b"v", partition=0)
    except Misconfigured as error:
        return str(error)
    return "done"


async def reads(endpoint: KafkaEndpoint, topic: str) -> str:
    try:
        async with Reader.assigned(endpoint, {topic: "beginning"}, client_id="test") as reader:
            await first(reader)
    except Misconfigured as error:
        return str(error)
    return "done"


async def first(reader: Reader) -> Mapping[Partition, Sequence[Record]]:
    """Return what comes first; unlike `eventually` it lets a refusal through."""
    async with asyncio.timeout(20):
        while True:
            found = await reader.batches()
            if found:
                return found


@pytest.mark.parametrize("process", PROCESSES)
async def test_each_user_writes_and_reads_what_the_catalogue_says_and_nothing_else(
    guarded: Guarded, process: Process
) -> None:
    endpoint = as_user(guarded, process)
    async with AsyncExitStack() as stack:
        publisher: Publisher | str
        try:
            publisher = await stack.enter_async_context(Publisher(endpoint, client_id="test"))
        except Misconfigured as error:
            publisher = str(error)
        found = {
            topic.name: (await writes(publisher, topic.name), await reads(endpoint, topic.name)) for topic in TOPICS
        }

    assert found == {
        topic.name: (
            "done" if process in topic.owner else refusal(guarded, process, denied(process, topic.name, "write")),
            "done" if process in topic.readers else refusal(guarded, process, denied(process, topic.name, "read")),
        )
        for topic in TOPICS
    }


def denied(process: Process, topic: str, doing: str) -> str:
    """Return what is told: who has no right at all on a topic does not even get to see it."""
    if doing == "write" and not any(process in one.owner for one in TOPICS):
        return "write any topic"
    known = {one.name for one in acls.bindings() if one.principal == acls.principal_of(process)}
    return f"{doing if topic in known else 'see'} the topic {topic}"


def test_intents_are_written_by_strategies_and_gateway_alone_and_read_by_the_executor_who_alone_tells_of_them() -> None:
    def who(topic: str, operation: str) -> set[str]:
        return {one.principal for one in acls.bindings() if one.name == topic and one.operation == operation}

    assert who("order.intent", "write") == {"User:tapeline-strategies", "User:tapeline-gateway"}
    assert who("order.intent", "read") == {"User:tapeline-executor"}
    assert who("order.event", "write") == {"User:tapeline-executor"}


@pytest.fixture
async def ruling(guarded: Guarded) -> AsyncIterator[KafkaEndpoint]:
    """The administrator; what a test changed is put right at its end."""
    yield guarded.both
    async with access(guarded.both) as asked:
        await acls_admin.apply(asked, await acls_admin.look(asked))


async def test_a_second_time_changes_nothing(ruling: KafkaEndpoint) -> None:
    async with access(ruling) as asked:
        assert await acls_admin.look(asked) == acls_admin.Changes(add=(), remove=(), same=len(acls.bindings()))
        states = {user.state for user in await acls_admin.users(ruling, PASSWORDS)}
    assert states == {"as settings say"}


async def test_what_is_missing_is_added_and_what_is_too_much_is_removed_from_our_users_only(
    ruling: KafkaEndpoint,
) -> None:
    gone = acls.bindings()[7]
    more = Binding(principal="User:tapeline-gateway", resource="topic", name="order.event", operation="write")
    never = replace(more, name="md.", pattern="prefixed", permission="deny", host="10.0.0.1")
    stranger = replace(more, principal="User:somebody")
    async with access(ruling) as asked:
        await asked.unbind([gone])
        await asked.bind([more, never, stranger])

        wanted = await acls_admin.look(asked)
        await acls_admin.apply(asked, wanted)

        same = len(acls.bindings())
        assert wanted == acls_admin.Changes(add=(gone,), remove=tuple(sorted((more, never))), same=same - 1)
        assert await acls_admin.look(asked) == acls_admin.Changes(add=(), remove=(), same=same)
        assert await asked.bindings(["User:somebody"]) == {stranger}
        await asked.unbind([stranger])


async def test_a_new_password_is_found_out_by_trying_it(ruling: KafkaEndpoint) -> None:
    wanted: dict[Process, str | None] = {"sinks": "another one", "cli": PASSWORDS["cli"]}
    async with access(ruling) as asked:
        before = await acls_admin.users(ruling, wanted)
        await acls_admin.set_users(asked, before, wanted)
        after = await eventually(lambda: changed(ruling, wanted))
        await acls_admin.set_users(asked, await acls_admin.users(ruling, PASSWORDS), PASSWORDS)

    assert after is not None
    told = {user.process: user.state for user in before if user.state != "no password in settings"}
    assert told == {"sinks": "to be set", "cli": "as settings say"}
    assert {user.state for user in after} == {"as settings say", "no password in settings"}


async def changed(endpoint: KafkaEndpoint, wanted: dict[Process, str | None]) -> tuple[acls_admin.User, ...] | None:
    found = await acls_admin.users(endpoint, wanted)
    return None if any(user.state == "to be set" for user in found) else found


async def test_who_is_no_administrator_may_neither_look_nor_change(guarded: Guarded) -> None:
    with pytest.raises(Misconfigured) as refused:
        async with access(as_user(guarded, "executor")) as asked:
            await acls_admin.look(asked)
    assert str(refused.value) == refusal(guarded, "executor", "administer users and their rules")


async def test_a_broker_that_checks_no_rules_is_told(tapeline_up: RunFile) -> None:
    assert tapeline_up.addresses.kafka is not None
    with pytest.raises(Misconfigured, match="checks no rules: everybody may do everything: turn its authorizer on"):
        async with access(KafkaEndpoint(bootstrap=tapeline_up.addresses.kafka)) as asked:
            await acls_admin.look(asked)


GROUPS: dict[tuple[Process, str], bool] = {
    ("sinks", "sink-clickhouse"): True,
    ("sinks", "spreads"): False,
    ("strategies", "strategies"): True,
    ("gateway", "strategies"): False,
}


@pytest.mark.parametrize(("process", "group"), GROUPS)
async def test_a_group_is_its_process_own(guarded: Guarded, process: Process, group: str) -> None:
    endpoint = as_user(guarded, process)

    async def joined() -> str:
        try:
            async with Reader.in_group(endpoint, ["order.event"], group=group, member="one") as reader:
                found = await first(reader)
                await reader.commit({partition: records[-1].offset + 1 for partition, records in found.items()})
        except Misconfigured as error:
            return str(error)
        return "done"

    expected = "done" if GROUPS[process, group] else refusal(guarded, process, f"read in the group {group}")
    assert await joined() == expected


async def test_a_group_that_may_not_see_its_topic_is_told_so_and_does_not_wait(guarded: Guarded) -> None:
    async with AsyncExitStack() as stack:
        with pytest.raises(Misconfigured) as refused:
            await stack.enter_async_context(
                Reader.in_group(as_user(guarded, "sinks"), ["order.intent"], group="sink-x", member="one")
            )
    assert str(refused.value) == refusal(guarded, "sinks", "see the topic order.intent")
