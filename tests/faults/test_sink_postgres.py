"""Postgres sinks killed, paused, joined and cut off under flow: each fill stands there once (C-12), none is lost."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from tapeline.domain.events import Alert
from tapeline.domain.partition import partition_of
from tapeline.runtime import clock
from tapeline.runtime.kafka import Partition, Publisher
from tapeline.runtime.settings import Settings
from tests.support import histories
from tests.support.eventually import eventually
from tests.support.running import pid_of
from tests.support.sink_processes import BACK_WITHIN_S, SinkProcess, Sinks, sinks
from tests.support.sinks import Flow, assert_once, flowing, found, published, shorten, until


@pytest.fixture
async def own(system: Settings, tmp_path: Path) -> AsyncIterator[Sinks]:
    with sinks(system, tmp_path, "postgres") as group:
        yield await histories.from_here(group)


async def test_c_12_a_replay_from_the_first_offset_changes_no_row(
    system: Settings, tmp_path: Path, symbols: tuple[str, ...]
) -> None:
    flow, before = Flow(system, symbols, makers=histories.MAKERS), list[tuple[object, ...]]()
    await flow.run(most=100)
    for number in range(2):
        with sinks(system, tmp_path / str(number), "postgres") as other:
            one = other.start("a")
            await histories.assert_once(system, other.group, flow)
            await one.end()
        stored = await histories.stored_whole(system, symbols)
        assert before in ([], stored)
        before = stored


@pytest.mark.parametrize("step", ["before_insert", "after_insert", "before_commit", "after_commit"])
async def test_a_sink_killed_at_a_step_loses_and_doubles_nothing(
    system: Settings, own: Sinks, symbols: tuple[str, ...], step: str
) -> None:
    async with flowing(system, symbols, histories.MAKERS) as flow:
        first = own.start("a", step, "kill", "3", "order.event")
        assert await first.died() == -signal.SIGKILL
        began_s = clock.monotonic_s()
        second = own.start("a")
        await second.took_over()
        took_s = clock.monotonic_s() - began_s
        await until(flow, 60)
    await histories.assert_once(system, own.group, flow)
    await second.end()
    print(f"kill -9 of the sink at {step}: its successor had the partitions after {took_s:.2f} s")  # noqa: T201 - the measure
    assert first.reached


async def test_a_sink_begins_where_postgres_says_and_not_where_the_group_does(
    system: Settings, own: Sinks, symbols: tuple[str, ...]
) -> None:
    """Killed between its transaction and the group's commit: what is stored is not even read again."""
    flow = Flow(system, symbols[:1], makers=histories.MAKERS)
    place = Partition("order.event", partition_of(symbols[0], 4))
    first = own.start("a", "before_commit", "kill", "1", "order.event")
    await first.took_over()
    await flow.run(most=20, each=20)
    assert await first.died() == -signal.SIGKILL
    stored, following = await histories.stored_whole(system, symbols), await histories.offsets(system, own.group)
    assert following[place] > (await histories.commits(system, own.group))[place]
    second = own.start("a")
    await histories.assert_once(system, own.group, flow)
    await second.end()
    after = await histories.stored_whole(system, symbols)
    assert [row for row in after if row in stored] == stored
    began = re.search(rf"SINK_TOOK_OVER.*{re.escape(place.topic)}/{place.partition}\b.*offset=(\d+)", second.said())
    assert began is not None, second.said()[-3000:]
    assert int(began[1]) == following[place]


async def test_a_database_restored_from_an_older_copy_gets_what_it_lacks_again(
    system: Settings, own: Sinks, symbols: tuple[str, ...]
) -> None:
    """The group has committed more than such a Postgres knows of."""
    older = await histories.offsets(system, own.group)
    flow = Flow(system, symbols, makers=histories.MAKERS)
    first = own.start("a")
    await flow.run(most=40, each=20)
    await histories.assert_once(system, own.group, flow)
    await first.end()
    await histories.go_back(system, own.group, older, symbols)
    second = own.start("a")
    await histories.assert_once(system, own.group, flow)
    await second.end()


async def test_a_sink_that_joins_before_a_transaction_changes_nothing(
    system: Settings, own: Sinks, symbols: tuple[str, ...]
) -> None:
    async with flowing(system, symbols, histories.MAKERS) as flow:
        first = own.start("a", "before_insert", "hold", "3", "order.event")
        await first.comes_there()
        second = own.start("b")
        await own.joined()
        first.go()
        await second.took_over()
        await until(flow, 60)
    await histories.assert_once(system, own.group, flow)
    assert "SINK_GAVE_UP" in first.said()
    await first.end()
    await second.end()


@pytest.mark.parametrize(
    ("step", "told"),
    [
        pytest.param("before_insert", "another sink has written", id="before its transaction"),
        pytest.param("after_insert", "Postgres", id="within its transaction"),
    ],
)
async def test_the_late_transaction_of_a_sink_paused_past_its_session_is_fenced(
    system: Settings, own: Sinks, symbols: tuple[str, ...], step: str, told: str
) -> None:
    async with flowing(system, symbols, histories.MAKERS) as flow:
        first = own.start("a", step, "stop", "3", "order.event")
        await first.comes_there()
        second = own.start("b")
        # The session of the first ends after 6 s; what it holds locked, Postgres lets go after 4 s.
        await second.took_over()
        await until(flow, 40)
    await histories.assert_once(system, own.group, flow)
    before = await histories.stored_whole(system, symbols), await histories.offsets(system, own.group)

    first.send(signal.SIGCONT)

    await eventually(lambda: waited_for_postgres(first, told), within_s=20)
    await eventually(lambda: "SINK_TOOK_OVER" in first.said().partition("DEPENDENCY_WAITING")[2], within_s=30)
    # Nothing is left to be written, and it is ready all the same.
    await eventually(lambda: re.search(r"DEPENDENCY_READY .*dependency=postgres$", first.said(), re.MULTILINE))
    await histories.drained(system, own.group)
    assert (await histories.stored_whole(system, symbols), await histories.offsets(system, own.group)) == before
    await first.end()
    await second.end()


def waited_for_postgres(sink: SinkProcess, told: str) -> bool:
    """Tell whether a transaction of the sink was refused, with these words."""
    return any(told in line for line in sink.said().splitlines() if "DEPENDENCY_WAITING" in line)


@pytest.mark.parametrize("victim", ["postgres", "kafka"])
async def test_a_service_killed_under_flow_loses_and_doubles_nothing(
    system: Settings, own: Sinks, symbols: tuple[str, ...], victim: str
) -> None:
    async with flowing(system, symbols, histories.MAKERS) as flow:
        sink = own.start("a")
        await sink.took_over()
        await until(flow, 40)
        os.kill(pid_of(system, victim), signal.SIGKILL)
        began_s = clock.monotonic_s()
        await until(flow, 60)
        await eventually(lambda: "DEPENDENCY_READY" in sink.said(), within_s=BACK_WITHIN_S)
    await histories.assert_once(system, own.group, flow)
    print(f"kill -9 of {victim}: everything settled {clock.monotonic_s() - began_s:.2f} s later")  # noqa: T201 - the measure
    await sink.end()


async def test_a_database_that_hangs_is_waited_for_in_words_and_nothing_is_lost_or_doubled(
    system: Settings, own: Sinks, symbols: tuple[str, ...]
) -> None:
    victim = pid_of(system, "postgres")
    async with flowing(system, symbols, histories.MAKERS) as flow:
        sink = own.start("a")
        await sink.took_over()
        await until(flow, 40)
        frozen = [victim, *(one.pid for one in psutil.Process(victim).children(recursive=True))]
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        try:
            await eventually(lambda: waited_for_postgres(sink, "Postgres does not answer"), within_s=30)
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)
        await until(flow, 20)
    await histories.assert_once(system, own.group, flow)
    await sink.end()


async def test_x04_a_stop_under_flow_writes_what_was_taken_in(
    system: Settings, own: Sinks, symbols: tuple[str, ...]
) -> None:
    async with flowing(system, symbols, histories.MAKERS) as flow:
        first = own.start("a")
        await first.took_over()
        await until(flow, 40)
        await first.end()
        assert await histories.offsets(system, own.group) == await histories.commits(system, own.group)
        second = own.start("a")
        await until(flow, 40)
    await histories.assert_once(system, own.group, flow)
    await second.end()


async def test_one_process_fills_both_stores_and_neither_waits_for_the_other(
    system: Settings, tmp_path: Path, symbols: tuple[str, ...]
) -> None:
    tape = Flow(system, symbols)
    with sinks(system, tmp_path, "clickhouse", "postgres") as both:
        one = both.start("a")
        async with flowing(system, symbols, {"account": histories.MAKERS["account"]}) as flow:
            await eventually(lambda: one.said().count("SINK_TOOK_OVER") > len("both"), within_s=BACK_WITHIN_S)
            victim = pid_of(system, "clickhouse")
            os.kill(victim, signal.SIGSTOP)
            try:
                await until(flow, 40)
                sent = flow.sent
                await eventually(lambda: versions(system, symbols, sent), within_s=20)
            finally:
                os.kill(victim, signal.SIGCONT)
            await tape.run(most=50)
        await assert_once(system, "sink-clickhouse", tape)
        await histories.drained(system, "sink-postgres")
        wanted = histories.expected(flow)["account_history"], histories.expected(tape)["trade_history"]
        stored = await histories.rows(system, symbols)
        assert (stored["account_history"], stored["trade_history"]) == wanted
        await one.end()


async def versions(system: Settings, symbols: tuple[str, ...], sent: int) -> bool:
    """Tell whether so many versions of each account are stored."""
    stored = await histories.rows(system, symbols)
    return len(stored["account_history"]) >= sent * len(symbols)


async def test_what_was_deleted_before_it_was_stored_raises_an_alarm_and_the_rest_is_stored(
    system: Settings, own: Sinks, symbols: tuple[str, ...]
) -> None:
    flow = Flow(system, symbols[:1], makers=histories.MAKERS)
    await flow.run(most=20, each=20)
    place = Partition("order.event", partition_of(symbols[0], 4))
    before = (await histories.offsets(system, own.group))[place]
    await shorten(system, place, before + 10)
    sink = own.start("a")
    await histories.drained(system, own.group)
    await sink.end()
    stored = await histories.rows(system, symbols[:1])
    assert stored["trade_history"] == sorted(f"{symbols[0]}-{number}" for number in range(11, 20, 2))
    alarms = [
        one.message
        for one in await published(system, "alert")
        if isinstance(one, Alert) and one.process == "sinks-a" and f"{place.topic}/{place.partition}:" in one.message
    ]
    gone = f"order.event/{place.partition}: offsets {before} to {before + 9} were deleted before they were stored"
    assert alarms == [f"{gone}; trade_history has no row of them"]


async def test_a_sink_that_understands_nothing_stops_and_moves_no_offset(system: Settings, own: Sinks) -> None:
    async with Publisher(found(system).kafka, client_id="test") as publisher:
        for _ in range(60):
            stored = await publisher.publish("account", b"k", b"\x00none", 0)
    sink = own.start("a")
    assert await sink.died() == 2
    assert re.search(r"sinks-a stops: .* from account", sink.said())
    offsets = await histories.offsets(system, own.group)
    assert offsets[Partition("account", 0)] <= stored.offset - 59
