"""What is asked of a node over HTTP as pure functions: whether the pools are on its chain as we have them, refusals.

Books and trades come over the socket alone: what a block holds is told by answers that lead to the next question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NoReturn

import msgspec

from tapeline.domain.book import BookSnapshot
from tapeline.errors import InvalidMessage, Misconfigured, TapelineError, Unavailable, VenueRefused
from tapeline.venues.contract import Facts, FundingUpdate, InstrumentPage, PublicTrade, Request, read
from tapeline.venues.tokens import CHAIN, Token, pair
from tapeline.venues.uniswap import wire
from tapeline.venues.uniswap.pools import POOLS, SYMBOLS, Pool

TOO_MANY: Final = 429
REFUSED: Final = 400
SERVER_ERROR: Final = 500
BUSY: Final = frozenset({-32005, -32603, 429})
"""Codes of an answer that a later request may not get: a limit of the node, an error of its own."""
DECIMALS: Final = "313ce567"
_SELECTORS: Final = {"token0": "0dfe1681", "token1": "d21220a7", "fee": "ddca3f43", "spacing": "d0c93a7c"}


class UniswapRest:
    """The HTTP half of the feed."""

    def __init__(self, facts: Facts) -> None:
        """Take the facts."""
        self.facts = facts

    def native(self, symbol: str) -> str:
        """Return the address of a symbol's pool; a pair without one is its own name, which no list has."""
        pool = SYMBOLS.get(symbol.upper())
        return symbol.upper() if pool is None else pool.address

    def instruments_request(self, cursor: str | None = None) -> Request:  # noqa: ARG002 - the contract's signature
        """Return the request for all that we believe of the pools, in one batch at the newest block."""
        calls = [wire.request("chain", "eth_chainId")]
        for pool in POOLS.values():
            calls += [_call(f"{pool.address} {name}", pool.address, data) for name, data in _SELECTORS.items()]
        calls += [_call(f"{token.address} decimals", token.address, DECIMALS) for token in _tokens()]
        return Request(path="", body=wire.encoded(calls), cost=len(calls))

    def read_instruments(self, body: bytes, received_us: int) -> InstrumentPage:
        """Return the pools that are on the chain as we have them; the others are skipped."""
        answers = {one.id: one for one in read(_BATCH, body)}
        chain = answers.get("chain")
        if chain is None or chain.error is not None:
            raise InvalidMessage("the node does not say its chain", field="chain")
        if wire.number(read(_QUANTITY, bytes(chain.result)), "chain") != CHAIN:
            raise InvalidMessage(f"the node is of another chain than {CHAIN}", field="chain", value=bytes(chain.result))
        found = {name: _word(answer) for name, answer in answers.items() if isinstance(name, str) and name != "chain"}
        good = [pool for pool in POOLS.values() if all(found.get(name) == value for name, value in _beliefs(pool))]
        return InstrumentPage(
            instruments=tuple(pair(self.facts, one.address, one.base, one.quote, received_us) for one in good),
            skipped=tuple(pool.address for pool in POOLS.values() if pool not in good),
        )

    def book_request(self, native: str, depth: int) -> Request:
        """Refuse: several answers make a book, and they come over the socket."""
        self._none("books over HTTP", native, depth)

    def read_book(self, body: bytes, native: str, depth: int, received_us: int) -> BookSnapshot:
        """Refuse, as `book_request` does."""
        self._none("books over HTTP", body, native, depth, received_us)

    def trades_request(self, native: str) -> Request:
        """Refuse: a node's list of trades does not say when they were."""
        self._none("list of recent trades", native)

    def read_trades(self, body: bytes, native: str, received_us: int) -> tuple[PublicTrade, ...]:
        """Refuse, as `trades_request` does."""
        self._none("list of recent trades", body, native, received_us)

    def funding_request(self, native: str) -> Request:
        """Refuse: a pool is a spot market."""
        self._none("funding", native)

    def read_funding(self, body: bytes, received_us: int) -> FundingUpdate:
        """Refuse, as `funding_request` does."""
        self._none("funding", body, received_us)

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> TapelineError | None:
        """Judge an answer by its status, and by the errors in its body."""
        said = f"HTTP {status} from {self.facts.venue} {self.facts.market}: {body[:200].decode('utf-8', 'replace')}"
        named = {name.lower(): value for name, value in headers.items()}.get("retry-after", "")
        asked_s = float(named) if named.isascii() and named.isdigit() else None
        codes = _codes(body)
        if status == TOO_MANY or any(code in BUSY for code in codes):
            return Unavailable(said, retry_after_s=asked_s or self.facts.rest.window_s)
        if status >= SERVER_ERROR:
            return Unavailable(said, retry_after_s=asked_s)
        return VenueRefused(said) if status >= REFUSED or None in codes else None

    def _none(self, what: str, *_unused: object) -> NoReturn:
        message = f"{self.facts.venue} {self.facts.market} has no {what}"
        raise Misconfigured(message, fix="ask for futures" if what == "funding" else "subscribe on its socket")


def _beliefs(pool: Pool) -> Sequence[tuple[str, int]]:
    """Return what a pool must be on the chain, by the ids of the questions."""
    token0, token1 = pool.tokens
    values = {"token0": int(token0.address, 16), "token1": int(token1.address, 16)}
    values |= {"fee": pool.fee, "spacing": pool.spacing}
    decimals = [(f"{token.address} decimals", token.decimals) for token in pool.tokens]
    return [*((f"{pool.address} {name}", value) for name, value in values.items()), *decimals]


def _tokens() -> tuple[Token, ...]:
    return tuple(dict.fromkeys(token for pool in POOLS.values() for token in pool.tokens))


def _call(name: str, to: str, selector: str) -> dict[str, object]:
    return wire.request(name, "eth_call", {"to": to, "data": wire.call(selector)}, "latest")


def _word(answer: wire.Reply) -> int | None:
    """Return the one word of an answer, None where there is no contract to answer, or another one."""
    if answer.error is not None:
        return None
    data = read(_DATA, bytes(answer.result))
    return int(data, 16) if len(data) == 2 + 2 * wire.WORD else None


def _codes(body: bytes) -> list[int | None]:
    """Return the codes of the errors in a batch; a None stands for an error in place of the whole answer."""
    try:
        found = _ANY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    if isinstance(found, list):
        return [one.error.code for one in found if one.error is not None]
    return [] if found.error is None else [found.error.code, None]


_BATCH: Final = msgspec.json.Decoder(tuple[wire.Reply, ...])
_ANY: Final = msgspec.json.Decoder(list[wire.Reply] | wire.Reply)
_QUANTITY: Final = msgspec.json.Decoder(wire.Quantity)
_DATA: Final = msgspec.json.Decoder(wire.Data)
