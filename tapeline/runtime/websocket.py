"""One WebSocket to a venue that is always coming back: opened, greeted, watched by our own ping, opened again (X-05).

What happens is told in order to one plain function: Connected, then its Frames, then Lost; between Lost and Connected
there is nothing. After each Connected `hello` says what to send (all subscriptions). Sends keep to half of the venue's
rate of messages (X-07), in their order; keepalives go first.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal, NoReturn

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI, WebSocketException

from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import clock, logs, retry
from tapeline.runtime.http import GONE, retry_after_s
from tapeline.runtime.lifecycle import background
from tapeline.runtime.limiter import Bucket, Limiter
from tapeline.runtime.log_events import LogEvent

BUCKET: Final = "ws_subscribe"
MOST_BYTES: Final = 16 * 1024 * 1024
"""The longest message that is read; a whole book of 5,000 levels has about half a megabyte."""
SHORT_LIVED: Final = 5
"""So many connections in a row that were closed again at once: the venue wants none of them."""
_CLOSE_S: Final = 1.0


class Connected(msgspec.Struct, frozen=True):
    """A connection is open, since this time: the epoch of what comes over it."""

    at_us: int


class Frame(msgspec.Struct, frozen=True, gc=False):
    """A message, text as UTF-8, and when it was received."""

    data: bytes
    received_us: int


class Lost(msgspec.Struct, frozen=True):
    """The connection is gone: closed by the other side or cut, or silent to our ping."""

    cause: Literal["disconnect", "silence"]
    reason: str
    at_us: int


Happening = Connected | Frame | Lost


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """How a socket is watched and how it comes back; a connection that lived for `settled_s` begins the delays anew."""

    ping_every_s: float = 5.0
    answer_within_s: float = 2.0
    open_within_s: float = 10.0
    first_retry_s: float = retry.FIRST_S
    longest_retry_s: float = retry.CAP_S
    settled_s: float = 5.0


class Socket:
    """The socket: run `run()` in the background and cancel it to close."""

    def __init__(
        self,
        url: str,
        *,
        heard: Callable[[Happening], None],
        hello: Callable[[], Iterable[bytes]],
        sends: Bucket,
        ping: Callable[[], bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        timing: Timing | None = None,
        gone: Callable[[str], None] | None = None,
    ) -> None:
        """Prepare; nothing is opened before `run`.

        `sends` bounds our messages on one connection. `ping` makes the venue's own ping, whose answer the caller finds
        among the frames and reports by `answered()`; without it the WebSocket protocol's ping is used. `gone` hears in
        words that there is no socket at this address any more; it is tried all the same.
        """
        self.url = url
        self.trouble = ""
        """Why the latest attempt to connect failed; empty before one did."""
        self._heard = heard
        self._hello = hello
        self._sends = sends
        self._ping = ping
        self._headers = headers
        self._timing = timing or Timing()
        self._gone = gone or _unheard
        self._short_lived = 0
        self._connection: ClientConnection | None = None
        self._limiter = Limiter({BUCKET: sends})
        self._pong = asyncio.Event()
        self._silent = ""

    @property
    def is_open(self) -> bool:
        """Whether there is a connection."""
        return self._connection is not None

    def answered(self) -> None:
        """Note that the venue answered our ping."""
        self._pong.set()

    async def send(self, frame: bytes, *, urgent: bool = False) -> None:
        """Send one text message, as soon as the venue's rate permits; Unavailable when there is no connection.

        What is still waiting when the connection is lost is not sent on the next one: `hello` speaks for all.
        """
        connection = self._connection
        if connection is None:
            raise Unavailable(f"{self.url} is not connected")
        await self._limiter.acquire(BUCKET, urgent=urgent)
        if connection is not self._connection:
            raise Unavailable(f"{self.url} was lost before this could be sent")
        try:
            await connection.send(frame, text=True)
        except ConnectionClosed as error:
            raise Unavailable(f"{self.url} was lost while this was sent") from error

    def drop(self, reason: str) -> None:
        """Give the connection up at once and open another one: what comes over it cannot be trusted."""
        if self._connection is not None:
            self._silent = self._silent or reason
            # No closing handshake: the other side may not be reading.
            self._connection.transport.abort()

    async def run(self) -> NoReturn:
        """Connect and listen, again and again, until cancelled; then close in order."""
        timing = self._timing
        delays = retry.delays(timing.first_retry_s, timing.longest_retry_s)
        while True:
            began_s = clock.monotonic_s()
            asked_s = 0.0
            try:
                await self._connect_and_listen()
            except InvalidURI as error:
                raise Misconfigured(f"{self.url} is no address of a socket", fix="give ws(s)://host:port") from error
            except (OSError, WebSocketException) as error:
                asked_s = _asked_s(error)
                if isinstance(error, InvalidStatus) and error.response.status_code in GONE:
                    self._gone(f"{self.url} answers HTTP {error.response.status_code}")
                self.trouble = str(error) or type(error).__name__
                logs.get(__name__).warning(LogEvent.SOCKET_AWAY, url=self.url, reason=self.trouble)
            else:
                settled = clock.monotonic_s() - began_s >= timing.settled_s
                self._short_lived = 0 if settled else self._short_lived + 1
                if settled:
                    delays = retry.delays(timing.first_retry_s, timing.longest_retry_s)
                elif self._short_lived == SHORT_LIVED:
                    self._gone(f"{self.url} closes each connection at once")
            await asyncio.sleep(max(next(delays), asked_s))

    async def _connect_and_listen(self) -> None:
        async with connect(
            self.url,
            additional_headers=self._headers,
            # The watch is ours, books compress badly for what it costs, and what waits is bounded by our own buffers.
            ping_interval=None,
            compression=None,
            proxy=None,
            max_size=MOST_BYTES,
            open_timeout=self._timing.open_within_s,
            close_timeout=_CLOSE_S,
        ) as connection:
            self._limiter = Limiter({BUCKET: self._sends})
            self._silent = ""
            self._connection = connection
            logs.get(__name__).info(LogEvent.SOCKET_OPEN, url=self.url)
            try:
                self._heard(Connected(clock.now_us()))
                reason = await self._listen(connection)
            except asyncio.CancelledError:
                # Left to itself the library would tell the venue of an internal error.
                await connection.close()
                raise
            finally:
                self._connection = None
            logs.get(__name__).warning(LogEvent.SOCKET_LOST, url=self.url, reason=self._silent or reason)
            cause: Literal["disconnect", "silence"] = "silence" if self._silent else "disconnect"
            self._heard(Lost(cause, self._silent or reason, clock.now_us()))

    async def _listen(self, connection: ClientConnection) -> str:
        """Hand every message on until the connection ends, and return why it did."""
        heard, receive, now_us = self._heard, connection.recv, clock.now_us
        async with background("keepalive", self._watch(connection)), background("hello", self._greet()):
            try:
                while True:
                    data = await receive(decode=False)
                    heard(Frame(bytes(data), now_us()))
            except ConnectionClosed as closed:
                return str(closed)

    async def _greet(self) -> None:
        # The reader tells of a connection that is lost meanwhile.
        with contextlib.suppress(Unavailable):
            for frame in self._hello():
                await self.send(frame)

    async def _watch(self, connection: ClientConnection) -> None:
        """Ping in a fixed rhythm; an answer that does not come in its time ends the connection."""
        timing = self._timing
        while True:
            await asyncio.sleep(timing.ping_every_s)
            try:
                # What waits for the venue's rate is not late yet.
                wait_s = self._limiter.get_wait_time(BUCKET, urgent=True) if self._ping is not None else 0.0
                async with asyncio.timeout(wait_s + timing.answer_within_s):
                    await self._answer(connection)
            except TimeoutError:
                self.drop(f"no answer to our ping within {timing.answer_within_s:g} s")
                return
            except (Unavailable, ConnectionClosed):
                return

    async def _answer(self, connection: ClientConnection) -> None:
        if self._ping is None:
            await (await connection.ping())
            return
        self._pong.clear()
        await self.send(self._ping(), urgent=True)
        await self._pong.wait()


def _unheard(_said: str) -> None:
    """Tell nobody."""


def _asked_s(error: Exception) -> float:
    """Return how long the venue asks us to stay away in its refusal of the connection."""
    if not isinstance(error, InvalidStatus):
        return 0.0
    headers = dict(error.response.headers.raw_items())
    return retry_after_s(headers) or 0.0
