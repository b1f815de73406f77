"""Small texts for people: Avro types, retention, values on one line, the doctor's verdicts."""

from __future__ import annotations

import pytest

from schemas.topics import by_name
from tapeline.cli.avro_text import Field, fields, type_text
from tapeline.cli.checks import Checked, Finding, of_error
from tapeline.cli.checks_services import clock_finding, same_schema
from tapeline.cli.doctor import worst
from tapeline.cli.log_lines import Wanted
from tapeline.cli.logs import checked
from tapeline.cli.tail import short
from tapeline.cli.topics import copies_cell, kept, named, topic_row
from tapeline.cli.view import Cell
from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import topics_admin
from tapeline.runtime.kafka import TopicState


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ("double", "double"),
        (["null", "string"], "string?"),
        ({"type": "array", "items": "double"}, "array of double"),
        ({"type": "map", "values": "string"}, "map of string"),
        ({"type": "enum", "name": "Side", "symbols": ["buy", "sell"]}, "buy|sell"),
        ({"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 18}, "decimal"),
        ({"type": "record", "name": "Header", "fields": []}, "Header"),
        (["null", {"type": "map", "values": ["null", "long"]}], "map of long??"),
        ({"type": "string"}, "string"),
    ],
)
def test_an_avro_type_is_a_few_words(schema: object, text: str) -> None:
    assert type_text(schema) == text


def test_the_fields_of_a_record_keep_their_order_and_meaning() -> None:
    schema = {"fields": [{"name": "a", "type": "long", "doc": "First."}, {"name": "b", "type": "string"}]}
    assert fields(schema) == (Field(name="a", type="long", doc="First."), Field(name="b", type="string", doc=""))


@pytest.mark.parametrize(
    ("value", "text"),
    [("a b", "a b"), (1.5, "1.5"), (None, "null"), ([1, 2], "[1, 2]"), ([1, 2, 3, 4], "[1, 2, 3, .. 4]"),
     ({"a": 1}, '{"a":1}')],
)  # fmt: skip
def test_a_value_fits_on_a_line(value: object, text: str) -> None:
    assert short(value) == text


@pytest.mark.parametrize(
    ("name", "text"), [("md.trade", "24 h or 2.1 GB"), ("position", "newest per key"), ("order.event", "forever")]
)
def test_how_long_records_are_kept(name: str, text: str) -> None:
    assert kept(topic_row(by_name(name), None, None, 4)) == text


@pytest.mark.parametrize(("leaders", "state"), [(None, "missing"), ((1, 1, 1, 1), "ok"), ((1,), "other partitions")])
def test_a_topic_is_judged_by_its_partitions(leaders: tuple[int, ...] | None, state: str) -> None:
    found = None
    if leaders is not None:
        copies = tuple((1,) for _ in leaders)
        found = TopicState(name="md.trade", leaders=leaders, replicas=copies, in_sync=copies)
    assert topic_row(by_name("md.trade"), found, 0, 4).state == state


@pytest.mark.parametrize(
    ("in_sync", "cell"),
    [
        (((1, 2, 3), (2, 3, 1)), Cell("3")),
        (((1, 2, 3), (2, 3)), Cell("3, missing of 1", "warn")),
        (((1, 2), (3,)), Cell("3, too few of 1", "bad")),
    ],
)
def test_missing_copies_are_told(in_sync: tuple[tuple[int, ...], ...], cell: Cell) -> None:
    found = TopicState(name="clock", leaders=(1, 2), replicas=((1, 2, 3), (2, 3, 1)), in_sync=in_sync)
    copies = topics_admin.copies(found, {"min.insync.replicas": "2"})
    assert copies_cell(topic_row(by_name("clock"), found, 0, 2, copies)) == cell


def test_an_unknown_topic_is_refused_with_the_nearest() -> None:
    with pytest.raises(Misconfigured) as caught:
        named("md.bok")
    assert str(caught.value) == "there is no topic 'md.bok': did you mean 'md.book'?"


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (Wanted(level="loud"), "unknown level 'loud': use one of debug, info, warn, error, critical"),
        (Wanted(name="kafak"), "there is no log of 'kafak': did you mean 'kafka'?"),
    ],
)
def test_an_unknown_level_or_process_is_refused(wanted: Wanted, sentence: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        checked(wanted, ["kafka", "postgres"], follow=False)
    assert str(caught.value) == sentence


def test_a_process_that_has_not_logged_yet_may_be_followed() -> None:
    assert checked(Wanted(name="sinks", level="warning"), [], follow=True) == Wanted(name="sinks", level="warn")


@pytest.mark.parametrize(
    ("ahead_s", "state", "detail"),
    [
        (0.004, "ok", "Postgres's clock is 0.004 s ahead"),
        (-1.5, "warn", "Postgres's clock is 1.500 s behind"),
        (60.0, "fail", "Postgres's clock is 60.000 s ahead"),
    ],
)
def test_a_clock_that_is_wrong_is_told(ahead_s: float, state: str, detail: str) -> None:
    found = clock_finding(ahead_s)
    assert (found.state, found.detail, found.fix is None) == (state, detail, state == "ok")


@pytest.mark.parametrize(
    ("error", "finding"),
    [
        (Misconfigured("wrong", fix="mend"), Finding("fail", "wrong", "mend")),
        (Unavailable("away"), Finding("fail", "away", "see `tapeline status` and `tapeline logs`")),
        (KeyError("x"), Finding("fail", "the check itself failed (KeyError: 'x')", "report it with this text")),
    ],
)
def test_what_a_check_raises_is_what_it_found(error: Exception, finding: Finding) -> None:
    assert of_error(error) == finding


def test_the_worst_check_is_the_state() -> None:
    good, bad = Checked(name="a", state="ok", detail=""), Checked(name="b", state="fail", detail="")
    weak = Checked(name="c", state="warn", detail="")
    assert [worst((good,)), worst((good, weak)), worst((weak, bad, good))] == ["ok", "warn", "fail"]


def test_schemas_are_compared_as_json() -> None:
    assert same_schema('{"a": 1, "b": 2}', '{"b":2,"a":1}')
    assert not same_schema('{"a": 1}', '{"a": 2}')
