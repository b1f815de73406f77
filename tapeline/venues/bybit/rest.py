"""Bybit's public REST as pure functions: requests with their cost, answers as values, refusals as errors."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from tapeline.domain import exact
from tapeline.domain.book import BookSnapshot
from tapeline.domain.events import Instrument, InstrumentStatus, Side
from tapeline.errors import InvalidMessage, Misconfigured, TapelineError, Unavailable, VenueRefused
from tapeline.venues.bybit import wire
from tapeline.venues.contract import (
    Facts,
    FundingUpdate,
    InstrumentPage,
    Milliseconds,
    Number,
    PublicTrade,
    Request,
    T,
    columns,
    read,
)

US_PER_MS: Final = 1_000
US_PER_MINUTE: Final = 60_000_000
SIDES: Final[Mapping[str, Side]] = {"Buy": "buy", "Sell": "sell"}
STATUSES: Final[Mapping[str, InstrumentStatus]] = {"Trading": "trading", "Delivering": "reducing", "Closed": "closed"}
"""All others (PreLaunch ..) take no orders now."""
PAGE: Final = "1000"
IP_BAN_S: Final = 600.0
"""HTTP 403 means that the address is cut off for ten minutes at least."""
FORBIDDEN: Final = 403
REFUSED: Final = 400
SERVER_ERROR: Final = 500
BUSY: Final = frozenset({10000, 10006, 10016, 10018, 429})
"""Codes of an answer that a later request may not get: timeout, limits, server error."""


class BybitRest:
    """The REST half of a feed of Bybit."""

    def __init__(self, facts: Facts, category: str) -> None:
        """Take the market's facts and Bybit's name for it."""
        self.facts = facts
        self._category = category

    def book_request(self, native: str, depth: int) -> Request:
        """Return the request for a book; any number of levels up to the deepest may be asked for."""
        return self._request("orderbook", symbol=native, limit=str(self._limit(depth)))

    def read_book(self, body: bytes, native: str, depth: int, received_us: int) -> BookSnapshot:
        """Return the book in the answer; its numbers are those of the 1000-level stream alone."""
        book = read(_BOOK, body).result
        if book.native != native:
            raise InvalidMessage("the book is of another instrument", field="result.s", value=book.native)
        bid_prices, bid_quantities = columns(book.bids)
        ask_prices, ask_quantities = columns(book.asks)
        return BookSnapshot(
            native=native,
            sequence=book.update,
            replaces=False,
            limit=self._limit(depth),
            bid_prices=bid_prices,
            bid_quantities=bid_quantities,
            ask_prices=ask_prices,
            ask_quantities=ask_quantities,
            venue_us=(book.system_ms if book.engine_ms is None else book.engine_ms) * US_PER_MS,
            received_us=received_us,
            exact=level_texts(body, "result") if exact.suspicious(body) else None,
        )

    def instruments_request(self, cursor: str | None = None) -> Request:
        """Return the request for a page of instruments; spot has one page and takes no limit."""
        if self.facts.market == "spot":
            return self._request("instruments-info")
        more = {"cursor": cursor} if cursor else {}
        return self._request("instruments-info", limit=PAGE, **more)

    def read_instruments(self, body: bytes, received_us: int) -> InstrumentPage:
        """Return the page's spot pairs, or its linear perpetuals."""
        page = read(_LISTINGS, body).result
        instruments: list[Instrument] = []
        skipped: list[str] = []
        for listing in page.instruments:
            if self.facts.market == "futures" and listing.contract_type != "LinearPerpetual":
                continue
            found = self._instrument(listing, received_us)
            if found is None:
                skipped.append(listing.symbol)
            else:
                instruments.append(found)
        return InstrumentPage(
            instruments=tuple(instruments), cursor=page.next_page_cursor or None, skipped=tuple(skipped)
        )

    def trades_request(self, native: str) -> Request:
        """Return the request for the most recent trades."""
        return self._request("recent-trade", symbol=native, limit=str(self.facts.trades.recent))

    def read_trades(self, body: bytes, native: str, received_us: int) -> tuple[PublicTrade, ...]:
        """Return the trades of the answer, oldest first; Bybit sends the newest first."""
        trades = read(_TRADES, body).result.trades
        texts: list[Any] = read(_PLAIN, body)["result"]["list"] if exact.suspicious(body) else [{}] * len(trades)
        found = [
            PublicTrade(
                native=native,
                trade_id=trade.exec_id,
                sequence=trade.seq,
                price=trade.price,
                quantity=trade.size,
                side=side(trade.side, "side"),
                venue_us=trade.time * US_PER_MS,
                received_us=received_us,
                exact=exact.of_fields(price=text.get("price"), quantity=text.get("size")),
            )
            for trade, text in zip(trades, texts, strict=True)
        ]
        # Turned first, so that trades of one millisecond stay in their order.
        found.reverse()
        return tuple(sorted(found, key=lambda trade: trade.venue_us))

    def funding_request(self, native: str) -> Request:
        """Return the request for the current funding of a perpetual."""
        if "funding" not in self.facts.channels:
            raise Misconfigured(f"{self.facts.venue} {self.facts.market} has no funding", fix="ask for futures")
        return self._request("tickers", symbol=native)

    def read_funding(self, body: bytes, received_us: int) -> FundingUpdate:
        """Return the funding in the answer."""
        answer = read(_TICKERS, body)
        if len(answer.result.tickers) != 1:
            raise InvalidMessage("one ticker was asked for", field="result.list", value=len(answer.result.tickers))
        return funding(answer.result.tickers[0], answer.time * US_PER_MS, received_us, whole=True)

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> TapelineError | None:  # noqa: ARG002 - the contract's signature
        """Judge an answer by its status and, where that is good, by Bybit's own code in the body."""
        said = f"HTTP {status} from {self.facts.venue} {self.facts.market}: {body[:200].decode('utf-8', 'replace')}"
        if status == FORBIDDEN:
            return Unavailable(said, retry_after_s=IP_BAN_S)
        if status >= SERVER_ERROR:
            return Unavailable(said)
        code = status if status >= REFUSED else read(_OUTCOME, body).code
        if code in BUSY:
            return Unavailable(said, retry_after_s=self.facts.rest.window_s)
        return VenueRefused(said) if code else None

    def _limit(self, depth: int) -> int:
        deepest = self.facts.book.rest_depths[-1]
        return min(depth, deepest) or deepest

    def _request(self, call: str, **query: str) -> Request:
        return Request(path=f"/v5/market/{call}", query=(("category", self._category), *query.items()), cost=1)

    def _instrument(self, listing: wire.Listing, received_us: int) -> Instrument | None:
        lot = listing.lot_size_filter
        step = _decimal(lot.qty_step or lot.base_precision)
        tick = _decimal(listing.price_filter.tick_size)
        if not step or not tick:
            return None
        leverage = listing.leverage_filter
        minutes = listing.funding_interval
        futures = self.facts.market == "futures"
        return Instrument(
            venue=self.facts.venue,
            market=self.facts.market,
            symbol=f"{listing.base_coin}/{listing.quote_coin}",
            native=listing.symbol,
            base=listing.base_coin,
            quote=listing.quote_coin,
            status=STATUSES.get(listing.status, "halted"),
            price_tick=tick,
            quantity_step=step,
            contract_size=Decimal(1),
            # Deprecated on spot, where the least value of an order is the rule.
            min_quantity=_decimal(lot.min_order_qty) if futures else None,
            max_quantity=_decimal(lot.max_limit_order_qty or lot.max_order_qty),
            max_market_quantity=_decimal(lot.max_market_order_qty or lot.max_mkt_order_qty),
            min_notional=_decimal(lot.min_order_amt or lot.min_notional_value),
            max_leverage=_decimal(leverage.max_leverage) if futures and leverage is not None else None,
            maker_fee=Decimal(self.facts.maker_fee),
            taker_fee=Decimal(self.facts.taker_fee),
            funding_interval_us=minutes * US_PER_MINUTE if futures and minutes else None,
            received_us=received_us,
            published_us=received_us,
        )


def side(taker: str, name: str) -> Side:
    """Return the taker's side in our word."""
    found = SIDES.get(taker)
    if found is None:
        raise InvalidMessage("a trade's side is Buy or Sell", field=name, value=taker)
    return found


def funding(ticker: wire.TickerData, venue_us: int, received_us: int, *, whole: bool) -> FundingUpdate:
    """Return what a ticker says about funding; Bybit writes "" for none."""
    next_ms = None
    if ticker.next_funding_time:
        next_ms = _text(_TIME, ticker.next_funding_time, "nextFundingTime")
    return FundingUpdate(
        native=ticker.symbol,
        whole=whole,
        rate=_number(ticker.funding_rate, "fundingRate"),
        mark_price=_number(ticker.mark_price, "markPrice"),
        index_price=_number(ticker.index_price, "indexPrice"),
        next_us=None if next_ms is None else next_ms * US_PER_MS,
        venue_us=venue_us,
        received_us=received_us,
        exact=exact.of_fields(rate=ticker.funding_rate, mark_price=ticker.mark_price, index_price=ticker.index_price),
    )


def level_texts(frame: bytes, holder: str) -> exact.Exact | None:
    """Return the texts to keep of the levels that stand under `holder`."""
    data = read(_PLAIN, frame)[holder]
    return exact.of_levels(data["b"], data["a"])


def _decimal(text: str | None) -> Decimal | None:
    """Return a rule's number, None where there is no such rule: Bybit writes "" or 0."""
    try:
        return Decimal(text or 0) or None
    except InvalidOperation as error:
        raise InvalidMessage("no such number", field="lotSizeFilter", value=text) from error


def _number(text: str | None, name: str) -> float | None:
    return _text(_NUMBER, text, name) if text else None


def _text(decoder: msgspec.json.Decoder[T], text: str, name: str) -> T:
    try:
        return decoder.decode(text)
    except msgspec.DecodeError as error:
        raise InvalidMessage("no such number", field=name, value=text) from error


_PLAIN: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder()
_TIME: Final = msgspec.json.Decoder(Milliseconds)
_NUMBER: Final = msgspec.json.Decoder(Number)
_BOOK: Final = msgspec.json.Decoder(wire.BookAnswer, strict=False)
_TRADES: Final = msgspec.json.Decoder(wire.RecentTradesAnswer, strict=False)
_TICKERS: Final = msgspec.json.Decoder(wire.TickersAnswer, strict=False)
_LISTINGS: Final = msgspec.json.Decoder(wire.ListingsAnswer)
_OUTCOME: Final = msgspec.json.Decoder(wire.Outcome)
