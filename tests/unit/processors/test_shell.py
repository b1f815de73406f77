"""A batch is acknowledged when all that follows from it is stored, and never before; lanes keep the order."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, cast

import msgspec
import pytest

from processors.agent import Agent, Output, Placed
from processors.notices import Notices
from processors.outlets import Outlets
from processors.shell import Shell
from processors.transport.batch import Batch
from processors.transport.outstanding import Outstanding, Ticket
from schemas import topics
from tapeline.domain.events import Book
from tapeline.errors import InvalidMessage
from tapeline.runtime.codec import Codec
from tapeline.runtime.dlq import DeadLetters
from tapeline.runtime.kafka import Outgoing, Publisher, Reader
from tapeline.runtime.registry import RegistryClient
from tests.support.echoing import ECHO, echo
from tests.support.records import BOOK, IDS
from tests.unit.processors.test_batch import Kept

CODEC = Codec(IDS)
BOOKS, SPREADS = topics.by_name("md.book"), topics.by_name("signal.spread")


class Broker:
    """The outside world: takes records only while it is open, and remembers them."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.stored: list[tuple[int, list[str]]] = []
        self.headers: list[tuple[tuple[str, bytes], ...]] = []
        self.letters: list[tuple[int, str]] = []

    async def publish_many(self, topic: str, partition: int, records: Iterable[Outgoing]) -> int:
        assert topic == SPREADS.name
        await self.open.wait()
        kept = tuple(records)
        found = [CODEC.decode(SPREADS, record.value or b"")["signal_id"].partition("@")[2] for record in kept]
        self.headers += [record.headers for record in kept]
        self.stored.append((partition, found))
        return len(found)

    async def put(self, record: Kept, error: InvalidMessage) -> None:
        await self.open.wait()
        self.letters.append((record.offset, error.reason))

    def passed(self, topic: str, count: int) -> None:
        assert topic == BOOKS.name
        assert count >= 0


class Desk:
    """A shell with its broker and the batches that it was handed."""

    def __init__(self, agent: Agent[Any] = ECHO, notices: Notices | None = None) -> None:
        self.broker = Broker()
        self.home = Outstanding()
        self.running: list[asyncio.Task[None]] = []
        outlets = Outlets(
            codec=CODEC,
            publisher=cast("Publisher", self.broker),
            dead_letters=cast("DeadLetters", self.broker),
            registry=cast("RegistryClient", None),
        )
        self.shell = Shell(agent, outlets, self.spawn, notices)

    def spawn(self, work: Coroutine[Any, Any, None]) -> object:
        self.running.append(asyncio.ensure_future(work))
        return self.running[-1]

    async def hand(self, *offsets: int, assignment: int = 1, replayed: bool = False, broken: int | None = None) -> None:
        """Hand a batch to the shell; the records' sequences are their offsets."""
        records = [Kept(offset, b"k", b"?" if offset == broken else book(offset)) for offset in offsets]
        ticket = Ticket(offsets[-1] + 1, records=len(records), size=1, at_ms=0)
        self.home.deliver(ticket)
        batch = _Carried(records, ticket=ticket, home=self.home, assignment=assignment, replayed=replayed)
        await self.shell.turn(batch)
        await asyncio.sleep(0)

    async def settle(self) -> None:
        await asyncio.gather(*self.running)


class _Carried(Batch):
    """A batch without a Faust message, acknowledged at once."""

    def acknowledge(self) -> None:
        self.home.acknowledge(self.ticket)


def book(sequence: int) -> bytes:
    return CODEC.encode(BOOKS, msgspec.structs.replace(BOOK, sequence=sequence))


async def test_nothing_is_acknowledged_before_its_outputs_are_stored() -> None:
    desk = Desk()

    await desk.hand(0, 1)
    before = (desk.home.end, list(desk.broker.stored))
    desk.broker.open.set()
    await desk.settle()

    assert before == (None, [])
    assert (desk.home.end, desk.broker.stored) == (2, [(3, ["0", "1"])])


async def test_what_is_decided_meanwhile_is_published_together_and_in_order() -> None:
    desk = Desk()
    for offset in range(4):
        await desk.hand(offset)

    desk.broker.open.set()
    await desk.settle()

    assert desk.broker.stored == [(3, ["0"]), (3, ["1", "2", "3"])]
    assert (desk.home.end, len(desk.running)) == (4, 1)


async def test_a_broken_record_is_set_aside_before_its_batch_counts() -> None:
    desk = Desk()

    await desk.hand(0, 1, 2, broken=1)
    before = desk.home.end
    desk.broker.open.set()
    await desk.settle()

    assert before is None
    assert [offset for offset, _ in desk.broker.letters] == [1]
    assert (desk.home.end, desk.broker.stored) == (3, [(3, ["0", "2"])])


async def test_a_replayed_batch_feeds_the_state_and_nothing_follows() -> None:
    desk = Desk(remembering := _remembering())

    await desk.hand(0, 1, replayed=True, broken=1)
    desk.broker.open.set()
    await desk.hand(2)
    await desk.settle()

    assert remembering.fresh() == [0, 2]
    assert (desk.broker.stored, desk.broker.letters, desk.home.end) == ([(3, ["2"])], [], 3)


async def test_another_assignment_begins_with_fresh_state() -> None:
    states: list[list[int]] = []

    def fresh() -> list[int]:
        states.append([])
        return states[-1]

    desk = Desk(remembering_in(fresh))
    desk.broker.open.set()
    await desk.hand(0)
    await desk.hand(1, assignment=2)
    await desk.settle()

    assert states == [[0], [1]]


async def test_any_other_error_goes_out_and_nothing_is_acknowledged() -> None:
    def fail(state: list[int], book: Book) -> tuple[()]:
        raise ZeroDivisionError

    desk = Desk(Agent(name="fail", reads=(BOOKS.name,), writes=(SPREADS.name,), fresh=list, decide=fail))

    with pytest.raises(ZeroDivisionError):
        await desk.hand(0)

    assert desk.home.end is None


async def test_an_agent_that_names_its_causes_gets_each_record_with_its_place() -> None:
    seen: list[tuple[int, str, int, int]] = []

    def decide(state: list[int], placed: Placed) -> tuple[Output, ...]:
        del state
        seen.append((placed.value.sequence, placed.topic, placed.partition, placed.offset))
        [made] = echo([], placed.value)
        return (made._replace(headers=(("traceparent", b"00"),)),)

    desk = Desk(
        Agent(name="placed", reads=(BOOKS.name,), writes=(SPREADS.name,), fresh=list, decide=decide, placed=True)
    )
    desk.broker.open.set()
    await desk.hand(7)
    await desk.settle()

    assert seen == [(7, "md.book", 3, 7)]
    assert desk.broker.headers == [(("traceparent", b"00"),)]


async def test_after_a_replayed_batch_recall_takes_the_place_of_conclude() -> None:
    called: list[str] = []

    def conclude(state: list[int]) -> tuple[()]:
        called.append(f"conclude {state}")
        return ()

    def take(state: list[int], found: Book) -> tuple[()]:
        state.append(found.sequence)
        return ()

    desk = Desk(
        Agent(
            name="recalls",
            reads=(BOOKS.name,),
            writes=(SPREADS.name,),
            fresh=list,
            decide=take,
            conclude=conclude,
            recall=lambda state: called.append(f"recall {state}"),
        )
    )
    await desk.hand(0, 1, replayed=True)
    await desk.hand(2)

    assert called == ["recall [0, 1]", "conclude [0, 1, 2]"]
    assert desk.home.end == 3


async def test_every_state_is_told_each_notice_once_before_its_next_batch() -> None:
    states: list[list[int]] = []

    def fresh() -> list[int]:
        states.append([])
        return states[-1]

    notices = Notices(cast("Reader", None), cast("Outlets", _Decoding()))
    await notices.take(Kept(0, b"a", book(100), partition=0), live=False)
    desk = Desk(remembering_in(fresh), notices)
    desk.broker.open.set()
    await desk.hand(0)
    await notices.take(Kept(1, b"a", book(101), partition=0), live=True)
    await desk.hand(1)
    await desk.hand(2)
    await desk.hand(3, assignment=2)
    await desk.settle()

    assert states == [[100, 0, 101, 1, 2], [101, 3]]


class _Decoding:
    """Outlets that only decode."""

    codec = CODEC


def _remembering() -> Agent[list[int]]:
    kept: list[int] = []
    return remembering_in(lambda: kept)


def remembering_in(fresh: Any) -> Agent[list[int]]:  # noqa: ANN401 - any maker of a list
    def decide(state: list[int], book: Book) -> Any:  # noqa: ANN401 - what echo returns
        state.append(book.sequence)
        return echo([], book)

    return Agent(name="remember", reads=(BOOKS.name,), writes=(SPREADS.name,), fresh=fresh, decide=decide)
