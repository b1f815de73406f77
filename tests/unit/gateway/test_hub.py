"""Who is told what: only those who were greeted and want it, each by a queue of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from gateway import frames
from gateway.client import EVENTS_MOST, Owed
from gateway.hub import Hub
from gateway.seat import SLOW, STOPPING, Seat
from gateway.state import State
from tapeline.runtime import clock
from tapeline.runtime.lifecycle import background
from tests.support.eventually import eventually, pause
from tests.unit.gateway.samples import Json, alert, beat, book, gap, seen, spread


async def greeted(hub: Hub, seat: Seat) -> Json:
    """Return the first frame of a seat."""
    found = await hub.greeting(seat)
    assert found is not None
    frame: Json = json.loads(found.frame)
    return frame


@contextmanager
def seats(hub: Hub, count: int) -> Iterator[list[Seat]]:
    with ExitStack() as stack:
        yield [stack.enter_context(hub.seated("127.0.0.1:1")) for _ in range(count)]


def told(seat: Seat) -> list[Json]:
    """Return the frames that are due to a seat."""
    found: list[Json] = []
    while (due := seat.client.next(clock.monotonic_s())) is not None:
        event = frames.update(due, 20, clock.now_us()) if isinstance(due, Owed) else due
        found.append(json.loads(event.frame))
    return found


def owed(seat: Seat) -> list[str]:
    """Return the types of the frames that are due to a seat."""
    return [frame["type"] for frame in told(seat)]


def everything(hub: Hub) -> None:
    """Take one of each in."""
    one, other = book(at_us=clock.now_us()), book(venue="okx", at_us=clock.now_us())
    hub.take_book(one)
    hub.take_spread(spread(one, other))
    hub.take_gap(gap())
    hub.take_alert(alert())
    hub.take_heartbeat(beat(at_us=clock.now_us()))


ALL = ["gap", "alert", "heartbeat", "book", "spread"]


async def test_each_hears_what_it_wants_and_nothing_before_the_first_frame() -> None:
    hub = Hub(State())
    hub.open()
    with seats(hub, 3) as (whole, narrow, early):
        await greeted(hub, whole)
        await greeted(hub, narrow)
        hub.ask(narrow, '{"subscribe":["gap","spread"],"symbols":["ETH/USDT"]}')
        everything(hub)
        assert [owed(seat) for seat in (whole, narrow, early)] == [ALL, ["subscribed"], []]
        first = await greeted(hub, early)
        assert ([one["state"] for one in first["books"]], owed(early)) == (["valid"], [])
        hub.ask(narrow, '{"symbols":["BTCUSDT"]}')
        assert owed(narrow) == ["subscribed", "spread"]
        hub.ask(narrow, '{"symbols":["BTCUSDZ"]}')
        assert owed(narrow) == ["error"]


async def test_an_old_record_is_told_to_nobody() -> None:
    hub, now_us = Hub(State()), clock.now_us()
    hub.open()
    with seats(hub, 1) as (seat,):
        await greeted(hub, seat)
        for number in (2, 1):
            hub.take_book(book(number=number, at_us=now_us))
        hub.take_book(book(number=5, at_us=now_us), skipped=2)
        found = [(frame["book"], frame["skipped"]) for frame in told(seat)]
        assert found == [(seen(book(number=5, at_us=now_us)), 3)]


async def test_who_comes_before_the_state_is_known_waits_for_it() -> None:
    hub = Hub(State())
    with seats(hub, 2) as (seat, gone):
        first: list[Json] = []
        hub.take_book(book(venue="okx", at_us=clock.now_us()))
        hub.ask(seat, '{"depth":1}')

        async def greet() -> None:
            first.append(await greeted(hub, seat))

        async with background("greeting", greet()):
            hub.take_book(book(at_us=clock.now_us()))
            await eventually(lambda: not seat.woken.is_set())
            gone.end(STOPPING)
            assert await hub.greeting(gone) is None
            hub.open()
            await eventually(lambda: first)
        assert [(one["venue"], one["depth"]) for one in first[0]["books"]] == [("okx", 1), ("bybit", 1)]
        assert owed(seat) == ["subscribed"]


async def test_a_10_the_broker_is_lost_once_and_who_comes_meanwhile_is_told() -> None:
    hub = Hub(State())
    hub.open()
    with seats(hub, 2) as (seat, late):
        await greeted(hub, seat)
        hub.bus_back()
        for _ in range(2):
            hub.bus_lost()
        await greeted(hub, late)
        for _ in range(2):
            hub.bus_back()
        assert [owed(one) for one in (seat, late)] == [["error", "reconnected"], ["error", "reconnected"]]


async def test_time_alone_makes_a_book_stale_and_a_process_offline_once() -> None:
    hub, now_us = Hub(State()), clock.now_us()
    hub.open()
    with seats(hub, 1) as (seat,):
        await greeted(hub, seat)
        hub.take_book(book(at_us=now_us - 1_900_000))
        hub.take_heartbeat(beat(at_us=now_us - 14_900_000))
        assert owed(seat) == ["heartbeat", "book"]
        heard: list[Json] = []

        def both() -> bool:
            heard.extend(told(seat))
            return len(heard) > 1

        async with background("looking", hub._look()):  # noqa: SLF001 - its loop alone, without the end of `serving`
            await eventually(both)
            # Two more looks find nothing new.
            for _ in range(2):
                await pause()
        assert sorted(frame["type"] for frame in heard + told(seat)) == ["book", "heartbeat"]
        assert [frame["book"]["state"] for frame in heard if "book" in frame] == ["stale"]
        assert [frame["process"]["status"] for frame in heard if "process" in frame] == ["offline"]


async def test_at_the_stop_every_seat_is_ended_and_waited_for() -> None:
    hub = Hub(State())
    hub.open()
    with ExitStack() as stack:
        seat = stack.enter_context(hub.seated("127.0.0.1:1"))

        async def leave() -> None:
            await seat.woken.wait()
            assert seat.ending == STOPPING
            await pause()
            stack.close()

        async with background("leaving", leave()):
            async with hub.serving():
                assert hub.count == 1
            assert hub.count == 0
    with hub.seated("127.0.0.1:2") as late:
        assert late.ending == STOPPING


async def test_who_lets_too_much_pile_up_is_given_up_alone() -> None:
    hub = Hub(State())
    hub.open()
    with seats(hub, 2) as (slow, quick):
        for seat in (slow, quick):
            await greeted(hub, seat)
        for _ in range(EVENTS_MOST + 1):
            hub.take_alert(alert())
            assert owed(quick) == ["alert"]
        async with asyncio.timeout(5):
            await slow.rest()
        slow.end(STOPPING)
        assert (slow.ending, quick.ending) == (SLOW, None)
