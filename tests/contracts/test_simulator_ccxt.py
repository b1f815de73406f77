"""X-21: stock ccxt, which knows nothing of us, reads the simulator as it reads the exchanges."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from simulator import journal
from tests.support.ccxt_client import ccxt_client
from tests.support.eventually import eventually
from tests.support.simulated import Simulated, simulated

# ccxt 4.5.90 does not know coinex.
VENUES = (
    "binance",
    "bybit",
    "okx",
    "kucoin",
    "htx",
    "mexc",
    "bitget",
    "bingx",
    "gateio",
)
PLACES = [(venue, market) for venue in VENUES for market in ("spot", "futures")]
# What the venue itself calls BTC/USDT, where that is not BTCUSDT.
IDS = {
    ("okx", "spot"): "BTC-USDT",
    ("okx", "futures"): "BTC-USDT-SWAP",
    ("kucoin", "spot"): "BTC-USDT",
    ("kucoin", "futures"): "XBTUSDTM",
    ("htx", "spot"): "btcusdt",
    ("htx", "futures"): "BTC-USDT",
    ("mexc", "futures"): "BTC_USDT",
    ("bingx", "spot"): "BTC-USDT",
    ("bingx", "futures"): "BTC-USDT",
    ("gateio", "spot"): "BTC_USDT",
    ("gateio", "futures"): "BTC_USDT",
}
# The step of prices, where a venue can only tell how many digits they have.
TICKS = {
    ("htx", "spot"): 1.0,
    ("mexc", "spot"): 1.0,
    ("bitget", "spot"): 1.0,
    ("bingx", "futures"): 1.0,
    ("gateio", "spot"): 1.0,
}
# Where ccxt takes another number of a trade for its id than the one that is told to be used.
OWN_IDS = {
    ("htx", "spot"): "tradeId",
}
# Where trades have no id on the wire, or ccxt reads none.
NAMELESS = {("bingx", "futures"), ("mexc", "spot"), ("mexc", "futures")}
# How many levels of a book are asked for, where it is not 100 that a venue takes.
LEVELS: dict[tuple[str, str], int | None] = {("htx", "spot"): None}
# Every how many steps all channels of BTC/USDT and REST are due; BingX has some of 300 and of 500 ms.
ALL_DUE = {"bingx": 30, "mexc": 12}
WITHIN_S = 20.0
UPDATES = 15
DEPTH = 50

pytestmark = pytest.mark.parametrize(("venue", "market"), PLACES)


def name_of(market: str) -> str:
    """Return ccxt's own name of BTC/USDT on a market."""
    return "BTC/USDT" if market == "spot" else "BTC/USDT:USDT"


async def test_load_markets_reads_every_instrument_with_tick_lot_and_kind(
    venue: str, market: str, tmp_path: Path
) -> None:
    async with simulated(venue, market, tmp_path) as place, ccxt_client(venue, market, place) as client:
        markets = await client.load_markets()
    found = markets[name_of(market)]
    assert (found["id"], found["active"], found["spot"], found["swap"]) == (
        IDS.get((venue, market), "BTCUSDT"), True, market == "spot", market == "futures",
    )  # fmt: skip
    tick = TICKS.get((venue, market), 5.0)
    assert (found["precision"]["price"], coins(client, market, found["precision"]["amount"])) == (tick, 0.0001)
    ours = [one for one in markets.values() if one["active"] and one["quote"] == "USDT"]
    assert len([one for one in ours if one["spot" if market == "spot" else "swap"]]) == 5


async def test_fetch_order_book_is_the_book_of_the_simulator(venue: str, market: str, tmp_path: Path) -> None:
    async with simulated(venue, market, tmp_path) as place, ccxt_client(venue, market, place) as client:
        await client.load_markets()
        # A REST book is that of a topic, which does not move with every step.
        await halted(place)
        book = await client.fetch_order_book(name_of(market), LEVELS.get((venue, market), 100))
        assert in_coins(client, market, book["bids"][:100]) == own_book(place, 0, 100)
        assert in_coins(client, market, book["asks"][:100]) == own_book(place, 1, 100)


async def test_watch_order_book_equals_the_own_book_at_the_same_sequence(
    venue: str, market: str, tmp_path: Path
) -> None:
    async with simulated(venue, market, tmp_path) as place, ccxt_client(venue, market, place) as client:
        await client.load_markets()
        async with asyncio.timeout(WITHIN_S):
            for _ in range(UPDATES):
                await client.watch_order_book(name_of(market))
        await halted(place)
        # What was on its way still arrives; then both stand still.
        own = [own_book(place, side, DEPTH) for side in (0, 1)]
        await eventually(lambda: [top(client, market, side) for side in ("bids", "asks")] == own)


async def test_watch_trades_brings_what_the_journal_has(venue: str, market: str, tmp_path: Path) -> None:
    async with simulated(venue, market, tmp_path) as place, ccxt_client(venue, market, place) as client:
        await client.load_markets()
        async with asyncio.timeout(WITHIN_S):
            seen = [one for _ in range(2) for one in await client.watch_trades(name_of(market))]
        written = {
            record.id: (record.side, float(record.price), float(record.quantity))
            for record in place.records()
            if isinstance(record, journal.Trade) and record.symbol == "BTC/USDT"
        }
    assert seen
    told = [(one["side"], one["price"], coins(client, market, one["amount"])) for one in seen]
    if (venue, market) in NAMELESS:
        assert set(told) <= set(written.values())
        return
    named = OWN_IDS.get((venue, market))
    ids = [one["id"] if named is None else str(one["info"][named]) for one in seen]
    assert dict(zip(ids, told, strict=True)).items() <= written.items()


def coins(client: Any, market: str, amount: float) -> float:  # noqa: ANN401 - ccxt's exchange
    """Return an amount of BTC/USDT in coins, which ccxt has in contracts where the venue has them."""
    size = client.markets[name_of(market)]["contractSize"] or 1
    return float(Decimal(repr(amount)) * Decimal(repr(size)))


def in_coins(client: Any, market: str, levels: Any) -> list[tuple[float, float]]:  # noqa: ANN401 - ccxt's exchange and book
    """Return levels as the simulator has them."""
    return [(level[0], coins(client, market, level[1])) for level in levels]


def top(client: Any, market: str, side: str) -> list[tuple[float, float]]:  # noqa: ANN401 - ccxt's exchange
    """Return the best levels of ccxt's book."""
    return in_coins(client, market, client.orderbooks[name_of(market)][side][:DEPTH])


def own_book(place: Simulated, side: int, depth: int) -> list[tuple[float, float]]:
    """Return the best levels of the simulator's own BTC/USDT book."""
    listing = place.exchange.market.listings[0]
    ladder, step = listing.ladder, (-1, 1)[side]
    best = ladder.best(side)
    tick, lot = listing.instrument.tick, listing.instrument.lot
    prices = range(best, best + step * depth, step)
    return [(tick.value(price), lot.value(ladder.levels[side][price])) for price in prices]


async def halted(place: Simulated) -> None:
    """Let the market stand still right after a step at which every channel told what it had."""
    exchange, listing = place.exchange, place.exchange.market.listings[0]
    every, tick = ALL_DUE.get(exchange.face.venue, 2), exchange.tick

    def watched(now_us: int, now_s: float) -> None:
        before = listing.steps
        tick(now_us, now_s)
        if listing.steps != before and listing.steps % every == 0:
            exchange.halt(now_us)

    exchange.tick = watched  # type: ignore[method-assign] # the beat calls it by name
    await eventually(lambda: exchange.halted)
