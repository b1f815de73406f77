"""What an agent is: what it reads, the state of each partition, and a pure function from record to outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import msgspec

State = TypeVar("State")
Begin = Literal["beginning", "end"]


class Output(NamedTuple):
    """One record to publish, to the partition of its inputs: all records of a symbol share one."""

    topic: str
    key: str
    value: msgspec.Struct | dict[str, Any]
    headers: tuple[tuple[str, bytes], ...] = ()


class Placed(NamedTuple):
    """A record's value and where it stands, for an agent whose outputs name their causes."""

    value: Any
    topic: str
    partition: int
    offset: int


Conclude = Callable[[State], Iterable[Output]]
"""Called when all records of a batch are taken in; returns what follows from them together."""

Decide = Callable[[State, Any], Iterable[Output]]
"""Takes one record into the state and returns what follows; raises InvalidMessage when the record makes no sense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent(Generic[State]):
    """One agent; `decide` and `conclude` are pure: time is that of the record, the same batches give the same outputs.

    `fresh` makes the state of one partition, at every assignment anew. It is rebuilt by reading again what was
    published in the last `warm_up_s` before the committed offset; what `decide` returns for that is not published.
    Of the topics in `newest` only the last record of each key in a batch is decoded.

    The topics in `rebuilt` (compacted ones) are read from their beginning at every assignment, up to the end that they
    have then, before any other topic of the same partition. Those in `everywhere` have one partition and are told to
    all states, whole: what stood in them at the start comes before everything else. `recall` takes the place of
    `conclude` after a replayed batch, where to conclude would change the state as if its outputs were published.
    With `placed`, `decide` gets each record as Placed. `measure` brings what was published, and what the state counted,
    into the metrics.
    """

    name: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    fresh: Callable[[], State]
    decide: Decide[State]
    newest: frozenset[str] = frozenset()
    conclude: Conclude[State] | None = None
    warm_up_s: float = 0.0
    begin: Begin = "beginning"
    rebuilt: frozenset[str] = frozenset()
    everywhere: tuple[str, ...] = ()
    recall: Callable[[State], None] | None = None
    placed: bool = False
    measure: Callable[[State, Sequence[Output]], None] | None = None
