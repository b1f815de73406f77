"""Kafka's Metadata question and answer as bytes, without a client library: who is in service, who has which copy."""

from __future__ import annotations

import struct
from collections.abc import Collection
from dataclasses import dataclass

from schemas.topics import least_in_step
from tapeline.errors import Unavailable
from tapeline.runtime.runfile import Brokers

_METADATA, _VERSION = 3, 1
_ALL_TOPICS = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One partition: which brokers are to have a copy, and whose copy is in step."""

    replicas: tuple[int, ...]
    in_step: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The brokers that are in service, and the partitions of the topics that were asked for."""

    brokers: frozenset[int]
    parts: tuple[Part, ...]


def request(*, every_topic: bool) -> bytes:
    """Return the question, for all topics or for none."""
    client = b"tapeline"
    header = struct.pack(">hhih", _METADATA, _VERSION, 0, len(client)) + client
    return header + struct.pack(">i", _ALL_TOPICS if every_topic else 0)


def decode(answer: bytes) -> Metadata:
    """Return what the answer says; raise Unavailable when it is none."""
    try:
        return _decode(_Bytes(answer))
    except (struct.error, ValueError) as error:
        raise Unavailable(f"it answered no metadata ({error})") from error


def judged(found: Metadata, brokers: int, living: Collection[int]) -> Brokers:
    """Count what lacks copies: a broker that is not alive has none, though without a majority nobody says so."""
    parts = [(len(set(part.in_step) & set(living)), len(part.replicas)) for part in found.parts]
    return Brokers(
        brokers=brokers,
        in_service=len(found.brokers & set(living)),
        partitions=len(parts),
        under_replicated=sum(there < wanted for there, wanted in parts),
        under_min=sum(there < least_in_step(wanted) for there, wanted in parts),
    )


class _Bytes:
    """Reads values one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self, kind: str) -> int:
        (found,) = struct.unpack_from(kind, self._data, self._at)
        self._at += struct.calcsize(kind)
        return int(found)

    def skip_text(self) -> None:
        length = self.number(">h")  # negative: no text
        self._at += max(0, length)

    def numbers(self) -> tuple[int, ...]:
        return tuple(self.number(">i") for _ in range(self.number(">i")))


def _decode(data: _Bytes) -> Metadata:
    data.number(">i")  # which question it answers
    brokers = set()
    for _ in range(data.number(">i")):
        brokers.add(data.number(">i"))
        data.skip_text()  # host
        data.number(">i")  # port
        data.skip_text()  # rack
    data.number(">i")  # controller
    parts: list[Part] = []
    for _ in range(data.number(">i")):
        data.number(">h")  # error
        data.skip_text()  # name
        data.number(">b")  # internal
        for _ in range(data.number(">i")):
            data.number(">h")  # error
            data.number(">i")  # partition
            data.number(">i")  # leader
            parts.append(Part(replicas=data.numbers(), in_step=data.numbers()))
    return Metadata(brokers=frozenset(brokers), parts=tuple(parts))
