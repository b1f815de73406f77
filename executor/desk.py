"""The executor's desk: reads the rows, decides, does, and begins again; what it is doing is all that it remembers.

Only what is being done is remembered, so each pass decides on the rows as they stand and a crash changes nothing.
Closes and cancels are begun before openings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final

from executor import measuring
from executor.deciding import next_steps
from executor.leasing import Holding
from executor.leveraging import Together, together
from executor.ports import Clock, Fenced, Store
from executor.steps import Add, Cancel, Change, Drop, LookUp, ReadFills, Send, Settle, Step, View, Wait
from executor.submitting import Submitter
from executor.terms import US_PER_S, Known, Terms
from tapeline.domain.account import AccountState, TakenIntent
from tapeline.domain.account_records import Pair
from tapeline.domain.order_records import DesiredState
from tapeline.domain.orders import OurOrder
from tapeline.errors import TapelineError, Unavailable
from tapeline.runtime import logs
from tapeline.runtime.log_events import LogEvent

Spawn = Callable[[str, Coroutine[Any, Any, None]], object]
"""Runs work in the background; the process's lifecycle owns that."""
Alarm = Callable[[str, str], None]
"""Tells a person: a code and a sentence."""

_URGENCY: Final[tuple[type[Step], ...]] = (Cancel, Drop, Change, Add, ReadFills, LookUp, Settle)
_MEASURE_US: Final = US_PER_S
_LOG = logs.get(__name__)


class Desk:
    """Does the next steps of every open intent of one account."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        holding: Holding,
        known: Known,
        terms: Terms,
        submitter: Submitter,
        spawn: Spawn,
    ) -> None:
        """Take the ports and the submitter; `spawn` runs one step beside the others."""
        self._store = store
        self._clock = clock
        self._holding = holding
        self._known = known
        self._terms = terms
        self._submitter = submitter
        self._spawn = spawn
        self._busy: set[str] = set()
        self._touched: set[str] = set()
        self._together: dict[str, Together] = {}
        """With which orders one that is launched goes out."""
        self._next_look: dict[str, tuple[float, int]] = {}
        self._last: dict[str, OurOrder] = {}
        """Orders as they were read or begun last, for the time in which the store is away."""
        self._measure_us = 0
        self._wake = asyncio.Event()
        self.stopping = False
        """Set before an end: nothing is opened from then on, and what rests at a venue is cancelled."""
        self.alarm: Alarm = _log_alone
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def wake(self) -> None:
        """Decide again soon."""
        self._wake.set()

    def halt(self) -> None:
        """Open nothing from now on and cancel what is open, whatever the store says (the kill switch)."""
        self._submitter.halted = True
        _LOG.warning(LogEvent.KILL_SWITCH)
        self.wake()

    @property
    def halted(self) -> bool:
        """Tell whether the kill switch is on."""
        return self._submitter.halted

    def begin(self, orders: Iterable[OurOrder]) -> None:
        """Send orders of a fresh plan, which are noted as sent, without reading the rows that were just written."""
        fresh = tuple(orders)
        self._together |= together(fresh)
        for order in fresh:
            self._last[order.client_order_id] = order
            self._launch(Send(order=order))
        self.wake()

    async def run(self) -> None:
        """Pass over all open intents for ever; raise Fenced when the account is another's."""
        while True:
            await self._clock.sleep(self._terms.pass_gap_s)
            self._wake.clear()
            try:
                due_us = await self._pass()
            except Unavailable as error:
                _LOG.warning(LogEvent.STEP_FAILED, step="state", reason=str(error))
                due_us = self._clock.now_us() + int(self._terms.retry_s * US_PER_S)
                self._cancel_from_memory()
            await self._rest(due_us)

    def _cancel_from_memory(self) -> None:
        """Cancel what may be open although the store is away, where the kill switch is on."""
        for order in self._last.values() if self.halted else ():
            if order.is_open and not order.closing:
                self._launch(Cancel(order=order))

    async def _rest(self, due_us: int) -> None:
        left_s = (due_us - self._clock.now_us()) / US_PER_S
        patience_s = min(self._terms.pass_every_s, max(self._terms.busy_pass_s / 10, left_s))
        try:
            async with asyncio.timeout(patience_s):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _pass(self) -> int:
        """Decide once on all open intents; return when the next thing is due."""
        self._touched = set(self._busy)
        state = await self._store.state(self._holding.lease.account)
        unclear = self._touched | self._busy
        now_us = self._clock.now_us()
        if now_us >= self._measure_us:
            self._measure_us = now_us + _MEASURE_US
            measuring.standing(state)
        due_us = now_us + int(self._terms.pass_every_s * US_PER_S)
        self._last = {one.client_order_id: one for one in state.orders}
        # One that has ended is looked at as well, as long as the venue has not told all of its fills.
        known = {one.client_order_id for one in state.orders if not one.complete}
        self._next_look = {name: look for name, look in self._next_look.items() if name in known}
        steps: list[Step] = []
        for intent in state.intents:
            if intent.status == "APPROVED":
                steps += self._decided(state, intent, now_us, unclear)
        self._together |= together(
            step.order for step in steps if isinstance(step, Send) and _key(step) not in self._busy
        )
        for step in sorted(steps, key=_urgency):
            due_us = min(due_us, step.until_us if isinstance(step, Wait) else self._launch(step))
        return due_us

    def _decided(self, state: AccountState, intent: TakenIntent, now_us: int, unclear: set[str]) -> tuple[Step, ...]:
        orders = tuple(one for one in state.orders if one.intent_id == intent.intent_id)
        names = {one.client_order_id for one in orders}
        rows = {intent.intent_id, _pair_key(intent)}
        if rows & self._busy:
            return ()
        if (names | rows) & (unclear - self._busy):
            # Something of it was done while the rows were read: what was read may be older than that.
            self.wake()
            return ()
        desired: DesiredState = "HALTED" if self.halted else state.desired(intent.strategy)
        view = View(
            state=state,
            intent=intent,
            orders=orders,
            pair=_pair_of(state, intent),
            desired=desired,
            stopping=self.stopping,
            now_us=now_us,
            known=self._known,
            terms=self._terms,
            busy=frozenset(unclear),
            unbooked=frozenset(self._submitter.unbooked),
        )
        return next_steps(view)

    def _launch(self, step: Step) -> int:
        """Begin a step, unless the same thing is being done; return when to look at it again."""
        key = _key(step)
        now_s = self._clock.monotonic_s()
        soon_us = self._clock.now_us() + int(self._terms.pass_every_s * US_PER_S)
        if key in self._busy:
            return soon_us
        if isinstance(step, LookUp | Cancel | ReadFills):
            at_s, times = self._next_look.get(key, (now_s, 0))
            if now_s < at_s:
                return self._clock.now_us() + int((at_s - now_s) * US_PER_S) + 1
            longer = 1 << min(max(0, times - self._terms.look_often), 16)
            pause_s = min(self._terms.look_again_s * longer, self._terms.look_longest_s)
            self._next_look[key] = (now_s + pause_s, times + 1)
        self._busy.add(key)
        _ = self._spawn(f"{type(step).__name__} {key}", self._guarded(step, key))
        return soon_us

    async def _guarded(self, step: Step, key: str) -> None:
        try:
            await self._do(step)
        except (Fenced, asyncio.CancelledError) as error:
            self._fail(error)
            if isinstance(error, asyncio.CancelledError):
                raise
        except (TapelineError, TimeoutError) as error:
            _LOG.warning(LogEvent.STEP_FAILED, step=type(step).__name__, of=key, reason=str(error))
            await self._clock.sleep(self._terms.retry_s)
        except Exception as error:  # noqa: BLE001 - whatever it is, the executor stops by it
            self._fail(error)
        finally:
            self._busy.discard(key)
            self._touched.add(key)
            self._wake.set()

    def _fail(self, error: BaseException) -> None:
        if not self.failed.done() and isinstance(error, Exception):
            self.failed.set_exception(error)

    async def _do(self, step: Step) -> None:
        match step:
            case Send(order=order):
                await self._submitter.send(order, self._together.pop(order.client_order_id, None))
            case Drop(order=order, code=code, reason=reason):
                await self._submitter.drop(order, code, reason)
            case Cancel(order=order):
                await self._submitter.cancel(order)
            case LookUp(order=order):
                await self._submitter.look_up(order)
            case ReadFills(order=order):
                await self._submitter.read_fills(order)
            case Add(order=order):
                await self._store.add(self._holding.lease, (order,))
            case Change(pair=pair, alarm=alarm):
                await self._store.change_pair(self._holding.lease, pair)
                if alarm is not None:
                    _LOG.error(LogEvent.PAIR_FAILED, pair=pair.pair_id, reason=alarm)
                    self.alarm("pair_failed", alarm)
            case Settle(intent_id=intent_id, reason=reason):
                await self._store.settle(self._holding.lease, intent_id, reason)


def _log_alone(code: str, sentence: str) -> None:
    _LOG.error(LogEvent.ALERT_RAISED, code=code, message=sentence)


def _urgency(step: Step) -> int:
    if isinstance(step, Send):
        return len(_URGENCY) if step.order.closing else len(_URGENCY) + 1
    return _URGENCY.index(type(step)) if type(step) in _URGENCY else 0


def _key(step: Step) -> str:
    match step:
        case Change(pair=pair):
            return f"pair:{pair.strategy}:{pair.symbol}:{pair.slot}"
        case Settle(intent_id=intent_id) | Add(order=OurOrder(intent_id=intent_id)):
            # An intent whose orders change is decided on again only when they have changed.
            return intent_id
        case Wait():
            return ""
        case _:
            return step.order.client_order_id


def _pair_key(intent: TakenIntent) -> str:
    return f"pair:{intent.strategy}:{intent.symbol}:{intent.slot}"


def _pair_of(state: AccountState, intent: TakenIntent) -> Pair | None:
    """Return the two-leg trade that an intent enters or leaves."""
    mine = [
        one
        for one in state.pairs
        if (one.strategy, one.symbol, one.slot) == (intent.strategy, intent.symbol, intent.slot)
    ]
    if intent.command == "EnterPair":
        return next((one for one in mine if one.round == intent.round), None)
    # Two trades of one slot may be left at once, so what leaves one is told by its id.
    return next((one for one in mine if one.intent_id == intent.intent_id), None)
