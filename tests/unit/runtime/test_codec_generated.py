"""Readers and writers made from schemas: every length of integer and column, every kind of block, what is refused."""

from __future__ import annotations

import io
import re
import struct
from decimal import Decimal
from typing import Any, Literal

import fastavro
import msgspec
import pytest

from tapeline.errors import InvalidMessage
from tapeline.runtime import avro

DOUBLES = {"type": "array", "items": "double"}
MONEY = {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 18}


def record(**fields: object) -> dict[str, Any]:
    """Return a schema of a record with these fields."""
    named = [{"name": name, "type": kind} for name, kind in fields.items()]
    return {"type": "record", "name": "Sample", "namespace": "tapeline", "fields": named}


def made(schema: dict[str, Any], struct: type[msgspec.Struct] | None = None) -> tuple[avro.Write, avro.Read]:
    """Return the writer and the reader of a schema."""
    shape = avro.shape(fastavro.parse_schema(schema), struct)  # type: ignore[arg-type]  # it is a record
    return avro.writer(shape), avro.reader(shape)


def reference(schema: dict[str, Any], value: dict[str, Any]) -> bytes:
    """Return what fastavro writes."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    return out.getvalue()


def zigzag(number: int) -> bytes:
    """Return a long's bytes, slowly."""
    return reference(record(x="long"), {"x": number})


EDGES = sorted({sign * (2**bits + off) for bits in range(63) for off in (-1, 0, 1) for sign in (1, -1)} | {-(2**63)})


def test_integers_of_every_length_are_fastavros_and_come_back() -> None:
    schema = record(x="long", y={"type": "array", "items": "long"}, z=["null", "long"])
    write, read = made(schema)
    for number in EDGES:
        value = {"x": number, "y": [number], "z": number}
        data = write(value, b"")
        assert data == reference(schema, value)
        assert read(data, 0) == value
        # Again: what was met for the first time has been kept.
        assert read(write(value, b""), 0) == value


@pytest.mark.parametrize("number", [2**63, 2**63 + 1, 2**70, -(2**63) - 1])
def test_longer_integers_are_refused(number: int) -> None:
    write, _ = made(record(x="long", y=["null", "long"], z={"type": "array", "items": ["null", "long"]}))
    fit: dict[str, Any] = {"x": 0, "y": None, "z": []}
    for field, wrong, place in (("x", number, "x"), ("y", number, "y"), ("z", [1, number], "z[1]")):
        with pytest.raises(InvalidMessage) as caught:
            write({**fit, field: wrong}, b"")
        assert (caught.value.reason, caught.value.field) == ("it must be an integer of 64 bits", place)


def test_columns_of_every_length_are_fastavros_and_come_back() -> None:
    schema = record(x=DOUBLES)
    write, read = made(schema)
    for count in (*range(70), 127, 128, 8_191, 8_192, 20_000):
        value = {"x": [float(number) for number in range(count)]}
        data = write(value, b"")
        assert data == reference(schema, value)
        assert read(data, 0) == value


def test_a_column_may_hold_integers_and_is_written_as_doubles() -> None:
    write, read = made(record(x=DOUBLES))
    assert read(write({"x": [1, 2.5, 10**18]}, b""), 0) == {"x": [1.0, 2.5, 1e18]}
    assert read(write({"x": (1, 2.5)}, b""), 0) == {"x": [1.0, 2.5]}


def test_texts_and_bytes_of_every_length_are_fastavros_and_come_back() -> None:
    schema = record(x="string", y="bytes")
    write, read = made(schema)
    for size in (0, 1, 63, 64, 65, 8_191, 8_192, 70_000):
        value = {"x": "ж" * (size // 2) + "x" * (size % 2), "y": bytes(size)}
        data = write(value, b"")
        assert data == reference(schema, value)
        assert read(data, 0) == value


@pytest.mark.parametrize("number", ["0", "-0", "1E+19", "-1E-18", "127E-18", "128E-18", "-128E-18", "-129E-18", "0E-9"])
def test_money_is_fastavros_to_the_byte(number: str) -> None:
    schema = record(x=MONEY)
    write, read = made(schema)
    value = {"x": Decimal(number)}
    assert write(value, b"") == reference(schema, value)
    assert read(write(value, b""), 0) == value


def blocks(*parts: tuple[int, bytes]) -> bytes:
    """Return blocks, each with its count; a negative one tells the block's size too."""
    told = [zigzag(count) + (zigzag(len(body)) if count < 0 else b"") + body for count, body in parts]
    return b"".join(told) + b"\x00"


ONE, TWO = struct.pack("<d", 1.0), struct.pack("<d", 2.0)


@pytest.mark.parametrize(
    ("kind", "data", "value"),
    [
        (DOUBLES, blocks(), []),
        (DOUBLES, blocks((1, ONE), (1, TWO)), [1.0, 2.0]),
        (DOUBLES, blocks((-2, ONE + TWO)), [1.0, 2.0]),
        (DOUBLES, blocks((-1, ONE), (2, TWO + ONE)), [1.0, 2.0, 1.0]),
        (DOUBLES, blocks((63, ONE * 63), (64, TWO * 64)), [1.0] * 63 + [2.0] * 64),
        ({"type": "array", "items": "string"}, blocks((1, b"\x02a"), (-2, b"\x02b\x02c")), ["a", "b", "c"]),
        ({"type": "map", "values": "long"}, blocks((1, b"\x02a\x02"), (-1, b"\x02b\x04")), {"a": 1, "b": 2}),
        ({"type": "map", "values": "long"}, blocks((2, b"\x02a\x02\x02a\x04")), {"a": 2}),
        ("long", b"\x82\x80\x00", 1),
        ("string", b"\x82\x00a", "a"),
    ],
)
def test_what_other_writers_write_otherwise_is_read_too(kind: object, data: bytes, value: object) -> None:
    _, read = made(record(x=kind, y="long"))
    assert read(data + b"\x0e", 0) == {"x": value, "y": 7}


SYMBOL = {"type": "enum", "name": "Colour", "symbols": ["red", "blue"]}


@pytest.mark.parametrize(
    ("kind", "data", "why"),
    [
        ("boolean", b"\x02", "the byte 2 is neither true nor false"),
        (SYMBOL, b"\x04", "the byte 4 is no symbol"),
        (SYMBOL, b"\x01", "the byte 1 is no symbol"),
        (["null", SYMBOL], b"\x02\x04", "the byte 4 is no symbol"),
        (["null", "long"], b"\x04", "the byte 4 is no branch of the union"),
        (["null", "long"], b"\x01", "the byte 1 is no branch of the union"),
        ("long", b"\x80" * 10 + b"\x00", "an integer has more than 10 bytes"),
        ("long", b"\xff" * 9 + b"\x02", "an integer has more than 64 bits"),
        ("string", b"\x02\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        ("string", zigzag(-1), "-1 bytes are said to follow"),
        ("string", zigzag(2**62), f"{2**62} bytes are said to follow"),
        ("bytes", zigzag(1_000), "1000 bytes are said to follow"),
        (DOUBLES, zigzag(2**60), f"{2**60} items are said to follow"),
        (DOUBLES, zigzag(63), "the bytes end too early"),
        (DOUBLES, zigzag(-(2**63)) + zigzag(0), f"{2**63} items are said to follow"),
        (DOUBLES, blocks((1, ONE), (2**40, b"")), f"{2**40} items are said to follow"),
        ({"type": "array", "items": "string"}, zigzag(2**50), f"{2**50} items are said to follow"),
        ({"type": "map", "values": "string"}, zigzag(2**50), f"{2**50} items are said to follow"),
    ],
)
def test_broken_bytes_are_refused_naming_the_field(kind: object, data: bytes, why: str) -> None:
    _, read = made(record(w="long", x=kind))
    with pytest.raises(InvalidMessage) as caught:
        read(b"\x00" + data, 0)
    assert (caught.value.reason, caught.value.field) == (f"the body is no tapeline.Sample: {why}", "x")


def test_bytes_that_end_too_early_and_bytes_that_are_left_are_told_apart() -> None:
    _, read = made(record(x="long", y="double"))
    body = b"\x02" + ONE
    for data, why in (
        (body[:-1], "the body is no tapeline.Sample: the bytes end too early"),
        (b"", "the body is no tapeline.Sample: the bytes end too early"),
        (body + b"\x00", "1 bytes are left after the tapeline.Sample"),
    ):
        with pytest.raises(InvalidMessage) as caught:
            read(data, 0)
        assert caught.value.reason == why


@pytest.mark.parametrize(
    ("kind", "value", "place"),
    [
        ("double", float("nan"), "x"),
        (["null", "double"], float("inf"), "x"),
        (DOUBLES, [1.0, float("-inf")], "x[1]"),
        (DOUBLES, [1.0] * 70 + [float("nan")], "x[70]"),
        ({"type": "map", "values": "double"}, {"a": float("nan")}, "x['a']"),
        ({"type": "array", "items": "double"}, [float("inf"), float("-inf")], "x[0]"),
        ({"type": "array", "items": ["null", "double"]}, [None, float("nan")], "x[1]"),
        ({"type": "array", "items": DOUBLES}, [[1.0], [1.0, float("nan")]], "x[1][1]"),
    ],
)
def test_a_number_that_is_not_finite_is_refused_both_ways(kind: object, value: object, place: str) -> None:
    schema = record(x=kind)
    write, read = made(schema)
    for refused in (lambda: write({"x": value}, b""), lambda: read(reference(schema, {"x": value}), 0)):
        with pytest.raises(InvalidMessage) as caught:
            refused()
        assert (caught.value.reason, caught.value.field) == ("it must be a finite number", place)


class Red(msgspec.Struct, frozen=True):
    """One of a choice."""

    x: int


class Blue(msgspec.Struct, frozen=True):
    """The other, with Structs inside."""

    reds: tuple[Red, ...]
    size: Literal["small", "large"] | None = None


class Sample(msgspec.Struct, frozen=True):
    """A Struct with all that can stand in one."""

    choice: Red | Blue
    one: Red
    many: tuple[Red | None, ...]
    named: dict[str, Red]


RED = {"type": "record", "name": "Red", "fields": [{"name": "x", "type": "long"}]}
SIZE = {"type": "enum", "name": "Size", "symbols": ["small", "large"]}
BLUE = {
    "type": "record",
    "name": "Blue",
    "fields": [{"name": "reds", "type": {"type": "array", "items": "Red"}}, {"name": "size", "type": [SIZE, "null"]}],
}
SAMPLE = record(
    choice=[RED, BLUE],
    one="Red",
    many={"type": "array", "items": ["null", "Red"]},
    named={"type": "map", "values": "Red"},
)
STRUCT = Sample(
    choice=Blue(reds=(Red(x=1), Red(x=-1)), size="large"),
    one=Red(x=2),
    many=(None, Red(x=3)),
    named={"a": Red(x=4)},
)
PLAIN = {
    "choice": {"-type": "tapeline.Blue", "reds": [{"x": 1}, {"x": -1}], "size": "large"},
    "one": {"x": 2},
    "many": [None, {"x": 3}],
    "named": {"a": {"x": 4}},
}


@pytest.mark.parametrize("choice", [STRUCT.choice, Red(x=7), Blue(reds=())])
def test_structs_inside_structs_are_written_and_read(choice: Red | Blue) -> None:
    write, read = made(SAMPLE, Sample)
    value = msgspec.structs.replace(STRUCT, choice=choice)
    assert read(write(value, b""), 0) == value


def test_a_struct_and_plain_values_are_the_same_bytes_as_fastavros() -> None:
    write, _ = made(SAMPLE, Sample)
    write_plain, read_plain = made(SAMPLE)
    data = reference(SAMPLE, PLAIN)
    assert (write(STRUCT, b""), write_plain(PLAIN, b"")) == (data, data)
    assert read_plain(data, 0) == PLAIN
    assert write(STRUCT, b"head") == b"head" + data


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"one": {"x": 1}}, "one", "it must be a record"),
        ({"one": None}, "one", "it must be a record"),
        ({"one": Red(x=True)}, "one.x", "it must be an integer of 64 bits"),
        ({"many": [Red(x=1), Blue(reds=())]}, "many[1]", "it must be a record"),
        ({"many": {1}}, "many", "it must be an array"),
        ({"named": {"a": Red(x=2**63)}}, "named['a'].x", "it must be an integer of 64 bits"),
        ({"named": ()}, "named", "it must be a map"),
        ({"choice": STRUCT}, "choice", "it must name one of tapeline.Red, tapeline.Blue under '-type'"),
        ({"choice": {"-type": ["x"]}}, "choice", "it must name one of tapeline.Red, tapeline.Blue under '-type'"),
        ({"choice": Blue(reds=(), size="tiny")}, "choice.size", "it must be one of large, small"),  # type: ignore[arg-type]  # wrong on purpose
    ],
)
def test_what_is_not_the_struct_is_refused_naming_the_field(fields: dict[str, Any], field: str, reason: str) -> None:
    write, _ = made(SAMPLE, Sample)
    with pytest.raises(InvalidMessage) as caught:
        write(msgspec.structs.replace(STRUCT, **fields), b"")
    assert (caught.value.reason, caught.value.field) == (reason, field)


class Text(str):
    """A text of another type."""

    __slots__ = ()


class Number(float):
    """A number of another type."""


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("string", Text("a"), "it must be text"),
        (["null", "string"], "\udc80", "it must be valid Unicode"),
        ({"type": "array", "items": ["null", "string"]}, ["\udc80"], "it must be valid Unicode"),
        (SYMBOL, Text("red"), "it must be one of blue, red"),
        ({"type": "array", "items": SYMBOL}, ["green"], "it must be one of blue, red"),
        ("double", Number(1), "it must be a number"),
        ("double", True, "it must be a number"),
        ("double", 10**400, "it must be a finite number"),
        ("boolean", 1, "it must be true or false"),
        ("bytes", "a", "it must be bytes"),
        ("bytes", bytearray(b"a"), "it must be bytes"),
        (DOUBLES, None, "it must be an array"),
        (DOUBLES, [10**400, -(10**400), 0.5], "it must be a finite number"),
        (DOUBLES, [1.0, Decimal(1)], "it must be a number"),
    ],
)
def test_what_only_resembles_the_type_is_refused(kind: object, value: object, reason: str) -> None:
    write, _ = made(record(x=kind))
    with pytest.raises(InvalidMessage) as caught:
        write({"x": value}, b"")
    assert caught.value.reason == reason
    assert re.match(r"x(\[\d\])?$", caught.value.field or "")


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        (record(x="int"), "nothing of ours is written as 'int'"),
        (record(x={"type": "fixed", "name": "Four", "size": 4}), "nothing of ours is written as 'fixed'"),
        (record(x=["null", "Sample"]), "nothing of ours is written as 'tapeline.Sample'"),
        (record(x=["long", "string"]), "a union of ours is an optional value or a choice of records"),
        (record(x=["null", "long", "string"]), "a union of ours is an optional value or a choice of records"),
        (record(), "the record tapeline.Sample has no fields"),
        (
            record(x={"type": "enum", "name": "Many", "symbols": [f"s{at}" for at in range(65)]}),
            "65 symbols or branches are more than 64",
        ),
    ],
)
def test_a_schema_that_is_not_ours_is_refused_when_its_code_is_made(schema: dict[str, Any], why: str) -> None:
    with pytest.raises(TypeError, match=re.escape(why)):
        made(schema)


def test_a_struct_that_is_not_the_schemas_is_refused_when_its_code_is_made() -> None:
    with pytest.raises(TypeError, match=r"Red has other fields than the record tapeline\.Sample"):
        made(SAMPLE, Red)
    with pytest.raises(TypeError, match="has no Struct Crimson"):
        made(record(choice={**RED, "name": "Crimson"}, one="long", many="long", named="long"), Sample)


def test_a_crash_inside_the_code_shows_its_line() -> None:
    write, _ = made(record(x="long"))
    with pytest.raises(TypeError) as caught:
        write({"x": 1}, "no bytes")  # type: ignore[arg-type]  # wrong on purpose
    assert str(caught.traceback[-1].statement).strip().startswith("return b''.join((head, ")
