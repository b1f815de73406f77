"""KuCoin's public REST as pure functions: requests with their cost, answers as values, refusals as errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from tapeline.domain import exact
from tapeline.domain.book import BookSnapshot
from tapeline.domain.events import Instrument, Side
from tapeline.errors import InvalidMessage, Misconfigured, TapelineError, Unavailable, VenueRefused
from tapeline.venues.contract import Facts, FundingUpdate, InstrumentPage, PublicTrade, Request, columns, read
from tapeline.venues.kucoin import rules, wire

US_PER_MS: Final = 1_000
NS_PER_US: Final = 1_000
SIDES: Final[Mapping[str, Side]] = {"buy": "buy", "sell": "sell"}
GOOD: Final = "200000"
OVERLOADED: Final = "429000"
"""Too many requests, or with no header that says how many are left: too much to do, for how long is not known."""
LIMITED: Final = frozenset({OVERLOADED, "200002"})
BUSY: Final = frozenset({"500000", "230005"})
"""Codes of an answer that a later request may not get."""
TOO_MANY: Final = 429
REFUSED: Final = 400
SERVER_ERROR: Final = 500
RESET: Final = "gw-ratelimit-reset"
"""Milliseconds until the budget is whole again."""


class Calls(msgspec.Struct, frozen=True, kw_only=True):
    """Where the calls of one market are and what they cost."""

    trade_type: str
    books: tuple[tuple[int, str, int], ...]
    """(levels, path, cost), least first: a request goes to the first that is deep enough."""
    trades: Request
    """Without its symbol."""
    instruments: Request


class KucoinRest:
    """The REST half of a feed of KuCoin."""

    def __init__(self, facts: Facts, calls: Calls) -> None:
        """Take the market's facts and where its calls are."""
        self.facts = facts
        self._calls = calls

    def book_request(self, native: str, depth: int) -> Request:
        """Return the request for a book, as deep as asked (0: the deepest) and as KuCoin can."""
        _, path, cost = self._book_call(depth)
        return Request(path=path, query=(("symbol", native),), cost=cost)

    def read_book(self, body: bytes, native: str, depth: int, received_us: int) -> BookSnapshot:
        """Return the book in the answer; spot names no instrument in it."""
        book = read(_BOOK, body).data
        if book.symbol not in {None, native}:
            raise InvalidMessage("the book is of another instrument", field="data.symbol", value=book.symbol)
        bid_prices, bid_quantities = columns(book.bids)
        ask_prices, ask_quantities = columns(book.asks)
        at_us = None if book.ts is None else book.ts // NS_PER_US
        return BookSnapshot(
            native=native,
            sequence=book.sequence,
            replaces=False,
            limit=self._book_call(depth)[0],
            bid_prices=bid_prices,
            bid_quantities=bid_quantities,
            ask_prices=ask_prices,
            ask_quantities=ask_quantities,
            venue_us=at_us if book.time is None else book.time * US_PER_MS,
            received_us=received_us,
            exact=level_texts(body, "data", "bids", "asks") if exact.suspicious(body) else None,
        )

    def instruments_request(self, cursor: str | None = None) -> Request:  # noqa: ARG002 - the contract's signature
        """Return the request for all instruments: there is one page."""
        return self._calls.instruments

    def read_instruments(self, body: bytes, received_us: int) -> InstrumentPage:
        """Return the spot pairs of the answer, or its linear perpetuals."""
        found: list[tuple[str, Instrument | None]]
        if self.facts.market == "spot":
            found = [(one.symbol, rules.of_pair(self.facts, one, received_us)) for one in read(_PAIRS, body).data]
        else:
            listed = [one for one in read(_CONTRACTS, body).data if rules.linear_perpetual(one)]
            found = [(one.symbol, rules.of_contract(self.facts, one, received_us)) for one in listed]
        return InstrumentPage(
            instruments=tuple(one for _, one in found if one is not None),
            skipped=tuple(native for native, one in found if one is None),
        )

    def trades_request(self, native: str) -> Request:
        """Return the request for the most recent trades."""
        call = self._calls.trades
        return msgspec.structs.replace(call, query=(*call.query, ("symbol", native)))

    def read_trades(self, body: bytes, native: str, received_us: int) -> tuple[PublicTrade, ...]:
        """Return the trades of the answer, oldest first; the order of the answer is not promised."""
        answer = read(_MATCHES, body).data
        plain = read(_PLAIN, body)["data"]
        matches, texts = (answer.matches, plain["list"]) if isinstance(answer, wire.Matches) else (answer, plain)
        found = [
            trade(match, text, native, received_us, f"data[{at}]")
            for at, (match, text) in enumerate(zip(matches, texts, strict=True))
        ]
        return tuple(sorted(found, key=lambda one: (one.venue_us, one.sequence or 0)))

    def funding_request(self, native: str) -> Request:
        """Return the request for a contract, which names its funding."""
        if "funding" not in self.facts.channels:
            raise Misconfigured(f"{self.facts.venue} {self.facts.market} has no funding", fix="ask for futures")
        return Request(path=f"/api/v1/contracts/{native}", cost=3)

    def read_funding(self, body: bytes, received_us: int) -> FundingUpdate:
        """Return the funding in the answer, which tells no time of its own."""
        contract = read(_CONTRACT, body).data
        texts = read(_PLAIN, body)["data"]
        next_ms, interval_ms = contract.next_funding_rate_date_time, contract.funding_rate_granularity
        return FundingUpdate(
            native=contract.symbol,
            whole=True,
            rate=contract.funding_fee_rate,
            mark_price=contract.mark_price,
            index_price=contract.index_price,
            next_us=next_ms * US_PER_MS if next_ms else None,
            interval_us=interval_ms * US_PER_MS if interval_ms else None,
            received_us=received_us,
            exact=exact.of_fields(
                rate=texts.get("fundingFeeRate"),
                mark_price=texts.get("markPrice"),
                index_price=texts.get("indexPrice"),
            ),
        )

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> TapelineError | None:
        """Judge an answer by KuCoin's own code, which also comes with HTTP 200, and by its status."""
        said = f"HTTP {status} from {self.facts.venue} {self.facts.market}: {body[:200].decode('utf-8', 'replace')}"
        code = _code(body) if status >= REFUSED else str(read(_OUTCOME, body).code)
        if status == TOO_MANY or code in LIMITED:
            reset_ms = {name.lower(): value for name, value in headers.items()}.get(RESET, "")
            if reset_ms.isascii() and reset_ms.isdigit():
                return Unavailable(said, retry_after_s=float(reset_ms) / 1_000)
            return Unavailable(said, retry_after_s=None if code == OVERLOADED else self.facts.rest.window_s)
        if status >= SERVER_ERROR or code in BUSY:
            return Unavailable(said)
        return None if code == GOOD and status < REFUSED else VenueRefused(said)

    def _book_call(self, depth: int) -> tuple[int, str, int]:
        books = self._calls.books
        return next((call for call in books if call[0] >= depth > 0), books[-1])


def trade(match: wire.Match, text: Mapping[str, Any], native: str, received_us: int, holder: str) -> PublicTrade:
    """Return a trade; where it has no id of its own, its number is its id on the sockets."""
    at_ns = match.ts if match.time is None else match.time
    if at_ns is None:
        raise InvalidMessage("a trade tells its time", field=f"{holder}.time")
    if match.trade_id is None and match.sequence is None:
        raise InvalidMessage("a trade has an id or a number", field=f"{holder}.tradeId")
    return PublicTrade(
        native=native,
        trade_id=match.trade_id or str(match.sequence),
        sequence=match.sequence,
        price=match.price,
        quantity=match.size,
        side=side(match.side, f"{holder}.side"),
        venue_us=at_ns // NS_PER_US,
        received_us=received_us,
        exact=exact.of_fields(price=text["price"], quantity=text["size"]),
    )


def side(taker: str, name: str) -> Side:
    """Return the taker's side in our word."""
    found = SIDES.get(taker)
    if found is None:
        raise InvalidMessage("a trade's side is buy or sell", field=name, value=taker)
    return found


def level_texts(frame: bytes, holder: str, bids: str, asks: str) -> exact.Exact | None:
    """Return the texts to keep of the levels that stand under `holder`."""
    data = read(_PLAIN, frame)[holder]
    return exact.of_levels(data[bids], data[asks])


def _code(body: bytes) -> str:
    """Return the code of an answer that a gateway may have written in any form."""
    try:
        return str(read(_OUTCOME, body).code)
    except InvalidMessage:
        return ""


# Numbers of futures are JSON numbers: their own text is kept, so that a long one is noticed.
_PLAIN: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(float_hook=str)
_BOOK: Final = msgspec.json.Decoder(wire.BookAnswer, strict=False)
_MATCHES: Final = msgspec.json.Decoder(wire.MatchesAnswer, strict=False)
_PAIRS: Final = msgspec.json.Decoder(wire.PairsAnswer, strict=False)
_CONTRACTS: Final = msgspec.json.Decoder(wire.ContractsAnswer, strict=False)
_CONTRACT: Final = msgspec.json.Decoder(wire.ContractAnswer, strict=False)
_OUTCOME: Final = msgspec.json.Decoder(wire.Outcome)
