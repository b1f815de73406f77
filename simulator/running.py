"""The simulator as a process: exchanges start in order, the markets open, one line says where each is."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from simulator import places
from simulator.order_strikes import Legs
from simulator.places import Options
from simulator.serving import LOOPBACK, beat, serving
from tapeline.runtime import logs
from tapeline.runtime.lifecycle import Lifecycle
from tapeline.runtime.log_events import LogEvent

SERVICE = "simulator"


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """Where one exchange is, and the key with which to trade there; no simulated venue has a passphrase yet."""

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
    for number, place in enumerate(options.places):
        exchange = places.exchange(place, options, legs=legs)
        port = await life.start(str(place), serving(exchange, options.ports[number] if options.ports else 0))
        exchanges.append(exchange)
        ready.append(
            Ready(
                venue=place.venue,
                market=place.market,
                rest=f"http://{LOOPBACK}:{port}",
                ws=f"ws://{LOOPBACK}:{port}",
                private_ws=f"ws://{LOOPBACK}:{port}",
                key=exchange.desk.key.key,
                secret=exchange.desk.key.secret,
            )
        )
    _ = life.spawn("market", beat(exchanges))
    for one in ready:
        logs.get(__name__).info(LogEvent.MARKET_OPEN, venue=one.venue, market=one.market, rest=one.rest, ws=one.ws)
        tell(one)
    await life.stopping()
