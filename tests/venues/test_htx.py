"""What is HTX's own: gzip frames, requests, refusals, and a picture of funding from streams and REST."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable

import msgspec
import pytest

from tapeline.domain.book import BookSnapshot
from tapeline.errors import InvalidMessage, Unavailable, VenueRefused
from tapeline.venues import registry
from tapeline.venues.contract import FundingUpdate, ServerPing, Want
from tapeline.venues.funding import merged
from tests.venues import expected_htx, expected_htx_futures
from tests.venues.recorded import own

NOW_US = expected_htx.RECEIVED_US
SPOT, FUTURES = registry.feed("htx", "spot"), registry.feed("htx", "futures")
FEEDS = {"spot": SPOT, "futures": FUTURES}


# ---------------------------------------------------------------- frames
@pytest.mark.parametrize(
    "frame",
    [
        b"",
        gzip.compress(b'{"ping":1}')[:-1],
        gzip.compress(b'{"ping":1}')[:9],
        gzip.compress(b'{"ping":1}') + b"x",
        gzip.compress(b'{"ping":1}') * 2,
        zlib.compress(b'{"ping":1}'),
        gzip.compress(b""),
        gzip.compress(b"null"),
        gzip.compress(b"[]"),
        gzip.compress(b"{}"),
        gzip.compress(b"\xff\xfe"),
        gzip.compress(b"[" * 100_000),
        gzip.compress(b'{"ping":"x"}'),
        gzip.compress(b'{"ping":123456789012345678901234567890}'),
        gzip.compress(b'{"op":"ping","ts":[1]}'),
        gzip.compress(b'{"ch":7}'),
        gzip.compress(b'{"ping":1}' + b" " * 16 * 1024 * 1024),
    ],
)
def test_what_is_no_whole_gzip_of_a_frame_is_an_invalid_message(frame: bytes) -> None:
    for feed in FEEDS.values():
        with pytest.raises(InvalidMessage):
            feed.decode(frame, NOW_US)


def test_a_frame_of_just_the_most_bytes_is_still_read() -> None:
    frame = gzip.compress(b'{"ping":1}'.ljust(16 * 1024 * 1024))
    assert SPOT.decode(frame, NOW_US) == (ServerPing(reply=b'{"pong":1}'),)


def test_what_was_recorded_out_of_its_gzip_means_the_same() -> None:
    frame = b'{"ch":"market.btcusdt.depth.step0","ts":5,"tick":{"bids":[[1,2]],"asks":[[3,4]],"version":7,"ts":5}}'
    found = SPOT.decode(frame, NOW_US)
    assert isinstance(found[0], BookSnapshot)
    assert found == SPOT.decode(gzip.compress(frame), NOW_US)
    for broken in (frame[:-1], frame + b"x", b'{"ping":"x"}', b"{"):
        with pytest.raises(InvalidMessage):
            SPOT.decode(broken, NOW_US)


def test_a_frame_that_claims_to_be_huge_is_not_inflated() -> None:
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    bomb = b"".join(packer.compress(bytes(1024 * 1024)) for _ in range(256)) + packer.flush()
    tracemalloc.start()
    try:
        with pytest.raises(InvalidMessage, match="inflates to more than"):
            SPOT.decode(bomb, NOW_US)
        assert tracemalloc.get_traced_memory()[1] < 64 * 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("market", "channel", "old", "new", "field"),
    [
        ("spot", "book_delta", '"prevSeqNum":100020142010,', "", "tick"),
        ("spot", "book_delta", '"seqNum":100020142011', '"seqNum":1.5', "tick.seqNum"),
        ("spot", "book_delta", "618.3,2.5", "-1,2.5", "tick.bids[1][0]"),
        ("spot", "book_delta", "618.3,2.5", "618.3,1e400", "tick.bids[1][1]"),
        ("spot", "book_delta", "[618.3,2.5]", "[618.3]", "tick.bids[1]"),
        ("spot", "book_delta", '"ts":1573199608679,', "", None),
        ("spot", "book_reply", '"bids":[[618.37,71.594],[423.33,77.726]],', "", "data"),
        ("spot", "book_reply", '"data":', '"tick":', None),
        ("spot", "book_whole", "0.372591", "-0.372591", "tick.asks[0][1]"),
        ("spot", "trade", '"direction":"buy"', '"direction":"both"', "tick.data[0].direction"),
        ("spot", "trade", '"tradeId":102523573486', '"tradeId":-9', "tick.data[0].tradeId"),
        ("spot", "trade", '"amount":0.006754', '"amount":0', "tick.data[0].amount"),
        ("spot", "rest_book", "btcusdt", "ethusdt", "ch"),
        ("spot", "rest_trades", "btcusdt", "ethusdt", "ch"),
        ("spot", "rest_trades", '"trade-id":102517381180', '"trade-id":"x"', "data[1].data[1].trade-id"),
        ("spot", "rest_instruments", '"price-precision":10', '"price-precision":-1', "data[1].price-precision"),
        ("spot", "rest_instruments", '"min-order-value":5', '"min-order-value":"NaN"', "min-order-value"),
        ("spot", "rest_instruments", '"min-order-value":5', '"min-order-value":"sNaN"', "min-order-value"),
        ("spot", "rest_instruments", '"min-order-value":5', '"min-order-value":1e999999', "min-order-value"),
        ("spot", "rest_instruments", '"min-order-value":5', '"min-order-value":-5', "min-order-value"),
        ("futures", "book_delta", '"event":"update"', '"event":"news"', "tick.event"),
        ("futures", "book_delta", ',"version":1512468', "", "tick"),
        ("futures", "trade", '"id":1000219512747480000', '"id":9e99', "tick.data[0].id"),
        ("futures", "mark", '"close":"9800.12"', '"close":"inf"', "tick.close"),
        ("futures", "mark", '"close":"9800.12"', '"close":"much"', "tick.close"),
        ("futures", "rest_funding", '"1790150400000"', '"soon"', "data.funding_time"),
        ("futures", "rest_funding", '"-0.000220068774978695"', "null", "data.funding_rate"),
        ("futures", "rest_instruments", '"settlement_period":"8"', '"settlement_period":"often"', None),
        ("futures", "rest_instruments", "0.100000000000000000", "-0.1", "price_tick"),
    ],
)
def test_a_wrong_field_is_an_invalid_message_that_names_it(
    market: str, channel: str, old: str, new: str, field: str | None
) -> None:
    line = next(line for line in own("htx", market) if line.channel == channel)
    assert line.frame.count(old) == 1
    broken = msgspec.structs.replace(line, frame=line.frame.replace(old, new)).data
    feed = FEEDS[market]
    reads: dict[str, Callable[[], object]] = {
        "rest_book": lambda: feed.read_book(broken, feed.native("BTC/USDT"), 0, NOW_US),
        "rest_trades": lambda: feed.read_trades(broken, feed.native("BTC/USDT"), NOW_US),
        "rest_funding": lambda: feed.read_funding(broken, NOW_US),
        "rest_instruments": lambda: feed.read_instruments(broken, NOW_US),
    }
    reading: Callable[[], object] = reads.get(channel, lambda: feed.decode(broken, NOW_US))
    with pytest.raises(InvalidMessage) as caught:
        reading()
    if field is not None:
        assert caught.value.field == field


# ---------------------------------------------------------------- what goes out
def want(channel: str, native: str, depth: int = 20) -> Want:
    return msgspec.convert({"channel": channel, "native": native, "depth": depth}, Want)


@pytest.mark.parametrize(("depth", "topic"), [(5, 150), (20, 150), (150, 150), (151, 400), (400, 400), (0, 400)])
def test_c_04_spot_books_are_asked_for_and_requested_at_one_depth(depth: int, topic: int) -> None:
    wants = (want("book", "btcusdt", depth), want("trade", "btcusdt"), want("snapshot", "btcusdt", depth))
    asked = [(ask.socket, ask.request_id, json.loads(ask.frame)) for ask in SPOT.subscribe(wants, 7)]
    assert asked == [
        ("feed", 7, {"sub": f"market.btcusdt.mbp.{topic}", "id": "7"}),
        ("market", 8, {"sub": "market.btcusdt.trade.detail", "id": "8"}),
        ("feed", 9, {"req": f"market.btcusdt.mbp.{topic}", "id": "9"}),
    ]
    given_up = [(ask.socket, ask.request_id, json.loads(ask.frame)) for ask in SPOT.unsubscribe(wants, 7)]
    assert given_up == [
        ("feed", 7, {"unsub": f"market.btcusdt.mbp.{topic}", "id": "7"}),
        ("market", 8, {"unsub": "market.btcusdt.trade.detail", "id": "8"}),
    ]


@pytest.mark.parametrize(("depth", "size"), [(5, 20), (20, 20), (21, 150), (150, 150), (0, 150), (1000, 150)])
def test_c_04_futures_are_asked_for_increments_and_both_prices(depth: int, size: int) -> None:
    wants = (want("book", "BTC-USDT", depth), want("trade", "BTC-USDT"), want("funding", "BTC-USDT"))
    topic = f"market.BTC-USDT.depth.size_{size}.high_freq"
    asks = FUTURES.subscribe(wants, 7)
    assert [(ask.socket, ask.request_id, json.loads(ask.frame)) for ask in asks] == [
        ("market", 7, {"sub": topic, "data_type": "incremental", "id": "7"}),
        ("market", 8, {"sub": "market.BTC-USDT.trade.detail", "id": "8"}),
        ("index", 9, {"sub": "market.BTC-USDT.mark_price.1min", "id": "9"}),
        ("index", 10, {"sub": "market.BTC-USDT.index.1min", "id": "10"}),
    ]
    assert [ask.wants for ask in asks] == [wants[:1], wants[1:2], wants[2:], wants[2:]]


@pytest.mark.parametrize(
    ("market", "depth", "target"),
    [
        ("spot", 5, "/market/depth?symbol=btcusdt&type=step0&depth=5"),
        ("spot", 15, "/market/depth?symbol=btcusdt&type=step0&depth=20"),
        ("spot", 50, "/market/depth?symbol=btcusdt&type=step0"),
        ("spot", 0, "/market/depth?symbol=btcusdt&type=step0"),
        ("futures", 20, "/linear-swap-ex/market/depth?contract_code=BTC-USDT&type=step0"),
    ],
)
def test_a_book_is_requested_as_deep_as_htx_has_it(market: str, depth: int, target: str) -> None:
    feed = FEEDS[market]
    assert feed.book_request(feed.native("BTC/USDT"), depth).target == target


def test_the_other_requests() -> None:
    assert [SPOT.instruments_request().target, SPOT.trades_request("btcusdt").target] == [
        "/v1/common/symbols",
        "/market/history/trade?symbol=btcusdt&size=2000",
    ]
    assert [
        FUTURES.instruments_request().target,
        FUTURES.trades_request("BTC-USDT").target,
        FUTURES.funding_request("BTC-USDT").target,
    ] == [
        "/linear-swap-api/v1/swap_contract_info?business_type=swap",
        "/linear-swap-ex/market/history/trade?contract_code=BTC-USDT&size=2000",
        "/linear-swap-api/v1/swap_funding_rate?contract_code=BTC-USDT",
    ]


@pytest.mark.parametrize(
    ("market", "status", "body", "kind", "wait"),
    [
        ("spot", 200, b'{"status":"ok","data":[]}', None, None),
        ("spot", 200, b'{"code":200,"message":"Success","data":[],"ts":1}', None, None),
        ("spot", 200, b'{"ch":"market.btcusdt.depth.step0","tick":{}}', None, None),
        ("spot", 200, b'{"status":"error","err-code":"invalid-parameter","err-msg":"?"}', VenueRefused, None),
        ("spot", 200, b'{"status":"error","err-code":"rate-too-many-requests","err-msg":"?"}', Unavailable, 1),
        ("spot", 200, b'{"status":"error","err-code":"base-system-error","err-msg":"?"}', Unavailable, None),
        ("spot", 200, b'{"code":429,"message":"too many"}', Unavailable, 1),
        ("spot", 200, b'{"code":0,"message":"failed"}', VenueRefused, None),
        ("spot", 429, b"<html>", Unavailable, 1),
        ("spot", 502, b"<html>", Unavailable, None),
        ("spot", 403, b"<html>", VenueRefused, None),
        ("futures", 200, b'{"status":"error","err_code":1014,"err_msg":"?"}', VenueRefused, None),
        ("futures", 200, b'{"status":"error","err_code":1032,"err_msg":"?"}', Unavailable, 3),
        ("futures", 404, b'{"status":404,"error":"Not Found"}', VenueRefused, None),
    ],
)  # fmt: skip
def test_x_05_a_refusal_says_who_must_act_and_how_long_to_wait(
    market: str, status: int, body: bytes, kind: type | None, wait: float | None
) -> None:
    found = FEEDS[market].refusal(status, {}, body)
    assert (type(found) if found else None) == kind
    assert getattr(found, "retry_after_s", None) == wait


# ---------------------------------------------------------------- funding from streams and REST
def test_the_prices_stream_and_the_rate_is_asked_for_and_together_they_are_whole() -> None:
    picture: FundingUpdate | None = None
    for channel in ("mark", "rest_funding", "index"):
        found = expected_htx_futures.FUTURES[channel]
        update = found[0] if isinstance(found, tuple) else found
        assert isinstance(update, FundingUpdate)
        picture = merged(picture, update)
    assert picture == FundingUpdate(
        native="BTC-USDT",
        whole=False,
        rate=-0.000220068774978695,
        mark_price=9800.12,
        index_price=86812.90428571429,
        next_us=1790150400000000,
        venue_us=1604387688243000,
        received_us=NOW_US,
        exact={"index_price": "86812.90428571429"},
    )
