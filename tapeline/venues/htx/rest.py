"""HTX's public REST as pure functions: requests with their cost, answers as values, refusals as errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from tapeline.domain import exact
from tapeline.domain.book import BookSnapshot
from tapeline.domain.events import Instrument, InstrumentStatus
from tapeline.errors import InvalidMessage, Misconfigured, TapelineError, Unavailable, VenueRefused
from tapeline.venues.contract import Facts, FundingUpdate, InstrumentPage, PublicTrade, Request, read
from tapeline.venues.htx import meaning, wire

US_PER_HOUR: Final = 3_600_000_000
PAIR_STATES: Final[Mapping[str, InstrumentStatus]] = {"online": "trading", "offline": "closed"}
SWAP_STATES: Final[Mapping[int, InstrumentStatus]] = {1: "trading", 0: "closed", 8: "closed"}
"""All others (suspend, pre-online .. on spot, 2 to 7 on futures) take no orders now."""
REFUSED: Final = 400
TOO_MANY: Final = 429
SERVER_ERROR: Final = 500
GOOD: Final = 200
LIMITED: Final = frozenset({"rate-too-many-requests", "too-many-request", 1032, TOO_MANY})
BUSY: Final = frozenset({"base-system-error", "gateway-internal-error", "system-maintenance", 1000, 1200})
"""What a later request may not get: maintenance answers so too."""


class HtxRest:
    """The REST half of a feed of HTX."""

    def __init__(self, facts: Facts) -> None:
        """Take the market's facts."""
        self.facts = facts
        spot = facts.market == "spot"
        self._prefix, self._named = ("/market", "symbol") if spot else ("/linear-swap-ex/market", "contract_code")

    def book_request(self, native: str, depth: int) -> Request:
        """Return the request for a book; without a depth it is the deepest."""
        limit = self._limit(depth)
        shallow = {} if limit == self.facts.book.rest_depths[-1] else {"depth": str(limit)}
        return self._request(f"{self._prefix}/depth", **{self._named: native}, type="step0", **shallow)

    def read_book(self, body: bytes, native: str, depth: int, received_us: int) -> BookSnapshot:
        """Return the book in the answer; its numbers are not those of the streams."""
        book = read(_BOOK, body)
        _same(book.channel, native)
        return meaning.whole(native, book.tick, body, received_us, came="asked", limit=self._limit(depth))

    def instruments_request(self, cursor: str | None = None) -> Request:
        """Return the request for the list of instruments, which is one page."""
        del cursor
        if self.facts.market == "spot":
            return self._request("/v1/common/symbols")
        return self._request("/linear-swap-api/v1/swap_contract_info", business_type="swap")

    def read_instruments(self, body: bytes, received_us: int) -> InstrumentPage:
        """Return the spot pairs, or the linear perpetuals."""
        listed: Sequence[tuple[str, Instrument | None]]
        if self.facts.market == "spot":
            listed = [(pair.symbol, self._pair(pair, received_us)) for pair in read(_PAIRS, body).data]
        else:
            swaps = [swap for swap in read(_SWAPS, body).data if swap.contract_type == "swap"]
            listed = [(swap.contract_code, self._swap(swap, received_us)) for swap in swaps]
        return InstrumentPage(
            instruments=tuple(found for _, found in listed if found is not None),
            skipped=tuple(native for native, found in listed if found is None),
        )

    def trades_request(self, native: str) -> Request:
        """Return the request for the most recent trades."""
        size = str(self.facts.trades.recent)
        return self._request(f"{self._prefix}/history/trade", **{self._named: native}, size=size)

    def read_trades(self, body: bytes, native: str, received_us: int) -> tuple[PublicTrade, ...]:
        """Return the trades of the answer, oldest first; HTX sends the newest match first."""
        spot = self.facts.market == "spot"
        answer = read(_SPOT_TRADES, body) if spot else read(_SWAP_TRADES, body)
        _same(answer.channel, native)
        rows = [deal for match in answer.data for deal in match.data]
        texts = None
        if exact.suspicious(body):
            texts = [deal for match in read(_RAW_TRADES, body).data for deal in match.data]
        found = meaning.trades(native, rows, texts, received_us)
        # Ids rise with time, so they order what one match did in one millisecond.
        return tuple(sorted(found, key=lambda trade: (trade.venue_us, trade.sequence or 0)))

    def funding_request(self, native: str) -> Request:
        """Return the request for the current funding rate of a perpetual."""
        if "funding" not in self.facts.channels:
            raise Misconfigured(f"{self.facts.venue} {self.facts.market} has no funding", fix="ask for futures")
        return self._request("/linear-swap-api/v1/swap_funding_rate", contract_code=native)

    def read_funding(self, body: bytes, received_us: int) -> FundingUpdate:
        """Return rate and next settlement; not whole, because the prices beside them come from the streams."""
        answer = read(_RATE, body)
        (found,) = meaning.rates((answer.data,), answer.ts, body, received_us)
        return found

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> TapelineError | None:  # noqa: ARG002 - the contract's signature
        """Judge an answer by its status and, where that is good, by what HTX says in the body."""
        said = f"HTTP {status} from {self.facts.venue} {self.facts.market}: {body[:200].decode('utf-8', 'replace')}"
        if status >= SERVER_ERROR:
            return Unavailable(said)
        if status == TOO_MANY:
            return Unavailable(said, retry_after_s=self.facts.rest.window_s)
        if status >= REFUSED:
            return VenueRefused(said)
        outcome = read(_OUTCOME, body)
        if outcome.status != "error" and outcome.code in {GOOD, None}:
            return None
        codes = {outcome.code, outcome.word, outcome.number}
        if codes & LIMITED:
            return Unavailable(said, retry_after_s=self.facts.rest.window_s)
        return Unavailable(said) if codes & BUSY else VenueRefused(said)

    def _limit(self, depth: int) -> int:
        depths = self.facts.book.rest_depths
        return next((levels for levels in depths if levels >= depth > 0), depths[-1])

    def _request(self, path: str, **query: str) -> Request:
        return Request(path=path, query=tuple(query.items()), cost=1)

    def _pair(self, pair: wire.Pair, received_us: int) -> Instrument | None:
        if pair.price_precision is None or pair.amount_precision is None:
            return None
        status = PAIR_STATES.get(pair.state, "halted")
        found = self._instrument(
            f"{pair.base_currency}/{pair.quote_currency}".upper(),
            pair.symbol,
            "halted" if status == "trading" and pair.api_trading != "enabled" else status,
            tick=Decimal(1).scaleb(-pair.price_precision),
            step=Decimal(1).scaleb(-pair.amount_precision),
            size=Decimal(1),
            received_us=received_us,
        )
        return msgspec.structs.replace(
            found,
            min_quantity=_rule(pair.limit_order_min_order_amt, "limit-order-min-order-amt"),
            max_quantity=_rule(pair.limit_order_max_order_amt, "limit-order-max-order-amt"),
            max_market_quantity=_rule(pair.sell_market_max_order_amt, "sell-market-max-order-amt"),
            min_notional=_rule(pair.min_order_value, "min-order-value"),
        )

    def _swap(self, swap: wire.Swap, received_us: int) -> Instrument | None:
        tick, size = _rule(swap.price_tick, "price_tick"), _rule(swap.contract_size, "contract_size")
        base, _, quote = swap.contract_code.partition("-")
        # A few contracts are named in Chinese, which neither a request's target nor a key here can carry.
        if tick is None or size is None or not base or not quote or not swap.contract_code.isascii():
            return None
        status = SWAP_STATES.get(swap.contract_status, "halted")
        symbol, hours = f"{base}/{quote}", swap.settlement_period
        found = self._instrument(
            symbol, swap.contract_code, status, tick=tick, step=size, size=size, received_us=received_us
        )
        interval_us = hours * US_PER_HOUR if hours else None
        return msgspec.structs.replace(found, min_quantity=size, funding_interval_us=interval_us)

    def _instrument(
        self,
        symbol: str,
        native: str,
        status: InstrumentStatus,
        *,
        tick: Decimal,
        step: Decimal,
        size: Decimal,
        received_us: int,
    ) -> Instrument:
        base, _, quote = symbol.partition("/")
        return Instrument(
            venue=self.facts.venue,
            market=self.facts.market,
            symbol=symbol,
            native=native,
            base=base,
            quote=quote,
            status=status,
            price_tick=tick,
            quantity_step=step,
            contract_size=size,
            maker_fee=Decimal(self.facts.maker_fee),
            taker_fee=Decimal(self.facts.taker_fee),
            received_us=received_us,
            published_us=received_us,
        )


def _rule(number: Decimal | None, name: str) -> Decimal | None:
    """Return a rule's number without the zeros HTX writes behind it, None where it says 0 or nothing."""
    if number is None or number.is_zero():
        return None
    if not number.is_finite() or not _LEAST <= number < _MOST:
        raise InvalidMessage("no such rule", field=name, value=str(number))
    return Decimal(f"{number.normalize():f}")


def _same(channel: str, native: str) -> None:
    if channel.split(".")[1:2] != [native]:
        raise InvalidMessage("the answer is about another instrument", field="ch", value=channel)


_LEAST: Final = Decimal("1e-30")
_MOST: Final = Decimal("1e18")
_BOOK: Final = msgspec.json.Decoder(wire.WholeFrame, strict=False)
_SPOT_TRADES: Final = msgspec.json.Decoder(wire.TradesAnswer[wire.SpotRestDeal], strict=False)
_SWAP_TRADES: Final = msgspec.json.Decoder(wire.TradesAnswer[wire.SwapDeal], strict=False)
_RAW_TRADES: Final = msgspec.json.Decoder(wire.TradesAnswer[wire.RawDeal])
_RATE: Final = msgspec.json.Decoder(wire.RateAnswer, strict=False)
_PAIRS: Final = msgspec.json.Decoder(wire.PairsAnswer)
_SWAPS: Final = msgspec.json.Decoder(wire.SwapsAnswer, strict=False)
_OUTCOME: Final = msgspec.json.Decoder(wire.Outcome)
