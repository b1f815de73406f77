"""What the Postgres sink must know of a table: its topic, its one statement, and how records become arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tapeline.errors import InvalidMessage

LAST_US: Final = 10_382_256_000_000_000
"""The first microsecond of 2299, as in ClickHouse: the two stores hold the same times."""

NAME: Final = 50
ID: Final = 100

Array = list[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One table and the topic that fills it.

    `check` refuses, with InvalidMessage, what the columns cannot hold. `rows` tells how many rows a record is.
    `insert` takes `arrays` of records that are one row each, by unnest, and leaves rows alone that stand already: by
    their identity they are the same.
    """

    name: str
    topic: str
    insert: str
    check: Callable[[Any], None]
    rows: Callable[[Any], int]
    arrays: Callable[[Sequence[Any]], Sequence[Array]]

    def key(self, value: object) -> None:
        """Return no key: what is stored already Postgres knows by itself."""
        del value


def statement(table: str, columns: dict[str, tuple[str, str]], identity: str) -> str:
    """Return the insert of a table, given each column's type of array and what it is made of in the select."""
    arrays = ", ".join(f"${place}::{kind}[]" for place, (kind, _) in enumerate(columns.values(), start=1))
    made = ", ".join(expression for _, expression in columns.values())
    names = ", ".join(columns)
    # The names are the tables' own, never a caller's text.
    return (
        f"INSERT INTO {table} ({names}) SELECT {made} FROM unnest({arrays}) AS one({names})"  # noqa: S608 - see above
        f" ON CONFLICT ({identity}) DO NOTHING"
    )


def texts(most: int | None = None, **values: str | None) -> None:
    """Refuse text that Postgres does not store: longer than the column, or with a null character."""
    for field, value in values.items():
        if value is None:
            continue
        if "\0" in value:
            raise InvalidMessage("Postgres stores no null character", field=field, value=value)
        if most is not None and len(value) > most:
            raise InvalidMessage(f"the column holds {most} characters", field=field, value=value)


def in_time(**times_us: int) -> None:
    """Refuse a time that is none, by the name of its field."""
    for field, at_us in times_us.items():
        if not 0 <= at_us < LAST_US:
            raise InvalidMessage("this is no time between 1970 and 2299", field=field, value=at_us)
