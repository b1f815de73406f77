"""What a broken network does to one connection, without a socket: bytes and times in, bytes and times out.

The rule: of a stream nothing is ever delivered behind a hole. What swallowed something breaks when the fault ends.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import inf
from typing import Final, Literal, NamedTuple

from simulator.chance import Chance

Way = Literal["request", "answer"]
"""From the client to the service, and back."""


@dataclass(frozen=True, slots=True)
class Clear:
    """Everything goes through at once."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Each chunk comes so much later, and by up to `jitter_s` more; order is kept."""

    delay_s: float
    jitter_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Blackhole:
    """Connections are taken, and nothing comes out of them any more; at its end they break."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing comes through now, and all of it, late, at the end: what a network does that sends again."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Each connection breaks at once, also a new one."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Everything comes in segments of 1 to `most` bytes."""

    most: int = 64


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """So many bytes a second each way."""

    bytes_per_s: float


@dataclass(frozen=True, slots=True)
class LostAnswer:
    """Requests arrive and are worked on; with this chance an answer is dropped, and its connection breaks."""

    chance: float = 1.0


Mode = Clear | Latency | Blackhole | Hold | Reset | Slice | Bandwidth | LostAnswer
CLEAR: Final = Clear()


class Piece(NamedTuple):
    """Bytes that leave together, not before a time."""

    due_s: float
    data: bytes


@dataclass(slots=True)
class Line:
    """One way of a connection: what waits, in its order."""

    waiting: deque[Piece] = field(default_factory=deque)
    size: int = 0
    last_s: float = -inf

    def put(self, due_s: float, data: bytes) -> None:
        """Let bytes leave at a time, but never before those that came before them."""
        self.last_s = max(self.last_s, due_s)
        self.waiting.append(Piece(self.last_s, data))
        self.size += len(data)

    def ready(self, now_s: float) -> list[bytes]:
        """Take out what may leave now."""
        found: list[bytes] = []
        while self.waiting and self.waiting[0].due_s <= now_s:
            piece = self.waiting.popleft()
            self.size -= len(piece.data)
            found.append(piece.data)
        return found

    def release(self, now_s: float) -> None:
        """Let everything leave now."""
        self.waiting = deque(Piece(now_s, piece.data) for piece in self.waiting)
        self.last_s = now_s if self.waiting else -inf


class Wire:
    """One connection: what comes in on one side, and when it comes out on the other."""

    def __init__(self, chance: Chance, mode: Mode = CLEAR) -> None:
        """Begin in a mode; a connection that is made while all are reset is broken from its begin."""
        self.mode = mode
        self.swallowed = 0
        self.broken = isinstance(mode, Reset)
        self.lines: dict[Way, Line] = {"request": Line(), "answer": Line()}
        self._chance = chance

    def take(self, way: Way, data: bytes, now_s: float) -> None:
        """Take what one side said."""
        line = self.lines[way]
        match self.mode:
            case Blackhole():
                self.swallowed += len(data)
            case LostAnswer(chance) if way == "answer" and self._chance.random() < chance:
                self.swallowed += len(data)
                self.broken = True
            case Hold():
                line.put(inf, data)
            case Latency(delay_s, jitter_s):
                line.put(now_s + delay_s + jitter_s * self._chance.random(), data)
            case Bandwidth(bytes_per_s):
                line.put(max(line.last_s, now_s) + len(data) / bytes_per_s, data)
            case Slice(most):
                self._sliced(line, data, now_s, most)
            case Clear() | LostAnswer() | Reset():
                line.put(now_s, data)

    def change(self, mode: Mode, now_s: float) -> None:
        """Go over to another mode."""
        self.mode = mode
        self.broken = self.broken or isinstance(mode, Reset) or self.swallowed > 0
        if not isinstance(mode, Hold):
            for line in self.lines.values():
                line.release(now_s)

    def ready(self, way: Way, now_s: float) -> list[bytes]:
        """Take out what may leave on the other side now; nothing of a broken connection."""
        return [] if self.broken else self.lines[way].ready(now_s)

    def due_s(self, way: Way) -> float:
        """Return when the next bytes may leave; infinity when none wait."""
        waiting = self.lines[way].waiting
        return waiting[0].due_s if waiting else inf

    def _sliced(self, line: Line, data: bytes, now_s: float, most: int) -> None:
        start = 0
        while start < len(data):
            end = start + 1 + self._chance.below(most)
            line.put(now_s, data[start:end])
            start = end


class Renamer:
    """Replaces one address by another of the same length in what a broker answers, so that clients stay behind a proxy.

    A broker tells its clients its own address, as host and port, in answers that begin with their length.
    """

    def __init__(self, host: str, true: int, told: int) -> None:
        """Take the port that is true and the one that is to be told."""
        self._old, self._new = (host.encode() + port.to_bytes(4, "big") for port in (true, told))
        self._head = b""
        self._left = 0
        self._kept = b""

    def take(self, data: bytes) -> bytes:
        """Return what can be told now; within an answer a beginning of the address is kept back."""
        out = bytearray()
        while data:
            if not self._left:
                take = 4 - len(self._head)
                self._head, data = self._head + data[:take], data[take:]
                if len(self._head) < 4:
                    break
                self._left = int.from_bytes(self._head, "big")
                out += self._head
                self._head = b""
                continue
            part, data = data[: self._left], data[self._left :]
            self._left -= len(part)
            part = (self._kept + part).replace(self._old, self._new)
            keep = self._beginning(part) if self._left else 0
            self._kept = part[len(part) - keep :]
            out += part[: len(part) - keep]
        return bytes(out)

    def _beginning(self, part: bytes) -> int:
        """Return how many of the last bytes may be a beginning of the address."""
        most = min(len(part), len(self._old) - 1)
        return next((size for size in range(most, 0, -1) if part.endswith(self._old[:size])), 0)
