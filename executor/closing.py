"""Closes what is held where nobody asks for it: two-leg trades of before a start (D-20), all of it at a stop (K1).

It goes the way of every intent: stored with its orders, audited and told before anything is sent, once whatever dies.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from executor import leaving
from executor.desk import Desk
from executor.intake import Intake
from executor.leasing import Holding
from executor.leaving import Name, Why
from executor.planning import plan
from executor.ports import Clock, NotTaken, Store, Taken
from executor.terms import US_PER_S, Known, Terms
from tapeline.domain.account import AccountState
from tapeline.domain.booking import Plan
from tapeline.domain.ids import target_of
from tapeline.domain.order_records import OrderIntent
from tapeline.domain.risk import Refused
from tapeline.errors import Unavailable
from tapeline.runtime import logs
from tapeline.runtime.log_events import LogEvent

NOT_CLOSED: Final = "not_closed"
"""Code of the alert that says what is still held."""
_RESTART: Final = "restart: it stood open from before"
_STOP: Final = "stop: the executor ends"
_RACES: Final = ("pair_not_open", "closing")
"""Refusals that say that another one closes it already."""
_LOG = logs.get(__name__)


class Closer:
    """What one executor closes of its own accord."""

    def __init__(self, store: Store, clock: Clock, holding: Holding, known: Known, terms: Terms, desk: Desk) -> None:
        """Take the ports, and the desk that does what was taken."""
        self._store = store
        self._clock = clock
        self._holding = holding
        self._known = known
        self._terms = terms
        self._desk = desk
        self._found: frozenset[Name] = frozenset()
        self._said: set[tuple[str, str]] = set()
        self._tries: dict[tuple[str, ...], tuple[float, int]] = {}
        """When something may be asked for anew, and how often it was: a venue that refuses is not hammered."""

    async def begin(self) -> None:
        """Find the two-leg trades of before this start and begin to leave those that stand open."""
        while self._terms.on_restart == "close":
            try:
                state = await self._state()
                self._found = leaving.unfinished(state)
                await self._leave(state)
            except Unavailable as error:
                _LOG.warning(LogEvent.DEPENDENCY_WAITING, dependency="store", reason=str(error))
                await self._clock.sleep(self._terms.retry_s)
            else:
                return

    async def run(self) -> None:
        """Leave what was under way at the start as soon as it stands open, and again what could not be left whole."""
        while self._found and not self._desk.stopping:
            await self._clock.sleep(self._terms.pass_every_s)
            try:
                state = await self._state()
                self._found &= leaving.unfinished(state)
                await self._leave(state)
            except Unavailable as error:
                _LOG.warning(LogEvent.DEPENDENCY_LOST, dependency="store", reason=str(error))

    async def end(self, intake: Intake) -> None:
        """Take nothing more, wait until nothing rests and, where that is wanted, nothing is held; say what is left."""
        self._desk.stopping = True
        self._tries.clear()
        self._desk.wake()
        state: AccountState | None = None
        until_us = self._clock.now_us() + int(self._terms.stop_s * US_PER_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._terms.stop_s):
                await intake.close()
                state = await self._read(state)
                while state is None or not await self._is_over(state, until_us):
                    await self._clock.sleep(self._terms.stop_look_s)
                    state = await self._read(state)
        self._tell(state)
        with contextlib.suppress(TimeoutError, Unavailable):
            async with asyncio.timeout(self._terms.flush_s):
                while await self._store.outbox(self._holding.lease.account, most=1):
                    await self._clock.sleep(self._terms.stop_look_s)

    async def _read(self, before: AccountState | None) -> AccountState | None:
        try:
            return await self._state()
        except Unavailable as error:
            _LOG.warning(LogEvent.DEPENDENCY_LOST, dependency="store", reason=str(error))
            await self._clock.sleep(self._terms.retry_s)
            return before

    async def _is_over(self, state: AccountState, until_us: int) -> bool:
        """Ask for what is to be closed, and tell whether there is nothing left that could be waited for."""
        waits = leaving.moving(state)
        try:
            if self._terms.on_stop == "close":
                for wish in self._wishes(state, until_us):
                    waits = await self._want(wish) or waits
        except Unavailable as error:
            _LOG.warning(LogEvent.DEPENDENCY_LOST, dependency="store", reason=str(error))
            return False
        return not waits

    def _wishes(self, state: AccountState, until_us: int) -> tuple[OrderIntent, ...]:
        why = Why(reason=_STOP, now_us=self._clock.now_us(), until_us=until_us)
        return (
            *leaving.exits(state, leaving.unfinished(state), why),
            *leaving.flattens(state, self._known, why),
        )

    async def _leave(self, state: AccountState) -> None:
        now_us = self._clock.now_us()
        why = Why(reason=_RESTART, now_us=now_us, until_us=now_us + self._terms.own_us)
        for wish in leaving.exits(state, self._found, why):
            _ = await self._want(wish)

    async def _want(self, wish: OrderIntent) -> bool:
        """Take a wish of our own and begin it; tell whether there is anything to wait for."""
        at_s, _ = self._tries.get(_about(wish), (0.0, 0))
        if self._clock.monotonic_s() < at_s:
            return True

        def decide(state: AccountState) -> Plan | Refused:
            if self._desk.halted:
                return Refused(code="halted", reason="this executor was told to halt")
            return plan(state, wish, self._known)

        found = await self._store.take_own(self._holding.lease, wish, decide, trace_id=leaving.trace_of(wish))
        if isinstance(found, Taken):
            _LOG.warning(LogEvent.CLOSING, intent=wish.intent_id, symbol=wish.symbol, reason=wish.reason)
            self._desk.begin(found.begun)
            self._tried(wish)
            return True
        if isinstance(found, NotTaken):
            self._refused(wish, found.refused)
            return found.refused.code != "halted"
        return False

    def _tried(self, wish: OrderIntent) -> None:
        """Double the pause with each try, and tell a person when there were too many."""
        _, times = self._tries.get(_about(wish), (0.0, 0))
        longest_s = self._terms.look_longest_s if self._desk.stopping else self._terms.poll_every_s
        pause_s = min(longest_s, self._terms.look_again_s * (1 << min(times, 16)))
        self._tries[_about(wish)] = (self._clock.monotonic_s() + pause_s, times + 1)
        if times + 1 == self._terms.close_attempts and not self._desk.stopping:
            self._alarm(wish, f"not closed whole ({wish.reason}) after {times} tries")

    def _refused(self, wish: OrderIntent, no: Refused) -> None:
        if no.code in _RACES or (wish.intent_id, no.code) in self._said:
            return
        self._said.add((wish.intent_id, no.code))
        _LOG.warning(LogEvent.INTENT_REFUSED, intent=wish.intent_id, code=no.code, reason=no.reason)
        if not self._desk.stopping:
            self._alarm(wish, f"not closed ({wish.reason}): {no.reason}")

    def _alarm(self, wish: OrderIntent, what: str) -> None:
        told = f"{wish.strategy} on {wish.symbol} is {what}"
        self._desk.alarm(NOT_CLOSED, f"{told}; it is tried on, and a person may close it by hand")

    def _tell(self, state: AccountState | None) -> None:
        """Tell a person what is left that should not be."""
        if state is None:
            self._desk.alarm(NOT_CLOSED, "what is held could not be read before the stop; the next start looks again")
            return
        closes = self._terms.on_stop == "close"
        found = leaving.left(state, self._known) if closes else leaving.resting(state)
        if found:
            self._desk.alarm(NOT_CLOSED, f"the stop leaves behind: {'; '.join(found)}")

    async def _state(self) -> AccountState:
        return await self._store.state(self._holding.lease.account)


def _about(wish: OrderIntent) -> tuple[str, ...]:
    return (wish.strategy, wish.symbol, *target_of(wish.command))
