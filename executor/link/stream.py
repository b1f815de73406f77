"""The private stream of one market of a venue: opened, answered, watched, and over at the first thing that is wrong.

It has no snapshot and heals no hole: whoever hears that it is open, or over, asks by REST for what stands. The first
`StreamAnswer` says that it is open, whatever the venue itself had to answer for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from math import inf
from typing import Final

from executor.link.asking import Asking
from tapeline.errors import InvalidMessage, TapelineError, Unavailable
from tapeline.runtime import clock, logs, metrics, retry
from tapeline.runtime.log_events import LogEvent
from tapeline.runtime.private_socket import PrivateSocket, opened
from tapeline.venues.account import PrivateEvent, StreamAnswer, StreamEnding
from tapeline.venues.calls import StreamKey, StreamKeyGone, StreamKeyRenewal, StreamKeyRequest
from tapeline.venues.contract import Hosts, Pong
from tapeline.venues.orders import Keys, Opening, StreamFacts, Trading
from tapeline.venues.refusals import Reason

ANSWER_WITHIN_S: Final = 10.0
"""So long the venue may take to answer login and subscriptions."""
PONG_WITHIN_S: Final = 2.0
SETTLED_S: Final = 10.0
"""A stream that was open for so long lets the next one be opened at once."""
EARLY_S: Final = 60.0
"""So long before the end of its life a stream is given up, so that the end is ours to choose."""
RENEW_AGAIN_S: Final = 60.0


class StreamOver(Exception):
    """The stream is over, for this reason."""


class Handshake:
    """What is to be sent until the stream is open; pure."""

    def __init__(self, opening: Opening, *, optional: bool) -> None:
        """Begin; `optional` says that the last frame asks for the venue's switch and may be refused alone."""
        self._opening = opening
        # Requests are numbered from 1, the login among them; a stream needs one subscription that is taken.
        count = len(opening.subscribe)
        self._optional_id = count + (opening.login is not None) if optional and count > 1 else None
        self._logged_in = opening.login is None
        self._unanswered = len(opening.subscribe)

    @property
    def is_open(self) -> bool:
        """Whether everything was answered."""
        return self._logged_in and not self._unanswered

    def begin(self) -> tuple[bytes, ...]:
        """Return what is sent first."""
        return self._opening.subscribe if self._opening.login is None else (self._opening.login,)

    def heard(self, answer: StreamAnswer) -> tuple[bytes, ...]:
        """Return what is sent after this answer; raise StreamOver where it is a no that matters."""
        if answer.step == "login":
            if answer.refused is not None:
                raise StreamOver(f"the login was refused: {answer.refused.reason}: {answer.refused.text}")
            first, self._logged_in = not self._logged_in, True
            return self._opening.subscribe if first else ()
        self._unanswered = max(0, self._unanswered - 1)
        optional = self._optional_id is not None and answer.request_id == self._optional_id
        if answer.refused is not None and not optional:
            raise StreamOver(f"the subscription was refused: {answer.refused.reason}: {answer.refused.text}")
        return ()


@dataclass(slots=True)
class Times:
    """When what is due, on the clock that never jumps; `inf`: never."""

    open_by_s: float
    ping_at_s: float = inf
    pong_by_s: float = inf
    renew_at_s: float = inf
    end_at_s: float = inf

    @classmethod
    def of(cls, facts: StreamFacts, now_s: float) -> Times:
        """Return the times of a stream that begins now."""
        return cls(
            open_by_s=now_s + ANSWER_WITHIN_S,
            ping_at_s=now_s + facts.keepalive.every_s if facts.keepalive.ping == "message" else inf,
            renew_at_s=inf if facts.key_renew_s is None else now_s + facts.key_renew_s,
            end_at_s=inf if facts.lifetime_s is None else now_s + max(facts.lifetime_s / 2, facts.lifetime_s - EARLY_S),
        )

    def check(self, now_s: float) -> None:
        """Raise StreamOver where a time is over."""
        if now_s >= self.open_by_s:
            raise StreamOver(f"it was not answered within {ANSWER_WITHIN_S:g} s")
        if now_s >= self.pong_by_s:
            raise StreamOver(f"our ping was not answered within {PONG_WITHIN_S:g} s")
        if now_s >= self.end_at_s:
            raise StreamOver("its life is nearly over")

    def next_s(self) -> float:
        """Return when something is due next."""
        return min(self.open_by_s, self.ping_at_s, self.pong_by_s, self.renew_at_s, self.end_at_s)


class PrivateStream:
    """Opens one private stream after another, as it is asked to."""

    def __init__(self, trading: Trading, keys: Keys, hosts: Hosts, asking: Asking, *, dead_man: bool = False) -> None:
        """Prepare; `dead_man` asks for the venue's own switch where that works by disconnection."""
        self._trading, self._keys, self._hosts, self._asking = trading, keys, hosts, asking
        self._facts = trading.facts
        self._dead_man = dead_man
        self._delays: Iterator[float] | None = None
        self._labels = labels = {"venue": trading.facts.venue, "market": trading.facts.market}
        self._ended = metrics.PRIVATE_STREAMS_ENDED.bind(**labels)
        self._open = metrics.PRIVATE_STREAMS_OPEN.bind(**labels)
        self._broken = metrics.FRAMES_BROKEN.bind(**labels)
        self._refused = metrics.STREAMS_REFUSED.bind(**labels)
        self._open.set(0)

    async def events(self) -> AsyncGenerator[PrivateEvent, None]:
        """Yield what one stream says until it is over; after one that was over soon, wait first.

        Raises Misconfigured alone: a person must act.
        """
        if self._delays is not None:
            await asyncio.sleep(next(self._delays))
        self._delays = self._delays or retry.delays()
        try:
            key = await self._key()
            async with aclosing(self._session(key)) as session:
                async for event in session:
                    yield event
        except (StreamOver, Unavailable) as error:
            self._over(str(error))
        except InvalidMessage as error:
            self._broken.inc()
            logs.get(__name__).error(LogEvent.FRAME_BROKEN, **self._labels, reason=error.reason, field=error.field)
            self._over("a frame could not be read")
        finally:
            self._open.set(0)

    def _over(self, reason: str) -> None:
        self._ended.inc()
        logs.get(__name__).warning(LogEvent.PRIVATE_STREAM_LOST, **self._labels, reason=reason)

    async def _key(self) -> StreamKey | None:
        return None if self._facts.stream.key_valid_s is None else await self._asking.ask(StreamKeyRequest())

    async def _session(self, key: StreamKey | None) -> AsyncGenerator[PrivateEvent, None]:
        keepalive = self._facts.stream.keepalive
        opening = self._opening(key)
        async with opened(
            opening.url,
            where=f"the private stream of {self._facts.where}",
            ping_every_s=keepalive.every_s if keepalive.ping == "frame" else None,
            answer_within_s=PONG_WITHIN_S,
        ) as socket:
            began_s = clock.monotonic_s()
            times = Times.of(self._facts.stream, began_s)
            # Signed anew: the connection may have taken a while.
            handshake = Handshake(self._opening(key), optional=self._dead_man)
            await self._send(socket, handshake.begin())
            told = False
            while True:
                if handshake.is_open and not told:
                    told, times.open_by_s = True, inf
                    self._open.set(1)
                    logs.get(__name__).info(LogEvent.PRIVATE_STREAM_OPEN, **self._labels)
                    yield StreamAnswer(step="subscribe", request_id=None)
                for event in await self._next(socket, handshake, times, key):
                    yield event
                if told and clock.monotonic_s() - began_s >= SETTLED_S:
                    self._delays = None

    def _opening(self, key: StreamKey | None) -> Opening:
        return self._trading.opening(
            self._hosts, self._keys, at_us=self._asking.now_us(), stream_key=key, dead_man=self._dead_man
        )

    async def _next(
        self, socket: PrivateSocket, handshake: Handshake, times: Times, key: StreamKey | None
    ) -> tuple[PrivateEvent, ...]:
        """Do what is due, wait for the next frame at most until something is due again, and return what it says."""
        now_s = clock.monotonic_s()
        times.check(now_s)
        if now_s >= times.ping_at_s:
            await self._ping(socket, times, now_s)
        if key is not None and now_s >= times.renew_at_s:
            await self._renew(key, times)
        frame = await socket.receive(within_s=times.next_s() - clock.monotonic_s())
        if frame is None:
            return ()
        events: list[PrivateEvent] = []
        for event in self._trading.decode_frame(frame):
            if isinstance(event, StreamEnding):
                raise StreamOver(f"the venue ends it: {event.reason}")
            if isinstance(event, Pong):
                times.pong_by_s = inf
            elif isinstance(event, StreamAnswer):
                await self._answered(socket, handshake, event)
            else:
                events.append(event)
        return tuple(events)

    async def _answered(self, socket: PrivateSocket, handshake: Handshake, answer: StreamAnswer) -> None:
        refused = answer.refused
        if refused is not None:
            self._refused.inc()
            logs.get(__name__).error(LogEvent.STREAM_REFUSED, **self._labels, reason=refused.reason, told=refused.text)
            if answer.step == "login" or refused.reason is Reason.EXPIRED:
                # A clock that is wrong looks like a key that is wrong.
                self._asking.doubt()
        await self._send(socket, handshake.heard(answer))

    async def _ping(self, socket: PrivateSocket, times: Times, now_s: float) -> None:
        frame = self._trading.ping(int(now_s))
        if frame is not None:
            await socket.send(frame)
            times.pong_by_s = min(times.pong_by_s, clock.monotonic_s() + PONG_WITHIN_S)
        times.ping_at_s = now_s + self._facts.stream.keepalive.every_s

    async def _renew(self, key: StreamKey, times: Times) -> None:
        """Let the key live on; where that fails it is tried again, while the venue still takes the old one."""
        times.renew_at_s = clock.monotonic_s() + RENEW_AGAIN_S
        try:
            answer = await self._asking.ask(StreamKeyRenewal(key=key))
        except TapelineError as error:
            logs.get(__name__).warning(LogEvent.STREAM_KEY_FAILED, **self._labels, reason=str(error))
            return
        if isinstance(answer, StreamKeyGone):
            raise StreamOver("its key is no more")
        times.renew_at_s = clock.monotonic_s() + (self._facts.stream.key_renew_s or inf)

    async def _send(self, socket: PrivateSocket, frames: tuple[bytes, ...]) -> None:
        for frame in frames:
            await socket.send(frame)
