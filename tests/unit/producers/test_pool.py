"""C-06, C-14, K6: sockets are filled, opened and closed as needed, and who is untouched stays where it is."""

from __future__ import annotations

import pytest

from producers.pool import Close, Open, Pool, Slot, Subscribe, Unsubscribe
from tapeline.errors import Misconfigured
from tapeline.venues.binance import FUTURES as BINANCE
from tapeline.venues.bybit import SPOT as BYBIT
from tapeline.venues.contract import Want


def symbols(count: int, depth: int = 20) -> dict[str, int]:
    return {f"S{number}USDT": depth for number in range(count)}


def streams(native: str, depth: int = 20) -> tuple[Want, ...]:
    return (Want(channel="book", native=native, depth=depth), Want(channel="trade", native=native, depth=0))


FIRST = Slot("public", 1)


def test_the_first_symbols_open_a_socket_and_go_over_it() -> None:
    pool = Pool(BYBIT.facts)
    wants = streams("S0USDT") + streams("S1USDT")
    assert pool.change(symbols(2)) == (Open(FIRST), Subscribe(FIRST, wants))
    assert pool.wants(FIRST) == wants
    assert pool.carrying(FIRST, "trade") == ("S0USDT", "S1USDT")
    assert pool.slot_of("S1USDT", "book") == FIRST


def test_what_is_wanted_as_before_needs_nothing() -> None:
    pool = Pool(BYBIT.facts)
    pool.change(symbols(7))
    assert pool.change(symbols(7)) == ()


def test_c_06_at_most_fifty_symbols_share_a_socket() -> None:
    pool = Pool(BYBIT.facts)
    pool.change(symbols(120))
    assert [len(pool.carrying(slot, "book")) for slot in pool.slots] == [50, 50, 20]


def test_c_06_a_full_pool_refuses_and_stays_as_it_was() -> None:
    pool = Pool(BYBIT.facts, most_symbols=2, most_sockets=2)
    pool.change(symbols(3))
    with pytest.raises(Misconfigured, match="5 symbols of bybit spot need more than 2 sockets"):
        pool.change(symbols(5))
    assert [pool.carrying(slot, "book") for slot in pool.slots] == [("S0USDT", "S1USDT"), ("S2USDT",)]
    assert pool.change(symbols(3)) == ()


def test_c_06_room_on_an_open_socket_is_used_and_an_empty_one_is_closed() -> None:
    pool = Pool(BYBIT.facts, most_symbols=2)
    pool.change(symbols(4))
    second = Slot("public", 2)
    assert pool.change({"S0USDT": 20, "NEWUSDT": 20}) == (
        Unsubscribe(FIRST, streams("S1USDT")),
        Unsubscribe(second, streams("S2USDT") + streams("S3USDT")),
        Close(second),
        Subscribe(FIRST, streams("NEWUSDT")),
    )
    assert pool.slots == (FIRST,)


def test_the_number_of_a_closed_socket_is_not_used_again() -> None:
    pool = Pool(BYBIT.facts)
    pool.change(symbols(1))
    assert pool.change({}) == (Unsubscribe(FIRST, streams("S0USDT")), Close(FIRST))
    assert pool.change(symbols(1)) == (Open(Slot("public", 2)), Subscribe(Slot("public", 2), streams("S0USDT")))


def test_k6_another_depth_resubscribes_that_book_alone_and_unsubscribes_first() -> None:
    pool = Pool(BYBIT.facts)
    pool.change(symbols(3))
    assert pool.change(symbols(3) | {"S1USDT": 50}) == (
        Unsubscribe(FIRST, (Want(channel="book", native="S1USDT", depth=20),)),
        Subscribe(FIRST, (Want(channel="book", native="S1USDT", depth=50),)),
    )


def test_channels_go_over_the_sockets_that_serve_them() -> None:
    pool = Pool(BINANCE.facts)
    public, market = Slot("public", 1), Slot("market", 2)
    pool.change(symbols(1))
    assert (pool.slots, pool.wants(public)) == ((public, market), (Want(channel="book", native="S0USDT", depth=20),))
    assert [want.channel for want in pool.wants(market)] == ["trade", "funding"]


def test_a_socket_carries_no_more_streams_than_the_venue_allows() -> None:
    pool = Pool(BINANCE.facts, most_symbols=150)
    pool.change(symbols(150))
    assert [len(pool.wants(slot)) for slot in pool.slots if slot.socket == "market"] == [200, 100]
