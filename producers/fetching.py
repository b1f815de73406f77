"""REST requests of one market in the order of what they are worth: repairs before trades before checks before funding.

A request that the venue's limit does not permit yet goes back into the queue instead of standing in the way of what is
worth more; what books that are not valid yet will need is kept for them, for at a start trades ask first. The same
request is never under way twice. A snapshot is as deep as a quarter of the budget permits when all that wait for one
get theirs: with hundreds of books at once it is better to have all of them soon, and again soon.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from itertools import count
from typing import Final, NoReturn

import msgspec

from producers.actions import Action, FetchBook, FetchFunding, FetchTrades
from producers.feed import is_doubted
from producers.market import MarketFeed
from tapeline.errors import InvalidMessage, Unavailable, VenueRefused
from tapeline.runtime import clock
from tapeline.runtime.http import BUCKET, HttpClient
from tapeline.runtime.lifecycle import background
from tapeline.venues.contract import BookProtocol, Feed, Request

DEEPEST: Final = 1_000
CHECK_DEPTH: Final = 100
"""A check looks at the top, at the least cost."""
AT_ONCE: Final = 4
"""Requests under way at once."""
ROOM: Final = 5
"""A snapshot is at least so many times as deep as the book that is published, for the market moves."""
SHARE: Final = 4
"""One part in so many of what is left of the budget goes into the snapshots that are asked for now."""
_LOOK_S: Final = 0.1

Fetch = FetchBook | FetchTrades | FetchFunding
Do = Callable[[Iterable[Action]], None]


class Fetching:
    """Makes the requests that a market feed asks for and hands it the answers; run `run()` in the background."""

    def __init__(self, feed: Feed, market: MarketFeed, http: HttpClient, do: Do) -> None:
        """Take whose requests these are; `do` gets what follows from an answer."""
        self._feed, self._market, self._http, self._do = feed, market, http, do
        self._queue: asyncio.PriorityQueue[tuple[int, int, Fetch]] = asyncio.PriorityQueue()
        self._pending: set[Fetch] = set()
        self._numbers = count()

    def ask(self, fetch: Fetch) -> None:
        """Put a request into the queue, unless it is there already."""
        if fetch not in self._pending:
            self._pending.add(fetch)
            self._put(fetch)

    async def run(self) -> NoReturn:
        """Work the queue off until cancelled."""
        async with contextlib.AsyncExitStack() as stack:
            for number in range(1, AT_ONCE):
                _ = await stack.enter_async_context(background(f"fetch-{number}", self._work()))
            await self._work()

    async def _work(self) -> NoReturn:
        while True:
            _, _, fetch = await self._queue.get()
            request, depth = self._request(fetch)
            wait_s = self._http.limiter.get_wait_time(BUCKET, request.cost + self._kept(fetch, request.cost))
            if wait_s > 0:
                self._put(fetch)
                await asyncio.sleep(min(wait_s, _LOOK_S))
                continue
            self._pending.discard(fetch)
            await self._fetch(fetch, request, depth)

    def _put(self, fetch: Fetch) -> None:
        self._queue.put_nowait((worth(fetch), next(self._numbers), fetch))

    def _request(self, fetch: Fetch) -> tuple[Request, int]:
        """Return the request and, of a book, how deep it asks."""
        if isinstance(fetch, FetchTrades):
            return self._feed.trades_request(fetch.native), 0
        if isinstance(fetch, FetchFunding):
            return self._feed.funding_request(fetch.native), 0
        depth = check_depth(self._feed.facts.book) if fetch.check else self._depth(fetch.native)
        return self._feed.book_request(fetch.native, depth), depth

    def _kept(self, fetch: Fetch, cost: int) -> int:
        """Return how much must be left when a request goes out: books that are not valid yet will ask for it."""
        book = self._feed.facts.book
        if book.snapshot != "rest" or worth(fetch) == 0:
            return 0
        valid, wanted = self._market.valid_books()
        least = self._feed.book_request(fetch.native, min(book.rest_depths)).cost
        most = self._http.limiter.get_all_status()[BUCKET].max_tokens
        return max(0, min((wanted - valid) * least, most - cost))

    def _depth(self, native: str) -> int:
        """Return the depth of the next snapshot."""
        published = self._market.depth_of(native)
        least = DEEPEST if published == 0 else min(DEEPEST, ROOM * published)
        waiting = 1 + sum(isinstance(one, FetchBook) and not one.check for one in self._pending)
        share = self._http.limiter.get_all_status()[BUCKET].tokens / (SHARE * waiting)
        depths = [depth for depth in self._feed.facts.book.rest_depths if least <= depth <= DEEPEST]
        affordable = [depth for depth in depths if self._feed.book_request(native, depth).cost <= share]
        return max(affordable, default=min(depths, default=least))

    async def _fetch(self, fetch: Fetch, request: Request, depth: int) -> None:
        """Make the request; what comes of it is the feed's to judge."""
        market, native, asked_us = self._market, fetch.native, clock.now_us()
        try:
            body = await self._http.fetch(request)
            now_us = clock.now_us()
            if isinstance(fetch, FetchBook):
                whole = self._feed.read_book(body, native, depth, now_us)
                snapshot = msgspec.structs.replace(whole, asked_us=asked_us)
                self._do(market.book_fetched(native, snapshot, now_us, check=fetch.check))
            elif isinstance(fetch, FetchFunding):
                self._do(market.funding_fetched(self._feed.read_funding(body, now_us), now_us))
            else:
                self._do(market.trades_fetched(native, self._feed.read_trades(body, native, now_us), now_us))
        except (Unavailable, VenueRefused, InvalidMessage) as error:
            wait_s = error.retry_after_s if isinstance(error, Unavailable) else None
            now_us = clock.now_us()
            if isinstance(fetch, FetchBook):
                self._do(market.book_failed(native, str(error), now_us, wait_s, check=fetch.check))
            elif isinstance(fetch, FetchTrades):
                self._do(market.trades_failed(native, now_us, wait_s))


def check_depth(book: BookProtocol) -> int:
    """Return how deep a check looks: all that REST has where nothing else shows that a level is wrong."""
    return max(book.rest_depths) if is_doubted(book) else CHECK_DEPTH


def worth(fetch: Fetch) -> int:
    """Return the rank of a request, least first: a book that nobody can use, then what was missed, then a doubt."""
    if isinstance(fetch, FetchTrades):
        return 1
    if isinstance(fetch, FetchFunding):
        return 3
    return 2 if fetch.check else 0
