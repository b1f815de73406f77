"""What the executor knows of markets, from our own topics: rules of instruments and fresh reference prices.

Books are kept as they came and decoded when a price is asked for, which is seldom.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import AsyncExitStack
from decimal import Decimal
from types import TracebackType
from typing import Final, NoReturn, Self

from executor.terms import Instrument, Where
from schemas import topics
from schemas.topics import Topic
from tapeline.domain.events import Book
from tapeline.domain.events import Instrument as Rules
from tapeline.domain.instruments import MARKETS
from tapeline.domain.money import exact
from tapeline.domain.spread import tradable
from tapeline.errors import InvalidMessage, UnknownSchema
from tapeline.runtime import clock, logs, retry
from tapeline.runtime.codec import Codec
from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.kafka import Reader, Record
from tapeline.runtime.log_events import LogEvent

_RULES: Final[Topic] = topics.by_name("ref.instrument")
_BOOKS: Final[Topic] = topics.by_name("md.book")
_MOST: Final = 2_000
GATHER_S: Final = 0.25
"""A price may be two seconds old, so the broker may gather for a while."""

Learn = Callable[[int], Awaitable[str]]
OnRules = Callable[[Rules], None]


class Prices(Mapping[Instrument, Decimal]):
    """Middle prices of books that may be traded on now; an instrument without one is not in it."""

    def __init__(self, codec: Codec, now_us: Callable[[], int]) -> None:
        """Know no price yet."""
        self._codec = codec
        self._now_us = now_us
        self._newest: dict[Instrument, bytes | Book] = {}

    def put(self, where: Instrument, data: bytes) -> None:
        """Keep the newest book of an instrument, as it came."""
        self._newest[where] = data

    def __getitem__(self, where: Instrument) -> Decimal:
        """Return the middle between best bid and ask; KeyError where no fresh book says it."""
        book = self._newest[where]
        if isinstance(book, bytes):
            try:
                decoded: Book = self._codec.decode(_BOOKS, book)
            except InvalidMessage as error:
                del self._newest[where]
                raise KeyError(where) from error
            book = self._newest[where] = decoded
        if not (book.bid_prices and book.ask_prices and tradable(book, self._now_us())):
            raise KeyError(where)
        return (exact(book.bid_prices[0]) + exact(book.ask_prices[0])) / 2

    def __iter__(self) -> Iterator[Instrument]:
        """Return the instruments of which a book is known, fresh or not."""
        return iter(tuple(self._newest))

    def __len__(self) -> int:
        """Return how many they are."""
        return len(self._newest)

    def __contains__(self, where: object) -> bool:
        """Tell whether there is a fresh price."""
        return self.get(where) is not None  # type: ignore[call-overload]  # whatever else is asked for has no price


class Markets:
    """Follows rules and books of the markets that are traded; `async with` it, then the rules are complete."""

    def __init__(self, endpoint: KafkaEndpoint, codec: Codec, learn: Learn, *, process: str) -> None:
        """Prepare; nothing is read yet."""
        self._endpoint = endpoint
        self._codec = codec
        self._learn = learn
        self._process = process
        self._stack = AsyncExitStack()
        self._reader: Reader | None = None
        self.rules: dict[Instrument, Rules] = {}
        self.prices = Prices(codec, clock.now_us)
        self.on_rules: OnRules = _nobody

    async def __aenter__(self) -> Self:
        """Read the rules that stand in the topic; books begin with what comes next."""
        starts = {_RULES.name: "beginning", _BOOKS.name: "end"}
        reader = Reader.assigned(self._endpoint, starts, client_id=self._process, gather_s=GATHER_S)  # type: ignore[arg-type]  # invariant keys
        self._reader = await self._stack.enter_async_context(reader)
        async for record in self._reader.until_end(max_records=_MOST):
            await self._fold(record)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self._reader = None
        await self._stack.aclose()

    async def known(self, wanted: Collection[Where]) -> None:
        """Follow until each of these markets has rules: their producers may be starting as well."""
        said = False
        while missing := sorted({*wanted} - {where[:2] for where in self.rules}):
            if not said:
                names = ", ".join(":".join(one) for one in missing)
                logs.get(__name__).info(LogEvent.DEPENDENCY_WAITING, dependency=names, reason="no instruments yet")
                said = True
            await self._once()

    async def follow(self) -> NoReturn:
        """Follow for ever."""
        while True:
            await self._once()

    async def _once(self) -> None:
        if self._reader is None:
            raise RuntimeError("the markets are followed inside their block")
        for records in (await self._reader.batches(max_records=_MOST)).values():
            for record in records:
                await self._fold(record)

    async def _fold(self, record: Record) -> None:
        where = instrument_of(record.key)
        if where is None or record.value is None:
            return
        if record.topic == _BOOKS.name:
            self.prices.put(where, record.value)
            return
        try:
            rules = await self._rules(record.value)
        except InvalidMessage as error:
            # Its writer's other records go on; the instrument keeps the rules that it had.
            logs.get(__name__).warning(LogEvent.STEP_FAILED, step="rules", of=":".join(where), reason=str(error))
            return
        self.rules[where] = rules
        self.on_rules(rules)

    async def _rules(self, value: bytes) -> Rules:
        try:
            found: Rules = self._codec.decode(_RULES, value)
        except UnknownSchema as error:
            schema_id = error.schema_id
            text = await retry.reach("the schema registry", lambda: self._learn(schema_id), None)
            self._codec.learn(schema_id, text)
            found = self._codec.decode(_RULES, value)
        return found


def instrument_of(key: bytes | None) -> Instrument | None:
    """Return the instrument that a record's key names; None where it names none."""
    venue, _, rest = (key or b"").decode("utf-8", "replace").partition(":")
    market, _, symbol = rest.partition(":")
    kind = next((one for one in MARKETS if one == market), None)
    return (venue, kind, symbol) if venue and kind is not None and symbol else None


def _nobody(rules: Rules) -> None:
    del rules
