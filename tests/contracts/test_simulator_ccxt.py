"""X-21: stock ccxt, which knows nothing of us, reads the simulator as it reads the exchanges."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from simulator import journal
from simulator.instruments import Scale, scale
from tests.support.ccxt_client import ccxt_client
from tests.support.eventually import eventually
from tests.support.simulated import Simulated, simulated

PLACES = [
    (venue, market)
    for venue in (
        "binance",
        "bybit",
        "mexc",
        "bitget",
    )
    for market in ("spot", "futures")
]
# ccxt's id of BTC/USDT, its step of prices and of amounts, where they are not BTCUSDT, 5 and 0.0001.
LISTED = {
    ("mexc", "spot"): ("BTCUSDT", 1.0, 0.0001),  # it knows digits only
    ("mexc", "futures"): ("BTC_USDT", 5.0, 1.0),
    ("bitget", "spot"): ("BTCUSDT", 1.0, 0.0001),  # as above
}
IN_CONTRACTS = {
    ("mexc", "futures"),
}
# Bybit's REST book moves with every second step, MEXC's with every third or fourth.
SLOWEST_STEPS = 12
# ccxt reads no id of these trades.
WITHOUT_IDS = {
    "mexc",
}
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
    wire, tick, lot = LISTED.get((venue, market), ("BTCUSDT", 5.0, 0.0001))
    assert (found["id"], found["active"], found["spot"], found["swap"]) == (
        wire, True, market == "spot", market == "futures",
    )  # fmt: skip
    assert (found["precision"]["price"], found["precision"]["amount"]) == (tick, lot)
    ours = [one for one in markets.values() if one["active"] and one["quote"] == "USDT"]
    assert len([one for one in ours if one["spot" if market == "spot" else "swap"]]) == 5


async def test_fetch_order_book_is_the_book_of_the_simulator(venue: str, market: str, tmp_path: Path) -> None:
    async with simulated(venue, market, tmp_path) as place, ccxt_client(venue, market, place) as client:
        await client.load_markets()
        stand_still(place)
        book = await client.fetch_order_book(name_of(market), 100)
        assert [tuple(level[:2]) for level in book["bids"]] == own_book(place, 0, 100)
        assert [tuple(level[:2]) for level in book["asks"]] == own_book(place, 1, 100)


async def test_watch_order_book_equals_the_own_book_at_the_same_sequence(
    venue: str, market: str, tmp_path: Path
) -> None:
    async with simulated(venue, market, tmp_path) as place, ccxt_client(venue, market, place) as client:
        await client.load_markets()
        async with asyncio.timeout(WITHIN_S):
            for _ in range(UPDATES):
                book = await client.watch_order_book(name_of(market))
        stand_still(place)
        # What was on its way still arrives; then both stand still.
        last = await settled(client, market, place)
    assert book is not None
    assert [tuple(level[:2]) for level in last["bids"][:DEPTH]] == own_book(place, 0, DEPTH)
    assert [tuple(level[:2]) for level in last["asks"][:DEPTH]] == own_book(place, 1, DEPTH)


async def test_watch_trades_brings_what_the_journal_has(venue: str, market: str, tmp_path: Path) -> None:
    async with simulated(venue, market, tmp_path) as place, ccxt_client(venue, market, place) as client:
        await client.load_markets()
        async with asyncio.timeout(WITHIN_S):
            seen = [one for _ in range(2) for one in await client.watch_trades(name_of(market))]
        written = {
            (
                None if venue in WITHOUT_IDS else record.id,
                record.side,
                float(record.price),
                counted(place, record.quantity),
            )
            for record in place.records()
            if isinstance(record, journal.Trade) and record.symbol == "BTC/USDT"
        }
    assert seen
    named = venue not in WITHOUT_IDS
    assert {(one["id"] if named else None, one["side"], one["price"], one["amount"]) for one in seen} <= written


def stand_still(place: Simulated) -> None:
    """Halt the market at a step at which every channel and REST have shown all of it."""
    exchange, now_us = place.exchange, place.exchange.now_us
    exchange.halt(now_us)
    while exchange.market.listings[0].steps % SLOWEST_STEPS:
        for step in exchange.market.tick():
            exchange.face.advance(step, now_us)


def own_book(place: Simulated, side: int, depth: int) -> list[tuple[float, float]]:
    """Return the best levels of the simulator's own BTC/USDT book."""
    listing = place.exchange.market.listings[0]
    ladder, step = listing.ladder, (-1, 1)[side]
    best = ladder.best(side)
    tick, lot = listing.instrument.tick, unit(place)
    prices = range(best, best + step * depth, step)
    return [(tick.value(price), lot.value(ladder.levels[side][price])) for price in prices]


def counted(place: Simulated, quantity: str) -> float:
    """Return a quantity of BTC as ccxt counts it."""
    lots = place.exchange.market.listings[0].instrument.lot.steps(Decimal(quantity))
    return unit(place).value(int(lots))


def unit(place: Simulated) -> Scale:
    """Return what ccxt counts quantities of BTC/USDT in: the lot, or 1 where that is a contract."""
    face = place.exchange.face
    return scale("1") if (face.venue, face.market) in IN_CONTRACTS else place.exchange.market.listings[0].instrument.lot


async def settled(client: Any, market: str, place: Simulated) -> Any:  # noqa: ANN401 - ccxt's book
    """Return ccxt's book when it has taken the last message."""
    book, own = client.orderbooks[name_of(market)], [own_book(place, side, DEPTH) for side in (0, 1)]
    await eventually(lambda: [[tuple(one[:2]) for one in book[side][:DEPTH]] for side in ("bids", "asks")] == own)
    return book
