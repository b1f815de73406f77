"""The executor's link to one simulated market in the test's own loop, with what the simulator knows beside it."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import msgspec

from executor.link.tradings import trading
from executor.link.venue import HttpLink
from simulator.journal import Filled
from simulator.terms import FUNDING_S
from tapeline.domain.events import Instrument, Market
from tapeline.runtime import clock, metrics
from tapeline.venues import registry
from tapeline.venues.calls import OrderRequest
from tapeline.venues.contract import Hosts
from tapeline.venues.orders import Keys, StreamFacts, Trading
from tests.support.simulated import Simulated, simulated

PLACES: list[tuple[str, Market]] = [
    ("binance", "spot"), ("binance", "futures"), ("bybit", "spot"), ("bybit", "futures"),
]  # fmt: skip
NATIVE = "BTCUSDT"


@dataclass(frozen=True, slots=True)
class Linked:
    """A link and its market."""

    link: HttpLink
    place: Simulated
    rules: dict[str, Instrument]

    def far_below(self) -> Decimal:
        """Return a price at which a buy waits."""
        listing = self.place.exchange.market.listings[0]
        return listing.instrument.tick.exact(listing.ladder.bid - 100)

    def limit(self, client_id: str, quantity: str = "0.01") -> OrderRequest:
        """Return a buy that waits."""
        return OrderRequest(
            client_id=client_id, native=NATIVE, side="buy", kind="limit", quantity=Decimal(quantity),
            price=self.far_below(),
        )  # fmt: skip

    def fills(self) -> list[Filled]:
        """Return the fills that the simulator wrote down."""
        return [one for one in self.place.records() if isinstance(one, Filled)]

    def requests(self) -> float:
        """Return how many signed requests were sent, or tried to be."""
        venue, market = self.link.where
        labels = {"venue": venue, "market": market}
        found = [
            metrics.registry().get_sample_value("tapeline_venue_requests_total", {**labels, "outcome": outcome})
            for outcome in ("answered", "unsent", "unanswered")
        ]
        return sum(one or 0.0 for one in found)

    async def fault(self, name: str, **wish: object) -> None:
        """Let a fault happen."""
        assert (await self.place.post("/_simulator/faults", {"name": name, **wish}))[0] == 200


def market_order(client_id: str, side: str = "buy", quantity: str = "0.01") -> OrderRequest:
    """Return an order at the market."""
    wish = {"client_id": client_id, "native": NATIVE, "side": side, "kind": "market", "quantity": quantity}
    return msgspec.convert(wish, OrderRequest, strict=False)


def within(seconds: float = 5.0) -> int:
    """Return the time in so many seconds."""
    return clock.now_us() + int(seconds * 1_000_000)


async def listed(place: Simulated, venue: str, market: Market) -> dict[str, Instrument]:
    """Return the rules of what is listed, as the venue's own list has them."""
    feed = registry.feed(venue, market)
    request = feed.instruments_request()
    _, _, body = await place.get(request.path, **dict(request.query))
    page = feed.read_instruments(msgspec.json.encode(body), clock.now_us())
    return {one.symbol: one for one in page.instruments}


@asynccontextmanager
async def linked(
    venue: str,
    market: Market,
    folder: Path,
    *,
    answer_within_s: float = 5.0,
    dead_man: bool = False,
    stream: StreamFacts | None = None,
    secret: str | None = None,
    funding_s: int = FUNDING_S,
) -> AsyncIterator[Linked]:
    """Serve a market and link the executor to it while the block runs; with other facts of its stream, or secret."""
    async with simulated(venue, market, folder, symbols=1, funding_s=funding_s) as place:
        known = place.exchange.desk.key
        rules = await listed(place, venue, market)
        link = HttpLink(
            _with(trading(venue, market), stream),
            Keys(key=known.key, secret=secret or known.secret),
            Hosts(rest=place.rest, ws=place.ws),
            rules,
            answer_within_s=answer_within_s,
            dead_man=dead_man,
        )
        async with link:
            yield Linked(link, place, rules)


def _with(found: Trading, stream: StreamFacts | None) -> Trading:
    if stream is None:
        return found
    other = copy.copy(found)
    other.facts = msgspec.structs.replace(found.facts, stream=stream)  # type: ignore[misc]  # a copy of the test's own
    return other
