"""Two texts of one schema get one spelling, and what is no schema is refused with the reason."""

from __future__ import annotations

import json

import pytest

from infra.embedded.registry.canonical import InvalidSchema, canonical


def _record(*fields: object, **attributes: object) -> str:
    return json.dumps({"type": "record", "name": "A", "fields": list(fields), **attributes})


def test_white_space_and_order_of_attributes_mean_nothing() -> None:
    first = '{"type":"record","name":"A","namespace":"x","doc":"d","fields":[{"name":"a","type":"int","doc":"e"}]}'
    second = """
      {"fields": [ {"doc": "e", "type": {"type": "int"}, "name": "a"} ],
       "doc": "d", "namespace": "x", "name": "A", "type": "record"}
    """
    assert canonical(first) == canonical(second) == first


def test_what_a_person_wrote_is_kept() -> None:
    text = (
        '{"type":"record","name":"A","doc":"d\\u00e9","fields":[{"name":"a","type":["null",{"type":"long",'
        '"logicalType":"timestamp-micros"}],"default":null,"unit":{"a":1,"b":2},"aliases":["z"]}],"aliases":["B"]}'
    )
    assert canonical(text) == text.replace("\\u00e9", "é")


def test_order_of_fields_docs_and_foreign_attributes_make_another_schema() -> None:
    a, b = {"name": "a", "type": "int"}, {"name": "b", "type": "int"}
    texts = {_record(a, b), _record(b, a), _record(a, b, doc="d"), _record(a, b, unit="s")}
    assert len({canonical(text) for text in texts}) == 4


def test_normalized_names_are_in_full() -> None:
    inner = {"type": "enum", "name": "Side", "symbols": ["BUY"], "aliases": ["Way"]}
    short = _record(
        {"name": "s", "type": inner, "order": "ascending"},
        {"name": "t", "type": ["null", {"type": "array", "items": "Side"}]},
        {"name": "u", "type": {"type": "map", "values": "Side"}},
        namespace="x",
    )
    assert canonical(short, normalize=True) == (
        '{"type":"record","name":"x.A","fields":[{"name":"s","type":{"type":"enum","name":"x.Side","symbols":["BUY"],'
        '"aliases":["x.Way"]}},{"name":"t","type":["null",{"type":"array","items":"x.Side"}]},'
        '{"name":"u","type":{"type":"map","values":"x.Side"}}]}'
    )
    assert canonical(canonical(short, normalize=True), normalize=True) == canonical(short, normalize=True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not JSON: Expecting value: line 1 column 1 (char 0)"),
        (
            '{"type":"record","name":"A","fields":[{"name":"a","type":"double","default":NaN}]}',
            "not JSON: NaN is not JSON",
        ),
        ('{"type":"nope"}', "Undefined type: nope"),
        ('"x.Y"', "Could not make an Avro Schema object from x.Y"),
        ("3", "Could not make an Avro Schema object from 3"),
        ("[]", "a union needs at least one branch"),
        ('{"type":"record","name":"A","fields":[{"name":"a-b","type":"int"}]}', "'a-b' is not a valid name of a field"),
        (
            '{"type":"record","name":"A","fields":[{"name":"a","type":"int","default":"x"}]}',
            "Default value <x> must match schema type: int",
        ),
        ('{"type":{"type":"string"}}', "Undefined type: {'type': 'string'}"),
        ('["null","null"]', "null type already in Union"),
        (
            '{"type":"record","name":"A","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}',
            "Field name a already in use.",
        ),
    ],
)
def test_what_is_no_schema_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidSchema) as refused:
        canonical(text)
    assert str(refused.value) == reason


def test_an_unknown_logical_type_is_no_fault() -> None:
    assert canonical('{"logicalType":"colour","type":"string"}') == '{"type":"string","logicalType":"colour"}'
