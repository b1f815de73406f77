"""What becomes of a fetch: the newest of each key is decoded, what breaks its contract is set aside, the rest shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec

from gateway import tape
from gateway.hub import Hub
from gateway.state import State
from gateway.tape import Newest, Tape
from schemas import avro_files, topics
from tapeline.errors import InvalidMessage, UnknownSchema
from tapeline.runtime.codec import Codec
from tapeline.runtime.dlq import DeadLetters
from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.health import Health
from tests.support.records import IDS
from tests.unit.gateway.samples import book, spread


@dataclass(frozen=True, slots=True)
class Fetched:
    """A record as far as it matters here."""

    offset: int
    key: bytes | None
    value: bytes | None = None
    topic: str = "md.book"
    partition: int = 0
    timestamp: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass
class Letters:
    """Where bad records go, and what is told of good ones, in order."""

    told: list[object] = field(default_factory=list)

    def passed(self, topic: str, count: int = 1) -> None:
        """Count good ones."""
        if count:
            self.told.append((topic, count))

    async def put(self, record: Fetched, error: InvalidMessage) -> None:
        """Take a bad one."""
        del error
        self.told.append(record.value)


def reading(hub: Hub, letters: Letters, schemas: Callable[[int], str]) -> Tape:
    async def learn(schema_id: int) -> str:
        return schemas(schema_id)

    return Tape(
        KafkaEndpoint(bootstrap="nowhere"),
        hub,
        Codec(IDS),
        cast("DeadLetters", letters),
        learn=learn,
        health=Health("gateway"),
        process="gateway-a",
    )


def nothing(schema_id: int) -> str:
    raise UnknownSchema(schema_id)


def encoded(name: str, value: Any, ids: dict[str, int] | None = None) -> bytes:  # noqa: ANN401 - any record
    return Codec(ids or IDS).encode(topics.by_name(name), value)


def test_the_newest_of_each_key_stands_for_those_before_it() -> None:
    records = [Fetched(offset, key) for offset, key in enumerate((b"a", b"b", b"a", None, b"a", b"c", None))]
    found = tape.newest(records)
    assert found == [Newest(records[1], 0), Newest(records[4], 2), Newest(records[5], 0), Newest(records[6], 1)]


def test_nothing_is_the_newest_of_nothing() -> None:
    assert tape.newest([]) == []


async def test_a_bad_record_is_set_aside_between_its_good_neighbours() -> None:
    """Good ones are counted before it, so that bad ones with good ones between are not taken for a streak."""
    letters, hub = Letters(), Hub(State())
    values = [encoded("md.book", book(number=number, venue=f"v{number}")) for number in range(3)]
    records = [
        Fetched(offset, b"%d" % offset, value)
        for offset, value in enumerate((values[0], values[1], b"bad", None, values[2]))
    ]
    await reading(hub, letters, nothing)._batch(topics.by_name("md.book"), records)  # noqa: SLF001 - one fetch
    assert letters.told == [("md.book", 2), b"bad", ("md.book", 1)]
    assert [of.venue for of in hub.state.books()] == ["v0", "v1", "v2"]


async def test_a_schema_that_is_not_known_is_learned_and_one_that_nobody_knows_is_set_aside() -> None:
    letters, hub = Letters(), Hub(State())
    other = encoded("md.book", book(), {**IDS, "md.book-value": 7})
    text = json.dumps(avro_files.load("tapeline.Book"))
    batch = [Fetched(0, b"a", other)]
    await reading(hub, letters, nothing)._batch(topics.by_name("md.book"), batch)  # noqa: SLF001 - one fetch
    assert (letters.told, hub.state.books()) == ([other], ())
    learned = reading(hub, letters, {7: text}.__getitem__)
    await learned._batch(topics.by_name("md.book"), batch)  # noqa: SLF001 - as above
    assert (letters.told[1:], hub.state.books()) == ([("md.book", 1)], (book(),))


async def test_every_spread_of_a_fetch_counts_as_their_key_is_the_symbol() -> None:
    letters, hub = Letters(), Hub(State())
    deals = [spread(book(), book(venue=venue)) for venue in ("okx", "gateio")]
    batch = [
        Fetched(offset, b"BTC/USDT", encoded("signal.spread", msgspec.structs.asdict(of)), "signal.spread")
        for offset, of in enumerate(deals)
    ]
    await reading(hub, letters, nothing)._batch(topics.by_name("signal.spread"), batch)  # noqa: SLF001 - one fetch
    assert hub.state.spreads() == tuple(deals)
