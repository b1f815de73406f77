"""DESIGN 5, a producer ends: its successor reads back what was durable and closes the hole, on the real broker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from producers.looking_back import LookingBack
from producers.places import Place
from producers.recording import Means, Recorder
from schemas import topics
from schemas.topics import TOPICS
from tapeline.domain.book import Hole
from tapeline.domain.events import Alert, DeltaBatch, Gap, Instrument, OfInstrument, Severity
from tapeline.domain.partition import partition_of
from tapeline.runtime import clock, endpoints
from tapeline.runtime.codec import Codec
from tapeline.runtime.endpoints import Endpoints
from tapeline.runtime.kafka import FromTime, Outgoing, Partition, Publisher, Reader
from tapeline.runtime.lifecycle import background
from tapeline.runtime.registry import RegistryClient
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Monitor, Settings, Venues
from tests.support.eventually import eventually
from tests.support.simulated import Simulated, simulated

PLACE = Place("bybit", "futures")
READ = ("md.delta", "md.gap", "ref.instrument")


@asynccontextmanager
async def means(found: Settings, run: RunFile, exchange: Simulated, *, place: Place = PLACE) -> AsyncIterator[Means]:
    addresses = msgspec.structs.replace(run.addresses, venues={str(place): f"127.0.0.1:{exchange.port}"})
    known = endpoints.endpoints_from(found, msgspec.structs.replace(run, addresses=addresses))
    codec = Codec(run.schema_ids)

    async def tell(code: str, sentence: str, fix: str | None, *, severity: Severity = "critical") -> Alert:
        raise AssertionError((severity, code, sentence, fix))

    async with (
        RegistryClient(known.registry) as registry,
        Publisher(known.kafka, client_id="test-recording", ack_within_s=10) as publisher,
    ):
        yield Means(
            settings=found.model_copy(
                update={"venues": Venues(network="simulated"), "monitor": Monitor(symbols="all")}
            ),
            endpoints=known,
            codec=codec,
            publisher=publisher,
            looking_back=LookingBack(known.kafka, codec, registry),
            partitions=await publisher.partitions("md.book"),
            process="test",
            tell=tell,
        )


async def everything(known: Endpoints, codec: Codec, since_us: int) -> list[DeltaBatch | Gap | Instrument]:
    async with Reader.assigned(known.kafka, dict.fromkeys(READ, FromTime(since_us)), client_id="test") as reader:
        found = [codec.decode(topics.by_name(one.topic), one.value or b"") async for one in reader.until_end()]
    return [one for one in found if (one.venue, one.market) == (PLACE.venue, PLACE.market)]


async def test_a_successor_closes_the_hole_from_the_last_durable_change_to_its_first_snapshot(
    tapeline_settings: Settings, tapeline_up: RunFile, tmp_path: Path
) -> None:
    began_us = clock.now_us()
    async with (
        simulated(PLACE.venue, PLACE.market, tmp_path, symbols=3) as exchange,
        means(tapeline_settings, tapeline_up, exchange) as shared,
    ):
        for _ in range(2):
            recorder = Recorder(PLACE, shared)
            async with background("recorder", recorder.run()):
                await eventually(lambda: recorder.books() == (3, 3), within_s=15)  # noqa: B023 - awaited here
        found = await everything(shared.endpoints, shared.codec, began_us)
    listed = [f"{PLACE}:{one.instrument.symbol}" for one in exchange.exchange.market.listings]
    assert sorted({one.key for one in found if isinstance(one, Instrument)}) == sorted(listed)
    for key in listed:
        deltas = [one for one in found if isinstance(one, DeltaBatch) and one.key == key]
        second = next(number for number, one in enumerate(deltas) if one.epoch != deltas[0].epoch)
        last, first = deltas[second - 1], deltas[second]
        gaps = [one for one in found if isinstance(one, Gap) and (one.key, one.channel) == (key, "book")]
        closed = [one for one in gaps if one.end_us is not None]
        # Said at the stop of each, and the first one's again by the second, which closes it.
        assert [(one.cause, one.from_id) for one in gaps if one.end_us is None] == [
            ("restart", str(last.sequence)),
            ("restart", str(last.sequence)),
            ("restart", str(deltas[-1].sequence)),
        ]
        assert [(one.epoch, one.from_id, one.to_epoch, one.to_id) for one in closed] == [
            (last.epoch, str(last.sequence), first.epoch, str(first.sequence))
        ]
        assert first.kind == "snapshot"
        assert first.epoch > last.epoch


async def test_a_successor_begins_with_the_list_that_was_said_last_while_the_venue_refuses(
    tapeline_settings: Settings, tapeline_up: RunFile, tmp_path: Path
) -> None:
    """BingX wants to be left alone for five minutes after a refusal: nothing would be recorded for so long."""
    place = Place("bingx", "futures")
    async with (
        simulated(place.venue, place.market, tmp_path, symbols=3) as exchange,
        means(tapeline_settings, tapeline_up, exchange, place=place) as shared,
    ):
        first, second = Recorder(place, shared), Recorder(place, shared)
        async with background("recorder", first.run()):
            await eventually(lambda: first.books() == (3, 3), within_s=15)
        status, said = await exchange.post("/_simulator/faults", {"name": "429"})
        assert status == 200, said
        listed = await shared.looking_back.instruments(place.venue, place.market)
        async with background("recorder", second.run()):
            await eventually(lambda: second.books() == (3, 3), within_s=15)
    assert sorted(one.symbol for one in listed) == sorted(
        one.instrument.symbol for one in exchange.exchange.market.listings
    )


async def test_c_14_k6_pairs_come_and_go_while_the_others_see_nothing(
    tapeline_settings: Settings, tapeline_up: RunFile, tmp_path: Path
) -> None:
    """By wishes alone: two at first, one of them deeper, another instead of the other, and that one again."""
    began_us = clock.now_us()
    async with (
        simulated(PLACE.venue, PLACE.market, tmp_path, symbols=3) as exchange,
        means(tapeline_settings, tapeline_up, exchange) as shared,
    ):
        stays, goes, comes = (one.instrument.symbol for one in exchange.exchange.market.listings)
        recorder = Recorder(PLACE, shared, by_tasks=True)
        async with background("recorder", recorder.run()):
            for wishes in (
                {stays: 20, goes: 20},
                {stays: 20, goes: 50},
                {stays: 20, comes: 0},
                {stays: 20, comes: 0, goes: 20},
                {},
                {stays: 20, "NOT/LISTED": 20},
            ):
                recorder.wish(wishes)
                listed = wishes.keys() - {"NOT/LISTED"}
                many = len(listed)
                await eventually(lambda: recorder.books() == (many, many), within_s=15)  # noqa: B023 - awaited here
        found = await everything(shared.endpoints, shared.codec, began_us)

    def gaps(symbol: str) -> list[tuple[str, bool]]:
        """Return the gaps of a book in their order: why, and whether it is closed; not what others left before us."""
        of = [one for one in found if isinstance(one, Gap) and (one.symbol, one.channel) == (symbol, "book")]
        of = [one for one in of if one.epoch >= began_us]
        return [(one.detail or "", one.end_us is not None) for one in of]

    def epochs(symbol: str) -> int:
        return len({one.epoch for one in found if isinstance(one, DeltaBatch) and one.symbol == symbol})

    deeper, gone, stop = "it is wanted at another depth", "it is not recorded here any more", "the producer stops"
    # Only when nothing was wanted at all its book ended, too.
    # What was left is said again by whoever comes next, as its own first word of it.
    assert gaps(stays) == [(gone, False), (gone, False), (gone, True), (stop, False)]
    assert gaps(goes) == [(deeper, False), (deeper, True), (gone, False), (gone, False), (gone, True), (gone, False)]
    assert gaps(comes) == [(gone, False)]
    assert [epochs(symbol) for symbol in (stays, goes, comes)] == [2, 3, 1]


@pytest.mark.parametrize("behind", [0, 9_000])
async def test_what_is_durable_is_found_however_far_behind_other_records_it_lies(
    tapeline_settings: Settings, tapeline_up: RunFile, behind: int
) -> None:
    known = endpoints.endpoints_from(tapeline_settings, tapeline_up)
    codec = Codec({topic.subject: tapeline_up.schema_ids[topic.subject] for topic in TOPICS})
    symbol = f"BACK{behind}/USDT"
    change = DeltaBatch(
        venue="binance",
        market="spot",
        symbol=symbol,
        epoch=7,
        kind="change",
        follows=9,
        first=10,
        sequence=10,
        bid_prices=(1.5,),
        bid_quantities=(2.0,),
        ask_prices=(),
        ask_quantities=(),
        venue_us=100,
        received_us=101,
        published_us=102,
    )
    value = codec.encode(topics.by_name("md.delta"), change)
    other = codec.encode(topics.by_name("md.delta"), msgspec.structs.replace(change, symbol="OTHER/USDT"))
    of = OfInstrument(venue="binance", market="spot", symbol=symbol)
    async with (
        RegistryClient(known.registry) as registry,
        Publisher(known.kafka, client_id="test-back", ack_within_s=10) as publisher,
    ):
        count = await publisher.partitions("md.delta")
        place = Partition("md.delta", partition_of(symbol, count))
        await publisher.publish_many(*place, [Outgoing(of.key.encode(), value)])
        await publisher.publish_many(*place, [Outgoing(b"binance:spot:OTHER/USDT", other)] * behind)
        tails = await LookingBack(known.kafka, codec, registry).tails({of.key: symbol}, count)
    assert tails.book_hole(of.key) == Hole(epoch=7, from_id="10", start_us=100, cause="restart")
    assert tails.epoch("binance:spot:OTHER/USDT") == 0
