"""When a channel could lose messages, by what was written down at the source: faults of its market, ended processes.

A fault of single messages acts on those it hit; one of a connection, or of a symbol on it, on each stream that was
subscribed there, until the fault is over, or where it took the connection along, until the stream was subscribed again.
A process of the producers, or the broker, is away from its end until 10 s after it ran again; a killed producer takes
along what it had received just before and nobody had acknowledged yet; while the broker is away that is all since just
before the broker went. `429` and `slow` lose nothing: they prolong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from simulator.audit.market import KINDS, Kind, Played
from simulator.audit.outages import Outage
from simulator.journal import Closed, FaultEnded, FaultHit, FaultStarted, Subscribed, Unsubscribed

US_PER_S: Final = 1_000_000
REPAIR_US: Final = 2 * US_PER_S
"""A gap may last so long after its cause is over, or after the book that repairs it was served."""
RESTART_US: Final = 10 * US_PER_S
UNDER_WAY_US: Final = US_PER_S
"""What a killed producer received at most so long before may be lost with it."""
_CLOSING_US: Final = 2 * US_PER_S
"""A connection that ends so soon after a fault was ended by it."""
_LAG_US: Final = 250_000
_BROKER: Final = re.compile(r"kafka(-\d+)?")
"""What a slow connection still held back is lost when it breaks off."""
_PROLONGING: Final = frozenset({"429", "slow"})
_LOSING: Final = frozenset({"dropped", "moved", "broken"})


class Cause(msgspec.Struct, frozen=True):
    """Why messages may be missing, and when; without an end it acted until the last line."""

    name: str
    begin_us: int
    end_us: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Causes:
    """All causes of one market: those of a symbol's channel, those that hit every one, and what prolongs them."""

    own: Mapping[tuple[str, str], Sequence[Cause]]
    everywhere: Sequence[Cause]
    prolonging: Sequence[Cause]
    halted_us: int | None = None
    """When the market stood still: what REST knew beyond the last message is no loss."""
    away_us: int = 0
    """How long a client stays away that REST has refused, by the venue's own words: nothing is filled meanwhile."""
    blind: frozenset[str] = frozenset()
    """Kinds of messages without a number: one that a cause took can be missing though nobody saw a hole."""

    def keeps_away(self) -> bool:
        """Tell whether at the end of the run a client that was refused still stays away."""
        return self.halted_us is not None and any(
            one.name in _PROLONGING and self.halted_us <= one.begin_us + self.away_us for one in self.prolonging
        )

    def excuse(self, symbol: str, kind: Kind, at_us: int, before_us: int = 0) -> bool:
        """Tell whether no client could know, at a time, that a cause since a while before it took something."""
        return kind in self.blind and bool(self.of(symbol, kind, at_us - before_us, at_us))

    def of(self, symbol: str, channel: str, begin_us: int, end_us: int | None) -> list[Cause]:
        """Return what acted on a channel at some time between these two; funding is on any socket of its symbol."""
        kinds = KINDS if channel == "funding" else (channel,)
        found = [*(cause for kind in kinds for cause in self.own.get((symbol, kind), ())), *self.everywhere]
        return [
            cause
            for cause in found
            if (end_us is None or cause.begin_us <= end_us) and (cause.end_us is None or begin_us <= cause.end_us)
        ]

    def until_us(self, cause: Cause) -> int | None:
        """Return until when a cause excuses a missing message: it is over and may be repaired, and REST answers."""
        if cause.end_us is None:
            return None
        until_us = cause.end_us + REPAIR_US
        for period in sorted(self.prolonging, key=lambda one: one.begin_us):
            if period.begin_us <= until_us:
                if period.end_us is None:
                    return None
                until_us = max(until_us, period.end_us + REPAIR_US, period.begin_us + self.away_us + REPAIR_US)
        return until_us


@dataclass(slots=True, eq=False)
class _Acting:
    """A fault on one stream, or one that prolongs others (without a symbol); `away` until it is subscribed again."""

    fault_id: int
    name: str
    connection: int | None
    symbol: str
    kind: str
    begin_us: int
    end_us: int | None = None
    away: bool = False

    def cause(self) -> Cause:
        """Return it as a cause."""
        return Cause(self.name, self.begin_us, self.end_us)


@dataclass(slots=True)
class _Walk:
    """Goes through the events of a market in their order."""

    played: Played
    streams: dict[int, dict[str, tuple[str, Kind]]] = field(default_factory=dict)
    kinds: dict[str, Kind] = field(default_factory=dict)
    of_messages: dict[int, str] = field(default_factory=dict)
    lost: list[_Acting] = field(default_factory=list)
    prolonging: list[_Acting] = field(default_factory=list)
    hits: dict[tuple[int, str, Kind], _Acting] = field(default_factory=dict)
    known: set[tuple[str, Kind]] = field(default_factory=set)
    whole: dict[int, tuple[int, str]] = field(default_factory=dict)
    """Faults that act on all of a connection, by connection: also on what is asked for there later."""

    def started(self, record: FaultStarted) -> None:
        """Let a fault begin, on each stream that it acts on."""
        fault_id, name, at_us = record.fault_id, record.fault, record.at_us
        if name in _PROLONGING:
            self.prolonging.append(_Acting(fault_id, name, record.connection, "", "", at_us))
        elif record.type is not None:
            self.of_messages[fault_id] = name
        elif record.connection is not None:
            begin_us = at_us - (_LAG_US if self._slow(record.connection, at_us) else 0)
            if record.symbol is None:
                self.whole[record.connection] = (fault_id, name)
                # What was lost before, and not asked for here yet, must wait for the next connection.
                there = {place for streams in self.streams.values() for place in streams.values()}
                for symbol, kind in sorted(self.known - there):
                    self.lost.append(_Acting(fault_id, name, None, symbol, kind, begin_us, away=True))
            for symbol, kind in sorted(set(self.streams.get(record.connection, {}).values())):
                if record.symbol in (None, symbol):
                    self.lost.append(_Acting(fault_id, name, record.connection, symbol, kind, begin_us))

    def hit(self, record: FaultHit) -> None:
        """Note which messages a fault of single messages lost, from the time the first of them was made."""
        name, kind = self.of_messages.get(record.fault_id), self.kinds.get(record.channel)
        if name is None or kind is None or record.action not in _LOSING:
            return
        made_us = _made_us(self.played, record.symbol, kind, record.ids)
        begin_us = min([record.at_us, *made_us])
        acting = self.hits.get((record.fault_id, record.symbol, kind))
        if acting is None:
            acting = _Acting(record.fault_id, name, None, record.symbol, kind, begin_us)
            self.hits[record.fault_id, record.symbol, kind] = acting
            self.lost.append(acting)
        acting.begin_us = min(acting.begin_us, begin_us)
        acting.end_us = record.at_us

    def ended(self, record: FaultEnded) -> None:
        """Let a fault end, but where its connection is gone too."""
        self.whole = {where: fault for where, fault in self.whole.items() if fault[0] != record.fault_id}
        for acting in (*self.lost, *self.prolonging):
            if acting.fault_id == record.fault_id and record.fault_id not in self.of_messages and not acting.away:
                acting.end_us = record.at_us

    def closed(self, record: Closed) -> None:
        """Note which streams a connection took along that a fault was acting on."""
        self.streams.pop(record.connection, None)
        self.whole.pop(record.connection, None)
        for acting in self.lost:
            if acting.connection == record.connection and (
                acting.end_us is None or record.at_us <= acting.end_us + _CLOSING_US
            ):
                acting.away, acting.end_us = True, None

    def subscribed(self, record: Subscribed) -> None:
        """Note a stream; what was away is back."""
        kind = next((one for one in KINDS if one == record.type and record.channel), None)
        if kind is None:
            return
        self.kinds[record.channel] = kind
        self.known.add((record.symbol, kind))
        self.streams.setdefault(record.connection, {})[record.stream] = (record.symbol, kind)
        for acting in self.lost:
            if acting.away and (acting.symbol, acting.kind) == (record.symbol, kind):
                acting.away, acting.end_us, acting.connection = False, record.at_us, None
        if record.connection in self.whole:
            fault_id, name = self.whole[record.connection]
            self.lost.append(_Acting(fault_id, name, record.connection, record.symbol, kind, record.at_us))

    def unsubscribed(self, record: Unsubscribed) -> None:
        """Forget a stream."""
        self.streams.get(record.connection, {}).pop(record.stream, None)

    def _slow(self, connection: int, at_us: int) -> bool:
        return any(
            one.name == "slow"
            and one.connection == connection
            and (one.end_us is None or at_us <= one.end_us + _LAG_US)
            for one in self.prolonging
        )


def causes_of(played: Played, outages: Iterable[Outage]) -> Causes:
    """Return every cause of missing messages that was written down for a market."""
    walk = _Walk(played)
    for record in played.events:
        if isinstance(record, FaultHit):
            walk.hit(record)
        elif isinstance(record, FaultStarted):
            walk.started(record)
        elif isinstance(record, FaultEnded):
            walk.ended(record)
        elif isinstance(record, Closed):
            walk.closed(record)
        elif isinstance(record, Subscribed):
            walk.subscribed(record)
        elif isinstance(record, Unsubscribed):
            walk.unsubscribed(record)
    every = tuple(outages)
    own: dict[tuple[str, str], list[Cause]] = {}
    for acting in walk.lost:
        own.setdefault((acting.symbol, acting.kind), []).append(acting.cause())
    return Causes(
        own=own,
        everywhere=[_away(outage, every) for outage in every if _loses(outage)],
        prolonging=[acting.cause() for acting in walk.prolonging],
        halted_us=played.halted_us,
        away_us=int(played.away_s * US_PER_S),
        blind=frozenset(played.blind),
    )


def _loses(outage: Outage) -> bool:
    # One broker of several too: until another leads its partitions, nothing is taken there.
    return _records(outage) or _BROKER.fullmatch(outage.process) is not None


def _records(outage: Outage) -> bool:
    return outage.process.startswith("producers")


def _away(outage: Outage, every: Iterable[Outage]) -> Cause:
    back_us = outage.at_us if outage.back_us is None else outage.back_us
    end_us = max(outage.at_us, back_us) + RESTART_US
    # A producer that is killed while the broker is away takes along what it could not hand over.
    killed = (one for one in every if one.action == "kill" and _records(one) and outage.at_us <= one.at_us <= end_us)
    took_along = outage in killed if _records(outage) else any(killed)
    name = f"{outage.action} of {outage.process}"
    return Cause(name, outage.at_us - (UNDER_WAY_US if took_along else 0), end_us)


def _made_us(played: Played, symbol: str, kind: Kind, ids: Sequence[str]) -> list[int]:
    """Return when the messages with these ids were made: a moved one is written down when the next one is sent."""
    emitted = played.emitted.get(symbol)
    if emitted is None:
        return []
    if kind == "book":
        return [one.at_us for one in (emitted.book.records if emitted.book else ()) if str(one.sequence) in ids]
    return [one.at_us for one in (emitted.trade.records if emitted.trade else ()) if one.id in ids]
