"""KuCoin's face, spot and USDT-margined futures: its unified socket and its classic one, on one address.

Read from the venue's documents and probes as our fact sheet has them. Whoever comes with a token speaks the classic
protocol, everybody else the unified one. Where the sheet is silent the plainest stands here: a snapshot follows its
acknowledgement at once, also when a book is subscribed to again; who sends too many messages is closed out. The cap
of 400 spot topics on a classic connection is unconfirmed and not kept, nor is any book simulated but the increments.
"""

from __future__ import annotations

from collections.abc import Mapping

from simulator import chance
from simulator.connection import Connection
from simulator.desk import Desk
from simulator.face import Answer, Outlet, Request, Route
from simulator.faces.kucoin_classic import Classic, Tokens
from simulator.faces.kucoin_feed import OBU, TRADE, Feed
from simulator.faces.kucoin_rest import Rest
from simulator.faces.kucoin_telling import Engine
from simulator.faces.kucoin_unified import Unified
from simulator.faces.reading import Reading, reading_terms
from simulator.limits import SocketLimits, within
from simulator.market import Step

VENUE = "kucoin"
TERMS = {
    "spot": reading_terms(maker="0.001", taker="0.001"),
    "futures": reading_terms(maker="0.0002", taker="0.0006"),
}
LIMITS = SocketLimits(connections=250, streams=600, silent_cut_s=60.0)

_UNIFIED = "unified"
_CLASSIC = "classic"
_MESSAGES = {_UNIFIED: 300, _CLASSIC: 100}
_MESSAGES_WITHIN_S = 10.0
_POLICY_VIOLATION = 1008
_US_PER_S = 1_000_000


class KucoinFace(Reading):
    """The face of `kucoin:spot` or `kucoin:futures`."""

    def __init__(self, outlet: Outlet, desk: Desk, kind: str, seed: int, limits: SocketLimits | None = None) -> None:
        """Make a feed for each instrument; `limits` stand in for the venue's own."""
        self.venue = VENUE
        self.market = kind
        self.channels: tuple[str, ...] = (OBU, TRADE)
        self.socket_limits = limits or LIMITS
        drawn = chance.stream(seed, VENUE, kind, "connections")
        engine = Engine(outlet, kind, seed, desk.funding_ms)
        feeds = [Feed(engine, one) for one in desk.market.listings]
        self._of = {feed.listing.instrument.symbol: feed for feed in feeds}
        self.feeds = {feed.teller.name: feed for feed in feeds}
        tokens = Tokens(drawn)
        self._unified = Unified(outlet, engine.type, self.feeds, drawn, self.socket_limits.streams)
        self._classic = Classic(outlet, kind, self.feeds, tokens)
        self._rest = Rest(outlet, engine, self.feeds, tokens)

    def route(self, path: str, query: Mapping[str, str]) -> Route | None:
        """Tell the two sockets apart."""
        if path != "/":
            return None
        if "token" in query:
            return Route(_CLASSIC, streams=(query["token"], query.get("connectId", "")))
        return Route(_UNIFIED)

    def greet(self, connection: Connection, route: Route, now_us: int) -> None:
        """Welcome the client."""
        if connection.route == _CLASSIC:
            token, name = route.streams
            self._classic.greet(connection, token, name, now_us)
        else:
            self._unified.greet(connection)

    def hear(self, connection: Connection, text: str, now_us: int) -> None:
        """Answer in the words of the socket."""
        most, has_other = _MESSAGES[connection.route], self.socket_limits.messages_per_s is not None
        if not has_other and not within(connection.asked_s, now_us / _US_PER_S, _MESSAGES_WITHIN_S, most):
            connection.close(_POLICY_VIOLATION, "too many messages")
        elif connection.route == _CLASSIC:
            self._classic.hear(connection, text, now_us)
        else:
            self._unified.hear(connection, text, now_us)

    def part(self, connection: Connection, now_us: int) -> None:
        """Say nothing: a connection may end at any time."""

    def advance(self, step: Step, now_us: int) -> None:
        """Publish what changed; close the classic connections that say nothing."""
        self._of[step.listing.instrument.symbol].advance(step, now_us)
        self._classic.look_after(now_us)

    def rest(self, request: Request) -> Answer:
        """Answer a REST request."""
        return self._rest.answer(request)
