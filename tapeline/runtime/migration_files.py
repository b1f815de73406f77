"""Migrations as values: numbered SQL files without holes, and the pure plan of which to run; nothing here does I/O.

`0001_orders.up.sql` and `0001_orders.down.sql` are one migration. What is applied must not be changed any more: its
checksum stands in the database. A plan is refused, with the fix, rather than guessed.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tapeline.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from importlib.resources.abc import Traversable

Direction = Literal["up", "down"]
State = Literal["applied", "pending", "half applied", "changed", "unknown"]

_NAME = re.compile(r"(?P<number>\d{4})_(?P<name>[a-z0-9_]+)\.(?P<direction>up|down)\.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step of a store's layout, there and back."""

    number: int
    name: str
    up: str
    down: str

    @property
    def title(self) -> str:
        """Return its number and name, as its files have them."""
        return f"{self.number:04d}_{self.name}"

    @property
    def checksum(self) -> str:
        """Return the sha256 of the way up, by which a change after the fact is noticed."""
        return digest(self.up)

    def sql(self, direction: Direction) -> str:
        """Return one of the two files."""
        return self.up if direction == "up" else self.down


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What the database says about one migration; `whole` is False when only some of its statements ran."""

    number: int
    name: str
    checksum: str
    applied_us: int
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One migration to run, in one direction."""

    migration: Migration
    direction: Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How one migration stands, for people."""

    number: int
    name: str
    state: State
    applied_us: int | None = None


def digest(text: str) -> str:
    """Return the sha256 of a text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def load(folder: Traversable) -> tuple[Migration, ...]:
    """Read a folder's migrations, in order; a hole, a missing way back or a foreign name raises Misconfigured."""
    texts: dict[tuple[int, str], dict[str, str]] = {}
    for file in folder.iterdir():
        if not file.name.endswith(".sql"):
            continue
        parts = _NAME.fullmatch(file.name)
        if parts is None:
            raise Misconfigured(
                f"{file.name} in {folder} is not named as a migration", fix="name it like 0001_orders.up.sql"
            )
        key = (int(parts["number"]), parts["name"])
        texts.setdefault(key, {})[parts["direction"]] = file.read_text("utf-8").replace("\r\n", "\n")
    found = []
    for expected, ((number, name), sides) in enumerate(sorted(texts.items()), start=1):
        _check_number(folder, expected, number, name)
        for direction in ("up", "down"):
            if direction not in sides:
                raise Misconfigured(
                    f"the migration {number:04d}_{name} in {folder} has no {direction} file",
                    fix=f"write {number:04d}_{name}.{direction}.sql",
                )
        found.append(Migration(number=number, name=name, up=sides["up"], down=sides["down"]))
    return tuple(found)


def plan(store: str, known: Sequence[Migration], applied: Iterable[Applied], to: int | None = None) -> tuple[Step, ...]:
    """Return what must run so that exactly the migrations 1 to `to` (default: all) are applied, in order.

    A half applied migration is run again in the direction that is wanted: its store knows where to go on. Raises
    Misconfigured when files and database disagree about the past.
    """
    past = {row.number: row for row in applied}
    _check_past(store, known, past)
    goal = len(known) if to is None else to
    if not 0 <= goal <= len(known):
        raise Misconfigured(
            f"there is no migration {goal} of {store}",
            fix=f"name a number from 0 to {len(known)}, or none for the newest",
        )
    up = [
        Step(migration=step, direction="up")
        for step in known[:goal]
        if step.number not in past or not past[step.number].whole
    ]
    down = [Step(migration=step, direction="down") for step in reversed(known[goal:]) if step.number in past]
    return (*down, *up)


def statuses(known: Sequence[Migration], applied: Iterable[Applied]) -> tuple[Status, ...]:
    """Return how each migration stands, those that only the database knows included; refuses nothing."""
    past = {row.number: row for row in applied}
    found = []
    for step in known:
        row = past.pop(step.number, None)
        found.append(
            Status(
                number=step.number,
                name=step.name,
                state=_state(step, row),
                applied_us=None if row is None else row.applied_us,
            )
        )
    left = (
        Status(number=row.number, name=row.name, state="unknown", applied_us=row.applied_us) for row in past.values()
    )
    return tuple(sorted((*found, *left), key=lambda status: status.number))


def statements(sql: str) -> tuple[str, ...]:
    """Split a file at each `;` that ends a line; lines that are comments only are left out."""
    found: list[str] = []
    lines: list[str] = []
    for line in sql.splitlines():
        if not line.strip() or line.lstrip().startswith("--"):
            continue
        lines.append(line.rstrip())
        if lines[-1].endswith(";"):
            found.append("\n".join(lines).removesuffix(";"))
            lines = []
    if lines:
        found.append("\n".join(lines))
    return tuple(found)


def _state(step: Migration, row: Applied | None) -> State:
    if row is None:
        return "pending"
    if not row.whole:
        return "half applied"
    return "applied" if row.checksum == step.checksum else "changed"


def _check_number(folder: Traversable, expected: int, number: int, name: str) -> None:
    if number < expected:
        raise Misconfigured(
            f"two migrations in {folder} have the number {number:04d}", fix=f"renumber {number:04d}_{name}"
        )
    if number > expected:
        raise Misconfigured(
            f"the migration {expected:04d} is missing in {folder} (next is {number:04d}_{name})",
            fix="restore its files or renumber those that were never applied",
        )


def _check_past(store: str, known: Sequence[Migration], past: dict[int, Applied]) -> None:
    newest = max(past, default=0)
    if newest > len(known):
        raise Misconfigured(
            f"{store} is at migration {past[newest].number:04d}_{past[newest].name} and this Tapeline knows "
            f"{len(known)} of them",
            fix="run the newer Tapeline that applied it, or take it back there first",
        )
    for step in known[:newest]:
        row = past.get(step.number)
        if row is None:
            raise Misconfigured(
                f"{store} has migration {newest:04d} and not {step.title} before it",
                fix="restore the rows of schema_migrations from a backup",
            )
        if row.whole and row.checksum != step.checksum:
            raise Misconfigured(
                f"the migration {step.title} was changed after {store} had applied it",
                fix="restore the file as it was and write a new migration for the change",
            )
