"""One test per cap (X-16, D-18, K1, K25): what is just allowed, what is just too much, and the words of the refusal."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from tapeline.domain.instruments import Market
from tapeline.domain.risk import Approved, Claim, Held, Limits, Refused, Request, Reservation, Standing, check, moved

LIMITS = Limits(
    max_open_orders=10, max_position_size=Decimal(1000), max_open_positions=5, max_exposure=Decimal(10000),
    min_order_size=Decimal(5), max_pairs=1,
)  # fmt: skip
FUNDS: dict[tuple[str, Market], Decimal] = {("bybit", "futures"): Decimal(500)}


def wanted(symbol: str = "BTC/USDT", *, exposure: str = "100", margin: str = "10", orders: int = 1) -> Reservation:
    claim = Claim(venue="bybit", market="futures", exposure=Decimal(exposure), margin=Decimal(margin))
    return Reservation(intent_id="i", strategy="grid-1", symbol=symbol, claims=(claim,), orders=orders)


def verdict(standing: Standing, reservation: Reservation, limits: Limits = LIMITS, **rest: object) -> object:
    found = check(standing, limits, msgspec.structs.replace(Request(reservation=reservation), **rest))
    return (found.code, found.reason) if isinstance(found, Refused) else found


def held(symbol: str, value: str = "100", strategy: str = "grid-1") -> Held:
    return Held(venue="bybit", market="futures", symbol=symbol, strategy=strategy, value=Decimal(value))


CASES = [
    (
        Standing(funds=FUNDS, reservations=(wanted(orders=9),)),
        wanted(orders=1),
        wanted(orders=2),
        ("max_open_orders", "11 open orders are more than 10"),
    ),
    (
        Standing(funds=FUNDS, held=(held("BTC/USDT", "600"),)),
        wanted(exposure="400"),
        wanted(exposure="400.01"),
        ("max_position_size", "1000.01 on bybit futures BTC/USDT is more than 1000"),
    ),
    (
        Standing(funds=FUNDS, held=tuple(held(f"C{number}/USDT") for number in range(5))),
        wanted("C1/USDT"),
        wanted("BTC/USDT"),
        ("max_open_positions", "6 open positions are more than 5"),
    ),
    (
        Standing(funds=FUNDS, held=tuple(held(f"C{number}/USDT", "2400") for number in range(4))),
        wanted(exposure="400"),
        wanted(exposure="400.5"),
        ("max_exposure", "a gross exposure of 10000.5 is more than 10000"),
    ),
    (
        Standing(funds=FUNDS, reservations=(wanted(margin="400"),)),
        wanted(margin="100"),
        wanted(margin="101"),
        ("insufficient_funds", "501 to be bound on bybit futures, 500 are free"),
    ),
    (
        Standing(funds=FUNDS, held=(held("BTC/USDT"), held("ETH/USDT", strategy="scalp-1"))),
        wanted("BTC/USDT"),
        wanted("ETH/USDT"),
        ("symbol_owned", "ETH/USDT belongs to scalp-1 in this account"),
    ),
    (
        Standing(funds=FUNDS, blocked=frozenset({"ETH/USDT"})),
        wanted("BTC/USDT"),
        wanted("ETH/USDT"),
        ("symbol_blocked", "ETH/USDT holds what is not ours: a person must look at it first"),
    ),
]


@pytest.mark.parametrize(("standing", "just", "more", "told"), CASES, ids=[case[3][0] for case in CASES])
def test_x16_a_cap_holds_to_the_last_unit(
    standing: Standing, just: Reservation, more: Reservation, told: tuple[str, str]
) -> None:
    assert verdict(standing, just) == Approved(reservation=just)
    assert verdict(standing, more) == told
    assert verdict(standing, msgspec.structs.replace(more, claims=()), closing=True) is not None


def test_x16_the_least_size_is_the_larger_of_ours_and_the_venues() -> None:
    standing = Standing(funds=FUNDS)
    assert verdict(standing, wanted(), smallest_order=Decimal(5)) == Approved(reservation=wanted())
    assert verdict(standing, wanted(), smallest_order=Decimal("4.99")) == (
        "min_order_size", "an order of 4.99 is below the least of 5",
    )  # fmt: skip
    assert verdict(standing, wanted(), smallest_order=Decimal(9), venue_minimum=Decimal(10)) == (
        "min_order_size", "an order of 9 is below the least of 10",
    )  # fmt: skip


def test_d18_a_lowered_number_of_pairs_stops_new_ones_only() -> None:
    pair = msgspec.structs.replace(wanted(), pairs=1)
    none = msgspec.structs.replace(LIMITS, max_pairs=0)
    running = Standing(funds=FUNDS, reservations=(pair,))
    assert verdict(running, pair) == ("max_pairs", "2 two-leg trades are more than 1")
    assert verdict(running, wanted(), none) == Approved(reservation=wanted())
    assert verdict(running, pair, none, closing=True) == Approved(reservation=pair)


def test_what_is_filled_is_reserved_no_more() -> None:
    assert moved(wanted(), "bybit", "futures", Decimal(30)) == wanted(exposure="70")
    assert moved(wanted(), "bybit", "futures", Decimal(130)) == wanted(exposure="0")
    assert moved(wanted(), "okx", "futures", Decimal(30)) == wanted()
