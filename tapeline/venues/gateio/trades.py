"""Gate's trades: one reading for the stream and for REST, so that both say the same of a trade."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tapeline.domain import exact
from tapeline.errors import InvalidMessage
from tapeline.venues.contract import PublicTrade
from tapeline.venues.gateio import wire
from tapeline.venues.gateio.values import micros, text


def spot(deal: wire.SpotTrade, plain: dict[str, Any] | None, received_us: int, *, inside: str) -> PublicTrade:
    """Return a spot trade; its number counts the trades of its market alone."""
    told = plain or {}
    return PublicTrade(
        native=deal.native,
        trade_id=str(deal.trade_id),
        sequence=deal.sequence_id if deal.id_market is None else deal.id_market,
        price=deal.price,
        quantity=deal.amount,
        side=deal.side,
        venue_us=micros(deal.create_time_ms, f"{inside}create_time_ms"),
        received_us=received_us,
        exact=exact.of_fields(price=text(told.get("price")), quantity=text(told.get("amount"))),
    )


def futures(
    deals: Sequence[wire.FuturesTrade], plain: Sequence[dict[str, Any]] | None, received_us: int, *, inside: str
) -> tuple[PublicTrade, ...]:
    """Return the trades of the market among these, in their order.

    Left out are those of `is_internal`: the insurance fund or an opponent took a liquidated position over at a price
    that was in no book, and the venue's own candles leave them out too.
    """
    found: list[PublicTrade] = []
    for at, deal in enumerate(deals):
        if deal.is_internal:
            continue
        told = plain[at] if plain is not None else {}
        found.append(_futures(deal, told, received_us, f"{inside}[{at}]"))
    return tuple(found)


def _futures(deal: wire.FuturesTrade, told: dict[str, Any], received_us: int, place: str) -> PublicTrade:
    if not deal.size:
        raise InvalidMessage("a trade has a size", field=f"{place}.size", value=deal.size)
    instant = deal.create_time if deal.create_time_ms is None else deal.create_time_ms
    if instant is None:
        raise InvalidMessage("a trade has a time", field=f"{place}.create_time_ms")
    return PublicTrade(
        native=deal.native,
        trade_id=str(deal.trade_id),
        sequence=deal.trade_id,
        price=deal.price,
        quantity=abs(deal.size),
        side="sell" if deal.size < 0 else "buy",
        venue_us=micros(instant, f"{place}.create_time_ms"),
        received_us=received_us,
        exact=exact.of_fields(price=text(told.get("price")), quantity=text(told.get("size")).lstrip("-")),
    )
