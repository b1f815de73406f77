"""The simulator as a process: exchanges start in order, the markets open, one line says where each is."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from simulator import places
from simulator.dex import onchain
from simulator.dex import serving as dex
from simulator.dex.onchain import OnChain
from simulator.order_strikes import Legs
from simulator.places import Options, Place
from simulator.serving import LOOPBACK, beat, serving
from simulator.terms import Key
from tapeline.runtime import clock, logs
from tapeline.runtime.lifecycle import Lifecycle
from tapeline.runtime.log_events import LogEvent

SERVICE = "simulator"


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """Where one venue is, and the key with which to trade or read there; no simulated one has a passphrase yet."""

    venue: str
    market: str
    rest: str
    ws: str
    private_ws: str | None = None
    key: str | None = None
    secret: str | None = None
    passphrase: str | None = None


async def run(life: Lifecycle, options: Options, tell: Callable[[Ready], None]) -> None:
    """Serve all places until the process is stopped; `tell` is called for each when all are ready.

    Raises Misconfigured when the options cannot be met or a port is taken.
    """
    options = places.checked(options)
    exchanges, ready = [], []
    legs = Legs()
    key = options.key(onchain.QUOTES)
    chain = OnChain(key=key.key, now_us=clock.now_us(), seed=options.seed, rate=options.rate, names=options.faults)
    for number, place in enumerate(options.places):
        port = options.ports[number] if options.ports else 0
        if place.venue in onchain.VENUES:
            own = await life.start(str(place), dex.serving(chain, place.venue, port))
            ready.append(_ready(place, own, key if place.venue == onchain.QUOTES else None))
            continue
        exchange = places.exchange(place, options, legs=legs)
        own = await life.start(str(place), serving(exchange, port))
        exchanges.append(exchange)
        ready.append(_ready(place, own, exchange.desk.key))
    _ = life.spawn("market", beat(exchanges))
    if len(exchanges) < len(ready):
        _ = life.spawn("chain", dex.beat(chain))
    for one in ready:
        logs.get(__name__).info(LogEvent.MARKET_OPEN, venue=one.venue, market=one.market, rest=one.rest, ws=one.ws)
        tell(one)
    await life.stopping()


def _ready(place: Place, port: int, key: Key | None) -> Ready:
    ws = f"ws://{LOOPBACK}:{port}"
    return Ready(
        venue=place.venue,
        market=place.market,
        rest=f"http://{LOOPBACK}:{port}",
        ws=ws,
        private_ws=None if place.venue in onchain.VENUES else ws,
        key=None if key is None else key.key,
        secret=None if key is None else key.secret,
    )
