"""What a fault does to the messages of one connection, after the journal has the truth; each hit is reported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from simulator.frames import Frame

Report = Callable[[str, Frame], None]
"""Called with the action and the message that was hit."""
Done = Callable[[str], None]
"""Called once, with the reason, when the fault does not act any more."""

_KEPT_SHARE = 0.6


class Disturbance(Protocol):
    """Decides what becomes of a message."""

    def act(self, frame: Frame, *, combined: bool) -> tuple[bytes, ...] | None:
        """Return what is sent instead of this message; None when it is none of this fault's business."""


@dataclass(frozen=True, slots=True)
class Target:
    """Which messages a fault is after; None stands for any."""

    kind: str | None = None
    symbol: str | None = None

    def hits(self, frame: Frame) -> bool:
        """Tell whether a message is meant."""
        return self.symbol in (None, frame.symbol) and self.kind in (None, frame.kind)


@dataclass(slots=True, eq=False)
class Drop:
    """Loses the next messages, `count` of them."""

    target: Target
    report: Report
    done: Done
    count: int = 1

    def act(self, frame: Frame, *, combined: bool) -> tuple[bytes, ...] | None:
        """Lose it."""
        del combined
        if self.count == 0 or not self.target.hits(frame):
            return None
        self.report("dropped", frame)
        self.count -= 1
        if self.count == 0:
            self.done("fired")
        return ()


@dataclass(slots=True, eq=False)
class Repeat:
    """Sends the next message twice."""

    target: Target
    report: Report
    done: Done

    def act(self, frame: Frame, *, combined: bool) -> tuple[bytes, ...] | None:
        """Send it twice."""
        if not self.target.hits(frame):
            return None
        self.report("repeated", frame)
        self.done("fired")
        message = frame.message(combined=combined)
        return (message, message)


@dataclass(slots=True, eq=False)
class Swap:
    """Sends the next message of the target after the one that follows it."""

    target: Target
    report: Report
    done: Done
    held: Frame | None = None

    def act(self, frame: Frame, *, combined: bool) -> tuple[bytes, ...] | None:
        """Hold the first, let it follow the second of the same stream."""
        held = self.held
        if held is None:
            if not self.target.hits(frame):
                return None
            self.held = frame
            return ()
        if frame.stream != held.stream:
            return None
        self.held = None
        self.report("moved", held)
        self.done("fired")
        return (frame.message(combined=combined), held.message(combined=combined))


@dataclass(slots=True, eq=False)
class Break:
    """Sends the next message cut off in the middle, which is no JSON."""

    target: Target
    report: Report
    done: Done

    def act(self, frame: Frame, *, combined: bool) -> tuple[bytes, ...] | None:
        """Send the front part as a whole message."""
        if not self.target.hits(frame):
            return None
        self.report("broken", frame)
        self.done("fired")
        return (frame.front(_KEPT_SHARE, combined=combined),)


@dataclass(slots=True, eq=False)
class Mute:
    """Loses every message of the target until the fault is ended from outside."""

    target: Target
    report: Report

    def act(self, frame: Frame, *, combined: bool) -> tuple[bytes, ...] | None:
        """Lose it."""
        del combined
        if not self.target.hits(frame):
            return None
        self.report("dropped", frame)
        return ()
