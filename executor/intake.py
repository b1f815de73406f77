"""Takes intents from the log, each once: stored with orders and the next offset in one transaction, then begun."""

from __future__ import annotations

import asyncio

from executor.desk import Desk
from executor.leasing import Holding
from executor.planning import decider
from executor.ports import Answered, Clock, Decide, Log, LoggedIntent, NotTaken, Passed, Store, Taken
from executor.terms import Known, Terms
from tapeline.domain.order_records import OrderIntent
from tapeline.errors import Unavailable
from tapeline.runtime import logs
from tapeline.runtime.log_events import LogEvent

_LOG = logs.get(__name__)


class Intake:
    """One reader of `order.intent` for one account."""

    def __init__(
        self, log: Log, store: Store, clock: Clock, holding: Holding, known: Known, terms: Terms, desk: Desk
    ) -> None:
        """Take the ports and the desk that does what was taken."""
        self._log = log
        self._store = store
        self._clock = clock
        self._holding = holding
        self._known = known
        self._terms = terms
        self._desk = desk
        self._closed = False
        self._turn = asyncio.Lock()

    async def close(self) -> None:
        """Take nothing more: what comes from now on waits for the next executor; what is being answered is finished."""
        self._closed = True
        async with self._turn:
            return

    async def run(self) -> None:
        """Take what comes for ever, from where the store stands; raise Fenced when the account is another's."""
        await self._log.intents(await self._offsets())
        while True:
            try:
                batch = await self._log.next_batch()
            except Unavailable as error:
                _LOG.warning(LogEvent.DEPENDENCY_LOST, dependency="log", reason=str(error))
                await self._clock.sleep(self._terms.retry_s)
                continue
            await self._take(batch)

    async def _offsets(self) -> dict[int, int]:
        while True:
            try:
                return dict(await self._store.offsets(self._holding.lease.account))
            except Unavailable:
                await self._clock.sleep(self._terms.retry_s)

    async def _take(self, logged: tuple[LoggedIntent, ...]) -> None:
        """Answer all records; while the store is away they wait, so nothing is entered and nothing is lost."""
        while logged and not self._closed:
            try:
                async with self._turn:
                    answers = await self._store.take(self._holding.lease, logged, self._decider)
                    for one, answer in zip(logged, answers, strict=False):
                        self._answered(one.intent, answer)
            except Unavailable as error:
                _LOG.warning(LogEvent.DEPENDENCY_LOST, dependency="store", reason=str(error))
                await self._clock.sleep(self._terms.retry_s)
            else:
                logged = logged[len(answers) :]

    def _decider(self, intent: OrderIntent) -> Decide:
        return decider(intent, self._known, halted=lambda: self._desk.halted)

    def _answered(self, intent: OrderIntent | None, answer: Answered) -> None:
        if intent is None or isinstance(answer, Passed):
            return
        if isinstance(answer, Taken):
            self._desk.begin(answer.begun)
        elif isinstance(answer, NotTaken):
            refused = answer.refused
            _LOG.info(LogEvent.INTENT_REFUSED, intent=intent.intent_id, code=refused.code, reason=refused.reason)
        # Whatever else the rows want, also of an intent that was taken before a crash, the desk reads there.
        self._desk.wake()
