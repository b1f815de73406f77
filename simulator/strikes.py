"""Lets faults happen to an exchange: picks the target, acts, and writes down when each began, whom it hit, its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from simulator import chance, faults
from simulator.connection import Connection
from simulator.disturb import Break, Disturbance, Drop, Mute, Repeat, Swap, Target
from simulator.faults import Wish
from simulator.frames import Frame
from simulator.journal import AnyRecord, FaultEnded, FaultHit, FaultStarted
from simulator.order_strikes import ONE_ORDER, Legs, OrderStrikes

REFUSE_S = 3.0
SLOW_S = 2.5
STALL_S = 15.0
BAN_S = 2.0
SKEW_S = 2.0
ADDRESS = "address"
"""The kind of a ban that refuses public requests too."""
_REST = "rest"
_ORDERS = "order"
# Beyond what any window of a request allows.
_SKEWS_US = (65_000_000, -2_000_000)
_LAG_S = 0.25
_REST_LAG_S = 0.8
_MOST_IN_A_GAP = 3


class Scene(Protocol):
    """What of an exchange a fault needs."""

    connections: dict[int, Connection]
    now_us: int
    now_s: float

    def record(self, record: AnyRecord) -> None:
        """Write into the journal."""


@dataclass(slots=True, eq=False)
class _Strike:
    """A fault that acts."""

    number: int
    name: str
    connection: Connection | None = None
    symbol: str | None = None
    disturbance: Disturbance | None = None
    until_s: float | None = None
    ended: bool = False
    kind: str | None = None
    skew_us: int = 0


class Striker:
    """Runs the schedule of one exchange and the faults that a script asks for."""

    def __init__(self, scene: Scene, *, seed: int, names: tuple[str, ...], legs: Legs | None = None) -> None:
        """Take the faults of the schedule; it starts with `arm`. Exchanges of one process share `legs`."""
        self.names = names
        self.counts: dict[str, int] = {}
        self._scene = scene
        self._seed = seed
        self._chance = chance.stream(seed, "strikes")
        self._plan: Iterator[tuple[float, str]] = iter(())
        self._next: tuple[float, str] | None = None
        self._armed_s: float | None = None
        self._waiting: list[Wish] = []
        self._acting: list[_Strike] = []
        self._number = 0
        self._skews = 0
        self.orders = OrderStrikes(self._once, legs or Legs(), lambda: scene.now_s, seed)

    # the schedule

    def arm(self, now_s: float) -> None:
        """Start the schedule from its beginning."""
        self._armed_s = now_s
        self._plan = faults.plan(self.names, self._seed)
        self._next = next(self._plan, None)
        self._waiting.clear()

    def arm_once(self, now_s: float) -> None:
        """Start the schedule unless it runs."""
        if self._armed_s is None:
            self.arm(now_s)

    def tick(self, now_s: float) -> None:
        """Begin what is due, end what is over; a fault without a target waits for one."""
        while self._next is not None and self._armed_s is not None and now_s >= self._armed_s + self._next[0]:
            # A fault that still waits for an order is not put in line again.
            if not self.orders.waits(self._next[1]):
                self._waiting.append(Wish(self._next[1]))
            self._next = next(self._plan, None)
        if self._waiting:
            self._waiting = [wish for wish in self._waiting if not self.strike(wish)]
        for strike in tuple(self._acting):
            if strike.until_s is not None and now_s >= strike.until_s:
                self._over(strike)

    # one fault

    def strike(self, wish: Wish) -> bool:
        """Let a fault begin; False when it has no target now."""
        if wish.name in ONE_ORDER:
            self.orders.arm(wish)
            return True
        begin: dict[str, Callable[[Wish], bool]] = {
            "429": self._rest_only, "ban": self._rest_only, "skew": self._skew, "slow": self._slow, "cut": self._cut,
            "stall": self._stall, "stall-symbol": self._stall_symbol,
        }  # fmt: skip
        return begin.get(wish.name, self._one_message)(wish)

    def refuse_s(self, now_s: float) -> int:
        """Return for how many seconds, rounded up, REST is to refuse; 0 when it is not."""
        return self._ends_s("429", now_s)

    def ban_s(self, now_s: float, *, address: bool = False) -> int:
        """Return for how many seconds, rounded up, signed requests (or all of the address) are banned."""
        return self._ends_s("ban", now_s, ADDRESS if address else None)

    def skew_us(self) -> int:
        """Return how far the venue's clock is ahead of the true time."""
        return next((strike.skew_us for strike in self._acting if strike.name == "skew"), 0)

    def rest_lag_s(self) -> float:
        """Return how late a REST answer is to come."""
        return _REST_LAG_S if any(strike.name == "slow" for strike in self._acting) else 0.0

    def resubscribed(self, connection: Connection, symbol: str) -> None:
        """End the silence of a symbol that a client has asked for again."""
        for strike in tuple(self._acting):
            if strike.name == "stall-symbol" and strike.connection is connection and strike.symbol == symbol:
                self._end(strike, "resubscribed")

    def released(self, connection: Connection, reason: str) -> None:
        """End all that acts on a connection that is gone."""
        for strike in tuple(self._acting):
            if strike.connection is connection:
                self._end(strike, f"connection ended: {reason}")

    def end_all(self, reason: str) -> None:
        """End everything and begin nothing more by itself."""
        self._plan, self._next, self._waiting = iter(()), None, []
        # Whoever subscribes from now on does not start the schedule.
        self._armed_s = self._scene.now_s
        self.orders.disarm()
        for strike in tuple(self._acting):
            self._end(strike, reason)

    def hit_order(self, name: str, symbol: str, client_id: str) -> None:
        """Write down that a fault which acts for a while kept an order from being taken."""
        strike = next((one for one in self._acting if one.name == name), None)
        if strike is not None:
            self._hit_order(strike, symbol, "refused", client_id)

    def _once(self, name: str, symbol: str, action: str, client_id: str) -> None:
        strike = self._begin(name, None, symbol, None)
        self._hit_order(strike, symbol, action, client_id)
        self._end(strike, "fired")

    def _hit_order(self, strike: _Strike, symbol: str, action: str, client_id: str) -> None:
        self._scene.record(
            FaultHit(
                at_us=self._scene.now_us,
                fault_id=strike.number,
                action=action,
                connection=0,
                symbol=symbol,
                channel=_ORDERS,
                ids=(client_id,),
            )
        )

    def _ends_s(self, name: str, now_s: float, kind: str | None = None) -> int:
        ends = [
            strike.until_s - now_s
            for strike in self._acting
            if strike.name == name and strike.until_s and kind in {None, strike.kind}
        ]
        return int(max(ends, default=-1.0)) + 1

    def _one_message(self, wish: Wish) -> bool:
        kind = wish.kind or "book"
        connection = self._pick(kind)
        symbol = wish.symbol or self._symbol(connection, kind)
        if connection is None or symbol is None:
            return False
        strike = self._begin(wish.name, connection, symbol, kind)
        target, report, done = Target(kind, symbol), self._reporter(strike), self._ender(strike)
        count = wish.count or 1 + self._chance.below(_MOST_IN_A_GAP)
        made: dict[str, Callable[[], Disturbance]] = {
            "gap": lambda: Drop(target, report, done, count),
            "duplicate": lambda: Repeat(target, report, done),
            "reorder": lambda: Swap(target, report, done),
            "corrupt": lambda: Break(target, report, done),
        }
        self._disturb(strike, made[wish.name]())
        return True

    def _stall_symbol(self, wish: Wish) -> bool:
        connection = self._pick("book")
        symbol = wish.symbol or self._symbol(connection, "book")
        if connection is None or symbol is None:
            return False
        strike = self._begin(wish.name, connection, symbol, None)
        self._disturb(strike, Mute(Target(None, symbol), self._reporter(strike)))
        return True

    def _stall(self, wish: Wish) -> bool:
        connection = self._pick(wish.kind)
        if connection is None:
            return False
        strike = self._begin(wish.name, connection, None, None)
        strike.until_s = self._scene.now_s + (wish.duration_s or STALL_S)
        connection.muted = True
        self._disturb(strike, Mute(Target(), self._reporter(strike)))
        return True

    def _cut(self, wish: Wish) -> bool:
        connection = self._pick(wish.kind)
        if connection is None:
            return False
        strike = self._begin(wish.name, connection, None, None)
        self._end(strike, "fired")
        connection.flush(self._scene.now_s)
        connection.cut("fault cut")
        return True

    def _slow(self, wish: Wish) -> bool:
        if wish.kind == _REST:
            return self._rest_only(wish)
        connection = self._pick(wish.kind)
        if connection is None:
            return False
        strike = self._begin(wish.name, connection, None, None)
        strike.until_s = self._scene.now_s + (wish.duration_s or SLOW_S)
        connection.lag_s = _LAG_S
        return True

    def _rest_only(self, wish: Wish) -> bool:
        strike = self._begin(wish.name, None, None, None)
        strike.kind = wish.kind
        usual_s = {"ban": BAN_S, "slow": SLOW_S}.get(wish.name, REFUSE_S)
        strike.until_s = self._scene.now_s + (wish.duration_s or usual_s)
        return True

    def _skew(self, wish: Wish) -> bool:
        """Let the venue's clock run ahead, the next time behind, if it is not said how far."""
        strike = self._begin(wish.name, None, None, None)
        if wish.skew_s is None:
            strike.skew_us = _SKEWS_US[self._skews % len(_SKEWS_US)]
            self._skews += 1
        else:
            strike.skew_us = round(wish.skew_s * 1_000_000)
        strike.until_s = self._scene.now_s + (wish.duration_s or SKEW_S)
        return True

    # targets

    def _pick(self, kind: str | None) -> Connection | None:
        """Choose among the connections that read something of that kind and are neither stalled nor at their end."""
        found = [
            connection
            for connection in self._scene.connections.values()
            if not connection.ended and not connection.muted and self._symbols(connection, kind)
        ]
        return self._chance.choice(found) if found else None

    def _symbol(self, connection: Connection | None, kind: str) -> str | None:
        """Choose a symbol that no other fault is silencing."""
        if connection is None:
            return None
        silent = {strike.symbol for strike in self._acting if strike.connection is connection}
        free = [symbol for symbol in self._symbols(connection, kind) if symbol not in silent]
        return self._chance.choice(free) if free else None

    @staticmethod
    def _symbols(connection: Connection, kind: str | None) -> list[str]:
        return [symbol for symbol, of in connection.streams.values() if symbol and kind in (None, of)]

    # the life of a fault

    def _begin(self, name: str, connection: Connection | None, symbol: str | None, kind: str | None) -> _Strike:
        self._number += 1
        self.counts[name] = self.counts.get(name, 0) + 1
        strike = _Strike(self._number, name, connection, symbol)
        self._acting.append(strike)
        self._scene.record(
            FaultStarted(
                at_us=self._scene.now_us,
                fault_id=strike.number,
                fault=name,
                connection=None if connection is None else connection.number,
                symbol=symbol,
                type=kind,
            )
        )
        return strike

    @staticmethod
    def _disturb(strike: _Strike, disturbance: Disturbance) -> None:
        strike.disturbance = disturbance
        if strike.connection is not None:
            strike.connection.disturbances.append(disturbance)

    def _over(self, strike: _Strike) -> None:
        """End a fault whose time is over; a stalled connection has lost too much to go on."""
        self._end(strike, "its time is over")
        if strike.name == "stall" and strike.connection is not None:
            strike.connection.cut("stalled to the end")

    def _end(self, strike: _Strike, reason: str) -> None:
        if strike.ended:
            return
        strike.ended = True
        self._acting.remove(strike)
        connection = strike.connection
        if connection is not None and strike.disturbance is not None:
            # A new list: the old one may be under iteration, by the message that ended the fault.
            connection.disturbances = [one for one in connection.disturbances if one is not strike.disturbance]
        if connection is not None and strike.name == "slow":
            connection.lag_s = 0.0
        if connection is not None and strike.name == "stall":
            connection.muted = False
            if connection.has_swallowed:
                connection.cut("a request was lost in its silence")
        if connection is not None and isinstance(strike.disturbance, Swap) and strike.disturbance.held is not None:
            self._let_go(connection, strike.disturbance, strike.disturbance.held)
        self._scene.record(FaultEnded(at_us=self._scene.now_us, fault_id=strike.number, reason=reason))

    @staticmethod
    def _let_go(connection: Connection, swap: Swap, held: Frame) -> None:
        """Send a message that waits for another to change places with; without its connection it is lost, and told."""
        if connection.ended:
            swap.report("dropped", held)
        else:
            connection.release(held)

    def _reporter(self, strike: _Strike) -> Callable[[str, Frame], None]:
        def report(action: str, frame: Frame) -> None:
            self._scene.record(
                FaultHit(
                    at_us=self._scene.now_us,
                    fault_id=strike.number,
                    action=action,
                    connection=0 if strike.connection is None else strike.connection.number,
                    symbol=frame.symbol,
                    channel=frame.channel,
                    ids=frame.ids,
                )
            )

        return report

    def _ender(self, strike: _Strike) -> Callable[[str], None]:
        return lambda reason: self._end(strike, reason)
