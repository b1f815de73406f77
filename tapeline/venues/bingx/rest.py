"""BingX's public REST as pure functions: requests with their cost, answers as values, refusals as errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from tapeline.domain import exact
from tapeline.domain.book import BookSnapshot
from tapeline.domain.events import Instrument
from tapeline.errors import InvalidMessage, Misconfigured, TapelineError, Unavailable, VenueRefused
from tapeline.venues.bingx import listings, wire
from tapeline.venues.bingx.values import (
    US_PER_MS,
    best_first,
    failure,
    level_texts,
    oldest_first,
    plain,
    side,
    with_ids,
)
from tapeline.venues.contract import Facts, FundingUpdate, InstrumentPage, PublicTrade, Request, T, columns, read

US_PER_HOUR: Final = 3_600_000_000
RESTORED_S: Final = 300.0
"""After a limit was broken an address is let in again about so late; BingX sends no Retry-After."""
BAN_S: Final = 600.0
"""HTTP 418: requests went on behind a 429; how long is not said."""
TOO_MANY: Final = frozenset({403, 429})
"""403 is the firewall's answer to too many requests."""
BANNED: Final = 418
REFUSED: Final = 400
SERVER_ERROR: Final = 500
LIMITED: Final = frozenset({100410, 109429})
"""Codes of an answer with HTTP 200: too many requests, restricted for now."""
BUSY: Final = frozenset({80012, 100500, 109500})
"""No service, internal error, no depth at the moment: a later request may get it."""


class Paths(msgspec.Struct, frozen=True, kw_only=True):
    """Where the calls of one market are."""

    instruments: str
    book: str
    trades: str
    funding: str | None = None


class BingxRest:
    """The REST half of a feed of BingX."""

    def __init__(self, facts: Facts, paths: Paths) -> None:
        """Take the market's facts and where its calls are."""
        self.facts = facts
        self._paths = paths

    def book_request(self, native: str, depth: int) -> Request:
        """Return the request for a book, as deep as asked (0: the deepest) and as BingX can."""
        return self._request(self._paths.book, symbol=native, limit=str(self._limit(depth)))

    def read_book(self, body: bytes, native: str, depth: int, received_us: int) -> BookSnapshot:
        """Return the book in the answer; it has no number, only a time."""
        book = read(_BOOK, body).data
        at_ms = book.ts if book.system_ms is None else book.system_ms
        if at_ms is None:
            raise InvalidMessage("a book has a time, as T or ts", field="data.T")
        bid_prices, bid_quantities = columns(best_first(book.bids, bids=True))
        ask_prices, ask_quantities = columns(best_first(book.asks, bids=False))
        return BookSnapshot(
            native=native,
            sequence=at_ms,
            replaces=False,
            limit=self._limit(depth),
            bid_prices=bid_prices,
            bid_quantities=bid_quantities,
            ask_prices=ask_prices,
            ask_quantities=ask_quantities,
            venue_us=at_ms * US_PER_MS,
            received_us=received_us,
            exact=level_texts(body),
        )

    def instruments_request(self, cursor: str | None = None) -> Request:  # noqa: ARG002 - BingX has one page
        """Return the request for the list of instruments."""
        return self._request(self._paths.instruments)

    def read_instruments(self, body: bytes, received_us: int) -> InstrumentPage:
        """Return spot pairs, or swaps that are margined in their quote currency."""
        found: dict[str, Instrument | None]
        if self.facts.market == "spot":
            pairs = read(_PAIRS, body).data.symbols
            found = {one.symbol: listings.of_spot(self.facts, one, received_us) for one in pairs}
        else:
            swaps = [one for one in read(_SWAPS, body).data if listings.settled_in_quote(one)]
            found = {one.symbol: listings.of_swap(self.facts, one, received_us) for one in swaps}
        return InstrumentPage(
            instruments=tuple(one for one in found.values() if one is not None),
            skipped=tuple(name for name, one in found.items() if one is None),
        )

    def trades_request(self, native: str) -> Request:
        """Return the request for the most recent trades."""
        return self._request(self._paths.trades, symbol=native, limit=str(self.facts.trades.recent))

    def read_trades(self, body: bytes, native: str, received_us: int) -> tuple[PublicTrade, ...]:
        """Return the trades of the answer, oldest first; those of swaps get their id as in the stream."""
        trades = read(_TRADES, body).data
        named = self.facts.trades.ids != "none"
        texts: list[Any] = plain(body) if exact.suspicious(body) else [{}] * len(trades)
        found = [
            PublicTrade(
                native=native,
                trade_id=str(_told(trade.id, at, "id")) if named else "",
                price=trade.price,
                quantity=trade.qty,
                side=side(buyer_made=_buyer_made(trade, at)),
                venue_us=trade.time * US_PER_MS,
                received_us=received_us,
                exact=exact.of_fields(price=text.get("price"), quantity=text.get("qty")),
            )
            for at, (trade, text) in enumerate(zip(trades, texts, strict=True))
        ]
        return oldest_first(found) if named else with_ids(oldest_first(found))

    def funding_request(self, native: str) -> Request:
        """Return the request for the current funding of a swap."""
        if self._paths.funding is None:
            raise Misconfigured(f"{self.facts.venue} {self.facts.market} has no funding", fix="ask for futures")
        return self._request(self._paths.funding, symbol=native)

    def read_funding(self, body: bytes, received_us: int) -> FundingUpdate:
        """Return the funding in the answer, which tells no time of its own."""
        told = read(_PREMIUM, body).data
        if isinstance(told, tuple) and len(told) != 1:
            raise InvalidMessage("the funding of one swap was asked for", field="data", value=len(told))
        one = told[0] if isinstance(told, tuple) else told
        texts: Any = plain(body) if exact.suspicious(body) else {}
        texts = texts[0] if isinstance(texts, list) else texts
        hours = one.funding_interval_hours
        return FundingUpdate(
            native=one.symbol,
            whole=True,
            rate=one.last_funding_rate,
            mark_price=one.mark_price,
            index_price=one.index_price,
            next_us=one.next_funding_time * US_PER_MS or None,
            interval_us=hours * US_PER_HOUR if hours else None,
            received_us=received_us,
            exact=exact.of_fields(
                rate=texts.get("lastFundingRate"),
                mark_price=texts.get("markPrice"),
                index_price=texts.get("indexPrice"),
            ),
        )

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> TapelineError | None:  # noqa: ARG002 - the contract's signature
        """Judge an answer by its status and, where that is good, by BingX's own code and words in the body."""
        said = f"HTTP {status} from {self.facts.venue} {self.facts.market}: {body[:200].decode('utf-8', 'replace')}"
        if status in TOO_MANY or status == BANNED:
            return Unavailable(said, retry_after_s=BAN_S if status == BANNED else RESTORED_S)
        if status >= SERVER_ERROR:
            return Unavailable(said)
        if status >= REFUSED:
            return VenueRefused(said)
        outcome = read(_OUTCOME, body)
        if outcome.code in LIMITED:
            return Unavailable(said, retry_after_s=RESTORED_S)
        if outcome.code in BUSY:
            return Unavailable(said)
        return None if failure(outcome.code, outcome.msg) is None else VenueRefused(said)

    def _limit(self, depth: int) -> int:
        depths = self.facts.book.rest_depths
        return next((levels for levels in depths if levels >= depth > 0), depths[-1])

    def _request(self, path: str, **query: str) -> Request:
        return Request(path=path, query=tuple(query.items()), cost=1)


def _buyer_made(trade: wire.RecentTrade, at: int) -> bool:
    """Return who was there first; the name of the field is another one on spot."""
    return _told(trade.buyer_maker if trade.is_buyer_maker is None else trade.is_buyer_maker, at, "isBuyerMaker")


def _told(value: T | None, at: int, name: str) -> T:
    if value is None:
        raise InvalidMessage("a trade has it", field=f"data[{at}].{name}")
    return value


_BOOK: Final = msgspec.json.Decoder(wire.RestBookAnswer, strict=False)
_TRADES: Final = msgspec.json.Decoder(wire.RecentTradesAnswer, strict=False)
_PREMIUM: Final = msgspec.json.Decoder(wire.PremiumAnswer, strict=False)
_PAIRS: Final = msgspec.json.Decoder(wire.SpotListingsAnswer, strict=False)
_SWAPS: Final = msgspec.json.Decoder(wire.SwapListingsAnswer, strict=False)
_OUTCOME: Final = msgspec.json.Decoder(wire.Outcome, strict=False)
