"""BACKWARD, checked by avro's own checker: each record of today reads what every release wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.schema import Schema, parse

import schemas
from schemas import avro_files

RELEASED = Path(schemas.__path__[0]) / "released"


def faults(reader: Schema, writer: Schema) -> list[str]:
    """Return why a reader cannot read what the writer wrote; nothing when it can."""
    checker = ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]  # avro types all but this constructor
    verdict = checker.get_compatibility(reader, writer)
    if verdict.compatibility is SchemaCompatibilityType.compatible:
        return []
    return sorted(verdict.messages) or ["incompatible"]


def broken(folder: Path) -> Iterator[str]:
    """Yield each released record below a folder that today's records cannot read, with the reason."""
    for file in sorted(folder.glob("*/*.avsc")):
        writer = file.read_text("utf-8")
        name = f"{avro_files.NAMESPACE}.{file.stem}"
        if name not in avro_files.names():
            yield f"{file.parent.name}/{file.name}: the record is gone, and its topic may still hold some"
            continue
        for fault in faults(parse(avro_files.text(name)), parse(writer)):
            yield f"{file.parent.name}/{file.name}: {fault}"


def release(folder: Path, schema: dict[str, Any]) -> Path:
    """Write a made-up release with one record and return its folder."""
    file = folder / "v0" / f"{schema['name']}.avsc"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(schema))
    return folder


def test_todays_records_read_what_every_release_wrote() -> None:
    assert list(broken(RELEASED)) == []


@pytest.mark.parametrize("record", avro_files.names())
def test_each_record_reads_itself(record: str, tmp_path: Path) -> None:
    assert list(broken(release(tmp_path, avro_files.load(record)))) == []


def test_a_field_that_was_added_since_with_a_default_is_fine(tmp_path: Path) -> None:
    older = avro_files.load("tapeline.Book")
    older["fields"] = [field for field in older["fields"] if field["name"] != "exact"]
    assert list(broken(release(tmp_path, older))) == []


def test_a_field_that_was_added_since_without_a_default_is_found(tmp_path: Path) -> None:
    older = avro_files.load("tapeline.Book")
    older["fields"] = [field for field in older["fields"] if field["name"] != "epoch"]
    assert list(broken(release(tmp_path, older))) == ["v0/Book.avsc: epoch"]


def test_a_type_that_changed_is_found(tmp_path: Path) -> None:
    older = avro_files.load("tapeline.ClockTick")
    older["fields"][1]["type"] = "string"
    assert list(broken(release(tmp_path, older))) == [
        "v0/ClockTick.avsc: reader type: long not compatible with writer type: string"
    ]


def test_a_symbol_that_was_removed_since_is_found(tmp_path: Path) -> None:
    older = avro_files.load("tapeline.Trade")
    next(field for field in older["fields"] if field["name"] == "market")["type"]["symbols"].append("options")
    assert list(broken(release(tmp_path, older))) == ["v0/Trade.avsc: {'options'}"]


def test_a_record_that_was_removed_since_is_found(tmp_path: Path) -> None:
    gone = avro_files.load("tapeline.ClockTick") | {"name": "Sundial"}
    assert [line.partition(":")[0] for line in broken(release(tmp_path, gone))] == ["v0/Sundial.avsc"]
