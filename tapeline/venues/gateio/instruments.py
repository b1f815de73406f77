"""Gate's instrument lists as our instruments: rules of futures are in contracts there, and in base currency here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from tapeline.domain.events import Instrument, InstrumentStatus
from tapeline.venues.contract import Facts
from tapeline.venues.gateio import wire
from tapeline.venues.gateio.values import US_PER_S, rule, times

ONE: Final = Decimal(1)
PAIR: Final = re.compile(r"[A-Z0-9]+_[A-Z0-9]+", re.ASCII)
"""A few names are in Chinese characters; no symbol of ours is."""
PERPETUAL: Final = re.compile(r"[A-Z0-9]+_USDT", re.ASCII)
PAIR_STATUSES: Final[Mapping[str, InstrumentStatus]] = {"tradable": "trading", "sellable": "reducing"}
"""All others (untradable, buyable) take no orders now: what can only be bought cannot be given up again."""
CONTRACT_STATUSES: Final[Mapping[str, InstrumentStatus]] = {
    "trading": "trading",
    "delisting": "reducing",
    "delisted": "closed",
}
"""All others (prelaunch, circuit_breaker) take no orders now."""


def is_plain_pair(pair: wire.Pair) -> bool:
    """Tell whether this is a plain spot pair; `type` premarket is not."""
    return PAIR.fullmatch(pair.id) is not None and pair.type in {None, "", "normal"}


def is_linear_perpetual(contract: wire.Contract) -> bool:
    """Tell whether this perpetual is settled in what it is quoted in; dated futures have a path of their own."""
    return PERPETUAL.fullmatch(contract.name) is not None and contract.type == "direct"


def of_pair(pair: wire.Pair, facts: Facts, received_us: int) -> Instrument | None:
    """Return a spot pair, None where its rules say too little; its fee percent is the public one of all pairs."""
    if pair.amount_precision is None or pair.precision is None:
        return None
    return Instrument(
        venue=facts.venue,
        market=facts.market,
        symbol=f"{pair.base}/{pair.quote}",
        native=pair.id,
        base=pair.base,
        quote=pair.quote,
        status=PAIR_STATUSES.get(pair.trade_status, "halted"),
        price_tick=ONE.scaleb(-pair.precision),
        quantity_step=ONE.scaleb(-pair.amount_precision),
        contract_size=ONE,
        min_quantity=rule(pair.min_base_amount, "min_base_amount"),
        max_quantity=rule(pair.max_base_amount, "max_base_amount"),
        min_notional=rule(pair.min_quote_amount, "min_quote_amount"),
        maker_fee=Decimal(facts.maker_fee),
        taker_fee=Decimal(facts.taker_fee),
        received_us=received_us,
        published_us=received_us,
    )


def of_contract(contract: wire.Contract, facts: Facts, received_us: int) -> Instrument | None:
    """Return a perpetual, None where its rules say too little.

    Its step is one contract: where fractions are taken (`enable_decimal`) their step is told nowhere.
    """
    size = rule(contract.quanto_multiplier, "quanto_multiplier")
    tick = rule(contract.order_price_round, "order_price_round")
    if size is None or tick is None:
        return None
    base, _, quote = contract.name.rpartition("_")
    seconds = contract.funding_interval
    return Instrument(
        venue=facts.venue,
        market=facts.market,
        symbol=f"{base}/{quote}",
        native=contract.name,
        base=base,
        quote=quote,
        status=_status(contract),
        price_tick=tick,
        quantity_step=size,
        contract_size=size,
        min_quantity=times(rule(contract.order_size_min, "order_size_min"), size),
        max_quantity=times(rule(contract.order_size_max, "order_size_max"), size),
        max_market_quantity=times(rule(contract.market_order_size_max, "market_order_size_max"), size),
        max_leverage=rule(contract.leverage_max, "leverage_max"),
        maker_fee=Decimal(facts.maker_fee),
        taker_fee=Decimal(facts.taker_fee),
        funding_interval_us=seconds * US_PER_S if seconds else None,
        received_us=received_us,
        published_us=received_us,
    )


def _status(contract: wire.Contract) -> InstrumentStatus:
    # Lists from before `status` came to be say only whether the contract is being delisted.
    told = CONTRACT_STATUSES.get(contract.status or "trading", "halted")
    return "reducing" if contract.in_delisting and told == "trading" else told
