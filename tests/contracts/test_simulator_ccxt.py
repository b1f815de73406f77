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
    "bingx",
    "gateio",
    "htx",
)
PLACES = [(venue, market) for venue in VENUES for market in ("spot", "futures")]
# What the venue itself calls BTC/USDT, where that is not BTCUSDT.
IDS = {
    ("bingx", "spot"): "BTC-USDT",
    ("bingx", "futures"): "BTC-USDT",
    ("gateio", "spot"): "BTC_USDT",
    ("gateio", "futures"): "BTC_USDT",
    ("htx", "spot"): "btcusdt",
    ("htx", "futures"): "BTC-USDT",
}
# The step of prices, where a venue can only tell how many digits they have.
TICKS = {
    ("bingx", "futures"): 1.0,
    ("gateio", "spot"): 1.0,
    ("htx", "spot"): 1.0,
}
# Where quantities are contracts, of one lot each, so that ccxt's are whole numbers.
CONTRACTS = {
    ("gateio", "futures"),
    ("htx", "futures"),
}
# Where ccxt takes another number of a trade for its id than the one that is told to be used.
OWN_IDS = {
    ("gateio", "spot"): "id_market",
    ("htx", "spot"): "tradeId",
}
# How many levels of a book a venue gives, where 100 cannot be asked for.
LEVELS: dict[tuple[str, str], int | None] = {("htx", "spot"): None}
# Where trades have no id on the wire.
NAMELESS = {("bingx", "futures")}
# Every how many steps all channels of BTC/USDT are due; BingX has some of 300 and of 500 ms.
ALL_DUE = {"bingx": 30}
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
    tick, counted = TICKS.get((venue, market), 5.0), (venue, market) in CONTRACTS
    assert (found["precision"]["price"], found["precision"]["amount"]) == (tick, 1.0 if counted else 0.0001)
    assert not counted or found["contractSize"] == 0.0001
    perpetuals = [one for one in markets.values() if one["spot" if market == "spot" else "swap"]]
    assert len(perpetuals) == 5


async def test_fetch_order_book_is_the_book_of_the_simulator(venue: str, market: str, tmp_path: Path) -> None:
    async with simulated(venue, market, tmp_path) as place, ccxt_client(venue, market, place) as client:
        await client.load_markets()
        # A REST book is that of a topic, which does not move with every step.
        await halted(place)
        book = await client.fetch_order_book(name_of(market), LEVELS.get((venue, market), 100))
        assert [tuple(level) for level in book["bids"][:100]] == own_book(place, 0, 100)
        assert [tuple(level) for level in book["asks"][:100]] == own_book(place, 1, 100)


async def test_watch_order_book_equals_the_own_book_at_the_same_sequence(
    venue: str, market: str, tmp_path: Path
) -> None:
    async with simulated(venue, market, tmp_path) as place, ccxt_client(venue, market, place) as client:
        await client.load_markets()
        async with asyncio.timeout(WITHIN_S):
            for _ in range(UPDATES):
                book = await client.watch_order_book(name_of(market))
        await halted(place)
        # What was on its way still arrives; then both stand still.
        await settled(client, market, place)
        last = client.orderbooks[name_of(market)]
    assert book is not None
    assert top(last, "bids") == own_book(place, 0, DEPTH)
    assert top(last, "asks") == own_book(place, 1, DEPTH)


async def test_watch_trades_brings_what_the_journal_has(venue: str, market: str, tmp_path: Path) -> None:
    async with simulated(venue, market, tmp_path) as place, ccxt_client(venue, market, place) as client:
        await client.load_markets()
        async with asyncio.timeout(WITHIN_S):
            seen = [one for _ in range(2) for one in await client.watch_trades(name_of(market))]
        lot = place.exchange.market.listings[0].instrument.lot
        unit = Decimal(lot.text) if (venue, market) in CONTRACTS else Decimal(1)
        written = {
            record.id: (record.side, float(record.price), float(Decimal(record.quantity) / unit))
            for record in place.records()
            if isinstance(record, journal.Trade) and record.symbol == "BTC/USDT"
        }
    assert seen
    if (venue, market) in NAMELESS:
        assert {one["id"] for one in seen} == {None}
        assert {(one["side"], one["price"], one["amount"]) for one in seen} <= set(written.values())
        return
    named = OWN_IDS.get((venue, market))
    ids = [one["id"] if named is None else str(one["info"][named]) for one in seen]
    told = [(one["side"], one["price"], one["amount"]) for one in seen]
    assert dict(zip(ids, told, strict=True)).items() <= written.items()


def own_book(place: Simulated, side: int, depth: int) -> list[tuple[float, float]]:
    """Return the best levels of the simulator's own BTC/USDT book."""
    listing = place.exchange.market.listings[0]
    ladder, step = listing.ladder, (-1, 1)[side]
    best = ladder.best(side)
    tick, lot = listing.instrument.tick, listing.instrument.lot
    prices = range(best, best + step * depth, step)
    counted = (place.exchange.face.venue, place.exchange.face.market) in CONTRACTS
    levels = [(price, ladder.levels[side][price]) for price in prices]
    return [(tick.value(price), float(lots) if counted else lot.value(lots)) for price, lots in levels]


def top(book: Any, side: str) -> list[tuple[float, float]]:  # noqa: ANN401 - ccxt's book
    """Return the best levels of ccxt's book."""
    return [tuple(level[:2]) for level in book[side][:DEPTH]]


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


async def settled(client: Any, market: str, place: Simulated) -> None:  # noqa: ANN401 - ccxt's exchange
    """Wait until ccxt has taken the last message."""
    own = [own_book(place, 0, DEPTH), own_book(place, 1, DEPTH)]
    await eventually(lambda: [top(client.orderbooks[name_of(market)], side) for side in ("bids", "asks")] == own)
