"""Clients of the simulated MEXC on the stage, and the sheet's rules for what they hear: readers, seeds, versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ccxt.protobuf.mexc.PushDataV3ApiWrapper_pb2 import (  # type: ignore[import-untyped] # generated, without types
    PushDataV3ApiWrapper,
)
from google.protobuf.json_format import MessageToDict

from tests.support.stage import Client, Stage

BINARY = 2


def spot(scene: Stage, *names: str) -> Client:
    """Connect to spot and subscribe."""
    client = scene.connect("/ws")
    if names:
        client.say({"method": "SUBSCRIPTION", "params": list(names)})
    return client


def futures(scene: Stage, *methods: str, wire: str = "BTC_USDT") -> Client:
    """Connect to futures and subscribe to channels of one contract."""
    client = scene.connect("/edge")
    for method in methods:
        client.say({"method": method, "param": {"symbol": wire}})
    return client


def pushed(client: Client) -> list[dict[str, Any]]:
    """Return the binary messages that arrived, as the venue's own classes read them."""
    found = [payload for opcode, payload in client.line.messages if opcode == BINARY]
    client.line.messages = [one for one in client.line.messages if one[0] != BINARY]
    return [MessageToDict(PushDataV3ApiWrapper.FromString(one)) for one in found]


def exact(records: list[Any]) -> list[tuple[Any, ...]]:
    """Return changes of the book as numbers."""
    return [(one.first, one.sequence, floats(one.bids), floats(one.asks)) for one in records]


def floats(levels: Any) -> list[tuple[float, float]]:  # noqa: ANN401 - pairs of any kind
    return [(float(price), float(quantity)) for price, quantity, *_ in levels]


def applied(book: dict[str, dict[float, float]], changes: Iterator[Any], at: int) -> int:
    """Bring a seed to the last of some changes by the sheet's rule; return the version."""
    started = False
    for first, last, bids, asks in changes:
        if last <= at:
            continue
        assert first == at + 1 if started else first <= at + 1 <= last
        started, at = True, last
        for side, levels in (("bids", bids), ("asks", asks)):
            for price, quantity in levels:
                book[side].pop(price, None)
                if quantity:
                    book[side][price] = quantity
        assert max(book["bids"]) < min(book["asks"])
    return at
