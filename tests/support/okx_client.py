"""OKX as a client of a simulated exchange reads it, by the rules of our fact sheet."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.support.stage import Client, Stage

NAME = {"spot": "BTC-USDT", "futures": "BTC-USDT-SWAP"}


def arg_of(channel: str, market: str) -> dict[str, str]:
    """Return the argument of a channel of bitcoin."""
    return {"channel": channel, "instId": "BTC-USDT" if channel == "index-tickers" else NAME[market]}


def client_of(scene: Stage, *channels: str, path: str = "public") -> Client:
    """Connect and subscribe, and forget the answers."""
    client = scene.connect(f"/ws/v5/{path}")
    if channels:
        args = [arg_of(channel, scene.exchange.face.market) for channel in channels]
        client.say({"op": "subscribe", "args": args})
    return client


def of_channel(messages: list[Any], channel: str) -> list[Any]:
    """Return what a channel said."""
    return [one for one in messages if one.get("arg", {}).get("channel") == channel and "data" in one]


def coins(market: str, size: str) -> float:
    """Return a quantity of bitcoin in coins: a contract is one lot."""
    return float(Decimal(size) * (1 if market == "spot" else Decimal("0.0001")))


def applied(messages: list[Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the book that a snapshot and its updates make, by the rule of the sheet."""
    books: tuple[dict[str, str], dict[str, str]] = ({}, {})
    last = None
    for one in messages:
        (data,) = one["data"]
        if one["action"] == "snapshot":
            assert data["prevSeqId"] == -1
            books = ({}, {})
        else:
            assert data["prevSeqId"] == last
        last = data["seqId"]
        for book, levels in zip(books, (data["bids"], data["asks"]), strict=True):
            for price, size, liquidated, orders in levels:
                assert (liquidated, orders == "0") == ("0", size == "0")
                book.pop(price, None)
                if size != "0":
                    book[price] = size
        assert max(map(float, books[0])) < min(map(float, books[1]))
    return books


def own_book(scene: Stage, market: str, depth: int) -> list[dict[str, str]]:
    """Return the simulator's book in the wire's units."""
    listing = scene.exchange.market.listings[0]
    tick, lot, ladder = listing.instrument.tick, listing.instrument.lot, listing.ladder
    return [
        {
            tick.format(price): lot.format(levels[price]) if market == "spot" else str(levels[price])
            for price in range(best, best + way * depth, way)
        }
        for best, way, levels in ((ladder.bid, -1, ladder.levels[0]), (ladder.ask, 1, ladder.levels[1]))
    ]
