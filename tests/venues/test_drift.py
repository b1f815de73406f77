"""C-03, X-10: what a venue's frames carry beyond or short of our wire structs is found, and nothing else is.

Every frame of ours is changed in every field, once for each way in which a venue may change it.
"""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Iterator
from typing import Any, Final, get_args

import msgspec
import pytest

from simulator.faces import protobuf
from tapeline.cli.decode_files import lines
from tapeline.domain.events import Market
from tapeline.errors import InvalidMessage
from tapeline.venues import drift, registry
from tapeline.venues.contract import Answer, Event, Feed
from tapeline.venues.drift import CHANNELS, Drift
from tests.venues.recorded import captures, own, stretch

PLACES: Final = [(venue, market) for venue, one in registry.VENUES.items() for market in one.feeds]
everywhere = pytest.mark.parametrize(("venue", "market"), PLACES)
STREAMS: Final = {"book_delta", "trade", "aggtrade", "funding"}
"""Channels of recorded frames that we ask for too."""
NOT_OURS: Final = {
    # A list of samples names channels by what they hold: another stream's, and a socket that serves both markets.
    ("binance/futures.samples-jkorf", "TRADE_LITE"),
    ("bitget/unified.samples-jkorf", "usdt-futures publicTrade"),
}
UNSEEN: Final = {
    # An answer to a question of ours is taken as an answer alone; the book that does not come is asked for again.
    ("htx", "spot", "rep"),
}
JsonPath = tuple[str | int, ...]


def found(feed: Feed, frame: bytes) -> tuple[Drift, ...]:
    return drift.found(feed, frame, registry.venue(feed.facts.venue).ignored)


def events(feed: Feed, frame: bytes) -> tuple[Event, ...]:
    try:
        return feed.decode(frame, 1)
    except InvalidMessage:
        return ()


def is_of_stream(feed: Feed, frame: bytes) -> bool:
    return any(type(one) in CHANNELS for one in events(feed, frame))


# ---------------------------------------------------------------- nothing is found where nothing has changed
@everywhere
def test_in_our_own_frames_of_streams_there_is_no_drift(venue: str, market: Market) -> None:
    feed = registry.feed(venue, market)
    frames = [line.data for line in own(venue, market) if is_of_stream(feed, line.data)]
    assert bool(frames) == bool(feed.facts.sockets)
    assert [found(feed, frame) for frame in frames] == [()] * len(frames)


def today() -> list[str]:
    """Return the stretches of today's protocols, by the folder's own page."""
    folder = captures()
    rows = (folder / "README.md").read_text("utf-8").splitlines() if folder else []
    cells = [[cell.strip() for cell in row.split("|")] for row in rows if row.startswith("| `")]
    return [row[1].split("`")[1].partition(".jsonl")[0] for row in cells if row[5].startswith("yes")]


@pytest.mark.parametrize("name", today() or ["none"])
def test_in_recorded_frames_of_todays_protocols_there_is_no_drift(name: str) -> None:
    _ = stretch(name)
    folder = captures()
    assert folder is not None
    first = folder / f"{name}.jsonl"
    told: set[tuple[str, str]] = set()
    for path in (first, *sorted(first.parent.glob(f"{first.stem}-p[0-9].jsonl"))):
        for _, line in lines(path):
            for feed in line.feeds:
                if is_of_stream(feed, line.data):
                    assert found(feed, line.data) == (), line
                elif line.channel in STREAMS and events(feed, line.data):
                    told |= {(name, one.field) for one in found(feed, line.data)}
    assert told <= NOT_OURS


@everywhere
def test_what_is_ignored_is_not_read(venue: str, market: Market) -> None:
    del market
    for struct, names in registry.venue(venue).ignored.fields.items():
        assert names.split() == list(dict.fromkeys(names.split()))
        assert not set(names.split()) & set(struct.__struct_encode_fields__), struct


# ---------------------------------------------------------------- a change is found
def objects(value: Any, path: JsonPath = ()) -> Iterator[JsonPath]:  # noqa: ANN401 - JSON
    """Yield where the objects of a value are; of a list the first two items stand for all."""
    if isinstance(value, dict):
        yield path
        for name, inner in value.items():
            yield from objects(inner, (*path, name))
    elif isinstance(value, list):
        for at, inner in enumerate(value[:2]):
            yield from objects(inner, (*path, at))


def at(value: Any, path: JsonPath) -> Any:  # noqa: ANN401 - JSON
    for step in path:
        value = value[step]
    return value


def changed(value: Any, path: JsonPath, name: str, how: str) -> Any:  # noqa: ANN401 - JSON
    """Return the value with one field removed, renamed or of another type."""
    made = copy.deepcopy(value)
    held = at(made, path)
    whole = dict(held)
    held.clear()
    for one, inner in whole.items():
        if one != name:
            held[one] = inner
        elif how == "renamed":
            held[f"{name}New"] = inner
        elif how == "retyped":
            held[name] = 7 if isinstance(inner, dict) else {"is": inner}
    return made


def plain_frames(venue: str, market: Market) -> Iterator[tuple[Any, bool]]:
    """Yield our own frames of streams as plain values, and whether they go out as gzip."""
    feed = registry.feed(venue, market)
    for line in own(venue, market):
        packed = line.data.startswith(b"\x1f\x8b")
        data = gzip.decompress(line.data) if packed else line.data
        if data.startswith((b"{", b"[")) and is_of_stream(feed, line.data):
            yield json.loads(data), packed


def packed(value: object, as_gzip: bool) -> bytes:  # noqa: FBT001 - as it comes
    data = msgspec.json.encode(value)
    return gzip.compress(data, mtime=0) if as_gzip else data


JSON_PLACES = [one for one in PLACES if one not in {("mexc", "spot"), ("uniswap", "spot")}]
"""Uniswap's frames are answers by number of a node whose protocol is a standard; MEXC's spot is below."""


@pytest.mark.parametrize(("venue", "market"), JSON_PLACES)
def test_a_field_that_is_added_renamed_removed_or_retyped_is_found(venue: str, market: Market) -> None:
    feed = registry.feed(venue, market)
    missed: set[tuple[str, str, str]] = set()
    for frame, as_gzip in plain_frames(venue, market):
        for path in objects(frame):
            # The levels of BingX may be an object of quantities by price: each name is a price, and none is new.
            if path[-1:] in {("bids",), ("asks",)}:
                continue
            added = copy.deepcopy(frame)
            at(added, path)["brandNew"] = 1
            *_, name = [step for step in path if isinstance(step, str)] or [""]
            (one,) = found(feed, packed(added, as_gzip))
            assert (one.kind, one.field.endswith(".brandNew" if name else "brandNew")) == ("unknown", True), one
            for name in at(frame, path):
                for how in ("renamed", "removed", "retyped"):
                    now = packed(changed(frame, path, name, how), as_gzip)
                    # What is optional or not read may be away, and what is not read may be of any type.
                    if not found(feed, now) and (how == "renamed" or not is_of_stream(feed, now)):
                        missed.add((venue, market, name))
    assert missed <= UNSEEN


def test_kinds_and_names_of_what_is_found() -> None:
    feed = registry.feed("binance", "futures")
    data = {"e": "depthUpdate", "E": 2, "T": 1, "s": "BTCUSDT", "U": 1, "u": 2, "pu": 0, "b": [["1", "2"]], "a": []}

    def of(**fields: object) -> tuple[Drift, ...]:
        told = {name: value for name, value in (data | fields).items() if value is not None}
        return found(feed, msgspec.json.encode({"stream": "btcusdt@depth@0ms", "data": told}))

    assert of() == ()
    assert of(zz=1, aa=2) == (Drift("book", "unknown", "data.aa"), Drift("book", "unknown", "data.zz"))
    assert of(u=None) == (Drift("other", "missing", "data.u"),)
    assert of(pu=None) == (Drift("other", "missing", "pu"),)
    assert of(u={}) == (Drift("other", "changed", "data.u"),)
    assert of(b=[[{}, "2"]]) == (Drift("other", "changed", "data.b[][]"),)
    # A wrong value is a broken frame and no news of the protocol.
    assert of(U=5) == of(b=[["-1", "2"]]) == ()
    assert found(feed, b"{") == ()
    assert found(feed, b'{"stream":"x","data":{"e":"newEvent"}}') == (Drift("other", "unknown", "newEvent"),)
    assert found(feed, b'{"result":null,"id":1}') == ()
    assert feed.decode(b'{"dataNew":{}}', 1) == (Answer(request_id=None),)
    assert found(feed, b'{"dataNew":{}}') == (Drift("other", "unknown", drift.NOTHING),)


@pytest.mark.parametrize("odd", ["9" * 5_000, "1e999", "[" * 5_000 + "]" * 5_000, '"\\ud800"', "{}"])
def test_a_value_that_nobody_reads_may_be_whatever_it_is(odd: str) -> None:
    feed = registry.feed("bybit", "spot")
    head = '{"topic":"orderbook.50.BTCUSDT","type":"snapshot","ts":1,"data":{"s":"BTCUSDT","b":[],"a":[],"u":1,"zz":'
    frame = f'{head}{odd}}},"cts":1}}'.encode()
    assert set(found(feed, frame)) <= {Drift("book", "unknown", "data.zz")}


def test_what_is_known_to_come_without_being_asked_for_is_no_news() -> None:
    feed = registry.feed("okx", "spot")
    assert found(feed, b'{"event":"channel-conn-count","channel":"books","connCount":"2"}') == ()
    assert found(feed, b'{"event":"other"}') == (Drift("other", "unknown", "other"),)


# ---------------------------------------------------------------- protobuf
MEXC: Final = registry.feed("mexc", "spot")
TRADES: Final = next(line.data for line in own("mexc", "spot") if line.channel == "trade")


def test_mexc_a_number_that_no_table_has_is_found_where_it_stands() -> None:
    assert found(MEXC, TRADES) == ()
    assert found(MEXC, TRADES + protobuf.text(77, "new")) == (Drift("trade", "unknown", "77"),)
    deal = protobuf.text(1, "1.5") + protobuf.text(2, "2") + protobuf.whole(3, 1) + protobuf.whole(4, 1)
    head = protobuf.text(1, "spot@public.aggre.deals.v3.api.pb@100ms@BTCUSDT") + protobuf.text(3, "BTCUSDT")

    def of(made: bytes) -> tuple[Drift, ...]:
        return found(MEXC, head + protobuf.inner(314, protobuf.inner(1, made)))

    assert of(deal) == ()
    assert of(deal + protobuf.whole(9, 1)) == (Drift("trade", "unknown", "publicAggreDeals.deals[].9"),)
    # A field of another type is one that the table does not have, and what it had is away.
    assert of(protobuf.whole(1, 7) + deal.removeprefix(protobuf.text(1, "1.5"))) == (
        Drift("other", "changed", "deals[].price"),
    )
    assert found(MEXC, TRADES.replace(protobuf.text(3, "BTCUSDT"), b"")) == (Drift("other", "missing", "symbol"),)


def test_each_kind_is_said_and_has_a_fix() -> None:
    assert set(drift.SAID) == set(drift.FIXES) == set(get_args(drift.Kind))
