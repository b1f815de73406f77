"""What a venue's face is: the venue's protocol over the simulator's market, without sockets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from simulator.connection import Connection
from simulator.frames import Frame
from simulator.journal import AnyRecord
from simulator.limits import SocketLimits
from simulator.market import Step


@dataclass(frozen=True, slots=True)
class Request:
    """A REST request as the face needs it."""

    path: str
    query: Mapping[str, str]
    at_us: int
    refuse_s: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """A REST answer; `body` is JSON text."""

    body: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """What a WebSocket URL stands for: its class of streams, its envelope, what it subscribes to at once."""

    name: str
    combined: bool = False
    streams: tuple[str, ...] = ()


class Outlet(Protocol):
    """Where a face leaves what it has to say; the exchange is one."""

    def has_readers(self, stream: str) -> bool:
        """Tell whether anyone is subscribed, so that no text is made for nobody."""

    def publish(self, frame: Frame) -> None:
        """Send a message to all subscribers of its stream."""

    def record(self, record: AnyRecord) -> None:
        """Write into the journal."""


class Face(Protocol):
    """A venue and market: `advance` says what happened, the rest answers clients."""

    venue: str
    market: str
    socket_limits: SocketLimits
    channels: tuple[str, ...]

    def route(self, path: str, query: Mapping[str, str]) -> Route | None:
        """Return what a WebSocket URL stands for, None where there is nothing."""

    def greet(self, connection: Connection, route: Route, now_us: int) -> None:
        """Welcome a client that connected."""

    def hear(self, connection: Connection, text: str, now_us: int) -> None:
        """Answer a text message."""

    def part(self, connection: Connection, now_us: int) -> None:
        """Say what the venue says before it closes a connection in order."""

    def advance(self, step: Step, now_us: int) -> None:
        """Tell what a step of one instrument changed."""

    def rest(self, request: Request) -> Answer:
        """Answer a REST request; `refuse_s` asks for the rate limit answer, for so many seconds."""


MakeFace = Callable[[Outlet], Face]
