"""Tick to order over the real broker and Postgres: from a frame on a socket to the bytes of an order's request.

Ours: decode, book, md.book, the agent's decision, order.intent, the executor with its commit, the signed request; a
share of the books makes an order, which expires at once. Against the bare chain of the same frames: produce, consume,
produce, consume, nothing decoded. Each chain has all its parts in one process, the exchange is another; both take turns
on the same broker. `python -m benchmarks.orders` runs this alone.
"""

from __future__ import annotations

import asyncio
import sys

from benchmarks import exchange as made_up
from benchmarks import services
from benchmarks.bare import bare
from benchmarks.chain import FRAMES_A_SECOND, RATES, settled
from benchmarks.exchange import Exchange
from benchmarks.measure import Latency, hop, latency
from benchmarks.order_path import Stamps, order_path
from benchmarks.tape import Stage
from tapeline.runtime.kafka import Publisher

INTENTS_A_SECOND = 20
SECONDS = 6.0
WARM_S = 4.0
"""Long enough for connections to be open and statements to be prepared."""
ROUNDS = 3
LINGER_S = 10.0
HOPS = (
    "received to published",
    "published to decided",
    "decided to in the log",
    "in the log to taken up",
    "taken up to committed",
    "committed to request",
)
_AS_BARE = {"published to decided": 0, "decided to in the log": 1}
"""Hops that the bare chain has as well, by their number there."""
_LOOK_S = 0.05
_PEER = "bare aiokafka"

Times = tuple[list[int], ...]


def run() -> list[Latency]:
    """Start the services, measure, stop them."""
    with services.started() as found:
        return [one for rate in RATES for one in asyncio.run(_compared(rate, Stage(found)))]


async def _compared(rate: int, stage: Stage) -> list[Latency]:
    """Let both chains take turns; all orders and all bare frames of all turns count."""
    ours: Times = tuple([] for _ in (*HOPS, "whole"))
    theirs: Times = ([], [], [])
    every = rate // INTENTS_A_SECOND
    async with made_up.opened(rate // FRAMES_A_SECOND) as exchange, Publisher(stage.kafka, client_id="count") as known:
        ready = stage.on(exchange, await known.partitions("md.book"))
        for _ in range(ROUNDS):
            _add(ours, await _ordered(ready, exchange, rate, every))
            _add(theirs, await _bare(ready, exchange, rate))
    at = f"{rate:,} frames/s"
    hops = [
        latency(f"{name}, {at}", times_us, _PEER, theirs[_AS_BARE[name]])
        if name in _AS_BARE
        else hop(f"{name}, {at}", times_us)
        for name, times_us in zip(HOPS, ours, strict=False)
    ]
    return [*hops, latency(f"received to request, {at}", ours[-1], _PEER, theirs[-1])]


async def _ordered(stage: Stage, exchange: Exchange, rate: int, every: int) -> Times:
    """Return the times of each hop and of the whole way of the orders of one turn."""
    async with order_path(stage, every) as stamps:
        await exchange.replay(rate, WARM_S)
        sent = await exchange.replay(rate, SECONDS)
        await _sent(stamps)
        passed = stamps.hops(min(sent.values()))
    hops = tuple([way[number + 1] - way[number] for way in passed] for number in range(len(HOPS)))
    return (*hops, [way[-1] - way[0] for way in passed])


async def _sent(stamps: Stamps) -> None:
    """Wait until the request of each order that was decided is on its way."""
    try:
        async with asyncio.timeout(LINGER_S):
            while stamps.under_way():  # noqa: ASYNC110 - it is told to nobody
                await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        raise AssertionError(stamps.under_way()) from None


async def _bare(stage: Stage, exchange: Exchange, rate: int) -> Times:
    """Return the times of both hops and of the whole way of the bare frames of one turn."""
    async with bare(stage) as seen:
        await exchange.replay(rate, WARM_S)
        sent = await exchange.replay(rate, SECONDS)
        await settled(sent, seen)
    own = [one for one in seen if (one.symbol, one.number) in sent]
    return (
        [one.signal_us - one.client_us for one in own],
        [one.read_us - one.signal_us for one in own],
        [one.read_us - one.client_us for one in own],
    )


def _add(found: Times, turn: Times) -> None:
    for times_us, more_us in zip(found, turn, strict=True):
        times_us.extend(more_us)


if __name__ == "__main__":
    for found in run():
        sys.stdout.write(f"{found}\n")
