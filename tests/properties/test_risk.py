"""Caps hold in every interleaving: no approval exceeds one, and after all has settled nothing is reserved."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tapeline.domain.instruments import Market
from tapeline.domain.money import plus
from tapeline.domain.risk import (
    Approved,
    Claim,
    Held,
    Limits,
    Refused,
    Request,
    Reservation,
    Standing,
    check,
    exposures,
    moved,
    used,
)

LIMITS = Limits(
    max_open_orders=6, max_position_size=Decimal(1000), max_open_positions=4, max_exposure=Decimal(2500),
    min_order_size=Decimal(5), max_pairs=2,
)  # fmt: skip
FUNDS: dict[tuple[str, Market], Decimal] = {
    ("bybit", "futures"): Decimal(300),
    ("binance", "futures"): Decimal(200),
    ("binance", "spot"): Decimal(900),
}
AMOUNTS = st.decimals(min_value="0.01", max_value=900, places=2)
CLAIMS = st.builds(
    lambda where, exposure, margin: Claim(venue=where[0], market=where[1], exposure=exposure, margin=margin),
    st.sampled_from(sorted(FUNDS)), AMOUNTS, st.decimals(min_value=0, max_value=150, places=2),
)  # fmt: skip
REQUESTS = st.builds(
    lambda strategy, symbol, claims, orders, pairs: Reservation(
        intent_id="", strategy=strategy, symbol=symbol, claims=tuple(claims), orders=orders, pairs=pairs
    ),
    st.sampled_from(["grid-1", "two-leg-1"]),
    st.sampled_from(["BTC/USDT", "ETH/USDT", "SOL/USDT"]),
    st.lists(CLAIMS, min_size=1, max_size=2, unique_by=lambda claim: (claim.venue, claim.market)),
    st.integers(1, 3),
    st.integers(0, 1),
)
STEPS = st.lists(st.tuples(st.sampled_from(["ask", "ask", "fill", "settle", "close"]), REQUESTS, st.integers(0, 9)))


def kept(standing: Standing) -> None:
    """Say that every cap holds."""
    assert used(standing) <= LIMITS.max_exposure
    assert all(size <= LIMITS.max_position_size for size in exposures(standing).values())
    assert len(exposures(standing)) <= LIMITS.max_open_positions
    assert sum(one.orders for one in standing.reservations) <= LIMITS.max_open_orders
    assert sum(one.pairs for one in standing.reservations) <= LIMITS.max_pairs
    owners = {(one.symbol, one.strategy) for one in standing.reservations}
    owners |= {(one.symbol, one.strategy) for one in standing.held}
    assert max(Counter(symbol for symbol, _ in owners).values(), default=0) <= 1
    for wallet, free in FUNDS.items():
        bound = [c.margin for one in standing.reservations for c in one.claims if (c.venue, c.market) == wallet]
        assert plus(*bound) <= free


@given(STEPS)
def test_x16_no_interleaving_passes_a_cap(steps: list[tuple[str, Reservation, int]]) -> None:
    standing = Standing(funds=FUNDS)
    for number, (what, asked, pick) in enumerate(steps):
        wanted = msgspec.structs.replace(asked, intent_id=str(number))
        standing = stepped(standing, what, wanted, pick)
        kept(standing)
    for one in standing.reservations:
        standing = settled(standing, one)
    assert standing.reservations == ()


def stepped(standing: Standing, what: str, wanted: Reservation, pick: int) -> Standing:
    """Return the standing after one step; a fill moves at most what is reserved, as orders are no larger."""
    if what == "ask":
        verdict = check(standing, LIMITS, Request(reservation=wanted, smallest_order=Decimal(10)))
        if isinstance(verdict, Approved):
            return msgspec.structs.replace(standing, reservations=(*standing.reservations, verdict.reservation))
        return standing
    if what == "close" and standing.held:
        gone = standing.held[pick % len(standing.held)]
        return msgspec.structs.replace(standing, held=tuple(one for one in standing.held if one != gone))
    if not standing.reservations or what == "close":
        return standing
    one = standing.reservations[pick % len(standing.reservations)]
    return settled(standing, one) if what == "settle" else dealt(standing, one)


def dealt(standing: Standing, one: Reservation) -> Standing:
    claim = one.claims[0]
    value = claim.exposure / 2
    held = Held(venue=claim.venue, market=claim.market, symbol=one.symbol, strategy=one.strategy, value=value)
    left = moved(one, claim.venue, claim.market, value)
    return msgspec.structs.replace(
        standing,
        held=(*standing.held, held),
        reservations=tuple(left if other == one else other for other in standing.reservations),
    )


def settled(standing: Standing, one: Reservation) -> Standing:
    return msgspec.structs.replace(
        standing, reservations=tuple(other for other in standing.reservations if other != one)
    )


@given(STEPS, REQUESTS)
def test_closing_is_never_blocked(steps: list[tuple[str, Reservation, int]], wanted: Reservation) -> None:
    standing = Standing(funds={}, blocked=frozenset({wanted.symbol}))
    for number, (what, asked, pick) in enumerate(steps):
        standing = stepped(standing, what, msgspec.structs.replace(asked, intent_id=str(number)), pick)
    bare = msgspec.structs.replace(wanted, claims=(), orders=99)
    assert check(standing, LIMITS, Request(reservation=bare, closing=True)) == Approved(reservation=bare)
    assert isinstance(check(standing, LIMITS, Request(reservation=wanted)), Refused)
