"""Our table of MEXC's protobuf against classes that its own .proto files were compiled to: what they write, we read."""

from __future__ import annotations

from typing import Any, Final, get_args

import pytest
from ccxt.protobuf.mexc import PushDataV3ApiWrapper_pb2  # type: ignore[import-untyped]  # no stubs
from hypothesis import given
from hypothesis import strategies as st

from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.domain.events import Market
from tapeline.errors import InvalidMessage
from tapeline.venues import registry
from tapeline.venues.contract import Event, PublicTrade, Unexpected
from tapeline.venues.mexc import protobuf
from tests.venues.recorded import own

NOW_US: Final = 1_700_000_000_000_005
FEED: Final = registry.feed("mexc", "spot")
PEER: Final[Any] = PushDataV3ApiWrapper_pb2.PushDataV3ApiWrapper
OUR_NAMES: Final = {
    "PublicAggreDepthsV3Api": "Depths",
    "PublicAggreDepthV3ApiItem": "Level",
    "PublicLimitDepthsV3Api": "LimitDepths",
    "PublicLimitDepthV3ApiItem": "Level",
    "PublicAggreDealsV3Api": "Deals",
    "PublicAggreDealsV3ApiItem": "Deal",
}
TYPES: Final = {9: "string", 5: "int32", 3: "int64"}
ADDED: Final = {("Deal", "tradeId")}
"""What the venue added in 2026-06, later than the peer's classes."""

numbers = st.integers(1, 10**12).map(lambda hundredths: f"{hundredths // 100}.{hundredths % 100:02d}")
sides = st.lists(st.tuples(numbers, st.one_of(st.just("0"), numbers)), max_size=40)
times = st.integers(1, 10**13)
FRAMES: Final = [line.data for line in own("mexc", "spot") if line.encoding == "base64"]


def field_type(field: Any) -> str:  # noqa: ANN401 - the peer has no types
    single = OUR_NAMES[field.message_type.name] if field.type == 11 else TYPES[field.type]
    return single + ("[]" if field.is_repeated else "")


def known(ours: str, descriptor: Any) -> dict[str, tuple[int, str]]:  # noqa: ANN401 - the peer has no types
    return {field.name: (field.number, field_type(field)) for field in descriptor.fields if field.name in table(ours)}


def table(ours: str) -> dict[str, tuple[int, str]]:
    return {name: field for name, field in protobuf.FIELDS[ours].items() if (ours, name) not in ADDED}


def test_every_number_and_type_is_the_venues() -> None:
    wrapper = PEER.DESCRIPTOR
    assert known(protobuf.WRAPPER, wrapper) == table(protobuf.WRAPPER)
    bodies = {field.name: field for field in wrapper.oneofs_by_name[protobuf.BODY].fields}
    assert {name: field.number for name, field in bodies.items()} == {
        name: number for name, (number, _) in protobuf.BODIES.items()
    }
    read = {name: kind for name, (_, kind) in protobuf.BODIES.items() if kind != protobuf.OTHER}
    assert {name: OUR_NAMES[bodies[name].message_type.name] for name in read} == read
    for name, ours in read.items():
        descriptor = bodies[name].message_type
        assert known(ours, descriptor) == table(ours)
        for field in descriptor.fields:
            if field.name in table(ours) and field.type == 11:
                item = OUR_NAMES[field.message_type.name]
                assert known(item, field.message_type) == table(item)


@given(bids=sides, asks=sides, begin=st.integers(0, 2**61), more=st.integers(0, 1000), at_ms=times)
def test_changes_that_the_peer_writes_are_read(
    bids: list[tuple[str, str]], asks: list[tuple[str, str]], begin: int, more: int, at_ms: int
) -> None:
    push = PEER(channel="spot@public.aggre.depth.v3.api.pb@100ms@X", symbol="X", symbolId="7", sendTime=at_ms)
    body = push.publicAggreDepths
    for side, levels in ((body.bids, bids), (body.asks, asks)):
        for price, quantity in levels:
            side.add(price=price, quantity=quantity)
    body.eventType, body.fromVersion, body.toVersion = "any", str(begin), str(begin + more)
    assert FEED.decode(push.SerializeToString(), NOW_US) == (
        BookDelta(
            native="X",
            follows=begin - 1,
            first=begin,
            sequence=begin + more,
            bid_prices=tuple(float(price) for price, _ in bids),
            bid_quantities=tuple(float(quantity) for _, quantity in bids),
            ask_prices=tuple(float(price) for price, _ in asks),
            ask_quantities=tuple(float(quantity) for _, quantity in asks),
            venue_us=at_ms * 1000,
            received_us=NOW_US,
        ),
    )


@given(rows=st.lists(st.tuples(numbers, numbers, st.sampled_from((1, 2)), times), max_size=20))
def test_trades_that_the_peer_writes_are_read(rows: list[tuple[str, str, int, int]]) -> None:
    push = PEER(channel="spot@public.aggre.deals.v3.api.pb@100ms@X", symbol="X", sendTime=1)
    push.publicAggreDeals.SetInParent()
    for price, quantity, side, at_ms in rows:
        push.publicAggreDeals.deals.add(price=price, quantity=quantity, tradeType=side, time=at_ms)
    found = FEED.decode(push.SerializeToString(), NOW_US)
    trades = [one for one in found if isinstance(one, PublicTrade)]
    assert [(one.price, one.quantity, one.side, one.venue_us) for one in trades] == [
        (float(price), float(quantity), "buy" if side == 1 else "sell", at_ms * 1000)
        for price, quantity, side, at_ms in rows
    ]
    assert len({one.trade_id for one in trades}) == len(rows) == len(found)


@pytest.mark.parametrize("body", protobuf.BODIES)
def test_every_body_is_decoded_or_named(body: str) -> None:
    push = PEER(channel="spot@a.stream@X", symbol="X", sendTime=1)
    getattr(push, body).SetInParent()
    if body in {"publicAggreDepths", "publicLimitDepths"}:
        with pytest.raises(InvalidMessage):
            FEED.decode(push.SerializeToString(), NOW_US)
        return
    expected = () if body == "publicAggreDeals" else (Unexpected(kind="spot@a.stream@X"),)
    assert FEED.decode(push.SerializeToString(), NOW_US) == expected


@given(data=st.data())
def test_mutated_bytes_are_events_or_an_invalid_message_and_no_other_error(data: st.DataObject) -> None:
    frame = bytearray(data.draw(st.sampled_from(FRAMES)))
    places = st.integers(0, len(frame) - 1)
    for place, byte in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=4)):
        frame[place] = byte
    cut = data.draw(st.one_of(st.just(len(frame)), places))
    try:
        events = FEED.decode(bytes(frame[:cut]), NOW_US)
    except InvalidMessage:
        return
    assert all(isinstance(event, BookDelta | BookSnapshot | PublicTrade | Unexpected) for event in events)


@pytest.mark.parametrize("market", ["spot", "futures"])
@given(frame=st.binary(max_size=300))
def test_any_bytes_are_events_or_an_invalid_message(market: Market, frame: bytes) -> None:
    try:
        events = registry.feed("mexc", market).decode(frame, NOW_US)
    except InvalidMessage:
        return
    assert {type(event) for event in events} <= set(get_args(Event))
