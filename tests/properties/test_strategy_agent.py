"""Whatever comes in: one opening per slot and round, none on a stale book, legal sizes, the same from the same."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tapeline.domain.account_records import Slot
from tapeline.domain.events import Book, Instrument, Market
from tapeline.domain.order_records import EnterPair, ExitPair, OrderIntent, Place
from tapeline.domain.spread import tradable
from tests.unit.processors.strategy_desk import StrategyDesk, control, event, tick
from tests.unit.strategies.views import NOW, book, held, portfolio, rules

FEEDS: tuple[tuple[str, Market], ...] = (("binance", "futures"), ("bybit", "futures"), ("bybit", "spot"))
STEPS = ("0.001", "0.002", "0.003", "0.05", "1")

books = st.builds(
    lambda feed, bid, wide, size, state, late: book(
        feed[0],
        feed[1],
        bid,
        bid + wide,
        bid_quantities=(size, 3.0),
        ask_quantities=(size, 3.0),
        state=state,
        published_us=late,
    ),
    st.sampled_from(FEEDS),
    st.sampled_from((950.0, 1_000.0, 1_007.0, 1_100.0)),
    st.sampled_from((0.1, 5.0)),
    st.sampled_from((0.01, 0.2, 5.0)),
    st.sampled_from(("valid", "valid", "valid", "stale")),
    st.sampled_from((0, 0, 0, 1_500_000, 2_500_000)),
)
instruments = st.builds(
    lambda feed, step, least, most, status: rules(
        feed[0], feed[1], step, min_notional=least, max_quantity=most, status=status
    ),
    st.sampled_from(FEEDS),
    st.sampled_from(STEPS),
    st.sampled_from((None, Decimal(5), Decimal(120))),
    st.sampled_from((None, Decimal("0.05"), Decimal(10))),
    st.sampled_from(("trading", "trading", "halted")),
)
Step = tuple[str, Any]
steps: st.SearchStrategy[Step] = st.one_of(
    books.map(lambda found: ("book", found)),
    books.map(lambda found: ("book", found)),
    instruments.map(lambda found: ("rules", found)),
    st.sampled_from((1_000, 900_000, 2_500_000)).map(lambda late: ("tick", late)),
    st.sampled_from(("take", "settle", "refuse", "open")).map(lambda answer: ("answer", answer)),
    st.sampled_from(("RUNNING", "REDUCING", "HALTED")).map(lambda wanted: ("control", wanted)),
)
PAYING: list[Step] = [
    *(("rules", rules(venue, market, "0.001")) for venue, market in FEEDS),
    *(
        ("book", book(venue, market, bid, bid + 0.1, published_us=0))
        for (venue, market), bid in zip(FEEDS, (950.0, 1_100.0, 990.0), strict=True)
    ),
]
"""Where every run begins: rules for all, and two books between which trading pays."""


class Run:
    """A desk with an executor that answers when it is told to; it notes what each step gave."""

    def __init__(self) -> None:
        self.desk = StrategyDesk()
        self.now_us = NOW
        self.round = 0
        self.version = 0
        self.controls = 0
        self.sequence = 0
        self.wanted = "RUNNING"
        self.taken: str | None = None
        self.sent: list[OrderIntent] = []
        self.told: list[Any] = []

    def take(self, step: Step) -> None:
        """Take one step and judge what follows."""
        kind, value = step
        made: list[OrderIntent] = getattr(self, f"_{kind}")(value)
        for intent in made:
            self._judge(intent)
        self.sent += made
        self.told.append(made)

    def _judge(self, intent: OrderIntent) -> None:
        assert self.wanted != "HALTED"
        assert isinstance(intent.command, EnterPair | ExitPair)
        if isinstance(intent.command, EnterPair):
            assert self.wanted == "RUNNING"
            for leg in (intent.command.buy, intent.command.sell):
                self._judge_leg(intent, leg)

    def _judge_leg(self, intent: OrderIntent, leg: Place) -> None:
        assert isinstance(intent.command, EnterPair)
        key = f"{leg.venue}:{leg.market}:{intent.symbol}"
        assert tradable(self.desk.board.books[intent.symbol][key], intent.decided_us)
        one = self.desk.board.instruments[intent.symbol][key]
        each = intent.command.quantity / intent.command.parts
        assert each * intent.command.parts == intent.command.quantity
        assert each % one.quantity_step == 0
        assert leg.limit_price % one.price_tick == 0
        assert each >= (one.min_quantity or 0)
        assert each * leg.limit_price >= (one.min_notional or 0)
        assert one.max_quantity is None or each <= one.max_quantity
        assert one.status == "trading"

    def _book(self, found: Book) -> list[OrderIntent]:
        self.now_us += 10_000
        self.sequence += 1
        # A book may come late, so that it is stale when it comes or soon after.
        at_us = self.now_us - found.published_us
        return self.desk.hand(msgspec.structs.replace(found, sequence=self.sequence, published_us=at_us))

    def _rules(self, found: Instrument) -> list[OrderIntent]:
        return self.desk.hand(found)

    def _tick(self, late: int) -> list[OrderIntent]:
        self.now_us += late
        return self.desk.hand(tick(self.now_us))

    def _control(self, wanted: str) -> list[OrderIntent]:
        self.controls += 1
        self.wanted = wanted
        return self.desk.hand(control(wanted, self.controls))

    def _answer(self, answer: str) -> list[OrderIntent]:
        last = self.sent[-1] if self.sent else None
        self.version += 1
        state = "READY"
        if answer in {"settle", "refuse"}:
            self.round += 1
            self.taken = None
        elif last is not None and last.round == self.round:
            self.taken = last.intent_id
            state = "POSITION_OPEN" if answer == "open" else "ENTERING"
        slot = Slot(slot=0, round=self.round, intent_id=self.taken)
        made: list[OrderIntent] = []
        if last is not None and answer == "refuse":
            made += self.desk.hand(event(last, "intent_refused", self.now_us))
        maker = held if state == "POSITION_OPEN" else portfolio
        told = maker(version=self.version, slots=(slot,), pair_state=state, pair_round=self.round, at_us=self.now_us)
        return made + self.desk.hand(told)


def run(found: list[Step]) -> Run:
    made = Run()
    for step in (*PAYING, *found):
        made.take(step)
    return made


@given(st.lists(steps, max_size=40))
def test_a_slot_is_opened_once_in_a_round_whatever_comes_in(found: list[Step]) -> None:
    openings = [(one.symbol, one.slot, one.round) for one in run(found).sent if isinstance(one.command, EnterPair)]

    assert len(openings) == len(set(openings))


@given(st.lists(steps, max_size=30), st.integers(0, 30))
def test_any_prefix_gives_the_same_intents_again(found: list[Step], cut: int) -> None:
    whole, part = run(found), run(found[:cut])

    assert part.told == whole.told[: len(part.told)]


@given(st.lists(steps, max_size=30), st.integers(0, 30))
def test_an_opening_after_a_restart_has_the_id_it_had_before(found: list[Step], cut: int) -> None:
    before = run(found[:cut])
    after = run(found[:cut])
    # It begins with the state that is rebuilt, knows nothing of what was sent, and replays what was committed.
    old, after.desk = after.desk, StrategyDesk()
    after.desk.hand(*old.board.portfolios.values(), *old.board.instruments.get("BTC/USDT", {}).values())
    after.desk.hand(control(after.wanted, after.controls), *old.board.books["BTC/USDT"].values(), replayed=True)
    for step in (("tick", 0), *found[cut:]):
        after.take(step)

    known: dict[int, str] = {}
    for one in (*before.sent, *after.sent):
        if isinstance(one.command, EnterPair):
            assert known.setdefault(one.round, one.intent_id) == one.intent_id
