"""Socket to signal over the real broker: our producer and spreads agent against a bare aiokafka chain of bytes.

Bare: socket -> send -> getmany -> send -> getmany, the frame itself, nothing decoded, acknowledged by the broker as our
records are. Ours: decode, book, md.book and md.delta, the agent's decision, signal.spread, read back and decoded. Every
symbol sends ten frames a second. The exchange runs in a process of its own, each chain with all its parts in one; both
take turns on the same broker. `python -m benchmarks.chain` runs this alone.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager

from benchmarks import exchange as made_up
from benchmarks import services
from benchmarks.bare import bare
from benchmarks.exchange import Exchange, Frame
from benchmarks.measure import Latency, latency
from benchmarks.tape import Seen, Stage, tape
from tapeline.runtime.kafka import Publisher

RATES = (200, 1_000)
FRAMES_A_SECOND = 10
"""Of each symbol, as Binance sends depth at most."""
SECONDS = 6.0
WARM_S = 2.0
ROUNDS = 3
LINGER_S = 10.0
"""How long what is still on its way after the last frame may take."""
HOPS = ("frame to client", "client to signal", "signal to reader", "frame to reader")
_LOOK_S = 0.05
_PEER = "bare aiokafka"

Chain = Callable[[Stage], AbstractAsyncContextManager[list[Seen]]]
Hops = tuple[list[int], ...]


def run() -> list[Latency]:
    """Start a broker and the registry, measure, stop them."""
    with services.started() as found:
        return [one for rate in RATES for one in asyncio.run(_compared(rate, Stage(found)))]


async def _compared(rate: int, stage: Stage) -> list[Latency]:
    """Let both chains take turns; all frames of all turns count."""
    chains: dict[str, Chain] = {"": tape, _PEER: bare}
    found: dict[str, Hops] = {name: ([], [], [], []) for name in chains}
    async with made_up.opened(rate // FRAMES_A_SECOND) as exchange, Publisher(stage.kafka, client_id="count") as known:
        ready = stage.on(exchange, await known.partitions("md.book"))
        for _ in range(ROUNDS):
            for name, chain in chains.items():
                for hop, times_us in zip(found[name], await _turn(chain, ready, exchange, rate), strict=True):
                    hop.extend(times_us)
    return [
        latency(f"{hop}, {rate:,} frames/s", ours, _PEER, theirs)
        for hop, ours, theirs in zip(HOPS, found[""], found[_PEER], strict=True)
    ]


async def _turn(chain: Chain, stage: Stage, exchange: Exchange, rate: int) -> Hops:
    async with chain(stage) as seen:
        await exchange.replay(rate, WARM_S)
        sent = await exchange.replay(rate, SECONDS)
        await settled(sent, seen)
    return _hops(sent, seen)


async def settled(sent: Iterable[Frame], seen: list[Seen]) -> None:
    """Wait until the last frame of each symbol has come to its end."""
    last = _newest(sent)
    async with asyncio.timeout(LINGER_S):
        while not last.items() <= _newest((one.symbol, one.number) for one in seen).items():  # noqa: ASYNC110 - it is told to nobody
            await asyncio.sleep(_LOOK_S)


def _newest(found: Iterable[Frame]) -> dict[str, int]:
    """Return the highest number of each symbol: what takes two partitions may come in another order."""
    return dict(sorted(found))


def _hops(sent: dict[Frame, int], seen: list[Seen]) -> Hops:
    """Return the time of each hop of the frames that have a signal, and of the whole way of every frame.

    A frame whose book was replaced by a newer one before it was published is answered by that one's signal.
    """
    first: dict[Frame, Seen] = {}
    for one in seen:
        first.setdefault((one.symbol, one.number), one)
    own = [(at_us, first[frame]) for frame, at_us in sent.items() if frame in first]
    whole: list[int] = []
    answers = {symbol: sorted(number for of, number in first if of == symbol) for symbol, _ in sent}
    for (symbol, number), at_us in sent.items():
        answer = next(found for found in answers[symbol] if found >= number)
        whole.append(first[symbol, answer].read_us - at_us)
    return (
        [one.client_us - at_us for at_us, one in own],
        [one.signal_us - one.client_us for _, one in own],
        [one.read_us - one.signal_us for _, one in own],
        whole,
    )


if __name__ == "__main__":
    for found in run():
        sys.stdout.write(f"{found}\n")
