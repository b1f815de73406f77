"""The venues that Tapeline knows, by id; an unknown id names the nearest known one."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Final

from tapeline.domain.events import Market
from tapeline.errors import Misconfigured
from tapeline.venues import binance, bingx, bitget, bybit, coinex, gateio, htx, kucoin, mexc, okx, oneinch, uniswap
from tapeline.venues.contract import Feed, Venue

_ALL: Final = (
    binance.VENUE,
    bybit.VENUE,
    okx.VENUE,
    kucoin.VENUE,
    coinex.VENUE,
    htx.VENUE,
    mexc.VENUE,
    bitget.VENUE,
    bingx.VENUE,
    gateio.VENUE,
    uniswap.VENUE,
    oneinch.VENUE,
)
VENUES: Final[Mapping[str, Venue]] = {one.id: one for one in _ALL}
HOSTED: Final = tuple(
    one.id for one in _ALL if all(feed.facts.node is None and feed.facts.key is None for feed in one.feeds.values())
)
"""Venues that need no node and no key of a person's own."""


def every(network: str) -> tuple[str, ...]:
    """Return the venues that `all` means on a network: the hosted ones, and all where they are simulated."""
    return tuple(VENUES) if network == "simulated" else HOSTED


def venue(venue_id: str) -> Venue:
    """Return a venue by its id."""
    found = VENUES.get(venue_id)
    if found is None:
        near = difflib.get_close_matches(venue_id.lower(), VENUES, n=1, cutoff=0.4)
        known = ", ".join(VENUES)
        fix = f"did you mean {near[0]}? Known are {known}" if near else f"known are {known}"
        raise Misconfigured(f"unknown exchange: {venue_id}", fix=fix)
    return found


def feed(venue_id: str, market: Market) -> Feed:
    """Return the feed of one market of a venue."""
    found = venue(venue_id).feeds.get(market)
    if found is None:
        markets = " and ".join(venue(venue_id).feeds)
        raise Misconfigured(f"{venue_id} has no market {market}", fix=f"it has {markets}")
    return found
