"""Which migrations run, from the files and from what the database says; every disagreement is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from tapeline.errors import Misconfigured
from tapeline.runtime.migration_files import Applied, Migration, Status, load, plan, statements, statuses

A, B, C = (
    Migration(number=number, name=name, up=f"up {name}", down=f"down {name}")
    for number, name in ((1, "a"), (2, "b"), (3, "c"))
)
ALL = (A, B, C)


def row(migration: Migration, *, whole: bool = True, checksum: str | None = None) -> Applied:
    return Applied(
        number=migration.number,
        name=migration.name,
        checksum=migration.checksum if checksum is None else checksum,
        applied_us=9,
        whole=whole,
    )


def planned(applied: list[Applied], to: int | None = None, known: tuple[Migration, ...] = ALL) -> list[tuple[str, str]]:
    return [(step.migration.name, step.direction) for step in plan("Postgres", known, applied, to)]


@pytest.mark.parametrize(
    ("applied", "to", "expected"),
    [
        ([], None, [("a", "up"), ("b", "up"), ("c", "up")]),
        ([], 2, [("a", "up"), ("b", "up")]),
        ([row(A)], None, [("b", "up"), ("c", "up")]),
        ([row(A), row(B), row(C)], None, []),
        ([row(A), row(B), row(C)], 1, [("c", "down"), ("b", "down")]),
        ([row(A), row(B)], 0, [("b", "down"), ("a", "down")]),
        ([row(A), row(B, whole=False, checksum="other")], None, [("b", "up"), ("c", "up")]),
        ([row(A), row(B, whole=False, checksum="other")], 1, [("b", "down")]),
        ([row(B), row(A)], 2, []),
    ],
)
def test_what_is_missing_goes_up_and_what_is_too_much_goes_down(
    applied: list[Applied], to: int | None, expected: list[tuple[str, str]]
) -> None:
    assert planned(applied, to) == expected


@pytest.mark.parametrize(
    ("applied", "to", "known", "sentence"),
    [
        (
            [row(A, checksum="x")],
            None,
            ALL,
            (
                "the migration 0001_a was changed after Postgres had applied it: restore "
                "the file as it was and write a new migration for the change"
            ),
        ),
        (
            [row(A), row(C)],
            None,
            ALL,
            "Postgres has migration 0003 and not 0002_b before it: restore the rows of schema_migrations from a backup",
        ),
        (
            [row(A), row(B), row(C)],
            None,
            (A, B),
            (
                "Postgres is at migration 0003_c and this Tapeline knows 2 of them: "
                "run the newer Tapeline that applied it, or take it back there first"
            ),
        ),
        ([], 4, ALL, "there is no migration 4 of Postgres: name a number from 0 to 3, or none for the newest"),
        ([], -1, ALL, "there is no migration -1 of Postgres: name a number from 0 to 3, or none for the newest"),
    ],
)
def test_a_disagreement_about_the_past_is_refused(
    applied: list[Applied], to: int | None, known: tuple[Migration, ...], sentence: str
) -> None:
    with pytest.raises(Misconfigured) as refused:
        planned(applied, to, known)
    assert str(refused.value) == sentence


def test_statuses_tell_all_and_refuse_nothing() -> None:
    unknown = Applied(number=5, name="e", checksum="", applied_us=7)

    assert statuses(ALL, [row(A), row(B, checksum="x"), unknown]) == (
        Status(number=1, name="a", state="applied", applied_us=9),
        Status(number=2, name="b", state="changed", applied_us=9),
        Status(number=3, name="c", state="pending"),
        Status(number=5, name="e", state="unknown", applied_us=7),
    )
    assert statuses((A,), [row(A, whole=False)])[0].state == "half applied"


def write(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).write_bytes(b"SELECT 1;\r\n")
    return folder


def test_files_are_read_in_order_and_line_ends_do_not_matter(tmp_path: Path) -> None:
    write(tmp_path, "0002_b.up.sql", "0002_b.down.sql", "0001_a.down.sql", "0001_a.up.sql", "README.md")

    assert load(tmp_path) == tuple(
        Migration(number=number, name=name, up="SELECT 1;\n", down="SELECT 1;\n")
        for number, name in ((1, "a"), (2, "b"))
    )


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["0001_a.up.sql"], "the migration 0001_a in {} has no down file: write 0001_a.down.sql"),
        (["0001_a.down.sql"], "the migration 0001_a in {} has no up file: write 0001_a.up.sql"),
        (["1_a.up.sql"], "1_a.up.sql in {} is not named as a migration: name it like 0001_orders.up.sql"),
        (
            ["0001_a.up.sql", "0001_a.down.sql", "0003_c.up.sql", "0003_c.down.sql"],
            (
                "the migration 0002 is missing in {} (next is 0003_c): "
                "restore its files or renumber those that were never applied"
            ),
        ),
        (
            ["0001_a.up.sql", "0001_a.down.sql", "0001_b.up.sql", "0001_b.down.sql"],
            "two migrations in {} have the number 0001: renumber 0001_b",
        ),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path: Path, names: list[str], sentence: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        load(write(tmp_path, *names))
    assert str(refused.value) == sentence.format(tmp_path)


def test_statements_end_where_a_line_ends_with_a_semicolon() -> None:
    text = "-- a; comment;\nCREATE TABLE a (x text DEFAULT ';')\n  ENGINE = M;\n\nDROP TABLE b;  \nSELECT 1\n"

    assert statements(text) == ("CREATE TABLE a (x text DEFAULT ';')\n  ENGINE = M", "DROP TABLE b", "SELECT 1")
    assert statements("-- nothing\n") == ()
