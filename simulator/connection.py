"""One client's WebSocket connection: what it subscribed to, and what leaves for it, in order and in few writes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from simulator.disturb import Disturbance
from simulator.frames import Frame, Pack, close_message, ping_message, pong_message, text_message

# A client that does not read is cut off before it costs memory.
_MOST_WAITING_BYTES = 8 << 20


class Wire(Protocol):
    """What of an asyncio transport a connection uses."""

    def write(self, data: bytes) -> None:
        """Send."""

    def close(self) -> None:
        """Send what waits, then close."""

    def abort(self) -> None:
        """Close at once."""

    def get_write_buffer_size(self) -> int:
        """Return how much waits."""


@dataclass(slots=True, eq=False)
class Connection:
    """A connection; `route` is the venue's word for which class of streams its URL serves.

    `streams` are its subscriptions by name on the wire, each with the symbol and kind of what it brings.
    """

    number: int
    wire: Wire
    route: str
    opened_s: float
    combined: bool = False
    paced: bool = True
    pack: Pack = text_message
    """How answers become bytes; a face whose venue compresses sets it when it greets."""
    own_ping: Callable[[int], str] | None = None
    """Makes the venue's own ping, given the time in us, where it is a message; a face sets it when it greets."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Those of the request that opened it, in lower case."""
    streams: dict[str, tuple[str, str]] = field(default_factory=dict)
    disturbances: list[Disturbance] = field(default_factory=list)
    muted: bool = False
    has_swallowed: bool = False
    """Whether a request was lost while it was muted: on a connection that goes on none can be."""
    lag_s: float = 0.0
    ended: str = ""
    asked_s: deque[float] = field(default_factory=deque)
    heard_s: float = 0.0
    pinged_s: float = 0.0
    unanswered_s: float | None = None
    bare_s: float = 0.0
    """Since when it has had no stream, where it has none."""
    sent_s: float = 0.0
    kept_us: int = 0
    """When the client last pinged in the venue's own words, by the wall clock; a face that cuts without says so."""
    _outbox: list[bytes] = field(default_factory=list)
    _late: deque[tuple[float, bytes]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        """Count pings from the opening."""
        self.heard_s = self.pinged_s = self.bare_s = self.sent_s = self.opened_s

    def send(self, frame: Frame) -> None:
        """Queue a message of a stream, or what a fault makes of it."""
        for disturbance in self.disturbances:
            instead = disturbance.act(frame, combined=self.combined)
            if instead is not None:
                self._outbox.extend(instead)
                return
        self._outbox.append(frame.message(combined=self.combined))

    def release(self, frame: Frame) -> None:
        """Queue a message that a fault had held back."""
        self._outbox.append(frame.message(combined=self.combined))

    def reply(self, text: str) -> None:
        """Queue the answer to a request; a stalled connection says nothing."""
        if not self.muted:
            self._outbox.append(self.pack(text))

    def flush(self, now_s: float) -> None:
        """Write all that is due in one go; cut off a client that does not read."""
        if self.ended:
            return
        if self.lag_s or self._late:
            self._late.extend((now_s + self.lag_s, message) for message in self._outbox)
            self._outbox.clear()
            while self._late and self._late[0][0] <= now_s:
                self._outbox.append(self._late.popleft()[1])
        if self._outbox:
            self.wire.write(b"".join(self._outbox))
            self._outbox.clear()
            self.sent_s = now_s
            if self.wire.get_write_buffer_size() > _MOST_WAITING_BYTES:
                self.cut("the client does not read")

    def ping(self, now_s: float, now_us: int) -> None:
        """Send a ping, the venue's own or that of the protocol; a stalled connection does not."""
        self.pinged_s = now_s
        if self.unanswered_s is None:
            self.unanswered_s = now_s
        if self.own_ping is not None:
            self.reply(self.own_ping(now_us))
        elif not self.muted:
            self._outbox.append(ping_message(str(int(now_s * 1000)).encode()))

    def pong(self, payload: bytes) -> None:
        """Answer a protocol ping; a stalled connection does not."""
        if not self.muted:
            self._outbox.append(pong_message(payload))

    def close(self, code: int, reason: str) -> None:
        """End the connection with the reason, after what waits."""
        if not self.ended:
            self.ended = reason
            waiting = [*(message for _, message in self._late), *self._outbox]
            self.wire.write(b"".join(waiting) + close_message(code, reason))
            self.wire.close()

    def cut(self, reason: str) -> None:
        """End the connection without a word."""
        if not self.ended:
            self.ended = reason
            self.wire.abort()
