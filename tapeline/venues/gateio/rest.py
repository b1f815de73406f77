"""Gate's public REST as pure functions: requests with their cost, answers as values, refusals as errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from tapeline.domain import exact
from tapeline.domain.book import BookSnapshot
from tapeline.domain.events import Instrument
from tapeline.errors import InvalidMessage, Misconfigured, TapelineError, Unavailable, VenueRefused
from tapeline.venues.contract import Facts, FundingUpdate, InstrumentPage, PublicTrade, Request, read
from tapeline.venues.gateio import instruments, trades, wire
from tapeline.venues.gateio.values import PLAIN, US_PER_S, level_texts, micros, number, sides

REFUSED: Final = 400
TOO_MANY: Final = 429
SERVER_ERROR: Final = 500
BUSY: Final = frozenset({"TOO_MANY_REQUESTS", "TOO_FAST", "TOO_BUSY", "INTERNAL", "SERVER_ERROR"})
"""Labels of a refusal that a later request may not get."""
_SHOWN: Final = 200


class GateRest:
    """The REST half of a feed of Gate."""

    def __init__(self, facts: Facts, prefix: str) -> None:
        """Take the market's facts and where its calls are."""
        self.facts = facts
        self._prefix = prefix
        self._spot = facts.market == "spot"
        self._by = "currency_pair" if self._spot else "contract"

    def book_request(self, native: str, depth: int) -> Request:
        """Return the request for a book, with the number that the streams count by."""
        return self._request("order_book", **{self._by: native}, limit=str(self._limit(depth)), with_id="true")

    def read_book(self, body: bytes, native: str, depth: int, received_us: int) -> BookSnapshot:
        """Return the book in the answer, which does not name its instrument."""
        book = read(_BOOK, body)
        bid_prices, bid_quantities = sides(book.bids)
        ask_prices, ask_quantities = sides(book.asks)
        return BookSnapshot(
            native=native,
            sequence=book.last,
            replaces=False,
            limit=self._limit(depth),
            bid_prices=bid_prices,
            bid_quantities=bid_quantities,
            ask_prices=ask_prices,
            ask_quantities=ask_quantities,
            venue_us=None if book.update is None else micros(book.update, "update"),
            received_us=received_us,
            exact=level_texts(body, "bids", "asks"),
        )

    def instruments_request(self, cursor: str | None = None) -> Request:  # noqa: ARG002 - the contract's signature
        """Return the request for all instruments: Gate has one page, and a limit would cut it."""
        return self._request("currency_pairs" if self._spot else "contracts")

    def read_instruments(self, body: bytes, received_us: int) -> InstrumentPage:
        """Return plain spot pairs, or linear perpetuals."""
        found: list[tuple[str, Instrument | None]] = []
        if self._spot:
            pairs = [pair for pair in read(_PAIRS, body) if instruments.is_plain_pair(pair)]
            found += [(pair.id, instruments.of_pair(pair, self.facts, received_us)) for pair in pairs]
        else:
            perpetuals = [one for one in read(_CONTRACTS, body) if instruments.is_linear_perpetual(one)]
            found += [(one.name, instruments.of_contract(one, self.facts, received_us)) for one in perpetuals]
        return InstrumentPage(
            instruments=tuple(one for _, one in found if one is not None),
            skipped=tuple(name for name, one in found if one is None),
        )

    def trades_request(self, native: str) -> Request:
        """Return the request for the most recent trades, with the same ids as the stream's."""
        return self._request("trades", **{self._by: native}, limit=str(self.facts.trades.recent))

    def read_trades(self, body: bytes, native: str, received_us: int) -> tuple[PublicTrade, ...]:
        """Return the trades of the answer, oldest first."""
        found = self._spot_trades(body, received_us) if self._spot else self._futures_trades(body, received_us)
        foreign = next((one.native for one in found if one.native != native), None)
        if foreign is not None:
            raise InvalidMessage("the trades are of another instrument", field=f"[0].{self._by}", value=foreign)
        return tuple(sorted(found, key=lambda trade: (trade.venue_us, int(trade.trade_id))))

    def funding_request(self, native: str) -> Request:
        """Return the request for the current funding of a perpetual: its ticker over REST says no times, this does."""
        if "funding" not in self.facts.channels:
            raise Misconfigured(f"{self.facts.venue} {self.facts.market} has no funding", fix="ask for futures")
        return self._request(f"contracts/{native}")

    def read_funding(self, body: bytes, received_us: int) -> FundingUpdate:
        """Return the funding in the answer, which says no time of its own."""
        told = read(_CONTRACT, body)
        return msgspec.structs.replace(funding(told, told.name, None, received_us, inside=""), whole=True)

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> TapelineError | None:  # noqa: ARG002 - the contract's signature
        """Judge an answer by its status and by the label in its body, which only errors have."""
        label = _label(body)
        if status < REFUSED and not label:
            return None
        shown = body[:_SHOWN].decode("utf-8", "replace")
        said = f"HTTP {status} from {self.facts.venue} {self.facts.market}: {shown}"
        if status == TOO_MANY or label in BUSY:
            return Unavailable(said, retry_after_s=self.facts.rest.window_s)
        return Unavailable(said) if status >= SERVER_ERROR else VenueRefused(said)

    def _spot_trades(self, body: bytes, received_us: int) -> tuple[PublicTrade, ...]:
        deals = read(_SPOT_TRADES, body)
        texts = read(PLAIN, body) if exact.suspicious(body) else [None] * len(deals)
        return tuple(
            trades.spot(deal, told, received_us, inside=f"[{at}].")
            for at, (deal, told) in enumerate(zip(deals, texts, strict=True))
        )

    def _futures_trades(self, body: bytes, received_us: int) -> tuple[PublicTrade, ...]:
        deals = read(_FUTURES_TRADES, body)
        texts = read(PLAIN, body) if exact.suspicious(body) else None
        return trades.futures(deals, texts, received_us, inside="")

    def _limit(self, depth: int) -> int:
        deepest = self.facts.book.rest_depths[-1]
        return min(depth, deepest) or deepest

    def _request(self, call: str, **query: str) -> Request:
        return Request(path=f"{self._prefix}/{call}", query=tuple(query.items()), cost=1)


def funding(
    told: wire.Ticker | wire.Contract, native: str, venue_us: int | None, received_us: int, *, inside: str
) -> FundingUpdate:
    """Return what a ticker or a contract says about funding; `whole` where it says all of it."""
    next_us = micros(told.funding_next_apply, f"{inside}funding_next_apply") if told.funding_next_apply else None
    interval_us = told.funding_interval * US_PER_S if told.funding_interval else None
    rate = number(told.funding_rate, f"{inside}funding_rate")
    mark_price = number(told.mark_price, f"{inside}mark_price")
    index_price = number(told.index_price, f"{inside}index_price")
    return FundingUpdate(
        native=native,
        whole=None not in (rate, mark_price, index_price, next_us, interval_us),
        rate=rate,
        mark_price=mark_price,
        index_price=index_price,
        next_us=next_us,
        interval_us=interval_us,
        venue_us=venue_us,
        received_us=received_us,
        exact=exact.of_fields(rate=told.funding_rate, mark_price=told.mark_price, index_price=told.index_price),
    )


def _label(body: bytes) -> str:
    """Return the label of an error; no good answer is an object with one."""
    if b'"label"' not in body[:_SHOWN]:
        return ""
    try:
        return read(_REFUSAL, body).label
    except InvalidMessage:
        return ""


_BOOK: Final = msgspec.json.Decoder(wire.BookAnswer, strict=False)
_SPOT_TRADES: Final = msgspec.json.Decoder(tuple[wire.SpotTrade, ...], strict=False)
_FUTURES_TRADES: Final = msgspec.json.Decoder(tuple[wire.FuturesTrade, ...], strict=False)
_PAIRS: Final = msgspec.json.Decoder(tuple[wire.Pair, ...], strict=False)
_CONTRACTS: Final = msgspec.json.Decoder(tuple[wire.Contract, ...], strict=False)
_CONTRACT: Final = msgspec.json.Decoder(wire.Contract, strict=False)
_REFUSAL: Final = msgspec.json.Decoder(wire.Refusal)
