"""The Structs are the record files, field for field: names, order, types and defaults."""

from __future__ import annotations

import types
import typing
from decimal import Decimal

import msgspec
import pytest

from schemas import avro_files
from tapeline.domain import account_records, events, order_records

TYPES: dict[str, object] = {"string": str, "long": int, "double": float, "boolean": bool, "bytes": bytes}


def annotation(schema: object, known: dict[str, object]) -> object:
    """Return the annotation that a schema asks for; `known` holds its primitive types and the types seen so far."""
    if isinstance(schema, list):
        if schema[0] != "null":
            return typing.Union[tuple(annotation(branch, known) for branch in schema)]  # noqa: UP007 - a value here
        return typing.Optional[annotation(schema[1], known)]  # noqa: UP045 - the type is a value here
    if isinstance(schema, str):
        return known[schema]
    assert isinstance(schema, dict)
    found: object = Decimal if schema.get("logicalType") == "decimal" else None
    if schema["type"] == "record":
        found = known[schema["name"]] = nested(schema["name"])
        assert fields_of(found) == wanted_of(schema, known)
    elif schema["type"] == "enum":
        found = known[schema["name"]] = typing.Literal[tuple(schema["symbols"])]
    elif schema["type"] == "array":
        found = types.GenericAlias(tuple, (annotation(schema["items"], known), ...))
    elif schema["type"] == "map":
        found = types.GenericAlias(dict, (str, annotation(schema["values"], known)))
    return found


def nested(name: str) -> type[msgspec.Struct]:
    """Return the Struct of a record that stands in another one."""
    modules = (events, order_records, account_records)
    found: type[msgspec.Struct] = next(getattr(module, name) for module in modules if hasattr(module, name))
    return found


def wanted_of(schema: dict[str, typing.Any], known: dict[str, object]) -> list[tuple[str, object, object]]:
    """Return name, type and default of the fields that a record's schema asks for."""
    return [
        (field["name"], annotation(field["type"], known), field.get("default", msgspec.NODEFAULT))
        for field in schema["fields"]
    ]


def fields_of(struct: object) -> list[tuple[str, object, object]]:
    """Return name, type and default of a Struct's fields."""
    assert isinstance(struct, type)
    assert issubclass(struct, msgspec.Struct)
    return [(field.name, field.type, field.default) for field in msgspec.structs.fields(struct)]


@pytest.mark.parametrize("record", sorted(events.STRUCTS))
def test_a_struct_has_the_fields_of_its_record(record: str) -> None:
    assert fields_of(events.STRUCTS[record]) == wanted_of(avro_files.load(record), dict(TYPES))


def test_a_header_has_the_fields_of_its_record() -> None:
    headers = next(f for f in avro_files.load("tapeline.DeadLetter")["fields"] if f["name"] == "headers")
    wanted = [field["name"] for field in headers["type"]["items"]["fields"]]
    assert [field.name for field in msgspec.structs.fields(events.Header)] == wanted


@pytest.mark.parametrize("record", sorted(events.STRUCTS))
def test_values_are_frozen_and_no_work_for_the_collector(record: str) -> None:
    config = events.STRUCTS[record].__struct_config__
    assert (config.frozen, config.gc) == (True, False)


def test_each_record_knows_its_key() -> None:
    tick = events.ClockTick(partition=3, at_us=1_790_000_000_000_000, process="producers-1", epoch=1)
    letter = events.DeadLetter(
        origin_topic="md.book", origin_partition=3, origin_offset=812, headers=(), error="x", process="sinks-1", at_us=1
    )
    gap = events.Gap(
        venue="okx",
        market="spot",
        symbol="BTC/USDT",
        channel="book",
        epoch=1,
        start_us=1,
        cause="sequence",
        published_us=2,
    )
    beat = events.Heartbeat(
        process="producers-1",
        service="producers",
        status="online",
        lag={},
        version="0.1.0",
        pid=1,
        host="h",
        started_us=1,
        interval_us=5_000_000,
        at_us=2,
    )
    alert = events.Alert(
        alert_id="1", severity="info", code="c", message="m", context={}, process="sinks-1", host="h", at_us=1
    )
    assert [gap.key, tick.key, beat.key, alert.key, letter.origin] == [
        "okx:spot:BTC/USDT",
        "3",
        "producers-1",
        "sinks-1",
        "md.book/3/812",
    ]
