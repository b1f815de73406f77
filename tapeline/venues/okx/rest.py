"""OKX's public REST as pure functions: requests with their cost, answers as values, refusals as errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from tapeline.domain import exact
from tapeline.domain.book import BookSnapshot
from tapeline.domain.events import Instrument, Side
from tapeline.domain.levels import Column
from tapeline.errors import InvalidMessage, Misconfigured, TapelineError, Unavailable, VenueRefused
from tapeline.venues.contract import (
    Facts,
    FundingUpdate,
    InstrumentPage,
    Milliseconds,
    Number,
    PublicTrade,
    Request,
    T,
    read,
)
from tapeline.venues.okx import instruments as listed
from tapeline.venues.okx import wire

US_PER_MS: Final = 1_000
SWAP: Final = "-SWAP"
"""What a linear perpetual's name has behind the name of its index."""
SIDES: Final[Mapping[str, Side]] = {"buy": "buy", "sell": "sell"}
COSTS: Final = {
    "market/books": 5,
    "market/books-full": 20,
    "market/trades": 2,
    "public/funding-rate": 20,
    "public/instruments": 10,
}
"""Each call has a limit of its own in 2 s (40, 10, 100, 10, 20); of one budget of 200 none can be broken."""
SHALLOW: Final = 400
"""Levels of `books`; more are those of `books-full`, which the venue makes anew once a second."""
REFUSED: Final = 400
TOO_MANY: Final = 429
SERVER_ERROR: Final = 500
LIMITED: Final = frozenset({"50011", "50061"})
BUSY: Final = frozenset({"50001", "50004", "50013", "50026"})
"""Upgrading, timeout, busy, system error: a later request may get its answer."""


class OkxRest:
    """The REST half of a feed of OKX."""

    def __init__(self, facts: Facts) -> None:
        """Take the market's facts."""
        self.facts = facts

    def native(self, symbol: str) -> str:
        """Return the venue's name of a symbol: BTC-USDT on spot, BTC-USDT-SWAP on futures."""
        pair = symbol.replace("/", "-").upper()
        return pair + SWAP if self.facts.market == "futures" else pair

    def book_request(self, native: str, depth: int) -> Request:
        """Return the request for a book; any number of levels up to the deepest may be asked for."""
        limit = self._limit(depth)
        return _request("market/books" if limit <= SHALLOW else "market/books-full", instId=native, sz=str(limit))

    def read_book(self, body: bytes, native: str, depth: int, received_us: int) -> BookSnapshot:
        """Return the book in the answer; it has no number, so its time stands for one."""
        (book,) = read(_BOOK, body).data
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
            exact=level_texts(body, 1)[0],
        )

    def instruments_request(self, cursor: str | None = None) -> Request:  # noqa: ARG002 - one page has all
        """Return the request for the list of instruments."""
        return _request("public/instruments", instType="SWAP" if self.facts.market == "futures" else "SPOT")

    def read_instruments(self, body: bytes, received_us: int) -> InstrumentPage:
        """Return the spot pairs, or the linear perpetuals that settle in their quote."""
        instruments: list[Instrument] = []
        skipped: list[str] = []
        for listing in read(_LISTINGS, body).data:
            symbol = listed.symbol(listing, self.facts.market)
            if symbol is None or listing.native != self.native(symbol):
                continue
            found = listed.instrument(listing, symbol, self.facts, received_us)
            if found is None:
                skipped.append(listing.native)
            else:
                instruments.append(found)
        return InstrumentPage(instruments=tuple(instruments), skipped=tuple(skipped))

    def trades_request(self, native: str) -> Request:
        """Return the request for the most recent trades."""
        return _request("market/trades", instId=native, limit=str(self.facts.trades.recent))

    def read_trades(self, body: bytes, native: str, received_us: int) -> tuple[PublicTrade, ...]:
        """Return the trades of the answer, oldest first; OKX sends the newest first."""
        found = trades(read(_TRADES, body).data, body, received_us)
        strange = next((one.native for one in found if one.native != native), None)
        if strange is not None:
            raise InvalidMessage("the trades are of another instrument", field="data.instId", value=strange)
        return tuple(sorted(found, key=lambda trade: trade.sequence or 0))

    def funding_request(self, native: str) -> Request:
        """Return the request for the current funding of a perpetual."""
        if "funding" not in self.facts.channels:
            raise Misconfigured(f"{self.facts.venue} {self.facts.market} has no funding", fix="ask for futures")
        return _request("public/funding-rate", instId=native)

    def read_funding(self, body: bytes, received_us: int) -> FundingUpdate:
        """Return the funding in the answer; prices are of other calls, so it is not all there is to know."""
        return fundings(body, received_us)[0]

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> TapelineError | None:  # noqa: ARG002 - the contract's signature
        """Judge an answer by its status and by OKX's own code in the body."""
        said = f"HTTP {status} from {self.facts.venue} {self.facts.market}: {body[:200].decode('utf-8', 'replace')}"
        code = _code(body) if status >= REFUSED else read(_OUTCOME, body).code
        if status == TOO_MANY or code in LIMITED:
            return Unavailable(said, retry_after_s=self.facts.rest.window_s)
        if status >= SERVER_ERROR or code in BUSY:
            return Unavailable(said)
        return VenueRefused(said) if status >= REFUSED or code != "0" else None

    def _limit(self, depth: int) -> int:
        deepest = self.facts.book.rest_depths[-1]
        return min(depth, deepest) or deepest


def columns(levels: tuple[wire.Level, ...]) -> tuple[Column, Column]:
    """Return levels as a column of prices and one of quantities."""
    return tuple([level.price for level in levels]), tuple([level.quantity for level in levels])


def trades(deals: tuple[wire.Deal, ...], data: bytes, received_us: int) -> list[PublicTrade]:
    """Return the trades of a frame or answer, in its order."""
    return [
        PublicTrade(
            native=deal.native,
            trade_id=str(deal.trade_id),
            sequence=deal.trade_id,
            price=deal.price,
            quantity=deal.quantity,
            side=_side(deal.taker),
            venue_us=deal.trade_ms * US_PER_MS,
            received_us=received_us,
            exact=exact.of_fields(price=text.get("px"), quantity=text.get("sz")),
        )
        for deal, text in zip(deals, texts(data, len(deals)), strict=True)
    ]


def fundings(data: bytes, received_us: int) -> tuple[FundingUpdate, ...]:
    """Return what a frame or answer says about the next settlement."""
    rates = read(_FUNDING, data).data
    return tuple(
        _funding(rate, exact.of_fields(rate=text.get("fundingRate")), received_us)
        for rate, text in zip(rates, texts(data, len(rates)), strict=True)
    )


def _funding(rate: wire.FundingRate, kept: exact.Exact | None, received_us: int) -> FundingUpdate:
    next_ms = _text(_TIME, rate.funding_time, "fundingTime")
    then_ms = _text(_TIME, rate.next_funding_time, "nextFundingTime")
    told_ms = _text(_TIME, rate.ts, "ts")
    interval_ms = None if next_ms is None or then_ms is None or then_ms <= next_ms else then_ms - next_ms
    return FundingUpdate(
        native=rate.native,
        whole=False,
        rate=_text(_NUMBER, rate.funding_rate, "fundingRate"),
        next_us=None if next_ms is None else next_ms * US_PER_MS,
        interval_us=None if interval_ms is None else interval_ms * US_PER_MS,
        venue_us=None if told_ms is None else told_ms * US_PER_MS,
        received_us=received_us,
        exact=kept,
    )


def texts(data: bytes, count: int) -> list[dict[str, Any]]:
    """Return the elements of `data` as they were written, or nothing of each where no number is too long."""
    found: list[dict[str, Any]] = read(_PLAIN, data)["data"] if exact.suspicious(data) else [{}] * count
    return found


def level_texts(data: bytes, count: int) -> list[exact.Exact | None]:
    """Return the texts to keep of the levels of each book in a frame or answer."""
    return [exact.of_levels(book.get("bids", ()), book.get("asks", ())) for book in texts(data, count)]


def _request(call: str, **query: str) -> Request:
    return Request(path=f"/api/v5/{call}", query=tuple(query.items()), cost=COSTS[call])


def _side(taker: str) -> Side:
    found = SIDES.get(taker)
    if found is None:
        raise InvalidMessage("a trade's side is buy or sell", field="side", value=taker)
    return found


def _code(body: bytes) -> str | None:
    """Return OKX's code in the body of a refusal, None where a gateway wrote it."""
    try:
        return read(_OUTCOME, body).code
    except InvalidMessage:
        return None


def _text(decoder: msgspec.json.Decoder[T], text: str, name: str) -> T | None:
    """Return the number in a text, None where OKX writes "" for none."""
    try:
        return decoder.decode(text) if text else None
    except msgspec.DecodeError as error:
        raise InvalidMessage("no such number", field=name, value=text) from error


_PLAIN: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder()
_BOOK: Final = msgspec.json.Decoder(wire.BookAnswer, strict=False)
_TRADES: Final = msgspec.json.Decoder(wire.TradesAnswer, strict=False)
_FUNDING: Final = msgspec.json.Decoder(wire.FundingFrame, strict=False)
_LISTINGS: Final = msgspec.json.Decoder(wire.ListingsAnswer)
_OUTCOME: Final = msgspec.json.Decoder(wire.Outcome)
_TIME: Final = msgspec.json.Decoder(Milliseconds)
_NUMBER: Final = msgspec.json.Decoder(Number)
