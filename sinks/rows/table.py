"""What the sink must know of a table: its topic, its columns, and how a record is told from all others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sinks.known import Key
from tapeline.errors import InvalidMessage

LAST_US: Final = 10_382_256_000_000_000
"""The first microsecond of 2299: DateTime64 ends in that year."""

Channel = Literal["book", "trade", "funding"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table and the topic that fills it.

    `check` refuses, with InvalidMessage, what the columns cannot hold. `stored` asks for the oldest keys of some
    groups, each from its own time on: the group's columns, the identity's, the time in microseconds. `newest` asks for
    the newest record of each group since a time: the group's columns, epoch, identity as text (null where it has no
    order), time. A table with a
    `channel` has instruments for groups, and a hole in its topic becomes their gaps.
    """

    name: str
    topic: str
    groups: int
    stored: str
    check: Callable[[Any], None]
    key: Callable[[Any], Key]
    rows: Callable[[Any], int]
    columns: Callable[[Sequence[Any]], Any]
    channel: Channel | None = None
    newest: str | None = None

    def key_of(self, row: Sequence[Any]) -> Key:
        """Return the key in a row of `stored`."""
        identity = tuple(row[self.groups : -1])
        return Key(tuple(row[: self.groups]), identity[0] if len(identity) == 1 else identity, row[-1])


def in_time(**times_us: int | None) -> None:
    """Refuse a time that a table cannot hold, by the name of its field."""
    for field, at_us in times_us.items():
        if at_us is not None and not 0 <= at_us < LAST_US:
            raise InvalidMessage("this is no time between 1970 and 2299", field=field, value=at_us)


def paired(**sides: tuple[Sequence[float], Sequence[float]]) -> None:
    """Refuse a side of a book that has not one quantity for each price."""
    for side, (prices, quantities) in sides.items():
        if len(prices) != len(quantities):
            told = f"{len(prices)} prices have {len(quantities)} quantities"
            raise InvalidMessage(told, field=f"{side}_quantities", value=len(quantities))


def one_row(value: object) -> int:
    """Return the rows of a record that is one row."""
    del value
    return 1
