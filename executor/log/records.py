"""What stands in a record of Kafka and what does not: intents and their traces, records of the outbox; pure.

The trace id of an intent follows it into everything that is published about it: one search finds tick to fill (E-25).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

import msgspec

from executor.ports import Waiting
from schemas import topics
from schemas.topics import Topic
from tapeline.domain import events
from tapeline.domain.order_records import OrderIntent
from tapeline.domain.partition import partition_of
from tapeline.errors import InvalidMessage
from tapeline.runtime.codec import Codec

INTENTS: Final = topics.by_name("order.intent")
TRACE_HEADER: Final = "traceparent"
_NO_TRACE: Final = "0" * 32
_SPAN_DIGITS: Final = 16
_TRACEPARENT: Final = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}")
# Types that Avro carries as they are.
_KEPT: Final = (bytes, Decimal)


def decode_intent(codec: Codec, value: bytes | None) -> OrderIntent:
    """Return the intent in a record's value; raise InvalidMessage where there is none."""
    if value is None:
        raise InvalidMessage("a record of order.intent has a value")
    found = codec.decode(INTENTS, value)
    if isinstance(found, OrderIntent):
        return found
    try:
        return msgspec.convert(found, OrderIntent, builtin_types=_KEPT)
    except msgspec.ValidationError as error:
        raise InvalidMessage(f"{INTENTS.record}: {error}") from None


def trace_of(headers: Iterable[tuple[str, bytes]]) -> str | None:
    """Return the trace id that a record carries; a header of another form is as good as none."""
    for name, value in headers:
        found = _TRACEPARENT.fullmatch(value) if name == TRACE_HEADER else None
        if found is not None and found[1].decode() != _NO_TRACE:
            return found[1].decode()
    return None


def encode_outgoing(codec: Codec, topic: Topic, waiting: Waiting) -> bytes:
    """Return the bytes of a record of the outbox."""
    value = waiting.record.value
    return codec.encode(topic, value if topic.record in events.STRUCTS else _plain(value))


def headers_of(topic: Topic, waiting: Waiting) -> tuple[tuple[str, bytes], ...]:
    """Return the headers of a record of the outbox: its trace, where the topic has traces and the record one."""
    trace_id = waiting.record.trace_id
    if not topic.traced or trace_id is None or _TRACE_ID.fullmatch(trace_id) is None or trace_id == _NO_TRACE:
        return ()
    # The same record has the same span whenever it is sent.
    named = f"{waiting.stream}/{waiting.number}".encode()
    span = hashlib.sha256(named).hexdigest()[:_SPAN_DIGITS]
    return ((TRACE_HEADER, f"00-{trace_id}-{span}-01".encode()),)


def partition_for(topic: Topic, symbol: str | None, count: int) -> int:
    """Return the partition among `count`: the symbol's where the topic is split by symbol, else its one."""
    if topic.partitions != "symbol":
        return 0
    if symbol is None:
        raise ValueError(f"a record of {topic.name} belongs to a symbol")
    return partition_of(symbol, count)


def _plain(value: msgspec.Struct) -> dict[str, Any]:
    plain: dict[str, Any] = _lists(msgspec.to_builtins(value, builtin_types=_KEPT))
    return plain


def _lists(value: Any) -> Any:  # noqa: ANN401 - plain values of any depth
    if isinstance(value, dict):
        return {name: _lists(part) for name, part in value.items()}
    return [_lists(part) for part in value] if isinstance(value, list | tuple) else value
