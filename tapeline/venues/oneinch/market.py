"""Quotes of 1inch as whole books, and its tokens as the pairs that we know; all of it is asked for, nothing comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, NoReturn

import msgspec
from msgspec import Meta

from tapeline.domain import exact
from tapeline.domain.book import BookSnapshot
from tapeline.domain.levels import Column
from tapeline.errors import InvalidMessage, Misconfigured, TapelineError, Unavailable, VenueRefused
from tapeline.venues import tokens
from tapeline.venues.contract import (
    Ask,
    Event,
    Facts,
    FundingUpdate,
    InstrumentPage,
    PublicTrade,
    Request,
    Want,
    read,
)
from tapeline.venues.oneinch.ladder import Level, Quote, Side, levels
from tapeline.venues.oneinch.pairs import PAIRS, SIZES, SYMBOLS, Pair
from tapeline.venues.tokens import CHAIN, Token

PATH: Final = f"/swap/v6.1/{CHAIN}"
NO_ROUTE: Final = "insufficient liquidity"
REFUSED: Final = 400
TOO_MANY: Final = 429
SERVER_ERROR: Final = 500
AWAY: Final = 503
AWAY_S: Final = 60.0
"""How long nothing is asked after a 503, which may be a ban."""
_SHOWN: Final = 200


class Told(msgspec.Struct, frozen=True, rename="camel"):
    """The answer to one quote; without an amount it is a refusal."""

    dst_amount: Annotated[str, Meta(pattern="^[0-9]{1,40}$")] | None = None
    description: str | None = None


class Listed(msgspec.Struct, frozen=True):
    """A token as the venue lists it; one of thousands that says too little is none of ours."""

    address: str = ""
    decimals: int | None = None


class Listing(msgspec.Struct, frozen=True):
    """The tokens that can be quoted, by address."""

    tokens: Mapping[str, Listed]


class OneInchFeed:
    """The quotes of one chain."""

    def __init__(self, facts: Facts) -> None:
        """Take the facts."""
        self.facts = facts

    def native(self, symbol: str) -> str:
        """Return the tokens of a symbol; a pair that we do not know is its own name, which no list has."""
        pair = SYMBOLS.get(symbol.upper())
        return symbol.upper() if pair is None else pair.native

    def subscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:  # noqa: ARG002 - the contract's
        """Return nothing: there is no stream."""
        return ()

    def unsubscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:  # noqa: ARG002 - the contract's
        """Return nothing, as `subscribe` does."""
        return ()

    def ping(self, request_id: int) -> bytes | None:  # noqa: ARG002 - the contract's signature
        """Return none: there is no socket."""
        return None

    def decode(self, frame: bytes, received_us: int) -> tuple[Event, ...]:  # noqa: ARG002 - the contract's signature
        """Refuse: there is no socket that could bring a frame."""
        raise InvalidMessage(f"{self.facts.venue} has no stream that could say {frame[:_SHOWN]!r}")

    def book_request(self, native: str, depth: int) -> Request:  # noqa: ARG002 - as deep as there are sizes
        """Return the requests for all quotes of a pair, in which both sides take turns from the least size on."""
        pair = self._pair(native)
        asked = [
            self._quote(src, dst, amount)
            for sell, spend in zip(pair.sells, pair.spends, strict=True)
            for src, dst, amount in ((pair.base, pair.quote, sell), (pair.quote, pair.base, spend))
        ]
        return msgspec.structs.replace(asked[0], more=tuple(asked[1:]))

    # The depth is that of the sizes.
    def read_book(self, body: bytes, native: str, depth: int, received_us: int) -> BookSnapshot:  # noqa: ARG002 - above
        """Return the ladder of these quotes; it is as new as its last one."""
        pair = self._pair(native)
        told = read(_ANSWERS, body)
        if len(told) != 2 * SIZES:
            raise InvalidMessage(f"{2 * SIZES} quotes were expected", value=len(told))
        bids = levels("bid", pair, _quotes("bid", pair, told))
        asks = levels("ask", pair, _quotes("ask", pair, told))
        (bid_prices, bid_quantities), (ask_prices, ask_quantities) = _columns(bids), _columns(asks)
        return BookSnapshot(
            native=native,
            sequence=received_us,
            replaces=False,
            routine=True,
            bid_prices=bid_prices,
            bid_quantities=bid_quantities,
            ask_prices=ask_prices,
            ask_quantities=ask_quantities,
            received_us=received_us,
            exact=exact.of_levels(_texts(bids), _texts(asks)),
        )

    def instruments_request(self, cursor: str | None = None) -> Request:  # noqa: ARG002 - the contract's signature
        """Return the request for all tokens."""
        return Request(path=f"{PATH}/tokens", cost=1)

    def read_instruments(self, body: bytes, received_us: int) -> InstrumentPage:
        """Return the pairs whose tokens are listed as we have them; the others are skipped."""
        listed = {one.address.lower(): one.decimals for one in read(_LISTING, body).tokens.values()}
        good = [
            pair
            for pair in PAIRS.values()
            if all(listed.get(token.address) == token.decimals for token in (pair.base, pair.quote))
        ]
        return InstrumentPage(
            instruments=tuple(tokens.pair(self.facts, one.native, one.base, one.quote, received_us) for one in good),
            skipped=tuple(one.native for one in PAIRS.values() if one not in good),
        )

    def trades_request(self, native: str) -> Request:
        """Refuse: what was traded only the chain tells."""
        self._none("trades", native)

    def read_trades(self, body: bytes, native: str, received_us: int) -> tuple[PublicTrade, ...]:
        """Refuse, as `trades_request` does."""
        self._none("trades", body, native, received_us)

    def funding_request(self, native: str) -> Request:
        """Refuse: quotes are for spot."""
        self._none("funding", native)

    def read_funding(self, body: bytes, received_us: int) -> FundingUpdate:
        """Refuse, as `funding_request` does."""
        self._none("funding", body, received_us)

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> TapelineError | None:
        """Judge an answer by its status; a size that no route can take is an answer."""
        if status < REFUSED or (status == REFUSED and _has_no_route(body)):
            return None
        said = f"HTTP {status} from {self.facts.venue} {self.facts.market}: {body[:_SHOWN].decode('utf-8', 'replace')}"
        named = {name.lower(): value for name, value in headers.items()}.get("retry-after", "")
        asked_s = float(named) if named.isascii() and named.isdigit() else None
        if status in {TOO_MANY, AWAY}:
            return Unavailable(said, retry_after_s=asked_s or (AWAY_S if status == AWAY else self.facts.rest.window_s))
        return Unavailable(said, retry_after_s=asked_s) if status >= SERVER_ERROR else VenueRefused(said)

    def _quote(self, src: Token, dst: Token, amount: int) -> Request:
        query = (("src", src.address), ("dst", dst.address), ("amount", str(amount)))
        return Request(path=f"{PATH}/quote", query=query, cost=1)

    def _pair(self, native: str) -> Pair:
        pair = PAIRS.get(native)
        if pair is None:
            known = ", ".join(SYMBOLS)
            raise Misconfigured(f"{self.facts.venue} has no pair {native} that we know", fix=f"known are {known}")
        return pair

    def _none(self, what: str, *_unused: object) -> NoReturn:
        message = f"{self.facts.venue} {self.facts.market} has no {what}"
        raise Misconfigured(message, fix="ask for futures" if what == "funding" else "ask for its books alone")


def _quotes(side: Side, pair: Pair, told: Sequence[Told]) -> list[Quote]:
    """Return the quotes of one side, without the sizes that no route can take."""
    begin, sizes = (0, pair.sells) if side == "bid" else (1, pair.spends)
    found: list[Quote] = []
    for number, given in enumerate(sizes):
        at = 2 * number + begin
        if told[at].dst_amount is not None:
            found.append(Quote(given, int(told[at].dst_amount or "")))
        elif (told[at].description or "").lower() != NO_ROUTE:
            raise InvalidMessage("a quote without an amount", field=f"[{at}].dstAmount")
    return found


def _columns(found: tuple[Level, ...]) -> tuple[Column, Column]:
    return tuple(one.price for one in found), tuple(float(one.quantity) for one in found)


def _texts(found: tuple[Level, ...]) -> list[tuple[None, str]]:
    """Return the quantities as texts; a price is a quotient, and its double the nearest there is."""
    return [(None, f"{one.quantity:f}") for one in found]


def _has_no_route(body: bytes) -> bool:
    try:
        told = _ANSWER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return told.dst_amount is None and (told.description or "").lower() == NO_ROUTE


_ANSWER: Final = msgspec.json.Decoder(Told)
_ANSWERS: Final = msgspec.json.Decoder(tuple[Told, ...])
_LISTING: Final = msgspec.json.Decoder(Listing)
