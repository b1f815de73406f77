"""What the benchmarks of orders trade: made-up symbols, their rules, one small order, and caps that never matter."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from executor.terms import US_PER_S, Instrument, Known, Where
from tapeline.domain.events import Instrument as Rules
from tapeline.domain.instruments import Market
from tapeline.domain.order_records import PlaceOrder
from tapeline.domain.risk import Limits
from tapeline.venues.binance.trading import SPOT

VENUE = "binance"
MARKET: Market = "spot"
WHERE: Where = (VENUE, MARKET)
_MANY, _LARGE = 1_000_000, Decimal(10) ** 12


def rules(natives: Mapping[str, str], now_us: int) -> dict[Instrument, Rules]:
    """Return the rules of all symbols, which stand by the venue's names."""
    return {
        (VENUE, MARKET, symbol): Rules(
            venue=VENUE,
            market=MARKET,
            symbol=symbol,
            native=native,
            base=symbol.partition("/")[0],
            quote="USDT",
            status="trading",
            price_tick=Decimal("0.01"),
            quantity_step=Decimal("0.00001"),
            contract_size=Decimal(1),
            min_quantity=Decimal("0.00001"),
            min_notional=Decimal(5),
            received_us=now_us,
            published_us=now_us,
        )
        for native, symbol in natives.items()
    }


def buy(price: Decimal) -> PlaceOrder:
    """Return the command to buy a little at once or not at all."""
    return PlaceOrder(
        venue=VENUE,
        market=MARKET,
        side="buy",
        order_type="limit",
        time_in_force="IOC",
        quantity=Decimal("0.001"),
        price=price,
    )


def known(account: str, of: Mapping[Instrument, Rules], prices: Mapping[Instrument, Decimal]) -> Known:
    """Return what an executor of the account knows."""
    facts = SPOT.facts
    return Known(
        account=account,
        limits=Limits(
            max_open_orders=_MANY,
            max_position_size=_LARGE,
            max_open_positions=_MANY,
            max_exposure=_LARGE,
            min_order_size=Decimal(5),
            max_pairs=_MANY,
        ),
        rules=of,
        client_ids={WHERE: facts.client_ids},
        visibility_us={WHERE: round(facts.visibility_s * US_PER_S)},
        reduce_only=frozenset(),
        wallets={WHERE: facts.wallet},
        prices=prices,
    )
