"""The values that publishers and readers share, typed here because the library is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from aiokafka import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Sequence

    class Partition(NamedTuple):
        """One partition of a topic."""

        topic: str
        partition: int

else:
    # The library insists on its own class, which has just these two fields.
    Partition = TopicPartition


class Record(Protocol):
    """What is read; `timestamp` is in milliseconds, as Kafka has it."""

    @property
    def topic(self) -> str:
        """Return the topic's name."""

    @property
    def partition(self) -> int:
        """Return the partition's number."""

    @property
    def offset(self) -> int:
        """Return its place in the partition."""

    @property
    def timestamp(self) -> int:
        """Return when it was published, in milliseconds UTC."""

    @property
    def key(self) -> bytes | None:
        """Return its identity."""

    @property
    def value(self) -> bytes | None:
        """Return its content, None where a compacted topic forgets the key."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Return its headers."""


class Outgoing(NamedTuple):
    """One record of `Publisher.publish_many`."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Stored(NamedTuple):
    """Where an acknowledged record stands; offset -1 when the broker had it already from a resend."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class FromTime:
    """Begin at the first record published at or after this time."""

    us: int


Start = Literal["beginning", "end"] | int | FromTime
"""Where to begin reading: an int is an offset."""
