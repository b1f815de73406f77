"""KuCoin's rules of an instrument in our words, in base units: lots of futures times what one lot holds."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from tapeline.domain.events import Instrument, InstrumentStatus
from tapeline.errors import InvalidMessage
from tapeline.venues.contract import Facts
from tapeline.venues.kucoin import wire

US_PER_MS: Final = 1_000
BTC: Final = "BTC"
XBT: Final = "XBT"
"""What futures call BTC."""
STATUSES: Final[Mapping[str, InstrumentStatus]] = {"Open": "trading", "Settled": "closed", "Closed": "closed"}
"""All others (Init, Paused, BeingSettled, CancelOnly ..) take no orders now."""
PERPETUAL: Final = "FFWCSX"
CLASS_A: Final = 1
"""The class of spot pairs whose fees are those of the facts; the others are dearer, by how much is not told."""
MOST_DIGITS: Final = 30
"""No rule has so many digits before or behind its point."""


def linear_perpetual(contract: wire.Contract) -> bool:
    """Tell whether a contract never ends and is settled in what it is quoted in."""
    settled = contract.settle_currency == contract.quote_currency
    return contract.contract_type == PERPETUAL and not contract.is_inverse and settled


def of_pair(facts: Facts, pair: wire.Pair, received_us: int) -> Instrument | None:
    """Return a spot pair; None where its rules say too little to trade by."""
    tick = _rule(pair.price_increment, "priceIncrement")
    step = _rule(pair.base_increment, "baseIncrement")
    if tick is None or step is None:
        return None
    return Instrument(
        venue=facts.venue,
        market=facts.market,
        symbol=f"{pair.base_currency}/{pair.quote_currency}",
        native=pair.symbol,
        base=pair.base_currency,
        quote=pair.quote_currency,
        status="trading" if pair.enable_trading else "halted",
        price_tick=tick,
        quantity_step=step,
        contract_size=Decimal(1),
        min_quantity=_rule(pair.base_min_size, "baseMinSize"),
        max_quantity=_rule(pair.base_max_size, "baseMaxSize"),
        min_notional=_rule(pair.min_funds, "minFunds"),
        maker_fee=_pair_fee(facts.maker_fee, pair.fee_category, pair.maker_fee_coefficient),
        taker_fee=_pair_fee(facts.taker_fee, pair.fee_category, pair.taker_fee_coefficient),
        received_us=received_us,
        published_us=received_us,
    )


def of_contract(facts: Facts, contract: wire.Contract, received_us: int) -> Instrument | None:
    """Return a linear perpetual; None where its rules say too little to trade by."""
    tick = _rule(contract.tick_size, "tickSize")
    size = _rule(contract.multiplier, "multiplier")
    lot = _rule(contract.lot_size, "lotSize")
    if tick is None or size is None or lot is None:
        return None
    base = BTC if contract.base_currency == XBT else contract.base_currency
    most = _rule(contract.max_order_qty, "maxOrderQty")
    most_at_market = _rule(contract.market_max_order_qty, "marketMaxOrderQty")
    interval_ms = contract.funding_rate_granularity
    return Instrument(
        venue=facts.venue,
        market=facts.market,
        symbol=f"{base}/{contract.quote_currency}",
        native=contract.symbol,
        base=base,
        quote=contract.quote_currency,
        status=STATUSES.get(contract.status, "halted"),
        price_tick=tick,
        quantity_step=lot * size,
        contract_size=size,
        min_quantity=lot * size,
        max_quantity=None if most is None else most * size,
        max_market_quantity=None if most_at_market is None else most_at_market * size,
        max_leverage=_rule(contract.max_leverage, "maxLeverage"),
        maker_fee=_contract_fee(contract.maker_fee_rate, facts.maker_fee, "makerFeeRate"),
        taker_fee=_contract_fee(contract.taker_fee_rate, facts.taker_fee, "takerFeeRate"),
        funding_interval_us=interval_ms * US_PER_MS if interval_ms else None,
        received_us=received_us,
        published_us=received_us,
    )


def _pair_fee(rate: str, category: int, coefficient: Decimal | None) -> Decimal | None:
    if category != CLASS_A:
        return None
    return Decimal(rate) * _plain(Decimal(1) if coefficient is None else coefficient, "FeeCoefficient")


def _contract_fee(told: Decimal | None, usual: str, name: str) -> Decimal:
    """Return the fee of a contract, which may be 0 or below."""
    return Decimal(usual) if told is None else _plain(told, name)


def _rule(number: Decimal | None, name: str) -> Decimal | None:
    """Return a rule's number, None where there is no such rule."""
    return None if number is None or _plain(number, name) <= 0 else number


def _plain(number: Decimal, name: str) -> Decimal:
    """Return a number that can be reckoned with; what is none, or has no end, is refused."""
    if not number.is_finite() or abs(number.adjusted()) > MOST_DIGITS:
        raise InvalidMessage("no such number", field=name, value=str(number))
    return number
