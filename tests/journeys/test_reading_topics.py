"""`topics tail`: records of our codec and of confluent-kafka's serializer decoded alike, invalid ones shown as such."""

from __future__ import annotations

import json
import signal
from typing import Any

import msgspec
from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from schemas import avro_files
from schemas.topics import by_name
from tapeline.domain.events import Trade
from tapeline.runtime.codec import Codec
from tapeline.runtime.kafka import Publisher
from tests.journeys.conftest import Up
from tests.support.eventually import eventually

TRADE = Trade(
    venue="bybit",
    market="spot",
    symbol="BTC/USDT",
    epoch=1_790_000_000_000_000,
    trade_id="a-1",
    price=64_000.1,
    quantity=0.25,
    side="buy",
    venue_us=1_790_000_000_100_000,
    received_us=1_790_000_000_100_500,
    published_us=1_790_000_000_100_900,
)


def trade(**changes: Any) -> Trade:  # noqa: ANN401 - fields of a trade
    return msgspec.structs.replace(TRADE, **changes)


def plain(value: Trade) -> dict[str, Any]:
    return msgspec.structs.asdict(value)


async def write_ours(up: Up, *values: Trade, topic: str = "md.trade") -> None:
    """Publish with our codec and our publisher."""
    known = up.endpoints
    assert known.run is not None
    codec = Codec(known.run.schema_ids)
    async with Publisher(known.kafka, client_id="journey") as publisher:
        for value in values:
            await publisher.publish(topic, value.key, codec.encode(by_name(topic), value))


def write_theirs(up: Up, topic: str, schema: str, key: str, value: dict[str, Any]) -> None:
    """Publish with confluent-kafka's own serializer, which asks the registry for the schema's id."""
    with SchemaRegistryClient({"url": up.endpoints.registry.url}) as client:
        data = AvroSerializer(client, schema)(value, SerializationContext(topic, MessageField.VALUE))
    producer = Producer({"bootstrap.servers": up.endpoints.kafka.bootstrap})
    producer.produce(topic, key=key.encode(), value=data, partition=0)
    assert producer.flush(10) == 0


def write_bytes(up: Up, topic: str, *values: bytes | None) -> None:
    producer = Producer({"bootstrap.servers": up.endpoints.kafka.bootstrap})
    for value in values:
        producer.produce(topic, key=b"k", value=value, partition=0)
    assert producer.flush(10) == 0


async def test_records_of_both_codecs_are_decoded_alike(up: Up) -> None:
    ours, theirs = trade(trade_id="ours"), trade(trade_id="theirs", symbol="ETH/USDT", sequence=7)
    await write_ours(up, ours)
    write_theirs(up, "md.trade", avro_files.text("tapeline.Trade"), theirs.key, plain(theirs))
    found = up.tapeline.run("topics", "tail", "md.trade", "-n", "2", "--json").values
    shown = sorted(((one["record"], one["key"], one["value"], one["error"]) for one in found), key=lambda one: one[1])
    assert shown == [
        ("tapeline.Trade", "bybit:spot:BTC/USDT", plain(ours), None),
        ("tapeline.Trade", "bybit:spot:ETH/USDT", plain(theirs), None),
    ]
    assert sorted(found[0]) == [
        "error", "key", "offset", "partition", "record", "time", "timestamp_us", "topic", "value",
    ]  # fmt: skip


def test_a_schema_that_came_later_is_learned_from_the_registry(up: Up) -> None:
    newer = avro_files.load("tapeline.ClockTick")
    newer["fields"].append({"name": "mood", "type": "string", "default": "calm"})
    value = {field["name"]: 1 if field["type"] in {"long", "int"} else "x" for field in newer["fields"]}
    write_theirs(up, "clock", json.dumps(newer), "0", value)
    (found,) = up.tapeline.run("topics", "tail", "clock", "-n", "1", "--json").values
    assert (found["record"], found["value"], found["error"]) == ("tapeline.ClockTick", value, None)


def test_an_invalid_record_is_shown_with_its_reason_and_the_next_one_follows(up: Up) -> None:
    unknown = b"\x00\x00\x00\xff\xff" + b"x"
    write_bytes(up, "md.gap", b"no record", unknown, None)
    first, second, third = up.tapeline.run("topics", "tail", "md.gap", "-n", "3", "--json").values
    assert (first["value"], first["error"]["kind"], first["error"]["size"]) == (None, "invalid_message", 9)
    assert "Confluent's wire format" in first["error"]["problem"]
    assert "schema id 65535 is not known here and could not be learned" in second["error"]["problem"]
    assert (third["value"], third["error"]) == (None, None)
    text = up.tapeline.run("topics", "tail", "md.gap", "-n", "3")
    assert (text.code, [word in text.stdout for word in ("invalid: ", "deleted")]) == (0, [True, True])


async def test_n_shows_the_newest_and_a_filter_looks_further_back(up: Up) -> None:
    await write_ours(up, *(trade(trade_id=f"t{number}", symbol="XRP/USDT", venue="okx") for number in range(9)))
    await write_ours(up, *(trade(trade_id=f"b{number}", symbol="XRP/USDT", venue="mexc") for number in range(9)))

    def ids(*words: str) -> list[str]:
        answer = up.tapeline.run("topics", "tail", "md.trade", "--json", *words)
        assert answer.code == 0, answer
        return [one["value"]["trade_id"] for one in answer.values]

    assert ids("-n", "2", "--filter", "symbol=XRP/USDT") == ["b7", "b8"]
    assert ids("-n", "2", "--filter", "symbol=XRP/USDT venue=okx") == ["t7", "t8"]
    assert ids("-n", "2", "--from", "beginning", "--filter", "venue~ok", "--filter", "trade_id~t") == ["t0", "t1"]
    assert ids("--from", "1h", "--no-wait", "--filter", "venue=mexc") == [f"b{number}" for number in range(9)]
    assert ids("-n", "5", "--no-wait", "--filter", "venue=nowhere") == []


async def test_following_shows_what_comes_and_ctrl_c_ends_it(up: Up) -> None:
    with up.tapeline.started("topics", "tail", "md.trade", "--json", "--filter", "venue=htx") as following:
        written: list[Trade] = []

        async def shown() -> bool:
            # It follows from some moment on, so write until that moment has come.
            written.append(trade(venue="htx", trade_id=f"f{len(written)}"))
            await write_ours(up, written[-1])
            return following.has_output()

        await eventually(shown, within_s=20)
        assert following.line()["value"]["venue"] == "htx"
        ended = following.stop(signal.SIGINT)
    assert (ended.code, ended.stderr) == (0, "")


def test_what_cannot_be_meant_is_refused(up: Up) -> None:
    answer = up.tapeline.run("topics", "tail", "md.trade", "--filter", "sybmol=x")
    sentence = "records of md.trade have no field 'sybmol': did you mean 'symbol'?"
    assert (answer.code, answer.stdout, answer.stderr) == (2, "", f"error: {sentence}\n")
