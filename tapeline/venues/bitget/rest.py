"""Bitget's public REST as pure functions: requests go to v3, answers of both generations are understood."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from tapeline.domain import exact
from tapeline.domain.book import BookSnapshot
from tapeline.domain.events import Instrument
from tapeline.errors import InvalidMessage, Misconfigured, TapelineError, Unavailable, VenueRefused
from tapeline.venues.bitget import books, listings, tape, wire
from tapeline.venues.contract import (
    Facts,
    FundingUpdate,
    InstrumentPage,
    PublicTrade,
    Request,
    columns,
    read,
)

US_PER_MS: Final = 1_000
GOOD: Final = "00000"
BUSY: Final = frozenset({"429", "30006", "30007", "40015", "40200", "40308", "40604", "50009"})
"""Codes of an answer that a later request may not get: limits, an upgrade, maintenance, a busy or failing server."""
TOO_MANY: Final = 429
REFUSED: Final = 400
SERVER_ERROR: Final = 500


class BitgetRest:
    """The REST half of a feed of Bitget."""

    def __init__(self, facts: Facts, category: str) -> None:
        """Take the market's facts and Bitget's name for it."""
        self.facts = facts
        self._category = category

    def book_request(self, native: str, depth: int) -> Request:
        """Return the request for a book; any number of levels up to the deepest may be asked for."""
        return self._request("orderbook", symbol=native, limit=str(self._limit(depth)))

    def read_book(self, body: bytes, native: str, depth: int, received_us: int) -> BookSnapshot:
        """Return the book in the answer, which has no number: its time stands for one."""
        book = read(_CLASSIC_BOOK, body).data if b'"asks"' in body else read(_UNIFIED_BOOK, body).data
        bid_prices, bid_quantities = columns(book.bids)
        ask_prices, ask_quantities = columns(book.asks)
        return BookSnapshot(
            native=native,
            sequence=book.book_ms,
            replaces=False,
            limit=self._limit(depth),
            bid_prices=bid_prices,
            bid_quantities=bid_quantities,
            ask_prices=ask_prices,
            ask_quantities=ask_quantities,
            venue_us=book.book_ms * US_PER_MS,
            received_us=received_us,
            exact=books.kept_texts(book, read(books.TEXTS, body)["data"]) if exact.suspicious(body) else None,
        )

    def instruments_request(self, cursor: str | None = None) -> Request:  # noqa: ARG002 - all stand on one page
        """Return the request for all instruments."""
        return self._request("instruments")

    def read_instruments(self, body: bytes, received_us: int) -> InstrumentPage:
        """Return the plain pairs, or the perpetuals that USDT settles."""
        instruments: list[Instrument] = []
        skipped: list[str] = []
        for listing in read(_LISTINGS, body).data:
            if not listings.ours(listing, self.facts.market):
                continue
            found = listings.instrument(listing, self.facts, received_us)
            if found is None:
                skipped.append(listing.symbol)
            else:
                instruments.append(found)
        return InstrumentPage(instruments=tuple(instruments), skipped=tuple(skipped))

    def trades_request(self, native: str) -> Request:
        """Return the request for the most recent trades."""
        return self._request("fills", symbol=native, limit=str(self.facts.trades.recent))

    def read_trades(self, body: bytes, native: str, received_us: int) -> tuple[PublicTrade, ...]:
        """Return the trades of the answer, oldest first."""
        deals = read(_CLASSIC_FILLS, body).data if b'"tradeId"' in body else read(_FILLS, body).data
        return tape.trades(deals, body, native, received_us)

    def funding_request(self, native: str) -> Request:
        """Return the request for the current funding of a perpetual."""
        if "funding" not in self.facts.channels:
            raise Misconfigured(f"{self.facts.venue} {self.facts.market} has no funding", fix="ask for futures")
        return Request(path=f"{_PREFIX}/current-fund-rate", query=(("symbol", _encoded(native)),), cost=1)

    def read_funding(self, body: bytes, received_us: int) -> FundingUpdate:
        """Return the funding in the answer; not whole, because prices are the ticker's to tell."""
        answer = read(_FUND_RATES, body)
        if len(answer.data) != 1:
            raise InvalidMessage("the funding of one perpetual was asked for", field="data", value=len(answer.data))
        return tape.of_fund_rate(answer.data[0], answer.request_time * US_PER_MS, received_us)

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> TapelineError | None:  # noqa: ARG002 - the contract's signature
        """Judge an answer by its status and by Bitget's own code, which comes with HTTP 200, 400 and 429."""
        said = f"HTTP {status} from {self.facts.venue} {self.facts.market}: {body[:200].decode('utf-8', 'replace')}"
        if status >= SERVER_ERROR:
            return Unavailable(said)
        code = _code(body) if status >= REFUSED else str(read(_OUTCOME, body).code)
        if status == TOO_MANY or code in BUSY:
            return Unavailable(said, retry_after_s=self.facts.rest.window_s)
        return VenueRefused(said) if status >= REFUSED or code != GOOD else None

    def _limit(self, depth: int) -> int:
        deepest = self.facts.book.rest_depths[-1]
        return min(depth, deepest) or deepest

    def _request(self, call: str, **query: str) -> Request:
        # A few instruments have names beyond ASCII.
        pairs = ((name, _encoded(value)) for name, value in query.items())
        return Request(path=f"{_PREFIX}/{call}", query=(("category", self._category), *pairs), cost=1)


def _encoded(text: str) -> str:
    """Return text as it stands in a request line: letters, digits and `-` as they are, each other byte by its code."""
    return "".join(chr(byte) if chr(byte) in _PLAIN else f"%{byte:02X}" for byte in text.encode())


def _code(body: bytes) -> str:
    """Return the code of a refusal, "" where it has none: what stands before Bitget refuses in words of its own."""
    try:
        return str(read(_OUTCOME, body).code)
    except InvalidMessage:
        return ""


_PREFIX: Final = "/api/v3/market"
_PLAIN: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-")
_UNIFIED_BOOK: Final = msgspec.json.Decoder(wire.UnifiedBookAnswer, strict=False)
_CLASSIC_BOOK: Final = msgspec.json.Decoder(wire.ClassicBookAnswer, strict=False)
_FILLS: Final = msgspec.json.Decoder(wire.FillsAnswer, strict=False)
_CLASSIC_FILLS: Final = msgspec.json.Decoder(wire.ClassicDeals, strict=False)
_FUND_RATES: Final = msgspec.json.Decoder(wire.FundRateAnswer, strict=False)
_LISTINGS: Final = msgspec.json.Decoder(wire.ListingsAnswer)
_OUTCOME: Final = msgspec.json.Decoder(wire.Outcome)
