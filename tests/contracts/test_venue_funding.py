"""Funding at each simulated futures market: the link tells what the simulator wrote down, and it is booked once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from executor.__main__ import Clock
from executor.funding import Funding
from executor.leasing import Holding
from executor.terms import Terms
from simulator.journal import Funded, Subscribed
from tapeline.domain.events import Market
from tapeline.domain.positions import OurPosition
from tapeline.errors import Misconfigured
from tapeline.runtime.lifecycle import background
from tapeline.venues.account import FundingPaid, FundingPayment
from tapeline.venues.calls import Accepted, FundingPayments, FundingQuery
from tests.simulation.memory_store import MemoryDatabase, MemoryStore
from tests.simulation.world import known
from tests.support.eventually import eventually
from tests.support.linking import NATIVE, Linked, linked, market_order, within

FUNDING_S = 2
futures = pytest.mark.parametrize("venue", ["binance", "bybit"])


def written(at: Linked) -> list[FundingPayment]:
    """Return the payments that the simulator wrote down, without the venue's ids."""
    return [
        FundingPayment(
            payment_id="", native=NATIVE, amount=Decimal(one.amount), currency="USDT", paid_us=one.at_us // 1000 * 1000
        )
        for one in at.place.records()
        if isinstance(one, Funded)
    ]


def nameless(payments: tuple[FundingPayment, ...]) -> list[FundingPayment]:
    """Return payments without their ids."""
    return [msgspec.structs.replace(one, payment_id="") for one in payments]


@asynccontextmanager
async def heard(at: Linked) -> AsyncIterator[list[FundingPayment]]:
    """Listen to the private stream while the block runs."""
    found: list[FundingPayment] = []

    async def listen() -> None:
        async for event in at.link.events():
            match event:
                case FundingPaid(payment=payment):
                    found.append(payment)

    def subscribed() -> bool:
        return any(isinstance(one, Subscribed) and one.type == "private" for one in at.place.records())

    async with background("listen", listen()):
        await eventually(subscribed)
        yield found


@futures
async def test_funding_is_what_the_venue_wrote_down_each_payment_once(venue: str, tmp_path: Path) -> None:
    async with linked(venue, "futures", tmp_path, funding_s=FUNDING_S) as at, heard(at) as told:
        since_us = within(-60)
        outcome = await at.link.place(market_order("tl-held", "sell"), until_us=within())
        assert isinstance(outcome, Accepted), outcome
        await eventually(lambda: len(written(at)) >= 2)
        wanted = written(at)
        query = FundingQuery(since_us=since_us, until_us=wanted[-1].paid_us)
        found = await at.link.funding(query)
        again = await at.link.funding(query)
        of_one = await at.link.funding(msgspec.structs.replace(query, native=NATIVE))
        first = await at.link.funding(FundingQuery(since_us=since_us, until_us=wanted[0].paid_us))
        # Bybit's stream tells each of them by the same id, Binance's tells the wallet alone.
        of_stream = [] if venue == "binance" else list(found.payments)
        await eventually(lambda: [one for one in told if one.paid_us <= query.until_us] == of_stream)
    assert nameless(found.payments) == wanted
    assert again == of_one == FundingPayments(payments=found.payments)
    assert first.payments == found.payments[:1]
    assert len({one.payment_id for one in found.payments}) == len(wanted)


@futures
async def test_a_position_has_the_funding_of_the_journal_however_often_it_is_told(venue: str, tmp_path: Path) -> None:
    database, clock = MemoryDatabase(), Clock()
    store, terms = MemoryStore(database, clock), Terms(funding_settle_s=0.0)
    async with linked(venue, "futures", tmp_path, funding_s=FUNDING_S) as at:
        assert isinstance(await at.link.place(market_order("tl-held"), until_us=within()), Accepted)
        place = (venue, "futures", "BTC/USDT")
        rules = {(one.venue, one.market, one.symbol): one for one in at.rules.values()}
        ours = msgspec.structs.replace(known(), rules=rules)
        holding = Holding(store, clock, terms)
        _ = await holding.open(ours.account, "executor-1")
        held = _held(ours.account, venue, at.fills()[0].at_us)
        database.tables.positions[held.account, *held.instrument, held.life] = held
        await eventually(lambda: len(written(at)) >= 2)
        for _ in range(2):
            # Each time as an executor that has just begun: it remembers nothing.
            funding = Funding(store, {at.link.where: at.link}, clock, holding, ours, terms)
            funding.hint()
            await funding.look()
            await funding.look()
        known_until_us = max(one.paid_us for one in database.tables.payments.values())
        wanted = [one for one in written(at) if one.paid_us <= known_until_us]
    [after] = [one for one in database.tables.positions.values() if one.instrument == place]
    assert after.funding == sum(one.amount for one in wanted)
    assert after.funding != 0
    assert [
        (one.symbol, one.amount, one.currency, one.paid_us, one.life) for one in database.tables.payments.values()
    ] == [("BTC/USDT", one.amount, "USDT", one.paid_us, 1) for one in wanted]
    assert len([one for one in database.tables.audit if one.action == "POSITION_UPDATE"]) == len(wanted)


@pytest.mark.parametrize("venue", ["binance", "bybit"])
async def test_spot_has_no_funding(venue: str, tmp_path: Path) -> None:
    async with linked(venue, "spot", tmp_path) as at:
        with pytest.raises(Misconfigured, match="has no FundingQuery"):
            await at.link.funding(FundingQuery(since_us=0, until_us=1))


def _held(account: str, venue: str, opened_us: int) -> OurPosition:
    market: Market = "futures"
    return OurPosition(
        account=account, venue=venue, market=market, symbol="BTC/USDT", strategy="s", status="OPEN",
        bought=Decimal("0.01"), bought_value=Decimal(1000), opened_us=opened_us // 1000 * 1000, updated_us=opened_us,
    )  # fmt: skip
