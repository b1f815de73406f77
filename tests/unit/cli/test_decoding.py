"""A record is shown decoded, with the reason why it cannot be, or as text where it is not ours."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest

from schemas.topics import by_name
from tapeline.cli.decoding import Decoder, Invalid, Shown, plain
from tapeline.errors import InvalidMessage
from tapeline.runtime.codec import Codec
from tests.support.records import BOOK, IDS

KEY = b"bybit:futures:BTC/USDT"


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as a reader returns it."""

    value: bytes | None
    topic: str = "md.book"
    partition: int = 2
    offset: int = 41
    timestamp: int = 1_769_860_800_123
    key: bytes | None = KEY
    headers: tuple[tuple[str, bytes], ...] = ()


def shown(topic: str, **content: object) -> Shown:
    made = Shown(
        topic=topic,
        partition=2,
        offset=41,
        time="2026-01-31T12:00:00.123000Z",
        timestamp_us=1_769_860_800_123_000,
        key=KEY.decode(),
        record=None,
        value=None,
        error=None,
    )
    return msgspec.structs.replace(made, **content)


async def test_a_record_of_ours_is_decoded() -> None:
    codec = Codec(IDS)
    found = await Decoder(codec, None).shown(Stored(codec.encode(by_name("md.book"), BOOK)))
    values = {
        name: list(value) if isinstance(value, tuple) else value for name, value in msgspec.structs.asdict(BOOK).items()
    }
    assert found == shown("md.book", record="tapeline.Book", value=values)
    assert found.place == {"key": KEY.decode(), "partition": 2, "offset": 41, "record": "tapeline.Book"}


async def test_bytes_that_are_no_record_say_why() -> None:
    problem = "this is not Confluent's wire format (field 'magic', value 110)"
    error = Invalid(kind="invalid_message", problem=problem, size=9, head=b"no record".hex())
    assert await Decoder(Codec({}), None).shown(Stored(b"no record")) == shown("md.book", error=error)


async def test_no_value_is_neither_record_nor_error() -> None:
    assert await Decoder(Codec({}), None).shown(Stored(None)) == shown("md.book")


async def test_a_schema_that_nobody_knows_is_an_invalid_record() -> None:
    with pytest.raises(InvalidMessage, match="schema id 255 is not known here and could not be learned"):
        await Decoder(Codec({}), None).value(b"\x00\x00\x00\x00\xff\x00")


async def test_a_topic_of_others_is_shown_as_it_is() -> None:
    found = await Decoder(Codec({}), None).shown(Stored(b'{"a": 1}', topic="_schemas"))
    assert found == shown("_schemas", value={"a": 1})


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a":[1]}', {"a": [1]}),
        (b"[1]", {"text": "[1]"}),
        (b"words", {"text": "words"}),
        (b"\xff\x00", {"hex": "ff00"}),
    ],
)
def test_bytes_of_others_are_json_text_or_hex(data: bytes, value: dict[str, object]) -> None:
    assert plain(data) == value
