"""A client of the simulated HTX on the stage: it subscribes, answers pings and applies books."""

from __future__ import annotations

from typing import Any

from tests.support.gzipped import taken
from tests.support.stage import Client, Stage


def client_of(scene: Stage, path: str, *topics: str, **more: object) -> Client:
    """Connect and subscribe to topics, each with a number as its id."""
    client = scene.connect(path)
    for number, topic in enumerate(topics):
        client.say({"sub": topic, "id": str(number), **more})
    return client


def listened(scene: Stage, client: Client, seconds: float) -> list[Any]:
    """Let time pass for a client that answers pings; return what it heard."""
    found: list[Any] = []

    def answer() -> None:
        for one in taken(client):
            found.append(one)
            if "ping" in one:
                client.say({"pong": one["ping"]})
            elif one.get("op") == "ping":
                client.say({"op": "pong", "ts": one["ts"]})

    scene.play(seconds, answer)
    return found


def of_topic(messages: list[Any], topic: str) -> list[Any]:
    """Return what a topic said."""
    return [one for one in messages if one.get("ch") == topic]


def applied(sides: list[dict[str, Any]]) -> list[dict[float, float]]:
    """Return the book that a whole one and the changes behind it make."""
    books: list[dict[float, float]] = [{}, {}]
    for one in sides:
        for book, name in zip(books, ("bids", "asks"), strict=True):
            for price, quantity in one[name]:
                book.pop(price, None)
                if quantity:
                    book[price] = quantity
        assert max(books[0]) < min(books[1])
    return books


def own_book(scene: Stage, depth: int) -> list[dict[float, float]]:
    """Return the best levels of the simulator's own book: on linear in contracts, which are lots."""
    listing, is_spot = scene.exchange.market.listings[0], scene.exchange.face.market == "spot"
    one, ladder = listing.instrument, listing.ladder
    prices = (range(ladder.bid, ladder.bid - depth, -1), range(ladder.ask, ladder.ask + depth))
    return [
        {one.tick.value(price): one.lot.value(levels[price]) if is_spot else levels[price] for price in side}
        for side, levels in zip(prices, ladder.levels, strict=True)
    ]
