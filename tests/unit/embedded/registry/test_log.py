"""However writers race and Kafka fails, an answered id is the one id of its schema, for every reader of the log."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from infra.embedded.registry.answers import Answer
from infra.embedded.registry.log import Registry
from infra.embedded.registry.records import Entry, SchemaRegistered, encode
from infra.embedded.registry.requests import GetSchema, ListSubjects, Register, Request, SchemaBody
from infra.embedded.registry.state import State
from tapeline.errors import Misconfigured
from tests.support.schema_log import FakeLog


async def opened(log: FakeLog, name: str = "a", *, answer_within_s: float = 5.0) -> Registry:
    counter = itertools.count()
    registry = Registry(lambda: f"{name}{next(counter)}", answer_within_s=answer_within_s)
    await registry.follow(log)
    return registry


def register(subject: str, schema: str = '"int"') -> Register:
    return Register(subject=subject, body=SchemaBody(schema=schema))


def away(reason: str) -> Answer:
    return Answer({"error_code": 50001, "message": f"Error in the backend data store: {reason}"}, 503)


async def test_before_the_log_is_read_nothing_is_known() -> None:
    registry = Registry(lambda: "a")
    asked: list[Request] = [ListSubjects(), GetSchema(id=1), register("s")]
    assert [await registry.answer(request) for request in asked] == [away("the log is not read yet")] * 3


async def test_equal_registrations_at_once_get_one_id() -> None:
    log = FakeLog()
    one, two = await opened(log, "a"), await opened(log, "b")
    found = await asyncio.gather(*(registry.answer(register("s")) for registry in [one, two] * 10))
    assert (found, len(one.state.subject("s").versions)) == ([Answer({"id": 1})] * 20, 1)


async def test_two_registries_never_give_one_id_to_two_schemas() -> None:
    log = FakeLog()
    registries = [await opened(log, name) for name in "abc"]
    asked = [
        (registry, f"s{n}", f'{{"type":"fixed","name":"F","size":{n}}}') for n in range(1, 9) for registry in registries
    ]
    found = await asyncio.gather(*(registry.answer(register(subject, text)) for registry, subject, text in asked))
    by_text = {(text, answer.body["id"]) for (_, _, text), answer in zip(asked, found, strict=True)}
    assert sorted(schema_id for _, schema_id in by_text) == list(range(1, 9))
    assert sum(registry.lost_races for registry in registries) > 0
    await asyncio.gather(*(registry.watch() for registry in registries))
    assert len({str(registry.state) for registry in registries}) == 1


async def test_a_lost_acknowledgement_is_no_answer_and_the_next_try_finds_the_id() -> None:
    log = FakeLog(["unacknowledged"])
    registry = await opened(log)
    assert await registry.answer(register("s")) == away("the append ended as unacknowledged")
    assert (await registry.answer(register("s")), len(log.entries)) == (Answer({"id": 1}), 1)


async def test_a_copy_that_comes_late_counts_nothing() -> None:
    log = FakeLog(["late"])
    registry = await opened(log)
    assert (await registry.answer(register("s", '"int"'))).status == 503
    assert await registry.answer(register("s", '"long"')) == Answer({"id": 1})
    assert await registry.answer(register("t", '"int"')) == Answer({"id": 2})
    assert (dict(registry.state.texts), len(log.entries)) == ({1: '"long"', 2: '"int"'}, 3)


async def test_while_kafka_is_away_only_what_cannot_change_is_told() -> None:
    log = FakeLog()
    registry = await opened(log)
    assert await registry.answer(register("s")) == Answer({"id": 1})
    log.away = True
    asked: list[Request] = [
        GetSchema(id=1),
        GetSchema(id=2),
        GetSchema(id=1, max_id=True),
        ListSubjects(),
        register("s"),
    ]
    gone = away("the log is away")
    assert [await registry.answer(request) for request in asked] == [
        Answer({"schema": '"int"'}),
        gone,
        gone,
        gone,
        gone,
    ]
    assert (await registry.watch(), registry.waiting_for) == (False, "the log is away")
    log.away = False
    assert (await registry.watch(), registry.waiting_for) == (True, None)
    assert await registry.answer(ListSubjects()) == Answer(["s"])


class _SilentLog(FakeLog):
    """Says that there is more and never hands it over."""

    async def end(self) -> int:
        return await super().end() + 1


async def test_a_log_that_stays_silent_costs_a_bounded_time() -> None:
    log = FakeLog()
    registry = await opened(log, answer_within_s=0.05)
    silent = _SilentLog()
    registry._log = silent  # noqa: SLF001 - the log falls silent after it was read
    assert await registry.answer(ListSubjects()) == away("Kafka does not answer in time")


async def test_a_log_that_was_cut_short_is_read_anew() -> None:
    log = FakeLog()
    registry = await opened(log)
    for subject in ("s", "t"):
        await registry.answer(register(subject, f'{{"type":"fixed","name":"{subject}","size":1}}'))
    log.entries.pop()
    assert await registry.answer(ListSubjects()) == Answer(["s"])
    assert await registry.answer(register("u", '"int"')) == Answer({"id": 2})


async def test_compaction_keeps_the_winner() -> None:
    log = FakeLog()
    registry = await opened(log, "a")
    # Another writer was slower: it decided for the same offset, and its record stands behind ours.
    fact = SchemaRegistered(subject="s", version=1, id=1, schema='"long"')
    assert await registry.answer(register("s")) == Answer({"id": 1})
    log.store(*encode(fact, seq=0, attempt="b0"))
    late = FakeLog()
    late.entries = log.compacted()
    assert [entry.offset for entry in late.entries] == [0, 1]
    assert (await opened(late)).state == registry.state


async def test_a_log_of_another_registry_is_refused() -> None:
    log = FakeLog()
    log.entries = [Entry(offset=0, key=b'{"keytype":"NOOP","magic":0}', value=b"")]
    with pytest.raises(Misconfigured, match="was not written by this registry"):
        await opened(log)


async def test_a_new_registry_knows_nothing() -> None:
    assert (await opened(FakeLog())).state == State()
