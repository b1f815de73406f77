"""What of an intent and of the outbox stands in a record: value, trace, partition; anything else is no such record."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from executor.log.records import decode_intent, encode_outgoing, headers_of, partition_for, trace_of
from executor.ports import Waiting
from schemas import topics
from tapeline.domain import events
from tapeline.domain.account_records import Control
from tapeline.domain.changes import Outgoing
from tapeline.domain.order_records import OrderIntent
from tapeline.domain.partition import partition_of
from tapeline.errors import InvalidMessage
from tapeline.runtime.codec import Codec
from tests.support.records import IDS, INTENT, plain

CODEC = Codec(IDS)
TRACE = "0af7651916cd43dd8448eb211c80319c"
CONTROL = Control(
    scope="strategy", target="grid-1", desired="HALTED", version=3, parameters=None, actor="ada", reason="no",
    at_us=1_790_000_000_000_000,
)  # fmt: skip


def waiting(number: int, trace_id: str | None = TRACE) -> Waiting:
    """Return a record of the outbox."""
    record = Outgoing(topic="control", key=CONTROL.key, symbol=None, value=CONTROL, trace_id=trace_id)
    return Waiting(stream="main", number=number, record=record)


def test_an_intent_is_read_as_it_was_written() -> None:
    wanted = msgspec.convert(INTENT, OrderIntent, builtin_types=(bytes, Decimal))
    written: object = wanted if INTENT_HAS_STRUCT else INTENT
    data = CODEC.encode(topics.by_name("order.intent"), written)  # type: ignore[arg-type]  # whichever the codec takes
    assert decode_intent(CODEC, data) == wanted


INTENT_HAS_STRUCT = "tapeline.OrderIntent" in events.STRUCTS


@pytest.mark.parametrize("value", [None, b"", b"\x00\x00\x00\x00\x01rest"])
def test_what_is_no_intent_is_an_invalid_message(value: bytes | None) -> None:
    with pytest.raises(InvalidMessage):
        decode_intent(CODEC, value)


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ([("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01".encode())], TRACE),
        ([("other", b"x"), ("traceparent", f"01-{TRACE}-00f067aa0ba902b7-00-later".encode())], TRACE),
        ([], None),
        ([("traceparent", b"\xff")], None),
        ([("traceparent", f"00-{TRACE}-00f067aa0ba902b7".encode())], None),
        ([("traceparent", f"00-{'0' * 32}-00f067aa0ba902b7-01".encode())], None),
    ],
)
def test_the_trace_id_stands_in_the_header(headers: list[tuple[str, bytes]], wanted: str | None) -> None:
    assert trace_of(headers) == wanted


def test_a_trace_goes_out_where_the_topic_has_traces_and_reads_back() -> None:
    traced, untraced = topics.by_name("order.event"), topics.by_name("control")
    headers = headers_of(traced, waiting(1))
    assert trace_of(headers) == TRACE
    assert headers == headers_of(traced, waiting(1)) != headers_of(traced, waiting(2))
    assert headers_of(untraced, waiting(1)) == ()
    for none in (None, "", "not-a-trace", "0" * 32, TRACE.upper()):
        assert headers_of(traced, waiting(1, none)) == ()


def test_a_record_of_the_outbox_is_encoded_whole() -> None:
    topic = topics.by_name("control")
    found = CODEC.decode(topic, encode_outgoing(CODEC, topic, waiting(1)))
    assert plain(found) == plain(CONTROL)


def test_the_symbol_decides_the_partition_where_a_topic_has_some() -> None:
    split, whole = topics.by_name("order.event"), topics.by_name("control")
    assert partition_for(split, "ETH/USDT", 12) == partition_of("ETH/USDT", 12)
    assert partition_for(whole, "ETH/USDT", 12) == partition_for(whole, None, 1) == 0
    with pytest.raises(ValueError, match=r"a record of order\.event belongs to a symbol"):
        partition_for(split, None, 12)
