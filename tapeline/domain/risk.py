"""The caps of an account (X-16): what is approved is reserved until it settles, the smallest cap wins, closing is free.

All sums are gross and over all strategies; one strategy owns a symbol of an account (K25). Pure, so that any
interleaving of approvals and settlements keeps every sum below its cap as long as each is decided on the newest state.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

import msgspec

from tapeline.domain.instruments import Market
from tapeline.domain.money import ZERO, minus, plus, text

RefusalCode = Literal[
    "symbol_blocked", "symbol_owned", "min_order_size", "max_open_orders", "max_open_positions", "max_position_size",
    "max_exposure", "max_pairs", "insufficient_funds",
]  # fmt: skip
Instrument = tuple[str, Market, str]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The caps of one account, money in USDT."""

    max_open_orders: int
    max_position_size: Decimal
    max_open_positions: int
    max_exposure: Decimal
    min_order_size: Decimal
    max_pairs: int
    """Two-leg trades at once (D-18); when it is lowered the running ones go on."""


class Claim(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one instrument may come to hold by an intent, and the margin it binds in its wallet."""

    venue: str
    market: Market
    exposure: Decimal
    margin: Decimal


class Reservation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an approved intent keeps to itself until it settles; what is filled goes over to the position."""

    intent_id: str
    strategy: str
    symbol: str
    claims: tuple[Claim, ...] = ()
    orders: int = 0
    pairs: int = 0

    def value(self) -> Decimal:
        """Return the exposure of all claims."""
        return plus(*(claim.exposure for claim in self.claims))


class Held(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A position that is not flat, at its gross value."""

    venue: str
    market: Market
    symbol: str
    strategy: str
    value: Decimal


class Request(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an intent wants; what only closes carries no claims."""

    reservation: Reservation
    smallest_order: Decimal | None = None
    """Value of the smallest order that it sends; None where it sends none."""
    venue_minimum: Decimal = ZERO
    """What the venue takes at least."""
    closing: bool = False


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How an account stands when a decision is made, read under its lock."""

    reservations: tuple[Reservation, ...] = ()
    held: tuple[Held, ...] = ()
    funds: Mapping[tuple[str, Market], Decimal]
    """What can still be bound, as the wallets said last, in USDT."""
    blocked: frozenset[str] = frozenset()


class Approved(msgspec.Struct, frozen=True, kw_only=True):
    """It may be done, and this is reserved for it."""

    reservation: Reservation


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """It may not be done: a code for machines, the reason for people."""

    code: str
    reason: str


def check(standing: Standing, limits: Limits, request: Request) -> Approved | Refused:
    """Return whether a request keeps every cap together with all that is held and reserved."""
    wanted = request.reservation
    if request.closing:
        return Approved(reservation=wanted)
    return (
        _not_ours(standing, wanted)
        or _too_small(limits, request)
        or _too_many(standing, limits, wanted)
        or _too_large(standing, limits, wanted)
        or _too_dear(standing, wanted)
        or Approved(reservation=wanted)
    )


def owner(standing: Standing, symbol: str) -> str | None:
    """Return the one strategy that may open on a symbol now, None where every one may."""
    owners = [(one.symbol, one.strategy) for one in standing.held]
    owners += [(one.symbol, one.strategy) for one in standing.reservations]
    return next((strategy for held, strategy in owners if held == symbol), None)


def used(standing: Standing) -> Decimal:
    """Return the gross exposure: positions and what is reserved."""
    return plus(*(one.value for one in standing.held), *(one.value() for one in standing.reservations))


def exposures(standing: Standing) -> dict[Instrument, Decimal]:
    """Return the gross exposure of each instrument."""
    found: dict[Instrument, Decimal] = {}
    for held in standing.held:
        where = (held.venue, held.market, held.symbol)
        found[where] = plus(found.get(where, ZERO), held.value)
    for reserved in standing.reservations:
        for claim in reserved.claims:
            where = (claim.venue, claim.market, reserved.symbol)
            found[where] = plus(found.get(where, ZERO), claim.exposure)
    return found


def moved(reservation: Reservation, venue: str, market: Market, value: Decimal) -> Reservation:
    """Return what is still reserved after so much of it was filled and counts as a position from now on."""
    claims = tuple(
        _less(claim, value) if (claim.venue, claim.market) == (venue, market) else claim for claim in reservation.claims
    )
    return msgspec.structs.replace(reservation, claims=claims)


def _less(claim: Claim, value: Decimal) -> Claim:
    left = max(ZERO, minus(claim.exposure, value))
    # The margin stays whole until settlement: the wallet's own number may be older than the fill.
    return msgspec.structs.replace(claim, exposure=left)


def _not_ours(standing: Standing, wanted: Reservation) -> Refused | None:
    if wanted.symbol in standing.blocked:
        return _no("symbol_blocked", f"{wanted.symbol} holds what is not ours: a person must look at it first")
    owned = owner(standing, wanted.symbol)
    if owned not in (None, wanted.strategy):
        return _no("symbol_owned", f"{wanted.symbol} belongs to {owned} in this account")
    return None


def _too_small(limits: Limits, request: Request) -> Refused | None:
    least = max(limits.min_order_size, request.venue_minimum)
    if request.smallest_order is not None and request.smallest_order < least:
        return _no("min_order_size", f"an order of {text(request.smallest_order)} is below the least of {text(least)}")
    return None


def _too_many(standing: Standing, limits: Limits, wanted: Reservation) -> Refused | None:
    orders = wanted.orders + sum(one.orders for one in standing.reservations)
    if orders > limits.max_open_orders:
        return _no("max_open_orders", f"{orders} open orders are more than {limits.max_open_orders}")
    pairs = wanted.pairs + sum(one.pairs for one in standing.reservations)
    if wanted.pairs and pairs > limits.max_pairs:
        return _no("max_pairs", f"{pairs} two-leg trades are more than {limits.max_pairs}")
    places = set(exposures(standing)) | {(claim.venue, claim.market, wanted.symbol) for claim in wanted.claims}
    if wanted.claims and len(places) > limits.max_open_positions:
        return _no("max_open_positions", f"{len(places)} open positions are more than {limits.max_open_positions}")
    return None


def _too_large(standing: Standing, limits: Limits, wanted: Reservation) -> Refused | None:
    together = exposures(msgspec.structs.replace(standing, reservations=(*standing.reservations, wanted)))
    for claim in wanted.claims:
        size = together[claim.venue, claim.market, wanted.symbol]
        if size > limits.max_position_size:
            where = f"{claim.venue} {claim.market} {wanted.symbol}"
            most = text(limits.max_position_size)
            return _no("max_position_size", f"{text(size)} on {where} is more than {most}")
    total = plus(used(standing), wanted.value())
    if total > limits.max_exposure:
        return _no("max_exposure", f"a gross exposure of {text(total)} is more than {text(limits.max_exposure)}")
    return None


def _too_dear(standing: Standing, wanted: Reservation) -> Refused | None:
    for claim in wanted.claims:
        wallet = (claim.venue, claim.market)
        bound = plus(
            *(
                one.margin
                for reserved in (*standing.reservations, wanted)
                for one in reserved.claims
                if (one.venue, one.market) == wallet
            )
        )
        free = standing.funds.get(wallet, ZERO)
        if claim.margin > 0 and bound > free:
            told = f"{text(bound)} to be bound on {claim.venue} {claim.market}, {text(free)} are free"
            return _no("insufficient_funds", told)
    return None


def _no(code: RefusalCode, reason: str) -> Refused:
    return Refused(code=code, reason=reason)
