"""A client of the simulated BingX on the stage: it subscribes, answers pings and keeps a book."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.faces.bingx import PATHS
from tests.support.gzipped import taken
from tests.support.stage import Client, Stage

BOTH = pytest.mark.parametrize("market", ["spot", "futures"])


BOOK, TRADES = "BTC-USDT@incrDepth", "BTC-USDT@trade"


def client_of(scene: Stage, *topics: str) -> Client:
    client = scene.connect(PATHS[scene.exchange.face.market])
    for number, topic in enumerate(topics):
        client.say({"id": str(number), "reqType": "sub", "dataType": topic})
    return client


def listened(scene: Stage, client: Client, seconds: float) -> list[Any]:
    """Let time pass for a client that answers pings; return what it heard."""
    found: list[Any] = []

    def answer() -> None:
        for one in taken(client):
            found.append(one)
            if one == "Ping" or "ping" in one:
                client.say("Pong" if one == "Ping" else {"pong": one["ping"], "time": one["time"]})

    scene.play(seconds, answer)
    return found


def of_topic(messages: list[Any], topic: str) -> list[Any]:
    return [one for one in messages if isinstance(one, dict) and one.get("dataType") == topic]


def pairs(side: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - an object on spot, an array on swap
    return list(side.items()) if isinstance(side, dict) else [(price, quantity) for price, quantity in side]


def applied(frames: list[Any]) -> list[dict[float, float]]:
    """Return the book that the whole one and its changes make."""
    books: list[dict[float, float]] = [{}, {}]
    for frame in frames:
        data = frame["data"]
        for book, name in zip(books, ("bids", "asks"), strict=True):
            if data["action"] == "all":
                book.clear()
            for price, quantity in pairs(data[name]):
                book.pop(float(price), None)
                if float(quantity):
                    book[float(price)] = float(quantity)
        assert max(books[0]) < min(books[1])
    return books


def own_book(scene: Stage, limit: int) -> list[dict[float, float]]:
    """Return the best levels of the simulator's own book."""
    listing = scene.exchange.market.listings[0]
    one, ladder = listing.instrument, listing.ladder
    prices = (range(ladder.bid, ladder.bid - limit, -1), range(ladder.ask, ladder.ask + limit))
    return [
        {one.tick.value(price): one.lot.value(levels[price]) for price in side}
        for side, levels in zip(prices, ladder.levels, strict=True)
    ]
