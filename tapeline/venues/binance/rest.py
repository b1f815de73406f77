"""Binance's public REST as pure functions: requests with their cost, answers as values, refusals as errors."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from tapeline.domain import exact
from tapeline.domain.book import BookSnapshot
from tapeline.domain.events import Instrument, InstrumentStatus
from tapeline.errors import Misconfigured, TapelineError, Unavailable, VenueRefused
from tapeline.venues.binance import wire
from tapeline.venues.contract import Facts, FundingUpdate, InstrumentPage, PublicTrade, Request, columns, read

US_PER_MS: Final = 1_000
STATUSES: Final[Mapping[str, InstrumentStatus]] = {"TRADING": "trading", "SETTLING": "reducing", "CLOSE": "closed"}
"""All others (HALT, BREAK, END_OF_DAY, CANCEL_ONLY, PENDING_TRADING ..) take no orders now."""
BAN_S: Final = 120.0
"""The shortest ban that a 418 without Retry-After can mean."""
TOO_MANY: Final = 429
BANNED: Final = 418
SERVER_ERROR: Final = 500
REFUSED: Final = 400


class Paths(msgspec.Struct, frozen=True, kw_only=True):
    """Where the calls of one market are and what they cost."""

    prefix: str
    trades: str
    trades_cost: int
    instruments_cost: int
    book_costs: tuple[tuple[int, int], ...]
    """(levels, cost), least first: a request costs what stands at the first depth that holds it."""


class BinanceRest:
    """The REST half of a feed of Binance."""

    def __init__(self, facts: Facts, paths: Paths) -> None:
        """Take the market's facts and where its calls are."""
        self.facts = facts
        self._paths = paths

    def book_request(self, native: str, depth: int) -> Request:
        """Return the request for a book, as deep as asked (0: the deepest) and as Binance can."""
        limit = self._limit(depth)
        cost = next(cost for levels, cost in self._paths.book_costs if limit <= levels)
        return self._request("depth", cost, symbol=native, limit=str(limit))

    def read_book(self, body: bytes, native: str, depth: int, received_us: int) -> BookSnapshot:
        """Return the book in the answer to `book_request` with the same arguments."""
        book = read(_BOOK, body)
        bid_prices, bid_quantities = columns(book.bids)
        ask_prices, ask_quantities = columns(book.asks)
        at_ms = book.event_ms if book.transaction_ms is None else book.transaction_ms
        return BookSnapshot(
            native=native,
            sequence=book.last,
            replaces=False,
            limit=self._limit(depth),
            bid_prices=bid_prices,
            bid_quantities=bid_quantities,
            ask_prices=ask_prices,
            ask_quantities=ask_quantities,
            venue_us=None if at_ms is None else at_ms * US_PER_MS,
            received_us=received_us,
            exact=level_texts(body, "bids", "asks") if exact.suspicious(body) else None,
        )

    def instruments_request(self, cursor: str | None = None) -> Request:  # noqa: ARG002 - the contract's signature
        """Return the request for all instruments: Binance has one page."""
        return self._request("exchangeInfo", self._paths.instruments_cost)

    def read_instruments(self, body: bytes, received_us: int) -> InstrumentPage:
        """Return spot pairs, or perpetuals that are margined in their quote currency."""
        instruments: list[Instrument] = []
        skipped: list[str] = []
        for listing in read(_EXCHANGE_INFO, body).symbols:
            if self.facts.market == "futures" and not _linear_perpetual(listing):
                continue
            found = self._instrument(listing, received_us)
            if found is None:
                skipped.append(listing.symbol)
            else:
                instruments.append(found)
        return InstrumentPage(instruments=tuple(instruments), skipped=tuple(skipped))

    def trades_request(self, native: str) -> Request:
        """Return the request for the most recent trades, with the same ids as the stream's."""
        return self._request(
            self._paths.trades, self._paths.trades_cost, symbol=native, limit=str(self.facts.trades.recent)
        )

    def read_trades(self, body: bytes, native: str, received_us: int) -> tuple[PublicTrade, ...]:
        """Return the trades of the answer, oldest first."""
        aggregated = self._paths.trades == "aggTrades"
        trades: list[wire.RecentAggregate | wire.RecentTrade] = []
        if aggregated:
            aggregates = read(_AGGREGATES, body)
            trades += aggregates
        else:
            single = read(_TRADES, body)
            trades += single
        texts = read(_PLAIN, body) if exact.suspicious(body) else [{}] * len(trades)
        price, quantity = ("p", "q") if aggregated else ("price", "qty")
        found = [
            PublicTrade(
                native=native,
                trade_id=str(trade.trade_id),
                sequence=trade.trade_id,
                price=trade.price,
                quantity=trade.quantity,
                side="sell" if trade.buyer_made else "buy",
                venue_us=trade.trade_ms * US_PER_MS,
                received_us=received_us,
                exact=exact.of_fields(price=text.get(price), quantity=text.get(quantity)),
            )
            for trade, text in zip(trades, texts, strict=True)
        ]
        return tuple(sorted(found, key=lambda trade: trade.sequence or 0))

    def funding_request(self, native: str) -> Request:
        """Return the request for the current funding of a perpetual."""
        if "funding" not in self.facts.channels:
            raise Misconfigured(f"{self.facts.venue} {self.facts.market} has no funding", fix="ask for futures")
        return self._request("premiumIndex", 1, symbol=native)

    def read_funding(self, body: bytes, received_us: int) -> FundingUpdate:
        """Return the funding in the answer."""
        index = read(_PREMIUM_INDEX, body)
        return FundingUpdate(
            native=index.symbol,
            whole=True,
            rate=index.last_funding_rate,
            mark_price=index.mark_price,
            index_price=index.index_price,
            next_us=index.next_funding_time * US_PER_MS,
            venue_us=index.time * US_PER_MS,
            received_us=received_us,
            exact=field_texts(body, rate="lastFundingRate", mark_price="markPrice", index_price="indexPrice"),
        )

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> TapelineError | None:
        """Judge an answer by its status; a refusal carries Binance's own code and words."""
        if status < REFUSED:
            return None
        said = f"HTTP {status} from {self.facts.venue} {self.facts.market}: {body[:200].decode('utf-8', 'replace')}"
        if status in {TOO_MANY, BANNED}:
            named = {name.lower(): value for name, value in headers.items()}.get("retry-after", "")
            fallback = BAN_S if status == BANNED else self.facts.rest.window_s
            return Unavailable(said, retry_after_s=float(named) if named.isdigit() else fallback)
        return Unavailable(said) if status >= SERVER_ERROR else VenueRefused(said)

    def _limit(self, depth: int) -> int:
        depths = self.facts.book.rest_depths
        return next((levels for levels in depths if levels >= depth > 0), depths[-1])

    def _request(self, call: str, cost: int, **query: str) -> Request:
        return Request(path=f"{self._paths.prefix}/{call}", query=tuple(query.items()), cost=cost)

    def _instrument(self, listing: wire.Listing, received_us: int) -> Instrument | None:
        filters = {one.filter_type: one for one in listing.filters}
        price, lot = filters.get("PRICE_FILTER"), filters.get("LOT_SIZE")
        if price is None or lot is None or not price.tick_size or not lot.step_size:
            return None
        market = filters.get("MARKET_LOT_SIZE")
        notional = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL")
        trading = listing.status if listing.is_spot_trading_allowed else "HALT"
        return Instrument(
            venue=self.facts.venue,
            market=self.facts.market,
            symbol=f"{listing.base_asset}/{listing.quote_asset}",
            native=listing.symbol,
            base=listing.base_asset,
            quote=listing.quote_asset,
            status=STATUSES.get(trading, "halted"),
            price_tick=price.tick_size,
            quantity_step=lot.step_size,
            contract_size=Decimal(1),
            min_quantity=lot.min_qty or None,
            max_quantity=lot.max_qty or None,
            max_market_quantity=(market.max_qty if market else None) or None,
            min_notional=((notional.min_notional or notional.notional) if notional else None) or None,
            maker_fee=Decimal(self.facts.maker_fee),
            taker_fee=Decimal(self.facts.taker_fee),
            received_us=received_us,
            published_us=received_us,
        )


def level_texts(frame: bytes, bids: str, asks: str) -> exact.Exact | None:
    """Return the texts to keep of a frame's levels, wherever its envelope holds them."""
    plain = read(_PLAIN, frame)
    inner = plain.get("data")
    data = inner if isinstance(inner, dict) and bids in inner else plain
    return exact.of_levels(data[bids], data[asks])


def field_texts(data: bytes, **names: str) -> exact.Exact | None:
    """Return the texts to keep of single fields; `names` are the venue's names by ours."""
    if not exact.suspicious(data):
        return None
    plain = read(_PLAIN, data)
    return exact.of_fields(**{ours: plain.get(theirs) for ours, theirs in names.items()})


def _linear_perpetual(listing: wire.Listing) -> bool:
    return listing.contract_type == "PERPETUAL" and listing.margin_asset == listing.quote_asset


_PLAIN: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder()
_BOOK: Final = msgspec.json.Decoder(wire.BookAnswer, strict=False)
_TRADES: Final = msgspec.json.Decoder(tuple[wire.RecentTrade, ...], strict=False)
_AGGREGATES: Final = msgspec.json.Decoder(tuple[wire.RecentAggregate, ...], strict=False)
_PREMIUM_INDEX: Final = msgspec.json.Decoder(wire.PremiumIndex, strict=False)
_EXCHANGE_INFO: Final = msgspec.json.Decoder(wire.ExchangeInfo)
