"""What an executor is put together from: its markets with their keys, what it knows of them, its caps."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

import msgspec

from executor import keys
from executor.keys import Given
from executor.link.tradings import TRADINGS, Network, hosts
from executor.link.venue import HttpLink
from executor.terms import US_PER_S, Known, Terms, Where
from tapeline.domain.events import Instrument as Rules
from tapeline.domain.risk import Limits
from tapeline.errors import Misconfigured
from tapeline.runtime import retry
from tapeline.venues.contract import Hosts
from tapeline.venues.orders import Keys, Trading, TradingFacts

if TYPE_CHECKING:
    from executor.markets import Markets
    from tapeline.runtime.runfile import RunFile
    from tapeline.runtime.settings import Settings

SIMULATED_VISIBILITY_S: Final = 1.0
CLOSING_SHARE: Final = 0.5
"""So much of a stop's time is there to close what is held; the rest is for the last answers and the other parts."""
_BUILT_IN: Final = "binance_key or bybit_key"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A market where the account can trade."""

    trading: Trading
    keys: Keys
    hosts: Hosts


def places(settings: Settings, run: RunFile | None) -> dict[Where, Place]:
    """Return every market for which there are keys; Misconfigured where a person must act first."""
    network = settings.venues.network
    simulated = {} if run is None else run.secrets.venue_keys
    addresses = {} if run is None else run.addresses.venues
    found: dict[Where, Place] = {}
    for where, trading in TRADINGS.items():
        venue = where[0]
        given = _given(settings, venue)
        ours = simulated.get(venue)
        if network != "simulated" and given.key is None and given.secret is None:
            continue
        signing = keys.keys_for(
            venue,
            network,
            live=settings.trader.live,
            given=given,
            simulated=None if ours is None else Keys(key=ours.key, secret=ours.secret),
        )
        found[where] = Place(trading=trading, keys=signing, hosts=hosts(trading.facts, network, addresses))
    if not found:
        raise Misconfigured(
            "the executor has keys of no venue",
            fix=f"set keys.{_BUILT_IN} with its secret in the environment, or venues.network to simulated",
        )
    return found


def known(account: str, settings: Settings, markets: Mapping[Where, Place], following: Markets) -> Known:
    """Return what the executor knows; rules and prices are views that move."""
    facts = {where: place.trading.facts for where, place in markets.items()}
    wanted, network = settings.trader, settings.venues.network
    return Known(
        account=account,
        limits=Limits(
            max_open_orders=wanted.max_open_orders,
            max_position_size=wanted.max_position_size,
            max_open_positions=wanted.max_open_positions,
            max_exposure=wanted.max_exposure,
            min_order_size=wanted.min_order_size,
            max_pairs=wanted.max_pairs,
        ),
        rules=following.rules,
        client_ids={where: one.client_ids for where, one in facts.items()},
        visibility_us={where: round(_visibility_s(network, one) * US_PER_S) for where, one in facts.items()},
        reduce_only=frozenset(where for where, one in facts.items() if one.reduce_only),
        wallets={where: one.wallet for where, one in facts.items()},
        prices=following.prices,
    )


def terms(settings: Settings) -> Terms:
    """Return the terms of the requirements, with what settings say of starts and stops."""
    wanted = settings.trader
    stop_s = CLOSING_SHARE * settings.process.drain_timeout_s
    return Terms(on_restart=wanted.on_restart, on_stop=wanted.on_stop, stop_s=stop_s)


def _visibility_s(network: Network, facts: TradingFacts) -> float:
    """Return how long an order may stay unseen; our own simulator shows one at once, a venue's backend may not."""
    return SIMULATED_VISIBILITY_S if network == "simulated" else facts.visibility_s


@asynccontextmanager
async def link(place: Place) -> AsyncIterator[HttpLink]:
    """Open the link to a market and close it at the end; while the venue does not answer it is tried again."""
    async with AsyncExitStack() as stack:

        async def opened() -> HttpLink:
            return await stack.enter_async_context(HttpLink(place.trading, place.keys, place.hosts, {}))

        yield await retry.reach(place.trading.facts.where, opened, None)


def teach(links: Mapping[Where, HttpLink], rules: Rules) -> None:
    """Tell the link of an instrument its rules."""
    one = links.get((rules.venue, rules.market))
    if one is not None:
        one.learn({rules.symbol: rules})


def _given(settings: Settings, venue: str) -> Given:
    named = settings.keys
    return Given(key=getattr(named, f"{venue}_key"), secret=getattr(named, f"{venue}_secret"))
