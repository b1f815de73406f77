"""Where the executor can trade: the private side of each venue's markets, and the addresses of the chosen network."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Final, Literal

from tapeline.domain.instruments import Market
from tapeline.errors import Misconfigured
from tapeline.venues.binance import trading as binance
from tapeline.venues.bybit import trading as bybit
from tapeline.venues.contract import Hosts
from tapeline.venues.orders import Trading, TradingFacts

Network = Literal["main", "test", "simulated"]
_ALL: Final[tuple[Trading, ...]] = (binance.SPOT, binance.FUTURES, bybit.SPOT, bybit.FUTURES)
TRADINGS: Final[Mapping[tuple[str, Market], Trading]] = {(one.facts.venue, one.facts.market): one for one in _ALL}


def trading(venue: str, market: Market) -> Trading:
    """Return the private side of a market; an unknown one names the nearest known one."""
    found = TRADINGS.get((venue, market))
    if found is None:
        known = [f"{name} {kind}" for name, kind in TRADINGS]
        near = difflib.get_close_matches(f"{venue} {market}", known, n=1)
        fix = f"did you mean {near[0]}? Known are {', '.join(known)}" if near else f"known are {', '.join(known)}"
        raise Misconfigured(f"nobody can trade at {venue} {market}", fix=fix)
    return found


def hosts(facts: TradingFacts, network: Network, simulated: Mapping[str, str]) -> Hosts:
    """Return where a market is; `simulated` are the addresses of the run file by `venue:market`."""
    if network == "main":
        return facts.main
    if network == "test":
        return facts.test
    address = simulated.get(f"{facts.venue}:{facts.market}")
    if address is None:
        raise Misconfigured(
            f"venues.network is simulated and no simulator of {facts.where} runs",
            fix="start it with `tapeline demo`, or set venues.network to main or test",
        )
    return Hosts(rest=f"http://{address}", ws=f"ws://{address}")
