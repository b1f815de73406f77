"""Kafka's Metadata question and answer, byte by byte, and what lacks copies."""

from __future__ import annotations

import struct

import pytest

from infra.embedded import metadata
from infra.embedded.metadata import Metadata, Part
from tapeline.errors import Unavailable
from tapeline.runtime.runfile import Brokers

Placed = dict[str, list[tuple[tuple[int, ...], tuple[int, ...]]]]


def text(value: str | None) -> bytes:
    return struct.pack(">h", -1) if value is None else struct.pack(">h", len(value)) + value.encode()


def numbers(*values: int) -> bytes:
    return struct.pack(f">i{len(values)}i", len(values), *values)


def answer(brokers: dict[int, str | None], topics: Placed) -> bytes:
    parts = [struct.pack(">ii", 0, len(brokers))]
    for number, rack in brokers.items():
        parts += [struct.pack(">i", number), text("127.0.0.1"), struct.pack(">i", 9092), text(rack)]
    parts.append(struct.pack(">ii", 1, len(topics)))
    for name, placed in topics.items():
        parts += [struct.pack(">h", 0), text(name), struct.pack(">bi", 0, len(placed))]
        for number, (replicas, in_step) in enumerate(placed):
            parts += [struct.pack(">hii", 0, number, replicas[0]), numbers(*replicas), numbers(*in_step)]
    return b"".join(parts)


@pytest.mark.parametrize(("every_topic", "topics"), [(False, b"\x00\x00\x00\x00"), (True, b"\xff\xff\xff\xff")])
def test_kafka_is_asked_for_its_brokers_and_for_all_topics_or_none(every_topic: bool, topics: bytes) -> None:  # noqa: FBT001 - a case
    assert metadata.request(every_topic=every_topic) == (
        b"\x00\x03"  # Metadata
        b"\x00\x01"  # version 1
        b"\x00\x00\x00\x00"  # the number of this question
        b"\x00\x08tapeline" + topics
    )


def test_an_answer_is_read() -> None:
    placed: Placed = {"a": [((1, 2, 3), (1, 2, 3)), ((2, 3, 1), (2,))], "b": [((3,), ())]}
    assert metadata.decode(answer({1: None, 3: "rack"}, placed)) == Metadata(
        brokers=frozenset({1, 3}),
        parts=(
            Part(replicas=(1, 2, 3), in_step=(1, 2, 3)),
            Part(replicas=(2, 3, 1), in_step=(2,)),
            Part(replicas=(3,), in_step=()),
        ),
    )


@pytest.mark.parametrize("cut", [3, 9, 30])
def test_half_an_answer_is_none(cut: int) -> None:
    with pytest.raises(Unavailable, match="it answered no metadata"):
        metadata.decode(answer({1: None}, {"a": [((1,), (1,))]})[:cut])


@pytest.mark.parametrize(
    ("living", "expected"),
    [
        ({1, 2, 3}, Brokers(brokers=3, in_service=3, partitions=3, under_replicated=1, under_min=0)),
        ({1, 2}, Brokers(brokers=3, in_service=2, partitions=3, under_replicated=3, under_min=1)),
        ({1}, Brokers(brokers=3, in_service=1, partitions=3, under_replicated=3, under_min=3)),
    ],
)
def test_the_copy_of_a_broker_that_is_gone_counts_for_nothing(living: set[int], expected: Brokers) -> None:
    """With two of three gone nobody says so any more: the answer of the last one still has them all."""
    parts = (
        Part(replicas=(1, 2, 3), in_step=(1, 2, 3)),
        Part(replicas=(1, 2, 3), in_step=(2, 3)),
        Part(replicas=(3, 2), in_step=(3, 2)),
    )
    found = Metadata(brokers=frozenset({1, 2, 3}), parts=parts)
    assert metadata.judged(found, 3, living) == expected
