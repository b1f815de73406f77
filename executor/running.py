"""One executor's life: the lease, reconciliation, then intake, desk, streams and outbox until it must stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from typing import Any

import msgspec

from executor import measuring
from executor.closing import Closer
from executor.desk import Alarm, Desk, Spawn
from executor.funding import Funding
from executor.intake import Intake
from executor.leasing import Holding
from executor.listening import Listener
from executor.measuring import Told
from executor.ports import Clock, Fenced, Log, Store, VenueLink
from executor.publishing import publish
from executor.reconciling import Reconciler
from executor.submitting import Submitter
from executor.terms import Known, Terms, Where
from tapeline.errors import TapelineError
from tapeline.runtime import desired_state, lifecycle, logs, metrics
from tapeline.runtime.desired_state import Wish
from tapeline.runtime.log_events import LogEvent

_LOG = logs.get(__name__)


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """The four ports, and who runs what is done beside the rest."""

    store: Store
    log: Log
    links: Mapping[Where, VenueLink]
    clock: Clock
    spawn: Spawn
    alarm: Alarm


class Executor:
    """Acts for one account as long as it holds the lease."""

    def __init__(self, ports: Ports, known: Known, terms: Terms, *, holder: str) -> None:
        """Take the ports, what is known of markets, and the name by which the lease is held."""
        self._ports = ports
        self._known = known
        self._terms = terms
        self._holder = holder
        self._holding = Holding(ports.store, ports.clock, terms)
        self._submitter = Submitter(ports.store, ports.links, ports.clock, self._holding, known, terms)
        self._reconciler = Reconciler(ports.store, ports.links, ports.clock, self._holding, known, terms)
        self._reconciler.alarm = ports.alarm
        self._desk: Desk | None = None
        self._intake: Intake | None = None
        self._closer: Closer | None = None
        self._halted = False
        self.on_halt_stored: Callable[[], None] = lambda: None
        self.ready = asyncio.Event()
        """Set when the lease is held and all markets are reconciled: from then on intents are taken."""

    def halt(self) -> None:
        """Throw the kill switch: open nothing, cancel what is open; it needs neither store nor broker."""
        self._halted = True
        self._submitter.halted = True
        if self._desk is not None:
            self._desk.halt()

    async def run(self) -> None:
        """Live until another has the account (Fenced) or something breaks; that error is raised as it is."""
        _ = await self._holding.open(self._known.account, self._holder)
        try:
            await self._live()
        except Exception as error:
            first = _first(error)
            if isinstance(first, Fenced):
                # Whichever of the loops or steps has noticed it.
                _LOG.error(LogEvent.LEASE_LOST, account=self._known.account)
                metrics.LEASES_LOST.inc(account=self._known.account)
                metrics.LEASE_UNTIL_S.set(0, account=self._known.account)
            if first is error:
                raise
            raise first from error

    async def _live(self) -> None:
        async with AsyncExitStack() as stack:
            desk = Desk(
                self._ports.store,
                self._ports.clock,
                self._holding,
                self._known,
                self._terms,
                self._submitter,
                self._ports.spawn,
            )
            desk.alarm = self._ports.alarm
            # The error may be raised by someone else first: then nobody waits for this one.
            desk.failed.add_done_callback(lambda failed: failed.cancelled() or failed.exception())
            self._desk = desk
            _ = await stack.enter_async_context(lifecycle.background("lease", self._ending(desk, self._holding.keep())))
            await self._holding.wait_out()
            await self._reconciler.start(self._submitter)
            while not await self._balances_once():
                await self._ports.clock.sleep(self._terms.retry_s)
            closer = Closer(self._ports.store, self._ports.clock, self._holding, self._known, self._terms, desk)
            await closer.begin()
            self._closer = closer
            for name, work in self._works(desk, closer):
                _ = await stack.enter_async_context(lifecycle.background(name, self._ending(desk, work)))
            self.ready.set()
            await desk.failed

    async def wind_down(self) -> None:
        """Take nothing more, cancel what rests and close what is held, while `run` lives; then it may be ended."""
        if self._intake is not None and self._closer is not None:
            await self._closer.end(self._intake)

    async def stop(self) -> None:
        """Give the lease up after `run` was cancelled, so that a successor begins at once."""
        await self._holding.give_up()

    def _works(self, desk: Desk, closer: Closer) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        ports, terms = self._ports, self._terms
        intake = Intake(ports.log, ports.store, ports.clock, self._holding, self._known, terms, desk)
        self._intake = intake
        news, wishes, told = asyncio.Event(), asyncio.Event(), Told()
        measuring.begin(ports.links)
        ports.store.on_written = news.set
        funding = Funding(ports.store, ports.links, ports.clock, self._holding, self._known, terms)
        works: list[tuple[str, Coroutine[Any, Any, None]]] = [
            ("desk", desk.run()),
            ("intake", intake.run()),
            ("outbox", publish(ports.store, ports.log, ports.clock, terms, self._known.account, news, told)),
            ("control", publish(ports.store, ports.log, ports.clock, terms, desired_state.STREAM, wishes, told)),
            ("balances", self._balances()),
            ("funding", funding.run()),
            ("halting", self._persist_halt()),
            ("closing", closer.run()),
        ]
        for where, link in ports.links.items():
            one = Listener(link, ports.store, ports.clock, self._holding, self._known, terms)
            one.on_funding = funding.hint
            name = ":".join(where)
            works.append((f"stream {name}", one.listen(self._submitter, self._reconciler, desk)))
            works.append((f"poll {name}", one.poll(self._submitter, self._reconciler, desk)))
        return works

    async def _ending(self, desk: Desk, work: Coroutine[Any, Any, None]) -> None:
        """Run one of the loops; whatever ends it ends the executor, with that error and no group around it."""
        try:
            await work
        except Exception as error:  # noqa: BLE001 - handed on as it is to the one who waits
            if not desk.failed.done():
                desk.failed.set_exception(error)

    async def _balances(self) -> None:
        while True:
            await self._ports.clock.sleep(self._terms.balances_every_s)
            _ = await self._balances_once()

    async def _balances_once(self) -> bool:
        try:
            await self._reconciler.read_balances()
        except Fenced:
            raise
        except TapelineError as error:
            _LOG.warning(LogEvent.STEP_FAILED, step="balances", reason=str(error))
            return False
        return True

    async def _persist_halt(self) -> None:
        """Store the halt of the kill switch as soon as the store is there: from then on its row stands for it.

        The row stands until a person resets it, and so the switch in memory is let go.
        """
        while True:
            await self._ports.clock.sleep(self._terms.pass_every_s)
            if not self._halted:
                continue
            wish = Wish(
                scope="account",
                target=self._known.account,
                desired="HALTED",
                actor=self._holder,
                reason=desired_state.THROWN_AT_EXECUTOR,
            )
            try:
                _ = await self._ports.store.desire(wish)
            except TapelineError as error:
                _LOG.warning(LogEvent.STEP_FAILED, step="halt", reason=str(error))
            else:
                self._halted = self._submitter.halted = False
                self.on_halt_stored()


def _first(error: Exception) -> Exception:
    """Return the first error inside nested groups."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
