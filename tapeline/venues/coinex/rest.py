"""CoinEx's public REST as pure functions: requests, answers as values, refusals as errors."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from tapeline.domain.book import BookSnapshot
from tapeline.domain.events import Instrument, InstrumentStatus
from tapeline.errors import InvalidMessage, Misconfigured, TapelineError, Unavailable, VenueRefused
from tapeline.venues.coinex import reading, wire
from tapeline.venues.contract import Facts, FundingUpdate, InstrumentPage, PublicTrade, Request, read

WINDOW: Final = 50
"""Levels a side, the most there are; the checksum is of as many as were asked for."""
TOO_MANY: Final = 429
REFUSED: Final = 400
SERVER_ERROR: Final = 500
BUSY: Final = frozenset({3008, 4001, 4002, 4003, 4213, TOO_MANY})
"""Codes of an answer that a later request may not get: busy, unavailable, timeout, internal error, limit."""


class CoinexRest:
    """The REST half of a feed of CoinEx."""

    def __init__(self, facts: Facts) -> None:
        """Take the market's facts."""
        self.facts = facts

    def book_request(self, native: str, depth: int) -> Request:  # noqa: ARG002 - the contract's signature
        """Return the request for a book, always of the whole window: only that can take the stream's changes."""
        return self._request("depth", market=native, limit=str(WINDOW), interval="0")

    def read_book(self, body: bytes, native: str, depth: int, received_us: int) -> BookSnapshot:  # noqa: ARG002 - the contract's signature
        """Return the book in the answer: all that the stream will ever change."""
        told = reading.depth(body)
        if told.native != native:
            raise InvalidMessage("the book is of another instrument", field="data.market", value=told.native)
        return BookSnapshot(
            native=native,
            sequence=told.updated_ms,
            replaces=False,
            bid_prices=told.bid_prices,
            bid_quantities=told.bid_quantities,
            ask_prices=told.ask_prices,
            ask_quantities=told.ask_quantities,
            venue_us=told.updated_ms * reading.US_PER_MS,
            received_us=received_us,
            exact=told.exact,
            check=told.check,
        )

    def instruments_request(self, cursor: str | None = None) -> Request:  # noqa: ARG002 - the contract's signature
        """Return the request for the list of instruments: one page holds them all."""
        return self._request("market")

    def read_instruments(self, body: bytes, received_us: int) -> InstrumentPage:
        """Return the spot pairs of the answer, or its linear perpetuals."""
        instruments: list[Instrument] = []
        skipped: list[str] = []
        for listing in read(_LISTINGS, body).data:
            if self.facts.market == "futures" and listing.contract_type != "linear":
                continue
            found = self._instrument(listing, received_us)
            if found is None:
                skipped.append(listing.market)
            else:
                instruments.append(found)
        return InstrumentPage(instruments=tuple(instruments), skipped=tuple(skipped))

    def trades_request(self, native: str) -> Request:
        """Return the request for the most recent trades."""
        return self._request("deals", market=native, limit=str(self.facts.trades.recent))

    def read_trades(self, body: bytes, native: str, received_us: int) -> tuple[PublicTrade, ...]:
        """Return the trades of the answer, oldest first; it does not name their instrument."""
        deals = read(_DEALS, body).data
        return reading.trades(deals, reading.texts(body, len(deals), "data"), native, received_us)

    def funding_request(self, native: str) -> Request:
        """Return the request for the current funding of a perpetual."""
        if "funding" not in self.facts.channels:
            raise Misconfigured(f"{self.facts.venue} {self.facts.market} has no funding", fix="ask for futures")
        return self._request("funding-rate", market=native)

    def read_funding(self, body: bytes, received_us: int) -> FundingUpdate:
        """Return the funding in the answer; it has no index price."""
        told = read(_FUNDING, body).data
        if len(told) != 1:
            raise InvalidMessage("one funding rate was asked for", field="data", value=len(told))
        return reading.funding(told[0], reading.texts(body, 1, "data")[0], received_us)

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> TapelineError | None:  # noqa: ARG002 - the contract's signature
        """Judge an answer by its status and, where that is good, by CoinEx's own code and words in the body."""
        said = f"HTTP {status} from {self.facts.venue} {self.facts.market}: {body[:200].decode('utf-8', 'replace')}"
        if status >= SERVER_ERROR:
            return Unavailable(said)
        if status >= REFUSED:
            code, failed = status, True
        else:
            outcome = read(_OUTCOME, body)
            code = outcome.code
            failed = reading.failure(code, outcome.message, bytes(outcome.data)) is not None
        if code in BUSY:
            return Unavailable(said, retry_after_s=self.facts.rest.window_s)
        return VenueRefused(said) if failed else None

    def _request(self, call: str, **query: str) -> Request:
        return Request(path=f"/v2/{self.facts.market}/{call}", query=tuple(query.items()), cost=1)

    def _instrument(self, listing: wire.Listing, received_us: int) -> Instrument | None:
        tick = _decimal(listing.tick_size, "tick_size") or _step(listing.quote_ccy_precision)
        step = _step(listing.base_ccy_precision)
        if not tick or not step or not listing.base_ccy or not listing.quote_ccy:
            return None
        leverages = [_decimal(str(one), "leverage") or Decimal(1) for one in listing.leverage]
        return Instrument(
            venue=self.facts.venue,
            market=self.facts.market,
            symbol=f"{listing.base_ccy}/{listing.quote_ccy}",
            native=listing.market,
            base=listing.base_ccy,
            quote=listing.quote_ccy,
            status=_status(listing, received_us),
            price_tick=tick,
            quantity_step=step,
            contract_size=Decimal(1),
            min_quantity=_decimal(listing.min_amount, "min_amount"),
            max_leverage=max(leverages, default=None),
            maker_fee=_number(listing.maker_fee_rate or self.facts.maker_fee, "maker_fee_rate"),
            taker_fee=_number(listing.taker_fee_rate or self.facts.taker_fee, "taker_fee_rate"),
            received_us=received_us,
            published_us=received_us,
        )


def _status(listing: wire.Listing, received_us: int) -> InstrumentStatus:
    """Return whether a market trades: `status` alone stayed "online" after the futures had ceased."""
    gone = listing.delisted_at
    if isinstance(gone, int) and 0 < gone * reading.US_PER_MS <= received_us:
        return "closed"
    open_now = listing.status == "online" and listing.is_market_available and listing.is_api_trading_available
    return "trading" if open_now else "halted"


def _step(places: int | None) -> Decimal | None:
    return None if places is None else Decimal(1).scaleb(-places)


def _decimal(text: str, name: str) -> Decimal | None:
    """Return a rule's number, None where there is no such rule."""
    return _number(text or "0", name) or None


def _number(text: str, name: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation as error:
        raise InvalidMessage("no such number", field=name, value=text) from error
    if not found.is_finite():
        raise InvalidMessage("no such number", field=name, value=text)
    return found


_LISTINGS: Final = msgspec.json.Decoder(wire.ListingsAnswer)
_DEALS: Final = msgspec.json.Decoder(wire.DealsAnswer, strict=False)
_FUNDING: Final = msgspec.json.Decoder(wire.FundingAnswer, strict=False)
_OUTCOME: Final = msgspec.json.Decoder(wire.Outcome)
