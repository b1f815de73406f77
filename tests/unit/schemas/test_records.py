"""The record files: every part is documented, names follow the glossary, unknown symbols read as the safe one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastavro.schema import to_parsing_canonical_form

from schemas import avro_files

RECORDS = avro_files.names()

# One word per idea (ARCHITECTURE.md); the word that is not ours and the one that is.
FOREIGN = {
    "exchange": "venue",
    "ticker": "symbol",
    "amount": "quantity",
    "size": "quantity",
    "qty": "quantity",
    "volume24h": "volume",
    "ts": "*_us",
    "timestamp": "*_us",
    "time": "*_us",
    "ms": "*_us",
    "oid": "client_order_id",
    "cid": "client_order_id",
    "seq": "sequence",
    "px": "price",
}

# Terms that every venue uses in just this form.
ALLOWED = {"contract_size", "time_in_force"}

# Why an enum has no default: a reader that guessed would trade the wrong thing.
NEVER_GUESSED = {"Market", "Side", "DeltaKind", "OrderType", "TimeInForce", "Leg", "PositionSide", "Scope"}

SAFE = {
    "BookState": "stale",
    "Channel": "unknown",
    "GapCause": "unknown",
    "InstrumentStatus": "halted",
    "Direction": "flat",
    "DesiredState": "HALTED",
    "OrderStatus": "UNKNOWN",
    "Liquidity": "unknown",
    "OrderEventKind": "unknown",
    "PositionStatus": "UNKNOWN",
    "PairState": "ERROR",
    "ProcessStatus": "offline",
    "Severity": "critical",
}


def types(schema: object) -> Iterator[dict[str, Any]]:
    """Yield every type of a schema that is given whole."""
    if isinstance(schema, list):
        for branch in schema:
            yield from types(branch)
    elif isinstance(schema, dict):
        yield schema
        for field in schema.get("fields", ()):
            yield from types(field["type"])
        for inner in ("items", "values"):
            yield from types(schema.get(inner))


def named(kind: str) -> list[dict[str, Any]]:
    """Return every record or enum of all files."""
    return [part for record in RECORDS for part in types(avro_files.load(record)) if part["type"] == kind]


def fields() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every field of all files with the name of its record."""
    for record in named("record"):
        for field in record["fields"]:
            yield f"{record['name']}.{field['name']}", field


@pytest.mark.parametrize("record", RECORDS)
def test_a_file_holds_the_record_it_is_named_after(record: str) -> None:
    schema = avro_files.load(record)
    assert (schema["type"], f"{schema['namespace']}.{schema['name']}") == ("record", record)


def test_every_record_enum_and_field_is_documented() -> None:
    bare = [part["name"] for kind in ("record", "enum") for part in named(kind) if len(part.get("doc", "")) < 10]
    bare += [name for name, field in fields() if not field.get("doc", "").endswith((".", ".."))]
    assert bare == []


def test_names_are_lower_case_words() -> None:
    assert [name for name, field in fields() if not re.fullmatch(r"[a-z]+(_[a-z]+)*", field["name"])] == []


def test_names_follow_the_glossary() -> None:
    foreign = {
        name: FOREIGN[word]
        for name, field in fields()
        for word in field["name"].split("_")
        if word in FOREIGN and field["name"] not in ALLOWED
    }
    assert foreign == {}


def test_time_is_integer_microseconds() -> None:
    wrong = [
        name for name, field in fields() if name.endswith("_us") and field["type"] not in ("long", ["null", "long"])
    ]
    assert wrong == []


def test_integers_are_64_bits_and_numbers_double() -> None:
    text = " ".join(avro_files.text(record) for record in RECORDS)
    assert re.findall(r'"(?:int|float)"', text) == []


def test_money_is_decimal_and_market_data_and_signals_are_not() -> None:
    """X-11 for money; DESIGN 3 for market data."""
    decimal = {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 18}
    kinds: dict[str, set[str]] = {"decimal": set(), "double": set()}
    for record in RECORDS:
        for part in types(avro_files.load(record)):
            if part.get("logicalType") is not None:
                assert part == decimal
                kinds["decimal"].add(record)
        if '"double"' in avro_files.text(record):
            kinds["double"].add(record)
    money = {"Instrument", "OrderIntent", "OrderEvent", "Position", "Account", "Pair", "Portfolio"}
    market = {"Trade", "Book", "DeltaBatch", "Funding", "Spread", "Imbalance", "Candle", "Trend"}
    assert kinds["decimal"] == {f"tapeline.{name}" for name in money}
    # The evidence behind an intent is market data.
    assert kinds["double"] == {f"tapeline.{name}" for name in market | {"OrderIntent"}}


def test_every_nullable_field_defaults_to_null_so_that_it_can_be_added_and_left_out() -> None:
    unions = [(name, field) for name, field in fields() if isinstance(field["type"], list)]
    wrong = [
        name
        for name, field in unions
        if "null" in field["type"] and (field["type"][0] != "null" or field.get("default", "") is not None)
    ]
    assert wrong == []


def test_a_union_is_an_optional_value_or_a_choice_of_records() -> None:
    other = [
        name
        for name, field in fields()
        if isinstance(field["type"], list)
        and not (len(field["type"]) == 2 and field["type"][0] == "null")
        and not all(isinstance(branch, dict) and branch["type"] == "record" for branch in field["type"])
    ]
    assert other == []


def test_an_intent_has_one_of_the_seven_commands() -> None:
    command = next(field for name, field in fields() if name == "OrderIntent.command")
    assert [branch["name"] for branch in command["type"]] == [
        "EnterPair",
        "ExitPair",
        "PlaceOrder",
        "CancelOrder",
        "ClosePosition",
        "Flatten",
        "Remember",
    ]


def test_an_unknown_symbol_reads_as_the_safe_one_or_is_refused() -> None:
    defaults = {part["name"]: part.get("default") for part in named("enum")}
    assert defaults == SAFE | dict.fromkeys(NEVER_GUESSED)


def test_a_name_means_the_same_type_in_every_file() -> None:
    meanings: dict[str, set[str]] = {}
    for kind in ("enum", "record"):
        for part in named(kind):
            meanings.setdefault(part["name"], set()).add(str(part.get("doc")))
            if kind == "enum":
                meanings[part["name"]].add(str(to_parsing_canonical_form(part)))
    wrong = {name: forms for name, forms in meanings.items() if len(forms) != 2 and len(forms) != 1}
    assert wrong == {}


def test_the_registered_text_is_compact_json_with_the_docs() -> None:
    text = avro_files.text("tapeline.ClockTick")
    assert text.startswith('{"type":"record","name":"ClockTick","namespace":"tapeline","doc":"One second has passed.')
    assert "\n" not in text


def test_each_load_is_a_fresh_copy() -> None:
    avro_files.load("tapeline.Trade").clear()
    assert avro_files.load("tapeline.Trade")["name"] == "Trade"


@pytest.mark.parametrize("name", ["tapeline.Nothing", "Trade", "other.Trade", "tapeline.../topics", "tapeline."])
def test_a_record_without_a_file_is_named(name: str) -> None:
    with pytest.raises(LookupError, match="there is no record file for"):
        avro_files.load(name)
