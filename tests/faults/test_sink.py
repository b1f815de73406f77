"""Sinks killed, paused, joined and cut off under flow: each row that was produced stands there, once (X-04, B-10)."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sinks import pending
from sinks.clickhouse import SEND_WITHIN_S
from tapeline.domain.events import Alert, Gap
from tapeline.domain.partition import partition_of
from tapeline.runtime import clickhouse, clock, kafka
from tapeline.runtime.kafka import Partition
from tapeline.runtime.settings import Settings
from tests.support.eventually import eventually
from tests.support.running import pid_of
from tests.support.sink_processes import Sinks, sinks
from tests.support.sinks import (
    Flow,
    assert_once,
    commit_of,
    drained,
    flowing,
    found,
    published,
    rows,
    shorten,
    until,
)

SYMBOLS = ("AAA/USDT", "BBB/USDT", "CCC/USDT")


@pytest.fixture
async def own(system: Settings, tmp_path: Path) -> AsyncIterator[Sinks]:
    with sinks(system, tmp_path) as group:
        yield await group.from_here()


async def test_a_group_that_lost_its_offsets_reads_all_again_and_stores_nothing_again(
    system: Settings, tmp_path: Path, symbols: tuple[str, ...]
) -> None:
    flow = Flow(system, symbols)
    for number in range(2):
        await flow.run(most=100)
        with sinks(system, tmp_path / str(number)) as other:
            one = other.start("a")
            await assert_once(system, other.group, flow)
            await one.end()


@pytest.mark.parametrize("step", ["before_record", "after_record", "before_insert", "after_insert", "before_commit"])
async def test_a_sink_killed_at_a_step_loses_and_doubles_nothing(
    system: Settings, own: Sinks, symbols: tuple[str, ...], step: str
) -> None:
    async with flowing(system, symbols) as flow:
        first = own.start("a", step, "kill", "3", "md.delta")
        assert await first.died() == -signal.SIGKILL
        began_s = clock.monotonic_s()
        second = own.start("a")
        await second.took_over()
        took_s = clock.monotonic_s() - began_s
        await until(flow, 60)
    await assert_once(system, own.group, flow)
    await second.end()
    print(f"kill -9 of the sink at {step}: its successor had the partitions after {took_s:.2f} s")  # noqa: T201 - the measure
    assert first.reached


async def test_a_sink_that_joins_between_record_and_insert_changes_nothing(
    system: Settings, own: Sinks, symbols: tuple[str, ...]
) -> None:
    async with flowing(system, symbols) as flow:
        first = own.start("a", "before_insert", "hold", "3", "md.delta")
        await first.comes_there()
        second = own.start("b")
        await own.joined()
        first.go()
        await second.took_over()
        await until(flow, 60)
    await assert_once(system, own.group, flow)
    assert "SINK_GAVE_UP" in first.said()
    await first.end()
    await second.end()


async def test_the_late_insert_and_commit_of_a_sink_paused_past_its_session_change_nothing(
    system: Settings, own: Sinks, symbols: tuple[str, ...]
) -> None:
    async with flowing(system, symbols) as flow:
        first = own.start("a", "before_insert", "stop", "3", "md.delta")
        await first.comes_there()
        paused_s = clock.monotonic_s()
        second = own.start("b")
        # The session of the first ends after 6 s.
        await second.took_over()
        await until(flow, 40)
    await assert_once(system, own.group, flow)
    number = int((first.folder / "reached").read_text("utf-8").split()[0])
    before = await commit_of(system, own.group, Partition("md.delta", number)), await rows(system, symbols)

    first.send(signal.SIGCONT)

    # Its rows went out unless the pause was so long that the server would not take them any more; its commit was
    # refused, and it joined again.
    sent = clock.monotonic_s() - paused_s < SEND_WITHIN_S - 5
    refused = "OffsetCommit failed" if sent else ""
    await eventually(lambda: refused in first.said() and "SINK_GAVE_UP" in first.said(), within_s=60)
    await eventually(lambda: "SINK_TOOK_OVER" in first.said().partition("SINK_GAVE_UP")[2], within_s=60)
    await drained(system, own.group)
    after = await commit_of(system, own.group, Partition("md.delta", number)), await rows(system, symbols)
    assert after == before
    await first.end()
    await second.end()


async def test_a_pending_range_that_retention_deleted_becomes_a_gap_and_an_alarm(
    system: Settings, own: Sinks, symbols: tuple[str, ...]
) -> None:
    async with flowing(system, symbols) as flow:
        # So late that of its partition something is stored already: only then is known what is missing.
        first = own.start("a", "before_insert", "kill", "12", "md.trade")
        await first.died()
    number, offset, note = await pending_of(system, own.group)
    place = Partition("md.trade", number)
    wanted = pending.read(note, where="test")
    assert wanted is not None
    assert wanted.first == offset
    await shorten(system, place, wanted.last + 1)

    second = own.start("a")
    await drained(system, own.group)

    gone = {symbol for symbol in symbols if partition_of(symbol, 4) == number}
    stored = await rows(system, symbols)
    told = [gap for gap in await gaps(system, symbols) if gap.cause == "shed"]
    missing = set(flow.expected("trades")) - set(stored["trades"])
    assert missing
    assert {one.rpartition("-")[0] for one in missing} <= gone
    assert len(stored["trades"]) == len(set(stored["trades"]))
    assert {gap.symbol for gap in told} == {one.rpartition("-")[0] for one in missing}
    for gap in told:
        numbers = sorted(int(one.rpartition("-")[2]) for one in missing if one.startswith(f"{gap.symbol}-"))
        assert gap.channel == "trade"
        assert int((gap.from_id or "").rpartition("-")[2]) == numbers[0] - 1
        assert gap.detail == (
            f"md.trade/{number}: offsets {wanted.first} to {wanted.last} were deleted before they were stored"
        )
    assert [alert.code for alert in await alerts(system) if f"md.trade/{number}:" in alert.message]
    await second.end()


async def pending_of(system: Settings, group: str) -> tuple[int, int, str]:
    """Return partition, offset and note of md.trade where a range is pending."""
    async with kafka.admin(found(system).kafka) as admin:
        commits = await admin.commits(group)
    [only] = [
        (place.partition, one.offset, one.metadata)
        for place, one in commits.items()
        if place.topic == "md.trade" and one.metadata
    ][:1]
    return only


async def gaps(system: Settings, symbols: tuple[str, ...]) -> list[Gap]:
    return [one for one in await published(system, "md.gap") if isinstance(one, Gap) and one.symbol in symbols]


async def alerts(system: Settings) -> list[Alert]:
    return [
        one for one in await published(system, "alert") if isinstance(one, Alert) and one.code == "sink_records_gone"
    ]


@pytest.mark.parametrize("victim", ["clickhouse", "kafka"])
async def test_a_service_killed_under_flow_loses_and_doubles_nothing(
    system: Settings, own: Sinks, symbols: tuple[str, ...], victim: str
) -> None:
    """K10: while the store is away, reading pauses and nothing is lost; the same while the broker is."""
    async with flowing(system, symbols) as flow:
        sink = own.start("a")
        await sink.took_over()
        await until(flow, 40)
        os.kill(pid_of(system, victim), signal.SIGKILL)
        began_s = clock.monotonic_s()
        await until(flow, 60)
    await assert_once(system, own.group, flow)
    print(f"kill -9 of {victim}: everything settled {clock.monotonic_s() - began_s:.2f} s later")  # noqa: T201 - the measure
    await sink.end()


async def test_x04_a_stop_under_flow_writes_what_was_taken_in_and_its_successor_replays_nothing(
    system: Settings, own: Sinks, symbols: tuple[str, ...]
) -> None:
    async with flowing(system, symbols) as flow:
        first = own.start("a")
        await first.took_over()
        await until(flow, 40)
        await first.end()
        second = own.start("a")
        await until(flow, 40)
    await assert_once(system, own.group, flow)
    assert "pending=True" not in second.said()
    await second.end()


async def test_x04_a_stop_while_the_store_hangs_leaves_the_range_to_the_successor(
    system: Settings, own: Sinks, symbols: tuple[str, ...]
) -> None:
    async with flowing(system, symbols) as flow:
        first = own.start("a")
        await first.took_over()
        await until(flow, 40)
        victim = pid_of(system, "clickhouse")
        os.kill(victim, signal.SIGSTOP)
        try:
            await until(flow, 20)
            began_s = clock.monotonic_s()
            first.send(signal.SIGTERM)
            code = await first.died()
            took_s = clock.monotonic_s() - began_s
        finally:
            os.kill(victim, signal.SIGCONT)
    assert (code, took_s < 32) == (0, True), first.said()[-2000:]
    second = own.start("a")
    await assert_once(system, own.group, flow)
    await second.end()


async def test_a_store_that_was_written_behind_says_no_more_than_it_has(system: Settings) -> None:
    """The tests above compare sets by SQL: this one shows that SQL sees a doubled row."""
    client = await clickhouse.connect(found(system).clickhouse)
    await client.command(
        "INSERT INTO trades (ts, exchange_id, market_type, pair, trade_id, side, price, amount, epoch)"
        " SELECT now64(6), 'x', 'spot', 'twice/USDT', 'one', 'buy', 1, 1, 1 FROM numbers(2)"
    )
    await client.close()
    assert (await rows(system, ("twice/USDT",)))["trades"] == ["one", "one"]
