"""The shell around the pure registry: reads the log to its end before it decides, and counts only what it reads back.

Any number of registries may share the topic and none can hand out an id that another does not know. Each request is
decided with all records up to the log's end known; the fact is published with that end as its `seq`; every reader, its
writer too, counts the record only if it stands exactly there. Then nothing came between, and the decision holds.
Otherwise another writer was faster: read on and decide again. An answer never rests on an acknowledgement alone, so a
lost one, a resend, a late copy and kill -9 at any point change nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from infra.embedded.registry import answers, look, records
from infra.embedded.registry.answers import Answer
from infra.embedded.registry.decide import Write, decide
from infra.embedded.registry.records import Entry
from infra.embedded.registry.requests import GetSchema, Request
from infra.embedded.registry.state import State, apply
from tapeline.errors import InvalidMessage, Unavailable

ANSWER_WITHIN_S: Final = 5.0
KNOWN_AWAY_S: Final = 1.0
"""While Kafka is known to be away a request waits no longer than this."""

_UNREAD: Final = "the log is not read yet"
_SILENT: Final = "Kafka does not answer in time"


class SchemaLog(Protocol):
    """The one partition of the topic, as this module needs it; each method may raise Unavailable."""

    async def end(self) -> int:
        """Return the offset that the next record will have."""

    async def read(self, start: int) -> Sequence[Entry]:
        """Return records from offset `start` on, in order; none when nothing came for a moment."""

    async def append(self, key: bytes, value: bytes) -> None:
        """Return when the record is acknowledged; after any error it may stand in the log or not."""


class Registry:
    """One process's registry: its log, and the state that follows from what it has read of it."""

    def __init__(self, new_attempt: Callable[[], str], *, answer_within_s: float = ANSWER_WITHIN_S) -> None:
        """Begin without a log; until `follow` has read one to its end, every request is told to come again.

        `new_attempt` names each try to write, unlike all other names ever given.
        """
        self._new_attempt = new_attempt
        self._answer_within_s = answer_within_s
        self._log: SchemaLog | None = None
        self._turn = asyncio.Lock()
        self._state = State()
        self._next = 0
        self._mine: str | None = None
        self.waiting_for: str | None = _UNREAD
        self.lost_races = 0

    @property
    def state(self) -> State:
        """Return what was known after the last record read."""
        return self._state

    async def follow(self, log: SchemaLog) -> None:
        """Read a log to its end and answer from it from now on."""
        async with self._turn:
            self._log = None
            self._forget()
            await self._catch_up(log)
            self._log = log
            self.waiting_for = None

    async def watch(self) -> bool:
        """Read what other writers have added; tell whether the log could be read."""
        try:
            async with asyncio.timeout(self._answer_within_s), self._turn:
                await self._catch_up(self._opened())
        except TimeoutError:
            self.waiting_for = _SILENT
        except Unavailable as error:
            self.waiting_for = str(error)
        else:
            self.waiting_for = None
        return self.waiting_for is None

    async def answer(self, request: Request) -> Answer:
        """Answer a request; 503 when it cannot be known now what is right.

        The schema of a known id is told even while Kafka is away: it can never change.
        """
        if isinstance(request, GetSchema) and not request.max_id and self._log is not None:
            known = look.answer(request, self._state)
            if isinstance(known.body, str) or "schema" in known.body:
                return known
        if self._log is None:
            return answers.store_is_away(self.waiting_for or _UNREAD)
        within_s = self._answer_within_s if self.waiting_for is None else min(self._answer_within_s, KNOWN_AWAY_S)
        try:
            async with asyncio.timeout(within_s), self._turn:
                answer = await self._decided(request)
        except TimeoutError:
            self.waiting_for = _SILENT
        except Unavailable as error:
            self.waiting_for = str(error)
        except InvalidMessage as error:
            return answers.too_large(str(error))
        else:
            self.waiting_for = None
            return answer
        return answers.store_is_away(self.waiting_for)

    async def _decided(self, request: Request) -> Answer:
        log = self._opened()
        while True:
            await self._catch_up(log)
            decision = decide(request, self._state)
            if isinstance(decision, Answer):
                return decision
            if await self._won(log, decision):
                return decision.answer
            self.lost_races += 1

    async def _won(self, log: SchemaLog, write: Write) -> bool:
        """Publish the fact for the offset up to which everything is known, and read whether it stands there."""
        self._mine = attempt = self._new_attempt()
        await log.append(*records.encode(write.fact, seq=self._next, attempt=attempt))
        await self._catch_up(log)
        # `_take` clears it when the record counts.
        return self._mine is None

    async def _catch_up(self, log: SchemaLog) -> None:
        end = await log.end()
        if end < self._next:
            # The log was cut short or made anew; what we know beyond its end is not known to anyone else.
            self._forget()
        while self._next < end:
            for entry in await log.read(self._next):
                self._take(entry)

    def _take(self, entry: Entry) -> None:
        if entry.offset < self._next:
            return
        found = records.decode(entry)
        if found.counts:
            self._state = apply(found.fact, self._state)
            if found.attempt == self._mine:
                self._mine = None
        self._next = entry.offset + 1

    def _forget(self) -> None:
        self._state, self._next, self._mine = State(), 0, None

    def _opened(self) -> SchemaLog:
        if self._log is None:
            raise Unavailable(self.waiting_for or _UNREAD)
        return self._log
