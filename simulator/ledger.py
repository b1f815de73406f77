"""What the journal says of clients' orders and accounts: each line whole, in exact text."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from simulator.journal import Asset, Balances, Filled, Funded, Holding, Mid, OrderChanged, OrderRefused
from simulator.market import Market
from simulator.orders import ACCOUNT, Order, OwnFill, worth
from simulator.wallets import MarginAccount, Position, SpotAccount


def plain(amount: Decimal) -> str:
    """Return an amount without an exponent and without zeros at its end."""
    text = f"{amount:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def changed(order: Order, at_us: int) -> OrderChanged:
    """Say how an order is now."""
    ticket, one = order.ticket, order.instrument
    return OrderChanged(
        at_us=at_us,
        account=ACCOUNT,
        symbol=one.symbol,
        order_id=order.id,
        client_id=ticket.client_id,
        side=ticket.side.value,
        type="market" if ticket.is_market else "limit",
        force=ticket.force.value,
        status=order.status.value,
        filled=one.lot.format(order.filled),
        value=plain(order.worth),
        price=None if ticket.price is None else one.tick.format(ticket.price),
        quantity=one.lot.format(ticket.lots) if ticket.lots else None,
        budget=None if ticket.budget is None else plain(worth(one, ticket.budget)),
        reduce_only=ticket.reduce_only,
        reason="" if order.is_open or order.end is None else order.end.value,
    )


def refused(symbol: str, client_id: str, side: str, reason: str, at_us: int) -> OrderRefused:
    """Say that an order was not taken."""
    return OrderRefused(
        at_us=at_us, account=ACCOUNT, symbol=symbol, client_id=client_id, side=side.lower(), reason=reason
    )


def filled(fill: OwnFill) -> Filled:
    """Say what was dealt."""
    order, one = fill.order, fill.order.instrument
    return Filled(
        at_us=fill.at_us,
        account=ACCOUNT,
        symbol=one.symbol,
        order_id=order.id,
        client_id=order.client_id,
        trade_id=fill.id,
        side=order.side.value,
        price=one.tick.format(fill.price),
        quantity=one.lot.format(fill.lots),
        fee=plain(fill.fee),
        fee_asset=fill.asset,
        maker=fill.maker,
        realized=None if fill.realized is None else plain(fill.realized),
    )


def funded(position: Position, *, mark: str, rate: str, amount: Decimal, at_us: int) -> Funded:
    """Say what a position's funding was."""
    one = position.listing.instrument
    return Funded(
        at_us=at_us,
        account=ACCOUNT,
        symbol=one.symbol,
        position=plain(position.quantity),
        mark=mark,
        rate=rate,
        amount=plain(amount),
        asset=one.quote,
    )


def balances(account: SpotAccount | MarginAccount, quote: str, moment: str, at_us: int) -> Balances:
    """Say what an account has."""
    if isinstance(account, SpotAccount):
        assets = tuple(
            Asset(coin, plain(one.free + one.locked), plain(one.locked)) for coin, one in account.balances.items()
        )
        return Balances(at_us=at_us, account=ACCOUNT, moment=moment, assets=assets)
    return Balances(
        at_us=at_us,
        account=ACCOUNT,
        moment=moment,
        assets=(Asset(quote, plain(account.wallet), "0"),),
        positions=tuple(
            Holding(one.listing.instrument.symbol, plain(one.quantity), plain(one.entry_price))
            for one in account.held()
        ),
    )


def mids(market: Market, at_us: int) -> Iterator[Mid]:
    """Say what each instrument costs."""
    for one in market.listings:
        total = one.instrument.tick.exact(one.ladder.bid + one.ladder.ask)
        yield Mid(at_us=at_us, symbol=one.instrument.symbol, price=plain(total / 2))
