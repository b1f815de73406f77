"""The sockets and the REST client of one market: what happens goes into the market feed, what it asks for is done.

Nothing is decided here. A frame that breaks the venue's contract is handed to the watcher; the next frames go on.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NoReturn, Protocol

from producers.actions import Action, Answered, FetchBook, FetchFunding, FetchTrades, Look, Refused, Reopen, Send
from producers.fetching import Fetching
from producers.market import MarketFeed
from producers.pool import Close, Open, Pool, Slot, Subscribe
from tapeline.errors import InvalidMessage, Unavailable
from tapeline.runtime import clock, metrics
from tapeline.runtime.http import HttpClient
from tapeline.runtime.lifecycle import background
from tapeline.runtime.limiter import Bucket, share
from tapeline.runtime.websocket import Connected, Frame, Happening, Lost, Socket, Timing
from tapeline.venues.contract import Feed, Hosts, SocketLimits, Want, socket_url

TICK_S: Final = 0.1
SELDOM: Final = 4


class Watcher(Protocol):
    """Hears of frames and addresses that are not, or may not be, as they should."""

    def broken(self, frame: bytes, error: InvalidMessage) -> None:
        """Take a frame that breaks the venue's contract."""

    def look(self, frame: bytes) -> None:
        """Compare a frame, whose events were taken, with what is known of the protocol."""

    def gone(self, said: str) -> None:
        """Hear that there is nothing at an address any more."""


class Link:
    """Carries one market for the sockets that its pool plans; run `run()` in the background."""

    def __init__(
        self,
        feed: Feed,
        market: MarketFeed,
        pool: Pool,
        hosts: Hosts,
        http: HttpClient,
        *,
        watcher: Watcher,
        refused: Callable[[tuple[Want, ...], str], None],
        timing: Timing | None = None,
    ) -> None:
        """Prepare a socket for each of the pool's slots; nothing is opened before `run`."""
        self._feed, self._market, self._pool = feed, market, pool
        self._watcher, self._refused = watcher, refused
        self._fetching = Fetching(feed, market, http, self._do)
        self._hosts, self._timing = hosts, timing
        self._sends: dict[Slot, asyncio.Queue[Send]] = {}
        self._pings = 0
        self.sockets: dict[Slot, Socket] = {}
        self._steps: asyncio.Queue[Open | Close] = asyncio.Queue()
        self._open: set[Slot] = set()
        self._labels = {"venue": feed.facts.venue, "market": feed.facts.market}
        for slot in pool.slots:
            self._prepare(slot)

    async def run(self) -> NoReturn:
        """Keep all sockets open and do what is asked, until cancelled."""
        self._count()
        async with background("fetching", self._fetching.run()), background("sockets", self._steering()):
            while True:
                await asyncio.sleep(TICK_S)
                self._do(self._market.tick(clock.now_us()))

    def change(self, desired: Mapping[str, int]) -> None:
        """Carry other instruments, or others too: the depth of each book by native name, as the market feed has it.

        Who is wanted as before sees nothing of it. Misconfigured, with nothing changed, when it is too much.
        """
        for step in self._pool.change(desired):
            if isinstance(step, Open):
                self._prepare(step.slot)
            elif isinstance(step, Close):
                self._steps.put_nowait(step)
            elif step.slot in self._open:
                # A socket that is not open asks for all that it carries when it is.
                joins = isinstance(step, Subscribe)
                self._do(
                    self._market.joined(step.slot, step.wants, clock.now_us())
                    if joins
                    else self._market.left(step.slot, step.wants)
                )
        self._count()

    def _prepare(self, slot: Slot) -> None:
        if self._is_socket(slot):
            self._sends[slot] = asyncio.Queue()
            self.sockets[slot] = self._socket(slot, self._hosts, self._timing)
        self._steps.put_nowait(Open(slot))

    def _is_socket(self, slot: Slot) -> bool:
        """Whether there is something to open: what is polled has nothing that could be lost."""
        return slot.socket in self._feed.facts.sockets

    async def _steering(self) -> NoReturn:
        """Open and close sockets one after the other; a crash in one of them ends all."""
        held: dict[Slot, contextlib.AsyncExitStack] = {}
        async with contextlib.AsyncExitStack() as all_held:
            while True:
                step = await self._steps.get()
                if isinstance(step, Open):
                    held[step.slot] = await all_held.enter_async_context(contextlib.AsyncExitStack())
                    await self._begin(step.slot, held[step.slot])
                else:
                    await held.pop(step.slot).aclose()
                    self._closed(step.slot)

    async def _begin(self, slot: Slot, stack: contextlib.AsyncExitStack) -> None:
        if not self._is_socket(slot):
            self._opened(slot)
            self._do(self._market.connected(slot, self._pool.wants(slot), clock.now_us()))
            return
        name = f"{slot.socket}-{slot.number}"
        _ = await stack.enter_async_context(background(f"send-{name}", self._sending(slot)))
        _ = await stack.enter_async_context(background(f"socket-{name}", self.sockets[slot].run()))

    def _closed(self, slot: Slot) -> None:
        """Forget a socket that carries nothing any more."""
        self._open.discard(slot)
        for held in (self.sockets, self._sends):
            held.pop(slot, None)
        self._count()

    def _socket(self, slot: Slot, hosts: Hosts, timing: Timing | None) -> Socket:
        feed, limits = self._feed, self._feed.facts.limits

        def ping() -> bytes:
            self._pings += 1
            return feed.ping(self._pings) or b""

        return Socket(
            socket_url(feed, hosts, slot.socket),
            heard=lambda happening: self._heard(slot, happening),
            hello=tuple,
            sends=sends(limits),
            ping=ping if feed.facts.keepalive.ping == "message" else None,
            headers={**feed.facts.headers, **hosts.headers},
            timing=timing or Timing(ping_every_s=feed.facts.keepalive.every_s),
            gone=self._watcher.gone,
        )

    def _heard(self, slot: Slot, happening: Happening) -> None:
        if isinstance(happening, Frame):
            try:
                self._do(self._market.frame(slot, happening.data, happening.received_us))
            except InvalidMessage as error:
                self._watcher.broken(happening.data, error)
        elif isinstance(happening, Connected):
            self._opened(slot)
            actions = self._market.connected(slot, self._pool.wants(slot), happening.at_us)
            # What was still to be asked on the last connection is asked anew on this one, before all later asks.
            while not self._sends[slot].empty():
                self._sends[slot].get_nowait()
            self._do(actions)
        elif isinstance(happening, Lost):
            self._lost(slot, happening.cause)
            wants = self._pool.wants(slot)
            self._do(self._market.lost(slot, wants, happening.cause, happening.reason, happening.at_us))

    def _opened(self, slot: Slot) -> None:
        self._open.add(slot)
        self._count()

    def _lost(self, slot: Slot, cause: str) -> None:
        if slot in self._open:
            self._open.discard(slot)
            metrics.SOCKETS_LOST.bind(**self._labels, cause=cause).inc()
            self._count()

    def _count(self) -> None:
        metrics.SOCKETS.set(sum(map(self._is_socket, self._pool.slots)), **self._labels)
        metrics.SOCKETS_OPEN.set(sum(map(self._is_socket, self._open)), **self._labels)

    def _do(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if isinstance(action, Send):
                self._sends[action.slot].put_nowait(action)
            elif isinstance(action, FetchBook | FetchTrades | FetchFunding):
                self._fetching.ask(action)
            elif isinstance(action, Answered):
                self.sockets[action.slot].answered()
            elif isinstance(action, Reopen):
                self.sockets[action.slot].drop(action.reason)
            elif isinstance(action, Refused):
                self._refused(action.wants, action.error)
            elif isinstance(action, Look):
                self._watcher.look(action.frame)

    async def _sending(self, slot: Slot) -> NoReturn:
        while True:
            send = await self._sends[slot].get()
            # A connection that is lost takes with it what was to be sent: the next one asks for all anew.
            with contextlib.suppress(Unavailable):
                await self.sockets[slot].send(send.frame, urgent=send.urgent)
                self._market.sent(send, clock.now_us())


def sends(limits: SocketLimits) -> Bucket:
    """Return how often a socket may send: half of the venue's rate, or so far apart as it wants."""
    if limits.apart_s is not None:
        return Bucket(max_tokens=1, window_s=limits.apart_s)
    # Of less than four a second half would leave none for our pings.
    window_s = 1.0 if limits.messages_per_s >= SELDOM else 2.0
    return share(limits.messages_per_s * window_s, window_s, reserved=1)
