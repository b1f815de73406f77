"""What the executor asks a venue about funding, in which spans of time, and what a payment is in our words."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import msgspec
import pytest

from executor.funding import AGAIN_US, MOST_US, Funding
from executor.leasing import Holding
from executor.terms import Terms
from executor.translating import funding
from tapeline.domain.funding import LATE_US
from tapeline.domain.positions import OurFunding, OurPosition
from tapeline.venues.account import FundingPayment
from tapeline.venues.calls import FundingPayments, FundingQuery
from tests.simulation.link import FakeLink
from tests.simulation.memory_store import MemoryDatabase, MemoryStore
from tests.simulation.venue import FakeMarket
from tests.simulation.virtual import VirtualClock
from tests.simulation.world import known

WHERE = ("alpha", "futures")
DAY_US = 86_400_000_000
SKEW_US = 5_000_000
NOW_US = 1_700_000_000_000_000
PAYMENT = FundingPayment(payment_id="p1", native="BTC/USDT", amount=Decimal("-0.5"), currency="USDT", paid_us=7)
OURS = OurFunding(
    account="main", venue="alpha", market="futures", symbol="BTC/USDT", payment_id="p1", amount=Decimal("-0.5"),
    currency="USDT", paid_us=7,
)  # fmt: skip


class Standing:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at_us = NOW_US

    def now_us(self) -> int:
        return self.at_us

    def monotonic_s(self) -> float:
        return self.at_us / 1e6

    async def sleep(self, seconds: float) -> None:
        self.at_us += round(seconds * 1e6)


class Asked(FakeLink):
    """A link that notes what it is asked about funding, and has these payments."""

    def __init__(self, *payments: FundingPayment) -> None:
        async def passes() -> None:
            return

        loop = asyncio.get_running_loop()
        super().__init__(FakeMarket("alpha", "futures", VirtualClock(loop), "1", {}), "a", passes)
        self.payments = payments
        self.queries: list[FundingQuery] = []

    async def funding(self, query: FundingQuery) -> FundingPayments:
        self.queries.append(query)
        asked = (query.since_us, query.until_us)
        return FundingPayments(payments=tuple(one for one in self.payments if asked[0] <= one.paid_us <= asked[1]))

    def spans(self) -> list[tuple[int, int]]:
        """Return what was asked since the last time."""
        found = [(one.since_us, one.until_us) for one in self.queries]
        self.queries.clear()
        return found


async def reader(link: Asked, clock: Standing, held: OurPosition, database: MemoryDatabase | None = None) -> Funding:
    """Return a reader over a store in which this life stands."""
    database, terms = database or MemoryDatabase(), Terms()
    store = MemoryStore(database, clock)
    holding = Holding(store, clock, terms)
    _ = await holding.open("main", "executor-1")
    database.tables.positions[held.account, *held.instrument, held.life] = held
    return Funding(store, {link.where: link}, clock, holding, known(), terms)


def life(opened_us: int, closed_us: int | None = None) -> OurPosition:
    return OurPosition(
        account="main", venue="alpha", market="futures", symbol="BTC/USDT", strategy="s",
        status="OPEN" if closed_us is None else "CLOSED", opened_us=opened_us, closed_us=closed_us, updated_us=NOW_US,
    )  # fmt: skip


async def test_a_long_time_is_read_in_parts_then_only_what_is_new() -> None:
    link, clock, opened_us = Asked(), Standing(), NOW_US - 40 * DAY_US
    funding_ = await reader(link, clock, life(opened_us))
    first_us = opened_us - LATE_US
    for _ in range(3):
        await funding_.look()
    again_us = first_us + MOST_US - AGAIN_US
    assert link.spans() == [
        (first_us, first_us + MOST_US),
        (again_us, NOW_US + SKEW_US),
        (NOW_US - AGAIN_US, NOW_US + SKEW_US),
    ]


async def test_a_market_is_left_alone_when_all_has_ended_and_was_read_for_a_while() -> None:
    link, clock = Asked(), Standing()
    opened_us, closed_us = NOW_US - DAY_US, NOW_US - AGAIN_US
    funding_ = await reader(link, clock, life(opened_us, closed_us))
    await funding_.look()
    await funding_.look()
    clock.at_us += 1
    await funding_.look()
    assert link.spans() == [
        (opened_us - LATE_US, NOW_US + SKEW_US),
        (NOW_US - AGAIN_US, NOW_US + SKEW_US),
        *[(NOW_US - AGAIN_US, NOW_US + 1 + SKEW_US)],
    ]
    await funding_.look()
    assert link.spans() == []


async def test_a_payment_is_booked_when_the_fills_before_it_are() -> None:
    link, clock, database = Asked(msgspec.structs.replace(PAYMENT, paid_us=NOW_US)), Standing(), MemoryDatabase()
    funding_ = await reader(link, clock, life(NOW_US - DAY_US), database)
    found = []
    for wait_s in (0.0, Terms().funding_settle_s - 0.001, 0.001):
        await clock.sleep(wait_s)
        await funding_.look()
        found.append([one.funding for one in database.tables.positions.values()])
    assert found == [[0], [0], [Decimal("-0.5")]]


async def test_a_payment_that_has_no_price_is_asked_for_again_and_holds_nothing_else_up() -> None:
    strange = msgspec.structs.replace(PAYMENT, payment_id="p2", currency="BNFCR", paid_us=NOW_US - DAY_US)
    plain = msgspec.structs.replace(PAYMENT, paid_us=NOW_US - DAY_US + 1)
    link, clock = Asked(strange, plain), Standing()
    database = MemoryDatabase()
    funding_ = await reader(link, clock, life(NOW_US - 2 * DAY_US), database)
    await funding_.look()
    await funding_.look()
    span = (NOW_US - 2 * DAY_US - LATE_US, NOW_US + SKEW_US)
    assert link.spans() == [span, span]
    assert [one.funding for one in database.tables.positions.values()] == [Decimal("-0.5")]


@pytest.mark.parametrize(
    ("payment", "wanted"),
    [
        (PAYMENT, OURS),
        (msgspec.structs.replace(PAYMENT, currency=None), OURS),
        (
            msgspec.structs.replace(PAYMENT, currency="ETH", amount=Decimal("0.01")),
            msgspec.structs.replace(OURS, currency="ETH", amount=Decimal("0.5")),
        ),
        (msgspec.structs.replace(PAYMENT, currency="BNFCR"), None),
        (
            msgspec.structs.replace(PAYMENT, native="XYZUSDT", currency=None),
            msgspec.structs.replace(OURS, symbol="XYZUSDT", currency=""),
        ),
    ],
)
def test_a_payment_is_told_in_quote_currency(payment: FundingPayment, wanted: OurFunding | None) -> None:
    priced = msgspec.structs.replace(known(), account="main", prices={(*WHERE, "ETH/USDT"): Decimal(50)})
    assert funding(payment, ("alpha", "futures"), priced) == wanted
