"""What a venue's face is: the venue's protocol over the simulator's market and trading desk, without sockets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from simulator.booking import Venue
from simulator.connection import Connection
from simulator.frames import Frame, Kind
from simulator.journal import AnyRecord
from simulator.limits import SocketLimits
from simulator.market import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A REST request as the face needs it; `raw` is the query and `body` the body as sent, headers in lower case.

    Faults: `refuse_s` asks for the rate limit's answer for so many seconds, `ban_s` for that of a ban of signed
    requests, `address_ban_s` of all; the venue's clock is `skew_us` away.
    """

    path: str
    query: Mapping[str, str]
    at_us: int
    method: str = "GET"
    raw: str = ""
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    refuse_s: int = 0
    ban_s: int = 0
    address_ban_s: int = 0
    skew_us: int = 0

    @property
    def venue_ms(self) -> int:
        """Return what time it is by the venue's clock."""
        return (self.at_us + self.skew_us) // 1000


@dataclass(frozen=True, slots=True)
class Answer:
    """A REST answer; `body` is JSON text. With `lost_s` it is never sent: the connection ends after so many seconds."""

    body: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    lost_s: float | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """What a WebSocket URL stands for: its class of streams, its envelope, what it subscribes to at once.

    `only` names the events that a private stream is to bring, all of them without; on a route that is not `paced` the
    limit of messages in a second does not hold.
    """

    name: str
    combined: bool = False
    streams: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    paced: bool = True


class Outlet(Protocol):
    """Where a face leaves what it has to say; the exchange is one."""

    def has_readers(self, stream: str) -> bool:
        """Tell whether anyone is subscribed, so that no text is made for nobody."""

    def publish(self, frame: Frame) -> None:
        """Send a message to all subscribers of its stream."""

    def record(self, record: AnyRecord) -> None:
        """Write into the journal."""

    def hit_order(self, fault: str, symbol: str, client_id: str) -> None:
        """Write down that a fault which acts for a while kept an order from being taken."""


class Face(Venue, Protocol):
    """A venue and market: `advance` says what happened, the rest answers clients."""

    venue: str
    market: str
    socket_limits: SocketLimits
    channels: tuple[str, ...]
    away_s: float
    """How long a client stays away that REST has refused, by the venue's own words."""
    blind: tuple[Kind, ...]
    """The kinds of messages that bear no number, so that no client can know at once that one is missing."""

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
        """Answer a REST request."""


MakeFace = Callable[[Outlet], Face]
