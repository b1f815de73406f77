"""X-21: stock ccxt, which knows nothing of us, reads the simulator as it reads the exchanges."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from simulator import journal
from simulator.journal import Delta
from tests.support.ccxt_client import ccxt_client
from tests.support.eventually import eventually
from tests.support.simulated import Simulated, simulated

VENUES = (
    "binance",
    "bybit",
    "okx",
    "kucoin",
)
PLACES = [(venue, market) for venue in VENUES for market in ("spot", "futures")]
# What the venue itself calls BTC/USDT, where that is not BTCUSDT.
IDS = {
    ("okx", "spot"): "BTC-USDT",
    ("okx", "futures"): "BTC-USDT-SWAP",
    ("kucoin", "spot"): "BTC-USDT",
    ("kucoin", "futures"): "XBTUSDTM",
}
WITHIN_S = 20.0
UPDATES = 15

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
    assert (found["precision"]["price"], coins(client, market, found["precision"]["amount"])) == (5.0, 0.0001)
    perpetuals = [one for one in markets.values() if one["spot"] or (one["swap"] and one["linear"])]
    assert len(perpetuals) == 5


async def test_fetch_order_book_is_the_book_of_the_simulator(venue: str, market: str, tmp_path: Path) -> None:
    async with simulated(venue, market, tmp_path) as place, ccxt_client(venue, market, place) as client:
        await client.load_markets()
        # Bybit's REST book is that of its deepest topic, which moves with every second step.
        await eventually(lambda: place.exchange.market.listings[0].steps % 2 == 0)
        place.exchange.halt(0)
        book = await client.fetch_order_book(name_of(market), 100)
        assert in_coins(client, market, book["bids"]) == own_book(place, 0, 100)
        assert in_coins(client, market, book["asks"]) == own_book(place, 1, 100)


async def test_watch_order_book_equals_the_own_book_at_the_same_sequence(
    venue: str, market: str, tmp_path: Path
) -> None:
    async with simulated(venue, market, tmp_path) as place, ccxt_client(venue, market, place) as client:
        await client.load_markets()
        async with asyncio.timeout(WITHIN_S):
            for _ in range(UPDATES):
                book = await client.watch_order_book(name_of(market))
        place.exchange.halt(0)
        # What was on its way still arrives; then both stand still.
        last = await settled(client, market, place)
    depth = 50
    assert book is not None
    assert in_coins(client, market, last["bids"][:depth]) == own_book(place, 0, depth)
    assert in_coins(client, market, last["asks"][:depth]) == own_book(place, 1, depth)


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
    read = {one["id"]: (one["side"], one["price"], coins(client, market, one["amount"])) for one in seen}
    assert read.items() <= written.items()


def coins(client: Any, market: str, amount: float) -> float:  # noqa: ANN401 - ccxt's exchange
    """Return an amount of BTC/USDT in coins, which ccxt has in contracts where the venue has them."""
    size = client.markets[name_of(market)]["contractSize"] or 1
    return float(Decimal(repr(amount)) * Decimal(repr(size)))


def in_coins(client: Any, market: str, levels: Any) -> list[tuple[float, float]]:  # noqa: ANN401 - ccxt's exchange and book
    """Return levels as the simulator has them."""
    return [(level[0], coins(client, market, level[1])) for level in levels]


def own_book(place: Simulated, side: int, depth: int) -> list[tuple[float, float]]:
    """Return the best levels of the simulator's own BTC/USDT book."""
    listing = place.exchange.market.listings[0]
    ladder, step = listing.ladder, (-1, 1)[side]
    best = ladder.best(side)
    tick, lot = listing.instrument.tick, listing.instrument.lot
    prices = range(best, best + step * depth, step)
    return [(tick.value(price), lot.value(ladder.levels[side][price])) for price in prices]


async def settled(client: Any, market: str, place: Simulated) -> Any:  # noqa: ANN401 - ccxt's book
    """Return ccxt's book when it has taken the last message of the journal."""
    deltas = [one for one in place.records() if isinstance(one, Delta) and one.symbol == "BTC/USDT"]
    last = deltas[-1]
    book = client.orderbooks[name_of(market)]
    (price, quantity), side = (last.bids[-1], "bids") if last.bids else (last.asks[-1], "asks")
    async with asyncio.timeout(WITHIN_S):
        while float(quantity) not in {0.0, dict(in_coins(client, market, book[side])).get(float(price))}:
            await client.watch_order_book(name_of(market))
    return book
