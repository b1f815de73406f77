"""1inch: what is asked for a ladder, what a quote without a route is, and what its refusals mean (X-12, K7)."""

from __future__ import annotations

import msgspec
import pytest

from tapeline.errors import InvalidMessage, Misconfigured, TapelineError, Unavailable, VenueRefused
from tapeline.venues.contract import Want
from tapeline.venues.oneinch import SPOT
from tapeline.venues.oneinch.pairs import PAIRS, SIZES
from tests.venues.expected_1inch import BOOK, ETH, USDC
from tests.venues.expected_binance import RECEIVED_US
from tests.venues.recorded import own

NATIVE = f"{ETH}-{USDC}"
QUOTE = "/swap/v6.1/1/quote"
FRAMES = {line.channel: line for line in own("1inch", "spot")}
NONE = b'{"error":"Bad Request","description":"insufficient liquidity","statusCode":400,"meta":[],"requestId":"x"}'


def test_x_12_a_ladder_is_asked_for_in_turns_from_the_least_size_on() -> None:
    request = SPOT.book_request(SPOT.native("eth/usdc"), 20)
    asked = (request, *request.more)
    assert [one.target for one in asked] == [
        f"{QUOTE}?src={ETH}&dst={USDC}&amount=100000000000000000",
        f"{QUOTE}?src={USDC}&dst={ETH}&amount=300000000",
        f"{QUOTE}?src={ETH}&dst={USDC}&amount=1000000000000000000",
        f"{QUOTE}?src={USDC}&dst={ETH}&amount=3000000000",
        f"{QUOTE}?src={ETH}&dst={USDC}&amount=5000000000000000000",
        f"{QUOTE}?src={USDC}&dst={ETH}&amount=15000000000",
    ]
    assert {one.cost for one in asked} == {1}
    assert SPOT.instruments_request().target == "/swap/v6.1/1/tokens"


def test_every_pair_has_growing_sizes_on_both_sides() -> None:
    for pair in PAIRS.values():
        for sizes in (pair.sells, pair.spends):
            assert (sorted(set(sizes)), len(sizes)) == (list(sizes), SIZES)


def read(*changed: tuple[int, bytes]) -> msgspec.Struct:
    """Read our own answers with others in some places."""
    told = msgspec.json.decode(FRAMES["rest_book"].data, type=list[msgspec.Raw])
    for at, body in changed:
        told[at] = msgspec.Raw(body)
    return SPOT.read_book(msgspec.json.encode(told), NATIVE, 0, RECEIVED_US)


def test_a_size_that_no_route_can_take_is_no_level() -> None:
    # The size behind it holds what it would have held.
    assert read((2, NONE), (5, NONE)) == msgspec.structs.replace(
        BOOK,
        bid_prices=(2999.0, 2995.938775510204),
        bid_quantities=(0.1, 4.9),
        ask_prices=BOOK.ask_prices[:2],
        ask_quantities=BOOK.ask_quantities[:2],
        exact={"ask_quantities[1]": "0.898599123456789012"},
    )
    empty = msgspec.structs.replace(BOOK, bid_prices=(), bid_quantities=(), ask_prices=(), ask_quantities=())
    assert read(*((at, NONE) for at in range(6))) == msgspec.structs.replace(empty, exact=None)


def test_a_level_that_would_be_better_than_the_one_before_is_one_with_it() -> None:
    # One whole ETH for 3100: its level would be at 3111.2.
    found = read((2, b'{"dstAmount":"3100000000"}'))
    assert found == msgspec.structs.replace(BOOK, bid_prices=(3100.0, 2970.0), bid_quantities=(1.0, 4.0))


def test_a_size_that_brings_no_more_than_a_smaller_one_adds_nothing() -> None:
    assert read((4, b'{"dstAmount":"2998596030"}')) == msgspec.structs.replace(
        BOOK, bid_prices=BOOK.bid_prices[:2], bid_quantities=BOOK.bid_quantities[:2]
    )


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        (200, {}, b"{}", None),
        (400, {}, NONE, None),
        (400, {}, b'{"description":"cannot sync token"}', VenueRefused),
        (400, {}, b"[", VenueRefused),
        (401, {}, b"{}", VenueRefused),
        (429, {}, b"{}", 1.05),
        (429, {"Retry-After": "7"}, b"{}", 7.0),
        (500, {}, b"{}", (None,)),
        (503, {}, b"banned", 60.0),
    ],
)
def test_refusals(status: int, headers: dict[str, str], body: bytes, expected: object) -> None:
    found = SPOT.refusal(status, headers, body)
    match found:
        case Unavailable(retry_after_s=seconds):
            assert expected == ((None,) if seconds is None else seconds)
        case TapelineError():
            assert expected is VenueRefused
            assert isinstance(found, VenueRefused)
        case None:
            assert expected is None
    if found is not None:
        assert str(found).startswith(f"HTTP {status} from 1inch spot: ")


def test_what_it_has_not_is_said_with_what_it_has() -> None:
    want = Want(channel="book", native=NATIVE)
    assert (SPOT.subscribe((want,), 1), SPOT.unsubscribe((want,), 1)) == ((), ())
    with pytest.raises(InvalidMessage, match="has no stream"):
        SPOT.decode(b"{}", 1)
    with pytest.raises(Misconfigured, match="1inch spot has no trades: ask for its books alone"):
        SPOT.trades_request(NATIVE)
    with pytest.raises(Misconfigured, match="1inch has no pair BTC/USDT that we know: known are ETH/USDC, "):
        SPOT.book_request(SPOT.native("BTC/USDT"), 20)
