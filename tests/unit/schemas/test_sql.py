"""The migration files: numbered without holes, each with its way back, statements that end at the end of a line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import schemas

ROOT = Path(schemas.__path__[0])
STORES = ("postgres", "clickhouse")


def files(store: str) -> list[Path]:
    return sorted((ROOT / store).glob("*.sql"))


@pytest.mark.parametrize("store", STORES)
def test_migrations_are_numbered_from_one_and_each_has_its_way_back(store: str) -> None:
    names = [file.name for file in files(store)]
    found = [re.fullmatch(r"(\d{4})_([a-z0-9_]+)\.(up|down)\.sql", name) for name in names]
    assert all(found), names
    steps = sorted({match[1] for match in found if match})
    assert steps == [f"{number:04}" for number in range(1, len(steps) + 1)]
    assert {match[3] for match in found if match} == {"up", "down"}
    assert len(names) == 2 * len(steps)


@pytest.mark.parametrize("store", STORES)
def test_a_semicolon_stands_at_the_end_of_a_statement_and_nowhere_else(store: str) -> None:
    for file in files(store):
        text = file.read_text("utf-8")
        assert text.endswith(";\n"), file
        assert re.findall(r";(?!\n)", text) == [], file
        assert not [line for line in text.splitlines() if line.lstrip().startswith("--") and line.endswith(";")], file


@pytest.mark.parametrize("store", STORES)
def test_the_way_back_drops_all_tables_in_the_opposite_order(store: str) -> None:
    for up in files(store):
        if up.name.endswith(".up.sql"):
            down = up.with_name(up.name.replace(".up.", ".down."))
            made = re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", up.read_text("utf-8"))
            assert re.findall(r"DROP TABLE (?:IF EXISTS )?(\w+)", down.read_text("utf-8")) == made[::-1]


def test_a_statement_of_clickhouse_bears_being_run_twice() -> None:
    """A kill between a statement and its record repeats it; Postgres rolls back instead."""
    for file in files("clickhouse"):
        text = file.read_text("utf-8")
        assert re.findall(r"CREATE TABLE (?!IF NOT EXISTS)\w+|DROP TABLE (?!IF EXISTS)\w+", text) == [], file


def test_the_tape_sorts_by_instrument_and_keeps_microseconds() -> None:
    """K4, X-09, C-16, C-17."""
    text = (ROOT / "clickhouse" / "0001_tape.up.sql").read_text("utf-8")
    tables = dict(re.findall(r"CREATE TABLE IF NOT EXISTS (\w+) \((.*?)SETTINGS (?=non_replicated)", text, re.DOTALL))
    assert list(tables) == ["trades", "orderbook_snapshots", "orderbook_deltas", "gaps"]
    for table in tables.values():
        assert "ORDER BY (exchange_id, market_type, pair, " in table
        assert re.search(r"DateTime(?!64\(6, 'UTC'\))", table) is None
        assert "Float32" not in table
    assert text.count("SETTINGS non_replicated_deduplication_window = 1000") == len(tables)
