"""From a venue's words about our orders to ours, pure: answers, fills with their fee in quote currency, balances."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from executor.terms import Instrument, Known, Where
from tapeline.domain.account_records import Balance
from tapeline.domain.money import ZERO, times
from tapeline.domain.orders import Answer, OurFill, OurOrder
from tapeline.domain.pnl import fee_in_quote
from tapeline.domain.positions import OurFunding
from tapeline.venues.account import Fill, FundingPayment, VenueOrder
from tapeline.venues.calls import Accepted, AlreadyThere, Balances, PlaceOutcome
from tapeline.venues.refusals import Refused
from tapeline.venues.sizing import fee_currency

_LONGEST: Final = 300
DUPLICATE: Final = "duplicate"
"""Code of an order of which the venue said that its id is there already."""


def told(order: VenueOrder, *, looked_up: bool = False) -> Answer:
    """Return what an order as the venue tells it says of ours."""
    return Answer(
        status=order.status,
        looked_up=looked_up,
        venue_order_id=order.venue_id,
        filled=order.filled,
        code=None if order.reason is None else str(order.reason),
        venue_us=order.updated_us,
    )


def outcome(found: PlaceOutcome, *, sent_us: int, answered_us: int) -> Answer:
    """Return what came of a request to place; what is not surely done or refused is UNKNOWN."""
    if isinstance(found, Accepted):
        return Answer(
            status=found.order.status,
            venue_order_id=found.order.venue_id,
            filled=found.order.filled,
            code=None if found.order.reason is None else str(found.order.reason),
            venue_us=found.order.updated_us,
            sent_us=sent_us,
            answered_us=answered_us,
        )
    if isinstance(found, Refused):
        return Answer(
            status="REJECTED",
            code=str(found.reason),
            reason=found.text[:_LONGEST],
            sent_us=sent_us,
            answered_us=answered_us,
        )
    if isinstance(found, AlreadyThere):
        return Answer(status="UNKNOWN", code=DUPLICATE, reason="an order of this id is there already", sent_us=sent_us)
    return Answer(status="UNKNOWN", reason=found.why[:_LONGEST], sent_us=sent_us)


def never_arrived(waited_us: int) -> Answer:
    """Return the end of an order that the venue never had: asked twice, beyond the time in which it could show up."""
    return Answer(
        status="REJECTED",
        looked_up=True,
        code="never_arrived",
        reason=f"no place of the venue knows it {waited_us} us after its request had expired",
    )


def fill(found: Fill, owner: OurOrder, known: Known) -> OurFill:
    """Return a fill of an order of ours."""
    where: Instrument = (owner.venue, owner.market, owner.symbol)
    rules = known.rules[where]
    currency = fee_currency(found, rules)
    paid = fee_in_quote(
        found.fee,
        currency,
        price=found.price,
        base=rules.base,
        quote=rules.quote,
        prices={} if currency in (rules.base, rules.quote) else _prices(known, where),
    )
    return OurFill(
        account=known.account,
        venue=owner.venue,
        market=owner.market,
        symbol=owner.symbol,
        fill_id=found.fill_id,
        client_order_id=owner.client_order_id,
        side=found.side,
        price=found.price,
        quantity=found.quantity,
        fee=found.fee,
        fee_currency=currency,
        # A coin without a price: its fee stands in its own currency, the sum in quote lacks it.
        fee_quote=ZERO if paid is None else paid,
        liquidity=found.liquidity,
        cause=found.cause,
        filled_us=found.filled_us,
    )


def funding(found: FundingPayment, where: Where, known: Known) -> OurFunding | None:
    """Return a payment in quote currency, None while the coin that it was paid in has no price.

    An instrument whose rules are not known is told by the venue's own name: nothing of ours is held there.
    """
    symbol = known.symbols(where).get(found.native, found.native)
    rules = known.rules.get((*where, symbol))
    currency = found.currency or ("" if rules is None else rules.quote)
    amount: Decimal | None = found.amount
    if rules is not None and currency != rules.quote:
        price = _prices(known, (*where, symbol)).get(currency)
        amount = None if price is None else times(found.amount, price)
    if amount is None:
        return None
    return OurFunding(
        account=known.account,
        venue=where[0],
        market=where[1],
        symbol=symbol,
        payment_id=found.payment_id,
        amount=amount,
        currency=currency,
        paid_us=found.paid_us,
    )


def balances(read: Mapping[Where, Balances], known: Known) -> tuple[Balance, ...]:
    """Return what the wallets hold; two markets may share one wallet, which is told once."""
    found: dict[tuple[str, str, str], Balance] = {}
    for where, answer in sorted(read.items()):
        wallet = known.wallets[where]
        for one in answer.balances:
            shared = answer.available_usd if wallet == "unified" and one.currency == "USDT" else None
            free = next((amount for amount in (shared, one.available, one.total) if amount is not None), ZERO)
            found[where[0], wallet, one.currency] = Balance(
                venue=where[0], wallet=wallet, asset=one.currency, total=one.total, available=free
            )
    return tuple(found[key] for key in sorted(found))


def _prices(known: Known, where: Instrument) -> dict[str, Decimal]:
    quote = known.rules[where].quote
    return {
        rules.base: known.prices[other]
        for other, rules in known.rules.items()
        if other[0] == where[0] and rules.quote == quote and other in known.prices
    }
