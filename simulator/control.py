"""What a test or the demo asks of a running exchange, beside its venue's own addresses: state, halt, faults by script.

`GET /_simulator/state`, and by `POST`: `/_simulator/arm` (the schedule of faults starts anew), `/_simulator/calm` (all
faults end, the market moves on), `/_simulator/halt` (the market stands still, the journal is flushed),
`/_simulator/faults` with a JSON object such as `{"name": "gap", "symbol": "BTC/USDT", "count": 2}`. A fault of orders
is armed and happens to the next order that it can happen to; the state counts it then. A run that is to be audited is
calmed some seconds before it is halted: nobody can see that the last message of all was lost.
"""

from __future__ import annotations

import msgspec
from aiohttp import web

from simulator import faults
from simulator.exchange import Exchange
from simulator.faults import Wish
from tapeline.errors import Misconfigured
from tapeline.runtime import clock

PREFIX = "/_simulator"


class FaultWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fault that a script asks for; what it leaves out the simulator chooses. `Wish` says what the fields mean."""

    name: str
    symbol: str | None = None
    kind: str | None = None
    count: int | None = None
    duration_s: float | None = None
    visible_after_ms: int | None = None
    skew_s: float | None = None


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What an exchange is doing."""

    place: str
    tick: int
    halted: bool
    connections: int
    streams: int
    faults: dict[str, int]
    at_us: int


def routes(app: web.Application, exchange: Exchange) -> None:
    """Add the addresses to the exchange's own."""

    async def show(request: web.Request) -> web.Response:
        del request
        return as_json(state(exchange))

    async def halt(request: web.Request) -> web.Response:
        del request
        exchange.halt(clock.now_us())
        return as_json(state(exchange))

    async def calm(request: web.Request) -> web.Response:
        del request
        exchange.calm(clock.now_us())
        return as_json(state(exchange))

    async def arm(request: web.Request) -> web.Response:
        del request
        exchange.striker.arm(clock.monotonic_s())
        return as_json(state(exchange))

    async def strike(request: web.Request) -> web.Response:
        try:
            wish = msgspec.json.decode(await request.read(), type=FaultWish)
            faults.check(wish.name)
        except (msgspec.MsgspecError, Misconfigured) as error:
            return as_json({"error": str(error)}, 400)
        exchange.now_us, exchange.now_s = clock.now_us(), clock.monotonic_s()
        began = exchange.striker.strike(Wish(**msgspec.structs.asdict(wish)))
        return as_json(state(exchange)) if began else as_json({"error": f"no target for {wish.name} now"}, 409)

    app.router.add_get(f"{PREFIX}/state", show)
    app.router.add_post(f"{PREFIX}/halt", halt)
    app.router.add_post(f"{PREFIX}/arm", arm)
    app.router.add_post(f"{PREFIX}/calm", calm)
    app.router.add_post(f"{PREFIX}/faults", strike)


def state(exchange: Exchange) -> State:
    """Return what an exchange is doing."""
    return State(
        place=exchange.place,
        tick=exchange.market.number,
        halted=exchange.halted,
        connections=len(exchange.connections),
        streams=sum(len(one.streams) for one in exchange.connections.values()),
        faults=dict(exchange.striker.counts),
        at_us=clock.now_us(),
    )


def as_json(value: object, status: int = 200) -> web.Response:
    """Return an answer of JSON."""
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")
