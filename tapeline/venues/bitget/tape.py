"""Trades and funding of both generations as values, alike whether a stream or REST tells them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from tapeline.domain import exact
from tapeline.domain.events import Side
from tapeline.errors import InvalidMessage
from tapeline.venues.bitget import books, listings, wire
from tapeline.venues.contract import FundingUpdate, Milliseconds, Number, PublicTrade, T, read

US_PER_MS: Final = 1_000
SIDES: Final[Mapping[str, Side]] = {"buy": "buy", "sell": "sell"}


def trades(deals: Sequence[wire.Deal], frame: bytes, native: str, received_us: int) -> tuple[PublicTrade, ...]:
    """Return trades oldest first; Bitget tells the newest first."""
    texts: list[Any] = read(books.TEXTS, frame)["data"] if exact.suspicious(frame) else [{}] * len(deals)
    found = [
        PublicTrade(
            native=native,
            trade_id=deal.trade_id,
            price=deal.price,
            quantity=deal.quantity,
            side=_side(deal),
            venue_us=deal.trade_ms * US_PER_MS,
            received_us=received_us,
            exact=exact.of_fields(price=text.get("p", text.get("price")), quantity=text.get("v", text.get("size"))),
        )
        for deal, text in zip(deals, texts, strict=True)
    ]
    # Turned first, so that trades of one millisecond stay in their order.
    found.reverse()
    return tuple(sorted(found, key=lambda trade: trade.venue_us))


def of_ticker(told: wire.Ticker, native: str, venue_us: int, received_us: int) -> FundingUpdate:
    """Return what a ticker says about funding; not whole, because it has no interval."""
    return FundingUpdate(
        native=native,
        whole=False,
        rate=_number(told.funding_rate, "fundingRate"),
        mark_price=_number(told.mark_price, "markPrice"),
        index_price=_number(told.index_price, "indexPrice"),
        next_us=_moment(told.next_funding_time, "nextFundingTime"),
        venue_us=venue_us,
        received_us=received_us,
        exact=exact.of_fields(rate=told.funding_rate, mark_price=told.mark_price, index_price=told.index_price),
    )


def of_fund_rate(told: wire.FundRate, venue_us: int, received_us: int) -> FundingUpdate:
    """Return the funding that REST tells; not whole, because prices are the ticker's to tell."""
    return FundingUpdate(
        native=told.symbol,
        whole=False,
        rate=_number(told.funding_rate, "fundingRate"),
        next_us=_moment(told.next_update, "nextUpdate"),
        interval_us=listings.hours(told.funding_rate_interval, "fundingRateInterval"),
        venue_us=venue_us,
        received_us=received_us,
        exact=exact.of_fields(rate=told.funding_rate),
    )


def _side(deal: wire.Deal) -> Side:
    found = SIDES.get(deal.taker)
    if found is None:
        name = "S" if isinstance(deal, wire.UnifiedDeal) else "side"
        raise InvalidMessage("a trade's side is buy or sell", field=name, value=deal.taker)
    return found


def _number(told: wire.Text, name: str) -> float | None:
    return None if told in {None, ""} else _text(_NUMBER, told, name)


def _moment(told: wire.Text, name: str) -> int | None:
    """Return a time; Bitget writes "" or 0 for none."""
    return None if told in {None, ""} else _text(_TIME, told, name) * US_PER_MS or None


def _text(decoder: msgspec.json.Decoder[T], told: wire.Text, name: str) -> T:
    try:
        return decoder.decode(str(told))
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise InvalidMessage("no such number", field=name, value=told) from error


_TIME: Final = msgspec.json.Decoder(Milliseconds)
_NUMBER: Final = msgspec.json.Decoder(Number)
