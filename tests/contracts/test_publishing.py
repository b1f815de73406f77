"""DESIGN 5, socket to md.*: what a market makes stands in the broker, decodable, each book and change in its place."""

from __future__ import annotations

import json
from itertools import chain

from producers.market import MarketFeed, Record
from producers.pool import Slot
from producers.publishing import Publishing
from schemas import topics
from tapeline.domain.events import Book, DeltaBatch, OfInstrument
from tapeline.domain.partition import partition_of
from tapeline.runtime import clock, endpoints
from tapeline.runtime.codec import Codec
from tapeline.runtime.kafka import Partition, Publisher, Reader, Start
from tapeline.runtime.lifecycle import background
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings
from tapeline.venues.bybit import SPOT
from tapeline.venues.contract import Want
from tests.support.eventually import eventually

SLOT = Slot("public", 1)
OF = OfInstrument(venue="bybit", market="spot", symbol="PUB/USDT")


def frame(kind: str, update: int) -> bytes:
    data = {"s": "PUBUSDT", "b": [["9", str(update)]], "a": [["10", "1"]], "u": update, "seq": update}
    rest = json.dumps({"type": kind, "ts": update, "data": data})
    return b'{"topic":"orderbook.50.PUBUSDT",' + rest[1:].encode()


async def test_books_and_changes_stand_in_the_broker_in_order(
    tapeline_settings: Settings, tapeline_up: RunFile
) -> None:
    known = endpoints.endpoints_from(tapeline_settings, tapeline_up)
    codec = Codec(tapeline_up.schema_ids)

    def encode(topic: str, record: Record) -> bytes:
        return codec.encode(topics.by_name(topic), record)

    async with Publisher(known.kafka, client_id="test-publishing", ack_within_s=10) as publisher:
        count = await publisher.partitions("md.book")
        partition = partition_of(OF.symbol, count)
        starts: dict[Partition | str, Start] = {Partition(name, partition): "end" for name in ("md.book", "md.delta")}
        async with Reader.assigned(known.kafka, starts, client_id="test-publishing-reader") as reader:
            market = MarketFeed(SPOT, {"PUBUSDT": OF}, encode=encode, partitions=count, depth=20, most_waiting=10_000)
            market.connected(SLOT, (Want(channel="book", native="PUBUSDT"),), clock.now_us())
            market.frame(SLOT, frame("snapshot", 10), clock.now_us())
            for update in range(11, 1_011):
                market.frame(SLOT, frame("delta", update), clock.now_us())
            read: list[Book | DeltaBatch] = []

            async def whole() -> bool:
                for record in chain.from_iterable((await reader.batches(wait_s=0.1)).values()):
                    value = codec.decode(topics.by_name(record.topic), record.value or b"")
                    assert isinstance(value, Book | DeltaBatch)
                    read.append(value)
                return sum(isinstance(one, DeltaBatch) for one in read) == 1_001 and market.books.idle

            async with background("publishing", Publishing(market, publisher).run()):
                await eventually(whole, within_s=20)
    mine = [one for one in read if one.key == OF.key]
    deltas = [one for one in mine if isinstance(one, DeltaBatch)]
    assert [(one.kind, one.sequence) for one in deltas] == [
        ("snapshot", 10),
        *[("change", number) for number in range(11, 1_011)],
    ]
    newest = [one for one in mine if isinstance(one, Book)][-1]
    assert (newest.sequence, newest.state, newest.conflated) == (1_010, "valid", 1_000)
    assert len(market.buffer) == 0
