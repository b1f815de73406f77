"""MEXC's public spot REST as pure functions: requests with their cost, answers as values."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from tapeline.domain import exact
from tapeline.domain.book import BookSnapshot
from tapeline.domain.events import Instrument, InstrumentStatus
from tapeline.errors import Misconfigured
from tapeline.venues.contract import FundingUpdate, InstrumentPage, PublicTrade, Request, columns, read
from tapeline.venues.mexc import rest, wire

STATUSES: Final[Mapping[str, InstrumentStatus]] = {"1": "trading", "ENABLED": "trading", "3": "closed"}
"""All others (2: paused) take no orders now."""
SALES: Final[Mapping[int, InstrumentStatus]] = {1: "trading", 3: "reducing"}
"""`tradeSideType`: both sides, or selling alone; buying alone and none take no orders of ours."""
BOOK_COST: Final = 1
INSTRUMENTS_COST: Final = 10
TRADES_COST: Final = 5


class SpotRest(rest.MexcRest):
    """The REST half of the spot feed."""

    def book_request(self, native: str, depth: int) -> Request:
        """Return the request for a book."""
        return _request("depth", BOOK_COST, symbol=native, limit=str(self._limit(depth)))

    def read_book(self, body: bytes, native: str, depth: int, received_us: int) -> BookSnapshot:
        """Return the book in the answer; its number is the stream's."""
        book = read(_BOOK, body)
        bid_prices, bid_quantities = columns(book.bids)
        ask_prices, ask_quantities = columns(book.asks)
        return BookSnapshot(
            native=native,
            sequence=book.last,
            replaces=False,
            limit=self._limit(depth),
            bid_prices=bid_prices,
            bid_quantities=bid_quantities,
            ask_prices=ask_prices,
            ask_quantities=ask_quantities,
            venue_us=None if book.at_ms is None else book.at_ms * rest.US_PER_MS,
            received_us=received_us,
            exact=_level_texts(body) if exact.suspicious(body) else None,
        )

    def instruments_request(self, cursor: str | None = None) -> Request:  # noqa: ARG002 - the contract's signature
        """Return the request for all symbols."""
        return _request("exchangeInfo", INSTRUMENTS_COST)

    def read_instruments(self, body: bytes, received_us: int) -> InstrumentPage:
        """Return the pairs of the answer."""
        instruments: list[Instrument] = []
        skipped: list[str] = []
        for listing in read(_EXCHANGE_INFO, body).symbols:
            found = self._instrument(listing, received_us)
            if found is None:
                skipped.append(listing.symbol)
            else:
                instruments.append(found)
        return InstrumentPage(instruments=tuple(instruments), skipped=tuple(skipped))

    def trades_request(self, native: str) -> Request:
        """Return the request for the most recent trades."""
        return _request("trades", TRADES_COST, symbol=native, limit=str(self.facts.trades.recent))

    def read_trades(self, body: bytes, native: str, received_us: int) -> tuple[PublicTrade, ...]:
        """Return the trades of the answer, oldest first."""
        found = read(_TRADES, body)
        texts: list[Any] = read(_PLAIN, body) if exact.suspicious(body) else [{}] * len(found)
        rows: list[rest.Row] = [
            (
                trade.trade_id,
                trade.price,
                trade.quantity,
                "sell" if trade.buyer_made else "buy",
                trade.trade_ms,
                exact.of_fields(price=text.get("price"), quantity=text.get("qty")),
            )
            for trade, text in zip(found, texts, strict=True)
        ]
        return rest.trades(native, rest.oldest_first(rows), received_us)

    def funding_request(self, native: str) -> Request:  # noqa: ARG002 - the contract's signature
        """Refuse: spot has no funding."""
        raise Misconfigured(f"{self.facts.venue} {self.facts.market} has no funding", fix=_FUTURES)

    def read_funding(self, body: bytes, received_us: int) -> FundingUpdate:  # noqa: ARG002 - the contract's signature
        """Refuse: spot has no funding."""
        raise Misconfigured(f"{self.facts.venue} {self.facts.market} has no funding", fix=_FUTURES)

    def _instrument(self, listing: wire.SpotListing, received_us: int) -> Instrument | None:
        digits = listing.quote_precision if listing.quote_asset_precision is None else listing.quote_asset_precision
        price_tick, quantity_step = rest.step(digits), rest.step(listing.base_asset_precision)
        if price_tick is None or quantity_step is None:
            return None
        status = STATUSES.get(listing.status, "halted")
        if status == "trading":
            open_now = listing.is_spot_trading_allowed
            status = SALES.get(listing.trade_side_type, "halted") if open_now else "halted"
        maker, taker = listing.maker_commission, listing.taker_commission
        return Instrument(
            venue=self.facts.venue,
            market=self.facts.market,
            symbol=f"{listing.base_asset}/{listing.quote_asset}",
            native=listing.symbol,
            base=listing.base_asset,
            quote=listing.quote_asset,
            status=status,
            price_tick=price_tick,
            quantity_step=quantity_step,
            contract_size=Decimal(1),
            min_quantity=listing.base_size_precision or None,
            min_notional=listing.quote_amount_precision or None,
            maker_fee=Decimal(self.facts.maker_fee) if maker is None else maker,
            taker_fee=Decimal(self.facts.taker_fee) if taker is None else taker,
            received_us=received_us,
            published_us=received_us,
        )


def _request(call: str, cost: int, **query: str) -> Request:
    return Request(path=f"/api/v3/{call}", query=tuple(query.items()), cost=cost)


def _level_texts(body: bytes) -> exact.Exact | None:
    plain = read(_PLAIN, body)
    return exact.of_levels(plain["bids"], plain["asks"])


_FUTURES: Final = "ask for futures"
_PLAIN: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder()
_BOOK: Final = msgspec.json.Decoder(wire.SpotBook, strict=False)
_TRADES: Final = msgspec.json.Decoder(tuple[wire.SpotTrade, ...], strict=False)
_EXCHANGE_INFO: Final = msgspec.json.Decoder(wire.ExchangeInfo, strict=False)
