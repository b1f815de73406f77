"""A client of the simulated CoinEx on the stage: it subscribes, pings and keeps a window of a book, checked."""

from __future__ import annotations

import zlib
from typing import Any

import pytest

from tests.support.gzipped import taken
from tests.support.stage import Client, Stage

BOTH = pytest.mark.parametrize("market", ["spot", "futures"])


OK = {"id": 1, "code": 0, "message": "OK"}


def client_of(scene: Stage, family: str = "", *entries: object) -> Client:
    client = scene.connect(f"/v2/{scene.exchange.face.market}")
    if family:
        ask(client, f"{family}.subscribe", *entries)
    return client


def ask(client: Client, method: str, *entries: object) -> None:
    client.say({"method": method, "params": {"market_list": list(entries)}, "id": 1})


def depth(market: str = "BTCUSDT", limit: int = 50, *, whole: bool = False) -> list[Any]:
    return [market, limit, "0", whole]


def listened(scene: Stage, client: Client, seconds: float) -> list[Any]:
    """Let time pass for a client that pings; return what it heard besides."""
    found: list[Any] = []

    def ping() -> None:
        if scene.now_us % 20_000_000 == 0:
            client.say({"method": "server.ping", "params": {}, "id": 9})
        found.extend(one for one in taken(client) if isinstance(one, str) or one["id"] != 9)

    scene.play(seconds, ping)
    return found


def of(messages: list[Any], method: str) -> list[Any]:
    return [one["data"] for one in messages if isinstance(one, dict) and one.get("method") == method]


class Book:
    """A reader of one window, as the fact sheet tells it to read: absolute quantities, cut to the window, checked."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.sides: tuple[dict[str, str], dict[str, str]] = ({}, {})

    def take(self, data: dict[str, Any]) -> None:
        for side, name in zip(self.sides, ("bids", "asks"), strict=True):
            if data["is_full"]:
                side.clear()
            for price, quantity in data["depth"][name]:
                side.pop(price, None)
                if quantity != "0":
                    side[price] = quantity
            best = sorted(side, key=float, reverse=name == "bids")
            for price in best[self.limit :]:
                del side[price]
        parts = [f"{price}:{quantity}" for side in self.levels() for price, quantity in side]
        assert zlib.crc32(":".join(parts).encode()) == data["depth"]["checksum"]

    def levels(self) -> list[list[tuple[str, str]]]:
        bids, asks = self.sides
        return [sorted(bids.items(), key=_price, reverse=True), sorted(asks.items(), key=_price)]


def _price(level: tuple[str, str]) -> float:
    return float(level[0])


def own_book(scene: Stage, limit: int) -> list[list[tuple[str, str]]]:
    """Return the best levels of the simulator's own book as the venue writes them."""
    listing = scene.exchange.market.listings[0]
    one, ladder = listing.instrument, listing.ladder
    prices = (range(ladder.bid, ladder.bid - limit, -1), range(ladder.ask, ladder.ask + limit))
    return [
        [(one.tick.format(price), one.lot.format(levels[price])) for price in side]
        for side, levels in zip(prices, ladder.levels, strict=True)
    ]
