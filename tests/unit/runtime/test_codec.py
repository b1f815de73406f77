"""The codec: Confluent's wire format to the byte, strict both ways, old and new schemas resolved against ours."""

from __future__ import annotations

import io
import json
import struct
from decimal import Decimal
from typing import Any

import fastavro
import msgspec
import pytest

from schemas import avro_files
from schemas.topics import by_name
from tapeline.domain import events
from tapeline.errors import InvalidMessage, Misconfigured, UnknownSchema
from tapeline.runtime import avro
from tapeline.runtime.codec import Codec
from tests.support.records import BOOK, IDS, INTENT, plain

CODEC = Codec(IDS)
MD_BOOK = by_name("md.book")
CLOCK = by_name("clock")
ORDER_INTENT = by_name("order.intent")
INSTRUMENT = by_name("ref.instrument")
TICK = events.ClockTick(partition=3, at_us=1_790_000_000_000_000, process="p", epoch=2)
RULES = events.Instrument(
    venue="okx",
    market="futures",
    symbol="BTC/USDT",
    native="BTC-USDT-SWAP",
    base="BTC",
    quote="USDT",
    status="trading",
    price_tick=Decimal("0.1"),
    quantity_step=Decimal("0.0001"),
    contract_size=Decimal("0.01"),
    received_us=1,
    published_us=2,
)


def written(intent: dict[str, Any]) -> bytes:
    """Return an intent as one is written that has no Struct: from plain values."""
    shape = avro.shape(fastavro.parse_schema(avro_files.load(ORDER_INTENT.record)), None)  # type: ignore[arg-type]  # it is a record
    return avro.writer(shape)(intent, struct.pack(">bI", 0, IDS[ORDER_INTENT.subject]))


def learned(schema: dict[str, Any]) -> Codec:
    """Return a codec that has learned this schema as id 900."""
    codec = Codec(IDS)
    codec.learn(900, json.dumps(schema))
    return codec


def body(schema: dict[str, Any], value: events.Book | dict[str, Any]) -> bytes:
    """Return the Avro body that another writer would write."""
    out = io.BytesIO()
    values = value if isinstance(value, dict) else msgspec.structs.asdict(value)
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), values)
    return out.getvalue()


def test_a_record_is_byte_zero_the_id_and_the_avro_body() -> None:
    tick = events.ClockTick(partition=3, at_us=64, process="p", epoch=-1)
    assert Codec({"clock-value": 258}).encode(CLOCK, tick) == bytes.fromhex("00 00000102 06 8001 0270 01")


def test_a_struct_comes_back_as_the_same_struct() -> None:
    assert CODEC.decode(MD_BOOK, CODEC.encode(MD_BOOK, BOOK)) == BOOK


def test_a_dead_letter_keeps_every_byte() -> None:
    letter = events.DeadLetter(
        origin_topic="md.book",
        origin_partition=3,
        origin_offset=812,
        origin_us=None,
        key=b"\xff\x00",
        value=bytes(range(256)),
        headers=(events.Header(name="a", value=b"1"), events.Header(name="a", value=None)),
        error="it is broken",
        field="bid_prices[3]",
        schema_id=7,
        process="sinks-1",
        at_us=1,
    )
    topic = by_name("dlq")
    assert CODEC.decode(topic, CODEC.encode(topic, letter)) == letter


def test_an_intent_is_written_the_same_as_a_struct_and_as_plain_values_and_comes_back() -> None:
    intent = CODEC.decode(ORDER_INTENT, written(INTENT))
    assert CODEC.encode(ORDER_INTENT, intent) == written(INTENT)
    assert plain(intent) == INTENT


def test_money_comes_back_exact() -> None:
    rules = msgspec.structs.replace(RULES, price_tick=Decimal("99999999999999999999.999999999999999999"))
    assert CODEC.decode(INSTRUMENT, CODEC.encode(INSTRUMENT, rules)) == rules


def test_a_field_left_out_of_plain_values_takes_its_default() -> None:
    short = {name: value for name, value in INTENT.items() if name not in ("memory", "actor", "first_received_us")}
    full = plain(CODEC.decode(ORDER_INTENT, written(short)))
    assert full == {**INTENT, "memory": None, "first_received_us": None}


def test_decode_any_gives_the_records_name_and_plain_values() -> None:
    name, values = CODEC.decode_any(CODEC.encode(CLOCK, TICK))
    assert (name, values) == ("tapeline.ClockTick", msgspec.structs.asdict(TICK))
    assert CODEC.decode_any(written(INTENT)) == ("tapeline.OrderIntent", INTENT)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("field", ["bid_prices", "bid_quantities", "ask_prices", "ask_quantities"])
def test_a_number_that_is_not_finite_is_refused_naming_the_field(field: str, wrong: float) -> None:
    book = msgspec.structs.replace(BOOK, **{field: (1.0, wrong)})
    with pytest.raises(InvalidMessage) as caught:
        CODEC.encode(MD_BOOK, book)
    assert (caught.value.reason, caught.value.field) == ("it must be a finite number", f"{field}[1]")


@pytest.mark.parametrize(
    ("item", "reason"),
    [("1", "it must be a number"), (None, "it must be a number"), (10**400, "it must be a finite number")],
)
def test_an_item_of_a_column_that_is_no_number_is_refused_naming_its_place(item: object, reason: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        CODEC.encode(MD_BOOK, msgspec.structs.replace(BOOK, ask_prices=(1.0, item)))
    assert (caught.value.reason, caught.value.field) == (reason, "ask_prices[1]")


def test_infinities_that_cancel_out_are_found() -> None:
    book = msgspec.structs.replace(BOOK, bid_prices=(float("inf"), float("-inf")))
    with pytest.raises(InvalidMessage, match=r"bid_prices\[0\]"):
        CODEC.encode(MD_BOOK, book)


def test_finite_numbers_whose_sum_is_not_are_taken() -> None:
    book = msgspec.structs.replace(BOOK, bid_prices=(1.7e308, 1.7e308))
    assert CODEC.decode(MD_BOOK, CODEC.encode(MD_BOOK, book)) == book


def test_a_number_that_is_not_finite_is_refused_in_what_others_wrote() -> None:
    data = CODEC.encode(MD_BOOK, BOOK)
    poisoned = data.replace(struct.pack("<d", BOOK.ask_prices[1]), struct.pack("<d", float("nan")))
    assert poisoned != data
    with pytest.raises(InvalidMessage) as caught:
        CODEC.decode(MD_BOOK, poisoned)
    assert caught.value.field == "ask_prices[1]"


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"slot": 1.5}, "slot", "it must be an integer of 64 bits"),
        ({"slot": True}, "slot", "it must be an integer of 64 bits"),
        ({"slot": 2**63}, "slot", "it must be an integer of 64 bits"),
        ({"slot": None}, "slot", "it must be an integer of 64 bits"),
        ({"strategy": b"grid"}, "strategy", "it must be text"),
        ({"strategy": "\ud800"}, "strategy", "it must be valid Unicode"),
        ({"actor": 7}, "actor", "it must be text"),
        ({"evidence": {"price": float("nan")}}, "evidence['price']", "it must be a finite number"),
        ({"evidence": {"price": "1"}}, "evidence['price']", "it must be a number"),
        ({"evidence": {7: 1.0}}, "evidence[7]", "it must be text"),
        ({"evidence": [1.0]}, "evidence", "it must be a map"),
        ({"evidence": {"price": 10**400}}, "evidence['price']", "it must be a finite number"),
        ({"cause": {}}, "cause", "it must be an array"),
        ({"cause": [7]}, "cause[0]", "it must be a record"),
        ({"cause": [{"topic": "md.book", "partition": 0}]}, "cause[0].offset", "the field is missing"),
        ({"memory": {"version": 1, "kind": "x", "body": 3}}, "memory.body", "it must be text"),
        ({"surprise": 1}, "surprise", "there is no such field"),
        ({"command": {"client_order_id": "x"}}, "command", "it must name one of tapeline.EnterPair, "),
        ({"command": {"-type": "tapeline.Nothing"}}, "command", "it must name one of tapeline.EnterPair, "),
        ({"command": {"-type": "tapeline.CancelOrder"}}, "command.client_order_id", "the field is missing"),
    ],
)
def test_what_is_not_a_value_of_the_schema_is_refused_naming_the_field(
    fields: dict[str, object], field: str, reason: str
) -> None:
    with pytest.raises(InvalidMessage) as caught:
        written({**INTENT, **fields})
    assert caught.value.field == field
    assert caught.value.reason.startswith(reason)


@pytest.mark.parametrize(
    ("quantity", "reason"),
    [
        (1.5, "it must be a Decimal"),
        ("1.5", "it must be a Decimal"),
        (Decimal("NaN"), "it must be a finite number"),
        (Decimal("-Infinity"), "it must be a finite number"),
        (Decimal("1E+20"), "it must be smaller than 1E+20"),
        (Decimal("0.0000000000000000001"), "it has more than 18 decimal places"),
    ],
)
def test_money_is_never_rounded(quantity: object, reason: str) -> None:
    """X-11."""
    command = {**INTENT["command"], "quantity": quantity}
    with pytest.raises(InvalidMessage) as caught:
        written({**INTENT, "command": command})
    assert (caught.value.field, caught.value.reason) == ("command.quantity", reason)


def test_money_of_others_that_is_too_long_is_refused_and_not_rounded() -> None:
    data = CODEC.encode(INSTRUMENT, msgspec.structs.replace(RULES, contract_size=Decimal(99999999999999999999)))
    unscaled = (99999999999999999999 * 10**18).to_bytes(16, "big")
    assert unscaled in data
    with pytest.raises(InvalidMessage) as caught:
        CODEC.decode(INSTRUMENT, data.replace(unscaled, b"\x7f" + b"\xff" * 15))
    assert (caught.value.field, caught.value.reason) == ("contract_size", "it must be smaller than 1E+20")


def test_a_symbol_that_the_schema_does_not_have_is_refused() -> None:
    book = msgspec.structs.replace(BOOK, state="fine")
    with pytest.raises(InvalidMessage) as caught:
        CODEC.encode(MD_BOOK, book)
    assert (caught.value.field, caught.value.reason) == ("state", "it must be one of stale, valid")


def test_a_value_of_another_record_is_a_bug_and_not_a_bad_message() -> None:
    with pytest.raises(TypeError, match=r"tapeline\.Book is encoded from Book, not from ClockTick"):
        CODEC.encode(MD_BOOK, TICK)


def test_a_topic_whose_schema_was_never_registered_is_misconfigured() -> None:
    with pytest.raises(Misconfigured, match="the schema of topic clock has no id: run `tapeline up`"):
        Codec({}).encode(CLOCK, TICK)


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00\x00\x00\x00"])
def test_less_than_a_head_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidMessage, match="bytes are no record: the head alone has 5"):
        CODEC.decode(CLOCK, data)


def test_another_wire_format_is_refused() -> None:
    with pytest.raises(InvalidMessage) as caught:
        CODEC.decode(CLOCK, b"\x01" + CODEC.encode(CLOCK, TICK)[1:])
    assert (caught.value.field, caught.value.value) == ("magic", 1)


def test_an_id_that_is_not_known_is_named_so_that_the_shell_can_ask_the_registry() -> None:
    with pytest.raises(UnknownSchema) as caught:
        CODEC.decode(CLOCK, b"\x00" + struct.pack(">I", 4_000_000_000) + b"\x00")
    assert caught.value.schema_id == 4_000_000_000


def test_bytes_after_the_value_are_refused() -> None:
    with pytest.raises(InvalidMessage, match=r"2 bytes are left after the tapeline\.ClockTick"):
        CODEC.decode(CLOCK, CODEC.encode(CLOCK, TICK) + b"\x00\x00")


def test_every_truncation_is_refused() -> None:
    data = CODEC.encode(MD_BOOK, BOOK)
    for length in range(len(data)):
        with pytest.raises(InvalidMessage):
            CODEC.decode(MD_BOOK, data[:length])


def test_a_record_of_another_topic_is_refused_by_name() -> None:
    with pytest.raises(InvalidMessage) as caught:
        CODEC.decode(MD_BOOK, CODEC.encode(CLOCK, TICK))
    assert (caught.value.reason, caught.value.value) == ("topic md.book carries tapeline.Book", "tapeline.ClockTick")


def test_an_older_writer_without_a_new_field_gives_its_default() -> None:
    older = avro_files.load("tapeline.Book")
    older["fields"] = [field for field in older["fields"] if field["name"] not in ("conflated", "exact", "venue_us")]
    data = struct.pack(">bI", 0, 900) + body(older, BOOK)
    expected = msgspec.structs.replace(BOOK, conflated=0, exact=None, venue_us=None)
    assert learned(older).decode(MD_BOOK, data) == expected


def test_a_newer_writers_new_field_is_passed_over() -> None:
    newer = avro_files.load("tapeline.ClockTick")
    newer["fields"].insert(0, {"name": "drift_us", "type": "long"})
    data = struct.pack(">bI", 0, 900) + body(newer, {"drift_us": 12, **msgspec.structs.asdict(TICK)})
    codec = learned(newer)
    assert codec.decode(CLOCK, data) == TICK
    assert codec.decode_any(data) == ("tapeline.ClockTick", {"drift_us": 12, **msgspec.structs.asdict(TICK)})


def test_a_newer_writers_unknown_symbol_reads_as_the_safe_one() -> None:
    newer = avro_files.load("tapeline.Book")
    state = next(field for field in newer["fields"] if field["name"] == "state")
    state["type"]["symbols"].append("crossed")
    values = {**msgspec.structs.asdict(BOOK), "state": "crossed"}
    data = struct.pack(">bI", 0, 900) + body(newer, values)
    assert learned(newer).decode(MD_BOOK, data) == msgspec.structs.replace(BOOK, state="stale")


def test_a_newer_writers_unknown_market_is_refused() -> None:
    newer = avro_files.load("tapeline.Book")
    market = next(field for field in newer["fields"] if field["name"] == "market")
    market["type"]["symbols"].append("options")
    data = struct.pack(">bI", 0, 900) + body(newer, {**msgspec.structs.asdict(BOOK), "market": "options"})
    with pytest.raises(InvalidMessage, match=r"the body is no tapeline\.Book"):
        learned(newer).decode(MD_BOOK, data)


def test_a_writer_that_cannot_be_resolved_is_refused() -> None:
    foreign = {
        "type": "record",
        "name": "ClockTick",
        "namespace": "tapeline",
        "fields": [{"name": "other", "type": "string"}],
    }
    data = struct.pack(">bI", 0, 900) + b"\x02x"
    with pytest.raises(InvalidMessage, match=r"the body is no tapeline\.ClockTick"):
        learned(foreign).decode(CLOCK, data)


@pytest.mark.parametrize(
    "text",
    ["", "7", "[]", "{}", '"string"', '{"type":"record"}', '{"type":"nothing"}', '{"type":"array","items":"int"}'],
)
def test_a_schema_that_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(InvalidMessage, match="schema 900 is no Avro record"):
        Codec(IDS).learn(900, text)


def test_an_id_that_is_known_keeps_its_schema() -> None:
    codec = Codec(IDS)
    codec.learn(IDS["clock-value"], avro_files.text("tapeline.Trade"))
    assert codec.decode(CLOCK, codec.encode(CLOCK, TICK)) == TICK


def test_a_symbol_in_a_choice_of_records_stays_a_symbol() -> None:
    colour = {"type": "enum", "name": "Colour", "symbols": ["red"]}
    records = [{"type": "record", "name": name, "fields": [{"name": "x", "type": "long"}]} for name in ("A", "B")]
    # fastavro names the value of a union also when it is of an enum that was given before.
    fields = [{"name": "colour", "type": colour}, {"name": "choice", "type": [*records, "Colour"]}]
    schema = {"type": "record", "name": "tapeline.Sample", "fields": fields}
    for choice in ({"-type": "tapeline.B", "x": 1}, "red"):
        values = {"colour": "red", "choice": choice}
        data = struct.pack(">bI", 0, 900) + body(schema, values)
        assert learned(schema).decode_any(data) == ("tapeline.Sample", values)
