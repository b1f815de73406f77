"""What ccxt.pro makes of a hole: it watches one book of each simulated market over loopback while changes are lost.

It subscribes as it wants to. A book that it hands out counts as wrong when its best levels are none of those that the
exchange had lately; that it asked for the book again, connected again or raised is how it shows that it noticed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tempfile
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import ccxt.pro  # type: ignore[import-untyped]  # it ships no types

from simulator.faults import Wish
from simulator.journal import AnyRecord, Connected, Delta, Served, Subscribed
from simulator.places import Place
from tapeline.runtime import clock
from tests.integrity.exchange_side import Top, Truth
from tests.support.ccxt_client import ccxt_client
from tests.support.eventually import pause
from tests.support.integrity import Peer
from tests.support.simulated import Simulated, simulated

VENUES: Final = ("binance", "bybit", "okx", "kucoin", "htx", "mexc", "bitget", "bingx", "gateio")
"""Those that ccxt 4.5.90 knows."""
HOLES: Final = 6
SYMBOL: Final = "BTC/USDT"
CLEAN_BOOKS: Final = 20
"""So many books are handed out before the first hole."""
START_S: Final = 40.0
LOOK_S: Final = 5.0
"""So long after a hole its answer is waited for."""
COMPARED: Final = 10
_LATELY: Final = 200
_CLOSE: Final = 1e-9


class Lately(Truth):
    """The newest books of the watched symbol, and what the client asked for."""

    def __init__(self, place: Simulated) -> None:
        """Take the place of the exchange's journal."""
        super().__init__({one.instrument.symbol: one for one in place.exchange.market.listings})
        self.tops: deque[Top] = deque(maxlen=_LATELY)
        self.asked: list[str] = []

    def write(self, record: AnyRecord) -> None:
        """Keep what concerns the symbol."""
        super().write(record)
        if isinstance(record, Delta) and record.symbol == SYMBOL:
            found = self.top(SYMBOL, record.channel, record.sequence)
            assert found is not None
            self.tops.append(found)
        elif isinstance(record, Connected):
            self.asked.append("connects again")
        elif isinstance(record, Subscribed) and record.symbol == SYMBOL:
            self.asked.append("subscribes again")
        elif isinstance(record, Served) and record.symbol == SYMBOL and record.connection is None:
            self.asked.append("asks REST again")


class Watching:
    """A user's loop around `watch_order_book`."""

    def __init__(self, client: Any, market: str, lately: Lately) -> None:  # noqa: ANN401 - ccxt has no types
        """Begin with nothing seen."""
        self._client, self._lately = client, lately
        self._name = SYMBOL if market == "spot" else f"{SYMBOL}:USDT"
        self.books = self.wrong = self.crossed = 0
        self.raised: list[str] = []

    async def run(self) -> None:
        """Watch for ever, again after an error."""
        while True:
            try:
                self._look(await self._client.watch_order_book(self._name))
            except ccxt.pro.BaseError as error:
                self.raised.append(f"raises {type(error).__name__}")
                await pause()

    def _look(self, book: Any) -> None:  # noqa: ANN401 - as above
        size = float(self._client.market(self._name).get("contractSize") or 1.0)
        self.books += 1
        bids, asks = ([(level[0], level[1] * size) for level in book[side][:COMPARED]] for side in ("bids", "asks"))
        self.crossed += bool(bids and asks and bids[0][0] >= asks[0][0])
        self.wrong += not any(_same(bids, top[0], top[1]) and _same(asks, top[2], top[3]) for top in self._lately.tops)


async def met(place: Place) -> Peer:
    """Let ccxt.pro meet holes on one market."""
    version = str(ccxt.__version__)
    try:
        with tempfile.TemporaryDirectory() as folder:
            async with (
                simulated(place.venue, place.market, Path(folder), seed=1, symbols=4) as own,
                ccxt_client(place.venue, place.market, own) as client,
            ):
                lately = own.exchange.journal = Lately(own)
                await client.load_markets()
                watching = Watching(client, place.market, lately)
                task = asyncio.ensure_future(watching.run())
                try:
                    return await _holes(place, own, watching, lately, version)
                finally:
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
    except Exception as error:  # noqa: BLE001 - whatever it is, the row says why there is no figure
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        return Peer(place=str(place), version=version, not_run=f"{type(error).__name__}: {error}"[:120])


async def _holes(place: Place, own: Simulated, watching: Watching, lately: Lately, version: str) -> Peer:
    async with asyncio.timeout(START_S):
        while watching.books < CLEAN_BOOKS:
            await pause()
    books, wrong = watching.books, watching.wrong
    watching.books = watching.wrong = watching.crossed = 0
    did: Counter[str] = Counter()
    holes = noticed = silent = 0
    for _ in range(HOLES):
        lately.asked.clear()
        watching.raised.clear()
        before = watching.wrong
        own.exchange.now_us, own.exchange.now_s = clock.now_us(), clock.monotonic_s()
        if not own.exchange.striker.strike(Wish("gap", symbol=SYMBOL, kind="book", count=1)):
            continue
        holes += 1
        end_s = clock.monotonic_s() + LOOK_S
        while clock.monotonic_s() < end_s:
            await pause()
        said = dict.fromkeys([*watching.raised, *lately.asked])
        did.update(list(said))
        noticed += bool(said)
        silent += not said and watching.wrong > before
    return Peer(
        place=str(place),
        version=version,
        clean_books=books,
        clean_wrong=wrong,
        holes=holes,
        noticed=noticed,
        silent=silent,
        books=watching.books,
        wrong=watching.wrong,
        crossed=watching.crossed,
        did=dict(did.most_common()),
    )


def _same(levels: Sequence[tuple[float, float]], prices: Sequence[float], quantities: Sequence[float]) -> bool:
    truth = zip(prices, quantities, strict=True)
    return bool(levels) and all(
        abs(price - true) <= _CLOSE * true and abs(quantity - held) <= _CLOSE * held
        for (price, quantity), (true, held) in zip(levels, truth, strict=False)
    )


async def measured(places: Sequence[Place], at_once: int = 6) -> list[Peer]:
    """Measure these markets, some at a time."""
    logging.disable(logging.CRITICAL)
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _told: None)
    turns = asyncio.Semaphore(at_once)

    async def one(place: Place) -> Peer:
        async with turns:
            return await met(place)

    with contextlib.suppress(asyncio.CancelledError):
        return list(await asyncio.gather(*(one(place) for place in places)))
    return []
