"""A service that quotes swaps over the pools of a chain, without sockets: a request comes in, an answer goes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from simulator.dex import world
from simulator.dex.chain import Chain, Coin

CHAIN_ID = 1
BASE = f"/swap/v6.1/{CHAIN_ID}"
PER_S = 1.0
BURST = 2.0
"""So many requests may be saved up: what is sent a second apart may arrive closer together."""
GAS = 187_000
NO_ROUTE = "insufficient liquidity"
SYMBOLS = {world.USDC: "USDC", world.USDT: "USDT", world.WETH: "WETH", world.WBTC: "WBTC"}
COINS = {coin.address: coin for coin in SYMBOLS}
_FLAGS = ("includeTokensInfo", "includeProtocols", "includeGas")

Answer = tuple[HTTPStatus, dict[str, object]]


class RefusedError(Exception):
    """A request without a quote, by its status and why."""

    def __init__(self, status: HTTPStatus, description: str) -> None:
        """Take what the answer says."""
        super().__init__(description)
        self.status = status


@dataclass(slots=True)
class Quotes:
    """The service; who shows `key` is answered, once a second, and nobody before `refuses_until_s`."""

    chain: Chain
    key: str
    refuses_until_s: float = 0.0
    answered: int = 0
    _saved: float = BURST
    _at_s: float = 0.0

    def ask(self, path: str, query: Mapping[str, str], authorization: str, now_s: float) -> Answer:
        """Answer one request."""
        try:
            self._admit(authorization, now_s)
            answer = self._answer(path, query)
        except RefusedError as error:
            told = {"error": error.status.phrase, "description": str(error), "statusCode": int(error.status)}
            return error.status, {**told, "meta": [], "requestId": f"{self.answered}"}
        self.answered += 1
        return HTTPStatus.OK, answer

    def _admit(self, authorization: str, now_s: float) -> None:
        if authorization != f"Bearer {self.key}":
            raise RefusedError(HTTPStatus.UNAUTHORIZED, "unauthorized")
        self._saved = min(BURST, self._saved + max(0.0, now_s - self._at_s) * PER_S)
        self._at_s = now_s
        if now_s < self.refuses_until_s or self._saved < 1:
            raise RefusedError(HTTPStatus.TOO_MANY_REQUESTS, "the limit of requests per second has been exceeded")
        self._saved -= 1

    def _answer(self, path: str, query: Mapping[str, str]) -> dict[str, object]:
        if path == f"{BASE}/tokens":
            return {"tokens": {address: _told(coin) for address, coin in COINS.items()}}
        if path != f"{BASE}/quote":
            raise RefusedError(HTTPStatus.NOT_FOUND, "there is no such method")
        for flag in _FLAGS:
            # As the venue: words are compared letter by letter.
            if query.get(flag, "false") not in {"true", "false"}:
                raise RefusedError(HTTPStatus.BAD_REQUEST, f"{flag} must be a boolean value")
        src, dst, amount = _coin(query, "src"), _coin(query, "dst"), _amount(query)
        answer: dict[str, object] = {"dstAmount": str(self._swapped(src, dst, amount))}
        if query.get("includeTokensInfo") == "true":
            answer |= {"srcToken": _told(src), "dstToken": _told(dst)}
        return answer | ({"gas": GAS} if query.get("includeGas") == "true" else {})

    def _swapped(self, src: Coin, dst: Coin, amount: int) -> int:
        """Return the most that a pool gives for all of the amount, in the newest block."""
        found: list[int] = []
        for address, pool in self.chain.pools.items():
            if {pool.token0, pool.token1} == {src, dst}:
                zero_for_one = src == pool.token0
                done = self.chain.head.states[address].copy().swap(amount, zero_for_one=zero_for_one)
                paid, got = (done.amount0, -done.amount1) if zero_for_one else (done.amount1, -done.amount0)
                found += [got] if paid == amount and got > 0 else []
        if not found:
            raise RefusedError(HTTPStatus.BAD_REQUEST, NO_ROUTE)
        return max(found)


def _coin(query: Mapping[str, str], name: str) -> Coin:
    if not query.get(name):
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"{name} is not set")
    coin = COINS.get(query[name].lower())
    if coin is None:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "cannot sync token")
    return coin


def _amount(query: Mapping[str, str]) -> int:
    text = query.get("amount", "")
    if not (text.isascii() and text.isdigit() and int(text)):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "amount is not set")
    return int(text)


def _told(coin: Coin) -> dict[str, object]:
    symbol = SYMBOLS[coin]
    return {"address": coin.address, "symbol": symbol, "name": symbol, "decimals": coin.decimals, "tags": []}
