"""What the strategies of one partition know: books, rules, spreads, portfolios, desired state, and what they have sent.

Every record is taken in by `take`; what is older than what is known is dropped. Of a strategy's own sent intents only
those of this assignment are known: one that is sent again after a restart has the same id, so it is done once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

import msgspec

from processors.agent import Placed
from tapeline.domain.account_records import Portfolio
from tapeline.domain.events import Book, ClockTick, Instrument
from tapeline.domain.order_records import Cause, DesiredState, OrderEventKind, OrderIntent, Scope
from tapeline.domain.partition import control_key, strategy_key
from tapeline.domain.spread import Spread
from tapeline.errors import InvalidMessage
from tapeline.strategies.contract import Instance, Sent
from tapeline.strategies.guard import waiting
from tapeline.strategies.holdings import slot_of, strictest
from tapeline.strategies.intents import sent as sent_of

_ANSWERS: Final = frozenset({"intent_approved", "intent_refused", "intent_settled"})
S = TypeVar("S", bound=msgspec.Struct)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of desired state, as far as strategies need it."""

    scope: Scope
    target: str
    version: int
    desired: DesiredState


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the executor says about an intent, as far as strategies need it."""

    strategy: str
    symbol: str
    intent_id: str
    kind: OrderEventKind
    at_us: int


class Waiting:
    """The intents of one strategy on one symbol that are not answered, and the rounds that its openings have used."""

    __slots__ = ("answered", "sent", "used")

    def __init__(self) -> None:
        """Begin with nothing sent."""
        self.sent: tuple[Sent, ...] = ()
        self.answered: dict[str, int] = {}
        self.used: dict[int, int] = {}

    def note(self, intent: OrderIntent) -> None:
        """Note an intent that goes out now."""
        sent = sent_of(intent)
        self.sent = (*self.sent, sent)
        if sent.opening:
            self.used[sent.slot] = sent.round

    def settle(self, portfolio: Portfolio) -> None:
        """Forget what the portfolio answers: its slot is taken or in a later round, or it shows what an event told."""

        def open_(one: Sent) -> bool:
            slot = slot_of(portfolio, one.slot)
            if one.opening and (slot.intent_id == one.intent_id or slot.round > one.round):
                return False
            at_us = self.answered.get(one.intent_id)
            return at_us is None or portfolio.at_us < at_us

        self.sent = tuple(one for one in self.sent if open_(one))
        self.answered = {name: at for name, at in self.answered.items() if any(s.intent_id == name for s in self.sent)}


class Board:
    """The state of one partition."""

    def __init__(self) -> None:
        """Begin knowing nothing."""
        self.books: dict[str, dict[str, Book]] = {}
        self.instruments: dict[str, dict[str, Instrument]] = {}
        self.spreads: dict[str, dict[tuple[str, ...], Spread]] = {}
        self.places: dict[str, dict[str, Cause]] = {}
        self.portfolios: dict[str, Portfolio] = {}
        self.portfolio_places: dict[str, Cause] = {}
        self.wanted: dict[str, Wanted] = {}
        self.waits: dict[str, Waiting] = {}
        self.decided: dict[tuple[str, str], tuple[int, int]] = {}
        """Epoch and sequence of each book that was in a decision of a strategy on its symbol."""
        self.kept: dict[str, str] = {}
        """Why the last decision of a strategy on a symbol has no intent, or which were held back."""
        self.woken: dict[str, set[str]] = {}
        self.now_us = 0
        self.clock_epoch = 0

    def desired(self, instance: Instance, symbol: str) -> DesiredState:
        """Return the strictest of what is wanted of the system, the account, the strategy, the pair."""
        key = strategy_key(instance.name, symbol)
        scopes: tuple[tuple[Scope, str], ...] = (
            ("system", "all"),
            ("account", instance.account),
            ("strategy", instance.name),
            ("pair", key),
        )
        # Not what a portfolio says of it: that is told again only when something else in it changes.
        found = (self.wanted.get(control_key(scope, target)) for scope, target in scopes)
        return strictest(*(one.desired for one in found if one is not None))

    def waiting(self, key: str) -> Waiting:
        """Return what a strategy on a symbol waits for, without what has waited too long."""
        found = self.waits.get(key)
        if found is None:
            found = self.waits[key] = Waiting()
        found.sent = waiting(found.sent, self.now_us)
        return found


def take(board: Board, placed: Placed) -> tuple[()]:
    """Take a record in; nothing follows before the batch is whole."""
    _TAKERS[placed.topic](board, placed, placed.value)
    return ()


def recall(board: Board) -> None:
    """Forget who was woken: what follows from a replayed batch has been decided before."""
    board.woken.clear()


def _woken(board: Board, topic: str, at_us: int, symbols: Iterable[str]) -> None:
    # Time never goes back, so a book cannot become fresh again by a late record.
    board.now_us = max(board.now_us, at_us)
    for symbol in symbols:
        board.woken.setdefault(symbol, set()).add(topic)


def _book(board: Board, placed: Placed, book: Book) -> None:
    of_symbol = board.books.setdefault(book.symbol, {})
    known = of_symbol.get(book.key)
    if known is not None and (book.epoch, book.sequence) < (known.epoch, known.sequence):
        return
    of_symbol[book.key] = book
    board.places.setdefault(book.symbol, {})[book.key] = _cause(placed)
    _woken(board, placed.topic, book.published_us, (book.symbol,))


def _instrument(board: Board, placed: Placed, instrument: Instrument) -> None:
    board.instruments.setdefault(instrument.symbol, {})[instrument.key] = instrument
    _woken(board, placed.topic, instrument.published_us, (instrument.symbol,))


def _spread(board: Board, placed: Placed, value: object) -> None:
    spread = _converted(value, Spread)
    way = (spread.buy_venue, spread.buy_market, spread.sell_venue, spread.sell_market)
    # A pair of venues has one spread, in the better direction: the other direction's is no longer true.
    of_symbol = board.spreads.setdefault(spread.symbol, {})
    of_symbol.pop((*way[2:], *way[:2]), None)
    of_symbol[way] = spread
    _woken(board, placed.topic, spread.published_us, (spread.symbol,))


def _clock(board: Board, placed: Placed, tick: ClockTick) -> None:
    if tick.epoch >= board.clock_epoch:
        board.clock_epoch = tick.epoch
        _woken(board, placed.topic, tick.at_us, board.books)


def _portfolio(board: Board, placed: Placed, portfolio: Portfolio) -> None:
    known = board.portfolios.get(portfolio.key)
    if known is not None and portfolio.version < known.version:
        return
    board.portfolios[portfolio.key] = portfolio
    board.portfolio_places[portfolio.key] = _cause(placed)
    board.waiting(portfolio.key).settle(portfolio)
    _woken(board, placed.topic, portfolio.at_us, (portfolio.symbol,))


def _event(board: Board, placed: Placed, value: object) -> None:
    answer = _converted(value, Answer)
    key = strategy_key(answer.strategy, answer.symbol)
    waits = board.waiting(key)
    if answer.kind in _ANSWERS and any(one.intent_id == answer.intent_id for one in waits.sent):
        waits.answered[answer.intent_id] = answer.at_us
        if key in board.portfolios:
            waits.settle(board.portfolios[key])
    _woken(board, placed.topic, answer.at_us, (answer.symbol,))


def _control(board: Board, placed: Placed, value: object) -> None:
    del placed
    wanted = _converted(value, Wanted)
    key = control_key(wanted.scope, wanted.target)
    known = board.wanted.get(key)
    if known is None or wanted.version >= known.version:
        board.wanted[key] = wanted


def _cause(placed: Placed) -> Cause:
    return Cause(topic=placed.topic, partition=placed.partition, offset=placed.offset)


def _converted(value: object, kind: type[S]) -> S:
    try:
        return msgspec.convert(value, kind, from_attributes=True)
    except msgspec.ValidationError as error:
        raise InvalidMessage(f"this is no {kind.__name__}: {error}") from error


_TAKERS: Final[dict[str, Callable[[Board, Placed, Any], None]]] = {
    "md.book": _book,
    "signal.spread": _spread,
    "ref.instrument": _instrument,
    "clock": _clock,
    "portfolio": _portfolio,
    "order.event": _event,
    "control": _control,
}
SIGNALS: Final = frozenset({"signal.spread"})
"""What is read only where a strategy asks for it."""
READS: Final = tuple(topic for topic in _TAKERS if topic != "control")
