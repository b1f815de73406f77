"""One fake exchange: the market moves, clients trade, the face says it in the venue's words, faults act.

No socket and no clock of its own: the server tells it what arrives and what time it is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from simulator.connection import Connection, Wire
from simulator.desk import Desk
from simulator.face import Answer, Face, MakeFace, Request, Route
from simulator.frames import Frame
from simulator.journal import (
    AnyRecord,
    Closed,
    Connected,
    Halted,
    Journal,
    Opened,
    OrderChanged,
    OrderRefused,
    Subscribed,
    Unsubscribed,
)
from simulator.limits import within
from simulator.order_strikes import Legs
from simulator.strikes import Striker

POLICY_VIOLATION = 1008
GOING_AWAY = 1001
GET = "GET"


class Exchange:
    """Everything behind one address."""

    def __init__(
        self,
        make: MakeFace,
        desk: Desk,
        journal: Journal,
        *,
        seed: int,
        faults: tuple[str, ...] = (),
        legs: Legs | None = None,
    ) -> None:
        """Begin the schedule of faults when the first book is subscribed to or the first order arrives."""
        self.market = desk.market
        self.desk = desk
        self.journal = journal
        self.seed = seed
        self.connections: dict[int, Connection] = {}
        self.halted = False
        self.now_us = 0
        self.now_s = 0.0
        self._readers: dict[str, dict[Connection, None]] = {}
        self._opened: deque[float] = deque()
        self._count = 0
        self.face: Face = make(self)
        self.striker = Striker(self, seed=seed, names=faults, legs=legs)
        desk.bind(self.face, self.striker.orders, self.record)

    @property
    def place(self) -> str:
        """Return `venue:market`."""
        return f"{self.face.venue}:{self.face.market}"

    # what the face needs

    def has_readers(self, stream: str) -> bool:
        """Tell whether anyone is subscribed."""
        return bool(self._readers.get(stream))

    def publish(self, frame: Frame) -> None:
        """Queue a message for all subscribers of its stream."""
        for connection in self._readers.get(frame.stream, ()):
            connection.send(frame)

    def record(self, record: AnyRecord) -> None:
        """Write into the journal."""
        self.journal.write(record)
        if isinstance(record, Subscribed):
            self._subscribed(record)
        elif isinstance(record, Unsubscribed):
            self._unsubscribed(record)
        elif isinstance(record, OrderChanged | OrderRefused):
            self.striker.arm_once(self.now_s)

    def hit_order(self, fault: str, symbol: str, client_id: str) -> None:
        """Write down that a fault which acts for a while kept an order from being taken."""
        self.striker.hit_order(fault, symbol, client_id)

    # what the server tells

    def open(self, now_us: int, now_s: float) -> None:
        """Write the first line of the journal."""
        self.now_us, self.now_s = now_us, now_s
        self.record(
            Opened(
                at_us=now_us,
                venue=self.face.venue,
                market=self.face.market,
                seed=self.seed,
                symbols=tuple(one.instrument.symbol for one in self.market.listings),
                channels=self.face.channels,
                blind=self.face.blind,
                away_s=self.face.away_s,
            )
        )
        self.desk.open(now_us)

    def tick(self, now_us: int, now_s: float) -> None:
        """Move the market by one tick and send what follows from it."""
        self.now_us, self.now_s = now_us, now_s
        if not self.halted:
            self.desk.agenda.run(now_us)
            for step in self.market.tick():
                self.face.advance(self.desk.advance(step, now_us) if self.desk.resting else step, now_us)
            self.striker.tick(now_s)
        for connection in self.connections.values():
            connection.flush(now_s)

    def look_after(self, now_us: int, now_s: float) -> None:
        """Ping clients and end connections that broke a rule; called about once a second."""
        self.now_us, self.now_s = now_us, now_s
        limits = self.face.socket_limits
        for connection in tuple(self.connections.values()):
            if limits.ping_every_s is not None and now_s - connection.pinged_s >= limits.ping_every_s:
                connection.ping(now_s, now_us)
                connection.flush(now_s)
            asked_s = connection.unanswered_s
            if asked_s is not None and now_s - asked_s > limits.pong_within_s:
                if connection.own_ping is None:
                    connection.close(POLICY_VIOLATION, "Pong timeout")
                else:
                    connection.cut("no answer to the venue's ping")
            if limits.lifetime_s is not None and now_s - connection.opened_s > limits.lifetime_s:
                self.face.part(connection, now_us)
                connection.close(GOING_AWAY, "the connection is 24 hours old")
            silent = limits.silent_cut_s is not None and now_s - connection.heard_s > limits.silent_cut_s
            if silent and (limits.silent_cut_reads or not connection.streams):
                connection.cut("neither ping nor data for too long")
            self._cut_idle(connection, now_us, now_s)
        self.journal.flush()

    def may_connect(self, now_s: float) -> bool:
        """Count a new connection and tell whether it is within the venue's limit."""
        limits = self.face.socket_limits
        full = limits.at_once is not None and len(self.connections) >= limits.at_once
        return within(self._opened, now_s, limits.connections_within_s, limits.connections) and not full

    def connect(
        self,
        wire: Wire,
        path: str,
        route: Route,
        now_us: int,
        now_s: float,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Connection:
        """Take a client in; `headers` are those of its request, in lower case."""
        self.now_us, self.now_s = now_us, now_s
        self._count += 1
        connection = Connection(
            self._count,
            wire,
            route.name,
            now_s,
            route.combined,
            route.paced,
            kept_us=now_us,
            headers=headers or {},
        )
        self.connections[connection.number] = connection
        self.record(Connected(at_us=now_us, connection=connection.number, path=path))
        self.face.greet(connection, route, now_us)
        connection.flush(now_s)
        return connection

    def hear(self, connection: Connection, text: str | None, now_us: int, now_s: float, ping: bytes | None) -> None:
        """Take a message of a client: text, a protocol ping with its payload, or (both None) a pong."""
        self.now_us, self.now_s = now_us, now_s
        limit = self.face.socket_limits.messages_per_s if connection.paced else None
        if connection.ended or connection.muted:
            connection.has_swallowed |= text is not None
            return
        connection.heard_s = now_s
        if limit is not None and not within(connection.asked_s, now_s, 1.0, limit):
            connection.close(POLICY_VIOLATION, "Too many requests")
            return
        if text is not None:
            self.face.hear(connection, text, now_us)
        elif ping is not None:
            connection.pong(ping)
        else:
            connection.unanswered_s = None
        connection.flush(now_s)

    def disconnect(self, connection: Connection, now_us: int) -> None:
        """Forget a connection that has ended."""
        self.now_us = now_us
        if self.connections.pop(connection.number, None) is None:
            return
        for stream in connection.streams:
            self._readers.get(stream, {}).pop(connection, None)
        reason = connection.ended or "by the client"
        connection.ended = reason
        self.journal.write(Closed(at_us=now_us, connection=connection.number, reason=reason))
        self.striker.released(connection, reason)

    def rest(self, request: Request, now_s: float) -> Answer:
        """Answer a REST request, under the faults that act now; who is told of it by a socket hears it at once."""
        self.now_us, self.now_s = request.at_us, now_s
        answer = self.face.rest(
            replace(
                request,
                refuse_s=self.striker.refuse_s(now_s),
                ban_s=self.striker.ban_s(now_s),
                address_ban_s=self.striker.ban_s(now_s, address=True),
                skew_us=self.striker.skew_us(),
            )
        )
        if request.method != GET:
            for connection in tuple(self.connections.values()):
                connection.flush(now_s)
        return answer

    def calm(self, now_us: int) -> None:
        """End all faults and begin no more; the market moves on, so that clients can find out what they missed."""
        self.now_us = now_us
        self.striker.end_all("calmed")

    def halt(self, now_us: int) -> None:
        """Let the market stand still and end all faults; serving goes on."""
        self.now_us = now_us
        if not self.halted:
            self.halted = True
            self.striker.end_all("halted")
            self.desk.halt(now_us)
            self.record(Halted(at_us=now_us))
        self.journal.flush()

    def close(self, now_us: int) -> None:
        """Say goodbye to all clients and close the journal."""
        self.halt(now_us)
        for connection in tuple(self.connections.values()):
            self.face.part(connection, now_us)
            connection.close(GOING_AWAY, "the simulator stops")
            self.disconnect(connection, now_us)
        self.journal.close()

    def _cut_idle(self, connection: Connection, now_us: int, now_s: float) -> None:
        limits = self.face.socket_limits
        if limits.bare_cut_s is not None and not connection.streams and now_s - connection.bare_s > limits.bare_cut_s:
            connection.cut("no subscription for too long")
        if limits.quiet_cut_s is not None and now_s - connection.sent_s > limits.quiet_cut_s:
            connection.cut("no data for too long")
        if limits.unpinged_cut_s is not None and now_us - connection.kept_us > limits.unpinged_cut_s * 1e6:
            connection.cut("no ping for too long")

    def _subscribed(self, record: Subscribed) -> None:
        connection = self.connections[record.connection]
        connection.streams[record.stream] = (record.symbol, record.type)
        if record.channel:  # else it was acknowledged and stays silent
            self._readers.setdefault(record.stream, {})[connection] = None
        self.striker.resubscribed(connection, record.symbol)
        if record.type == "book":
            self.striker.arm_once(self.now_s)

    def _unsubscribed(self, record: Unsubscribed) -> None:
        connection = self.connections[record.connection]
        connection.streams.pop(record.stream, None)
        connection.bare_s = self.now_s
        self._readers.get(record.stream, {}).pop(connection, None)
