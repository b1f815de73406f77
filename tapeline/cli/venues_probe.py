"""Connects to one market with the shipped code: its list, the streams of one instrument, and what those leave out.

Everything ends within the time limit, and a failure of one part is told in words beside the parts that work.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

import msgspec

from tapeline.cli.decode_stretch import exact, shown
from tapeline.cli.venues_facts import Difference, Funding, Instruments, Trades, VenueRow
from tapeline.cli.venues_heard import Heard
from tapeline.cli.venues_where import Target
from tapeline.domain.events import Instrument
from tapeline.errors import TapelineError, Unavailable
from tapeline.runtime import clock
from tapeline.runtime.http import BUCKET, HttpClient
from tapeline.runtime.lifecycle import background
from tapeline.runtime.limiter import Limiter, share
from tapeline.runtime.websocket import Connected, Frame, Happening, Socket, Timing
from tapeline.venues.contract import Feed, socket_url
from tapeline.venues.drift import FIXES

SYMBOL: Final = "BTC/USDT"
BOOK_DEPTH: Final = 100
LOOK_S: Final = 0.05
AFTER_S: Final = 5.0
"""How long the questions over REST may take that are asked when the time of the streams is over."""
_GRACE_US: Final = 2_000_000
"""A trade this new may still be on its way over the socket."""


@dataclass(slots=True)
class Streams:
    """The sockets of one probe, and why one could not be opened."""

    feed: Feed
    heard: Heard
    sockets: dict[str, Socket]
    sends: asyncio.Queue[tuple[str, bytes]]
    opened: set[str]

    def trouble(self) -> str | None:
        """Say which sockets were never open and why, None where all were."""
        closed = [
            f"{one.url}: {one.trouble or 'no answer'}" for name, one in self.sockets.items() if name not in self.opened
        ]
        return f"no connection to {', '.join(closed)}" if closed else None


async def probe(row: VenueRow, feed: Feed, target: Target, *, within_s: float) -> VenueRow:
    """Return the row with what was found."""
    facts = feed.facts
    until_s = clock.monotonic_s() + within_s
    row = msgspec.structs.replace(row, network=target.network, address=target.hosts.rest)
    limiter = Limiter({BUCKET: share(facts.rest.budget, facts.rest.window_s)})
    async with HttpClient.of(facts, target.hosts.rest, limiter, feed.refusal, headers=target.hosts.headers) as http:
        try:
            async with asyncio.timeout(within_s):
                listed, skipped = await instruments(feed, http)
        except (TapelineError, TimeoutError) as error:
            told = Instruments(error=str(error) or f"no answer within {within_s:g} s")
            return msgspec.structs.replace(row, instruments=told, ok=False)
        row = msgspec.structs.replace(row, instruments=Instruments(count=len(listed), skipped=skipped))
        one = chosen(listed)
        if one is None:
            told = msgspec.structs.replace(row.instruments, error="nothing is listed")
            return msgspec.structs.replace(row, instruments=told, ok=False)
        heard = Heard(feed, one)
        async with streams(feed, heard, target) as opened:
            failed = await _listen(feed, heard, http, opened, one, until_s)
            trouble = opened.trouble()
        row = msgspec.structs.replace(row, symbol=one.symbol, error=_errors(heard, trouble), drift=_differences(heard))
        ended_us = clock.now_us()
        trades = await _trades(row.trades, feed, heard, http, one, ended_us)
        funding = None if row.funding is None else await _funding(row.funding, feed, heard, http, one)
    book = heard.book_result(row.book)
    if failed is not None and not book.valid:
        book = msgspec.structs.replace(book, error=failed)
    return judged(msgspec.structs.replace(row, trades=trades, book=book, funding=funding))


def judged(row: VenueRow) -> VenueRow:
    """Return the row with whether all of it works."""
    parts = (row, row.trades, row.book, row.instruments, *(() if row.funding is None else (row.funding,)))
    return msgspec.structs.replace(row, ok=not row.drift and all(part.error is None for part in parts))


def chosen(listed: Sequence[Instrument]) -> Instrument | None:
    """Return the instrument to look at: BTC/USDT, else the first that is traded."""
    by_symbol = {one.symbol: one for one in listed}
    trading = (one for one in listed if one.status == "trading")
    return by_symbol.get(SYMBOL) or next(trading, None) or next(iter(listed), None)


async def instruments(feed: Feed, http: HttpClient) -> tuple[tuple[Instrument, ...], int]:
    """Return all instruments of the market, page by page, and how many were left out."""
    found: list[Instrument] = []
    skipped = 0
    cursor: str | None = None
    while True:
        page = feed.read_instruments(await http.fetch(feed.instruments_request(cursor)), clock.now_us())
        found += page.instruments
        skipped += len(page.skipped)
        cursor = page.cursor
        if cursor is None:
            return tuple(found), skipped


# ---------------------------------------------------------------- streams
@contextlib.asynccontextmanager
async def streams(feed: Feed, heard: Heard, target: Target) -> AsyncIterator[Streams]:
    """Keep one socket of each kind open while the block runs; what is polled has none and begins at once."""
    own = Streams(feed, heard, {}, asyncio.Queue(), set())
    for kind in dict.fromkeys(feed.facts.channels.values()):
        if kind in feed.facts.sockets:
            own.sockets[kind] = _socket(own, kind, target)
        else:
            _ = heard.connected(kind, clock.now_us())
    async with contextlib.AsyncExitStack() as stack:
        _ = await stack.enter_async_context(background("send", _sending(own)))
        for kind, socket in own.sockets.items():
            _ = await stack.enter_async_context(background(f"socket-{kind}", socket.run()))
        yield own


def _socket(own: Streams, kind: str, target: Target) -> Socket:
    feed, heard, facts = own.feed, own.heard, own.feed.facts
    greeting: list[bytes] = []
    has_book = facts.channels["book"] == kind
    pings = 0

    def ping() -> bytes:
        nonlocal pings
        pings += 1
        return feed.ping(pings) or b""

    def happened(happening: Happening) -> None:
        if isinstance(happening, Frame):
            for reply in heard.frame(happening.data, happening.received_us):
                own.sends.put_nowait((kind, reply))
            if heard.answered_ping:
                heard.answered_ping = False
                own.sockets[kind].answered()
            if heard.closing:
                own.sockets[kind].drop(heard.closing)
                heard.closing = ""
        elif isinstance(happening, Connected):
            own.opened.add(kind)
            greeting[:] = heard.connected(kind, happening.at_us)
        elif has_book:  # it is lost
            heard.lost(f"the connection was lost: {happening.reason}")

    return Socket(
        socket_url(feed, target.hosts, kind),
        heard=happened,
        hello=lambda: greeting,
        sends=share(facts.limits.messages_per_s, 1.0, reserved=1),
        ping=ping if facts.keepalive.ping == "message" else None,
        headers={**facts.headers, **target.hosts.headers},
        timing=Timing(ping_every_s=facts.keepalive.every_s),
    )


async def _sending(own: Streams) -> NoReturn:
    while True:
        kind, frame = await own.sends.get()
        # What was for a connection that is lost is asked anew on the next one.
        with contextlib.suppress(Unavailable):
            await own.sockets[kind].send(frame)


async def _listen(
    feed: Feed, heard: Heard, http: HttpClient, own: Streams, one: Instrument, until_s: float
) -> str | None:
    """Wait until enough was heard or the time is over, having books asked for; return why the last could not be had."""
    failed: str | None = None
    while (left_s := until_s - clock.monotonic_s()) > 0 and not heard.enough:
        if heard.book_due(clock.now_us()):
            frames = heard.book_asked(clock.now_us())
            for frame in frames:
                own.sends.put_nowait((feed.facts.channels["book"], frame))
            if not frames:
                failed = await _whole_book(feed, heard, http, one, left_s)
        await asyncio.sleep(LOOK_S)
    return failed


async def _whole_book(feed: Feed, heard: Heard, http: HttpClient, one: Instrument, left_s: float) -> str | None:
    depths = feed.facts.book.rest_depths
    depth = min((depth for depth in depths if depth >= BOOK_DEPTH), default=max(depths))
    try:
        async with asyncio.timeout(left_s):
            body = await http.fetch(feed.book_request(one.native, depth))
        now_us = clock.now_us()
        heard.book(feed.read_book(body, one.native, depth, now_us), now_us)
    except (TapelineError, TimeoutError) as error:
        return f"no whole book came: {str(error) or 'no answer'}"
    return None


# ---------------------------------------------------------------- what streams left out
async def _trades(facts: Trades, feed: Feed, heard: Heard, http: HttpClient, one: Instrument, ended_us: int) -> Trades:
    """Return how the trades did; where none came, whether the venue had any to tell."""
    told = msgspec.structs.replace(facts, received=heard.trades)
    refused = heard.refused.get("trade")
    if refused is not None:
        return msgspec.structs.replace(told, error=f"the venue refused them: {refused}")
    if heard.trades:
        return told
    if "trade" not in feed.facts.channels:
        return msgspec.structs.replace(told, remark="the venue tells none")
    if heard.began_us is None:
        return msgspec.structs.replace(told, error="they were never asked for")
    return await _missed(told, feed, http, one, (heard.began_us + _GRACE_US, ended_us - _GRACE_US))


async def _missed(told: Trades, feed: Feed, http: HttpClient, one: Instrument, of: tuple[int, int]) -> Trades:
    """Return how it is that no trade came: whether the venue lists any of that time."""
    if not feed.facts.trades.recent:
        return msgspec.structs.replace(told, remark="none came in that time, and the venue has no list of them")
    try:
        async with asyncio.timeout(AFTER_S):
            body = await http.fetch(feed.trades_request(one.native))
        recent = feed.read_trades(body, one.native, clock.now_us())
    except (TapelineError, TimeoutError) as error:
        return msgspec.structs.replace(told, error=f"none came, and REST has none: {str(error) or 'no answer'}")
    missed = sum(of[0] < trade.venue_us < of[1] for trade in recent)
    if missed:
        return msgspec.structs.replace(told, error=f"none came, and REST has {missed} of that time")
    return msgspec.structs.replace(told, remark="there was none in that time")


async def _funding(facts: Funding, feed: Feed, heard: Heard, http: HttpClient, one: Instrument) -> Funding:
    """Return how the funding did; what no stream told in time is asked for over REST."""
    refused = heard.refused.get("funding")
    if refused is not None:
        return msgspec.structs.replace(facts, error=f"the venue refused it: {refused}")
    received = "stream"
    if heard.rate is None:
        received = "rest"
        try:
            async with asyncio.timeout(AFTER_S):
                body = await http.fetch(feed.funding_request(one.native))
            heard.take_funding(feed.read_funding(body, clock.now_us()))
        except (TapelineError, TimeoutError) as error:
            return msgspec.structs.replace(facts, error=f"no rate came, over REST neither: {str(error) or 'no answer'}")
    update = heard.funding
    if update is None or update.rate is None:
        return msgspec.structs.replace(facts, error="no rate came")
    rate = exact(update.rate, (update.exact or {}).get("rate"))
    return msgspec.structs.replace(facts, received=received, rate=shown(rate))


def _errors(heard: Heard, trouble: str | None) -> str | None:
    """Return what is wrong with the market as a whole."""
    broken = f"{heard.broken} frames could not be read, the last: {heard.problem}" if heard.broken else None
    return "; ".join(filter(None, (trouble, broken))) or None


def _differences(heard: Heard) -> tuple[Difference, ...]:
    return tuple(
        Difference(channel=one.channel, kind=one.kind, field=one.field, said=str(one), fix=FIXES[one.kind])
        for one in sorted(heard.drift)
    )
