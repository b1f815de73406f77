"""MEXC's public futures REST as pure functions: requests with their cost, answers as values, contracts as such."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from tapeline.domain import exact
from tapeline.domain.book import BookSnapshot
from tapeline.domain.events import Instrument, InstrumentStatus
from tapeline.domain.levels import Column
from tapeline.venues.contract import FundingUpdate, InstrumentPage, PublicTrade, Request, read
from tapeline.venues.mexc import rest, wire

US_PER_HOUR: Final = 3_600_000_000
STATES: Final[Mapping[int, InstrumentStatus]] = {0: "trading", 1: "reducing", 2: "closed", 3: "closed"}
"""Enabled, in delivery, delivered, offline; all others (4: paused) take no orders now."""
PERPETUAL: Final = 1
CRYPTO: Final = 1
"""`type` of a contract on a coin; those on stocks and metals may bear the name of a coin and are left out."""
# Ten calls in two seconds for books and the list, twenty for all others: counted together, as one budget of twenty.
BOOK_COST: Final = 2
INSTRUMENTS_COST: Final = 2
OTHER_COST: Final = 1


class FuturesRest(rest.MexcRest):
    """The REST half of the futures feed."""

    def book_request(self, native: str, depth: int) -> Request:
        """Return the request for a book."""
        return _request(f"depth/{native}", BOOK_COST, limit=str(self._limit(depth)))

    def read_book(self, body: bytes, native: str, depth: int, received_us: int) -> BookSnapshot:
        """Return the book in the answer; its version is the stream's."""
        book = read(_BOOK, body).data
        bid_prices, bid_quantities = counted(book.bids)
        ask_prices, ask_quantities = counted(book.asks)
        return BookSnapshot(
            native=native,
            sequence=book.version,
            replaces=False,
            limit=self._limit(depth),
            bid_prices=bid_prices,
            bid_quantities=bid_quantities,
            ask_prices=ask_prices,
            ask_quantities=ask_quantities,
            venue_us=None if book.at_ms is None else book.at_ms * rest.US_PER_MS,
            received_us=received_us,
            exact=level_texts(body) if exact.suspicious(body) else None,
        )

    def instruments_request(self, cursor: str | None = None) -> Request:  # noqa: ARG002 - the contract's signature
        """Return the request for all contracts."""
        return _request("detail", INSTRUMENTS_COST)

    def read_instruments(self, body: bytes, received_us: int) -> InstrumentPage:
        """Return the linear perpetuals of the answer."""
        instruments: list[Instrument] = []
        skipped: list[str] = []
        for listing in read(_DETAIL, body).data:
            if not _ours(listing):
                continue
            found = self._instrument(listing, received_us)
            if found is None:
                skipped.append(listing.symbol)
            else:
                instruments.append(found)
        return InstrumentPage(instruments=tuple(instruments), skipped=tuple(skipped))

    def trades_request(self, native: str) -> Request:
        """Return the request for the most recent trades."""
        return _request(f"deals/{native}", OTHER_COST, limit=str(self.facts.trades.recent))

    def read_trades(self, body: bytes, native: str, received_us: int) -> tuple[PublicTrade, ...]:
        """Return the trades of the answer, oldest first."""
        rows = contract_rows(read(_TRADES, body).data, body)
        return rest.trades(native, rest.oldest_first(rows), received_us)

    def funding_request(self, native: str) -> Request:
        """Return the request for the current funding of a perpetual."""
        return _request(f"funding_rate/{native}", OTHER_COST)

    def read_funding(self, body: bytes, received_us: int) -> FundingUpdate:
        """Return the funding in the answer: whole only where it names both prices, which not every answer does."""
        found = read(_FUNDING, body).data
        hours, next_ms = found.collect_cycle, found.next_settle_time
        return FundingUpdate(
            native=found.symbol,
            whole=found.fair_price is not None and found.idx_price is not None,
            rate=found.funding_rate,
            mark_price=found.fair_price,
            index_price=found.idx_price,
            next_us=None if next_ms is None else next_ms * rest.US_PER_MS,
            interval_us=None if hours is None else hours * US_PER_HOUR,
            venue_us=None if found.timestamp is None else found.timestamp * rest.US_PER_MS,
            received_us=received_us,
            exact=field_texts(body, rate="fundingRate", mark_price="fairPrice", index_price="idxPrice"),
        )

    def _instrument(self, listing: wire.FuturesListing, received_us: int) -> Instrument | None:
        size, tick, unit = listing.contract_size, listing.price_unit, listing.vol_unit
        if not size or not tick or not unit:
            return None
        most = listing.limit_order_max_vol or listing.limit_max_vol or listing.max_vol
        status = STATES.get(listing.state, "halted")
        maker, taker = listing.maker_fee_rate, listing.taker_fee_rate
        return Instrument(
            venue=self.facts.venue,
            market=self.facts.market,
            symbol=f"{listing.base_coin}/{listing.quote_coin}",
            native=listing.symbol,
            base=listing.base_coin,
            quote=listing.quote_coin,
            status="halted" if status == "trading" and not listing.api_allowed else status,
            price_tick=tick,
            quantity_step=unit * size,
            contract_size=size,
            min_quantity=listing.min_vol * size if listing.min_vol else None,
            max_quantity=most * size if most else None,
            max_market_quantity=listing.max_vol * size if listing.max_vol else None,
            max_leverage=listing.max_leverage or None,
            maker_fee=Decimal(self.facts.maker_fee) if maker is None else maker,
            taker_fee=Decimal(self.facts.taker_fee) if taker is None else taker,
            received_us=received_us,
            published_us=received_us,
        )


def counted(levels: wire.Counted) -> tuple[Column, Column]:
    """Return levels of price, quantity and orders as a column of prices and one of quantities."""
    if not levels:
        return (), ()
    prices, quantities, _ = zip(*levels, strict=True)
    return prices, quantities


def level_texts(frame: bytes) -> exact.Exact | None:
    """Return the texts to keep of the levels in a frame or an answer."""
    data = read(PLAIN, frame)["data"]
    bids, asks = ([[str(number) for number in level] for level in data[side]] for side in ("bids", "asks"))
    return exact.of_levels(bids, asks)


def field_texts(frame: bytes, **names: str) -> exact.Exact | None:
    """Return the texts to keep of single fields of `data`; `names` are the venue's names by ours."""
    return _texts(read(PLAIN, frame)["data"], names) if exact.suspicious(frame) else None


def contract_rows(deals: Iterable[wire.Contract], frame: bytes) -> list[rest.Row]:
    """Return the trades of a frame or an answer as rows."""
    found = list(deals)
    plain: list[Any] = [{}] * len(found)
    if exact.suspicious(frame):
        data = read(PLAIN, frame)["data"]
        plain = [data] if isinstance(data, dict) else data
    return [
        (
            deal.trade_id,
            deal.price,
            deal.quantity,
            rest.taker(deal.taker, "T"),
            deal.trade_ms,
            _texts(text, {"price": "p", "quantity": "v"}),
        )
        for deal, text in zip(found, plain, strict=True)
    ]


def _texts(fields: Mapping[str, object], names: Mapping[str, str]) -> exact.Exact | None:
    return exact.of_fields(**{ours: str(fields.get(theirs, "")) for ours, theirs in names.items()})


def _ours(listing: wire.FuturesListing) -> bool:
    linear = listing.quote_coin == listing.settle_coin
    return linear and listing.future_type == PERPETUAL and listing.asset_type == CRYPTO


def _request(call: str, cost: int, **query: str) -> Request:
    return Request(path=f"/api/v1/contract/{call}", query=tuple(query.items()), cost=cost)


PLAIN: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(float_hook=str)
"""Reads the numbers of a frame as the texts that they are."""
_BOOK: Final = msgspec.json.Decoder(wire.BookAnswer, strict=False)
_TRADES: Final = msgspec.json.Decoder(wire.TradesAnswer, strict=False)
_FUNDING: Final = msgspec.json.Decoder(wire.FundingAnswer, strict=False)
_DETAIL: Final = msgspec.json.Decoder(wire.Detail, strict=False)
