"""C-25, K15, K16: the executor's real link to each simulated market; what may have happened is never taken for a no."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from executor.ports import VenueLink
from tapeline.domain.events import Market
from tapeline.errors import Misconfigured, Unavailable
from tapeline.venues.account import Fill, VenueOrder, VenuePosition
from tapeline.venues.calls import (
    Accepted,
    AlreadyThere,
    CancelAccepted,
    CancelRequest,
    Fills,
    FillsQuery,
    FoundOrder,
    LeverageRequest,
    LeverageSet,
    NotFound,
    OpenOrders,
    OpenOrdersQuery,
    OrderQuery,
    Positions,
    PositionsQuery,
)
from tapeline.venues.refusals import Reason, Refused, Unknown
from tests.support.eventually import eventually
from tests.support.linking import NATIVE, PLACES, Linked, linked, market_order, within

everywhere = pytest.mark.parametrize(("venue", "market"), PLACES)


def known(order: VenueOrder) -> VenueOrder:
    """Return an order without what the venue alone decides."""
    return msgspec.structs.replace(order, venue_id="", updated_us=None)


def accepted(outcome: object) -> VenueOrder:
    """Return the order that was taken."""
    assert isinstance(outcome, Accepted), outcome
    return outcome.order


async def found(at: Linked, client_id: str) -> VenueOrder:
    """Return the order of a client id."""
    answer = await at.link.query(OrderQuery(native=NATIVE, client_id=client_id))
    assert isinstance(answer, FoundOrder), answer
    return answer.order


async def all_fills(at: Linked) -> tuple[Fill, ...]:
    """Return all fills of the last hour, as REST has them."""
    answer = await at.link.fills(FillsQuery(native=NATIVE, since_us=within(-3600), until_us=within(1)))
    assert answer == Fills(fills=answer.fills)
    return answer.fills


def written(at: Linked, client_id: str | None) -> list[Fill]:
    """Return the fills that the simulator wrote down, as the link tells them by REST."""
    return [
        Fill(
            native=NATIVE, fill_id=f"{one.trade_id}:{one.order_id}", venue_order_id=one.order_id, client_id=client_id,
            side="buy" if one.side == "buy" else "sell", price=Decimal(one.price), quantity=Decimal(one.quantity),
            fee=Decimal(one.fee), fee_currency=one.fee_asset, liquidity="maker" if one.maker else "taker",
            filled_us=one.at_us // 1000 * 1000,
        )
        for one in at.fills()
    ]  # fmt: skip


# ---------------------------------------------------------------- orders and questions
@everywhere
async def test_a_limit_order_is_placed_found_listed_and_cancelled(venue: str, market: Market, tmp_path: Path) -> None:
    async with linked(venue, market, tmp_path) as at:
        request = at.limit("tl-limit")
        port: VenueLink = at.link
        order = accepted(await port.place(request, until_us=within(), within_s=5))
        there = await found(at, "tl-limit")
        listed = await at.link.open_orders(OpenOrdersQuery(native=NATIVE))
        every = await at.link.open_orders(OpenOrdersQuery())
        cancel = await at.link.cancel(CancelRequest(native=NATIVE, client_id="tl-limit"), until_us=within())
        after = await found(at, "tl-limit")
        left = await at.link.open_orders(OpenOrdersQuery())
        nobody = await at.link.query(OrderQuery(native=NATIVE, client_id="tl-nobody"))
    placed = VenueOrder(
        native=NATIVE, client_id="tl-limit", venue_id="", status="PLACED", side="buy", kind="limit",
        time_in_force="GTC", price=request.price, quantity=request.quantity, filled=Decimal(0),
    )  # fmt: skip
    assert (known(order), known(there)) == (placed, placed)
    assert listed == every == OpenOrders(orders=(there,))
    assert isinstance(cancel, CancelAccepted), cancel
    assert (known(after).status, after.venue_id) == ("CANCELLED", order.venue_id)
    assert (left, nobody) == (OpenOrders(orders=()), NotFound())


@everywhere
async def test_a_market_order_fills_and_its_fills_are_those_of_the_venue(
    venue: str, market: Market, tmp_path: Path
) -> None:
    async with linked(venue, market, tmp_path) as at:
        outcome = await at.link.place(market_order("tl-market"), until_us=within())
        order = await found(at, "tl-market")
        fills = await all_fills(at)
        wanted = written(at, None if venue == "binance" else "tl-market")
    assert accepted(outcome).venue_id == order.venue_id
    assert (order.status, order.kind, order.filled) == ("FILLED", "market", Decimal("0.01"))
    assert wanted
    assert list(fills) == wanted
    if (venue, market) == ("binance", "spot"):
        assert isinstance(outcome, Accepted)
        told = [msgspec.structs.replace(one, client_id=None) for one in outcome.fills]
        assert [one.fill_id for one in told] == [one.fill_id for one in wanted]


@everywhere
async def test_balances_and_positions_are_what_the_account_holds(venue: str, market: Market, tmp_path: Path) -> None:
    async with linked(venue, market, tmp_path) as at:
        before = await at.link.balances()
        accepted(await at.link.place(market_order("tl-held", "sell"), until_us=within()))
        after = await at.link.balances()
        held = await at.link.positions(PositionsQuery())
        desk = at.place.exchange.desk
        if market == "spot":
            coins = {name: one.free + one.locked for name, one in desk.coins.balances.items()}
        else:
            coins = {"USDT": desk.margin.wallet}
    totals = {one.currency: one.total for one in after.balances}
    assert totals == {name: total for name, total in coins.items() if total}
    assert totals != {one.currency: one.total for one in before.balances}
    if market == "spot":
        assert held == Positions(positions=())
    else:
        [position] = held.positions
        assert (position.native, position.quantity, position.mode) == (NATIVE, Decimal("-0.01"), "net")
        assert isinstance(position, VenuePosition)


@everywhere
async def test_leverage_is_set_where_there_is_some(venue: str, market: Market, tmp_path: Path) -> None:
    request = LeverageRequest(native=NATIVE, leverage=Decimal(3))
    async with linked(venue, market, tmp_path) as at:
        if market == "spot":
            with pytest.raises(Misconfigured):
                await at.link.set_leverage(request)
            return
        # Again changes nothing and is no error.
        for _ in range(2):
            assert await at.link.set_leverage(request) == LeverageSet(native=NATIVE, leverage=Decimal(3))
        assert at.place.exchange.desk.margin.leverage["BTC/USDT"] == 3


@everywhere
async def test_a_client_id_names_one_order(venue: str, market: Market, tmp_path: Path) -> None:
    async with linked(venue, market, tmp_path) as at:
        accepted(await at.link.place(at.limit("tl-once"), until_us=within()))
        assert await at.link.place(at.limit("tl-once"), until_us=within()) == AlreadyThere(client_id="tl-once")
        assert len((await at.link.open_orders(OpenOrdersQuery(native=NATIVE))).orders) == 1


async def test_an_order_that_breaks_the_rules_or_has_none_is_refused_without_asking(tmp_path: Path) -> None:
    async with linked("binance", "spot", tmp_path) as at:
        asked = at.requests()
        small = await at.link.place(market_order("tl-small", quantity="0.00001"), until_us=within())
        unlisted = msgspec.structs.replace(market_order("tl-unlisted"), native="NOPEUSDT")
        strange = await at.link.place(unlisted, until_us=within())
        assert at.requests() == asked
    assert isinstance(small, Refused)
    assert isinstance(strange, Refused)
    assert (small.reason, small.code) == (Reason.QUANTITY_RULE, None)
    assert (strange.reason, strange.code) == (Reason.UNKNOWN_INSTRUMENT, None)


async def test_rules_that_change_are_learned(tmp_path: Path) -> None:
    async with linked("bybit", "futures", tmp_path) as at:
        order = accepted(await at.link.place(market_order("tl-fine", quantity="0.01239"), until_us=within()))
        rules = at.rules["BTC/USDT"]
        at.link.learn({"BTC/USDT": msgspec.structs.replace(rules, quantity_step=Decimal("0.01"))})
        coarse = accepted(await at.link.place(market_order("tl-coarse", quantity="0.01239"), until_us=within()))
    assert (order.quantity, coarse.quantity) == (Decimal("0.0123"), Decimal("0.01"))


# ---------------------------------------------------------------- what goes wrong
@everywhere
async def test_an_answer_that_is_lost_is_unknown_and_the_order_is_found(
    venue: str, market: Market, tmp_path: Path
) -> None:
    async with linked(venue, market, tmp_path, answer_within_s=0.5) as at:
        await at.fault("lost-answer", duration_s=0)
        broke_off = await at.link.place(at.limit("tl-broke-off"), until_us=within())
        await at.fault("lost-answer", duration_s=30)
        hangs = await at.link.place(at.limit("tl-hangs"), until_us=within())
        for outcome, client_id in ((broke_off, "tl-broke-off"), (hangs, "tl-hangs")):
            assert isinstance(outcome, Unknown), outcome
            assert (await found(at, client_id)).status == "PLACED"
        # Each was sent once.
        assert len((await at.link.open_orders(OpenOrdersQuery(native=NATIVE))).orders) == 2


@everywhere
async def test_a_refused_order_was_not_placed(venue: str, market: Market, tmp_path: Path) -> None:
    async with linked(venue, market, tmp_path) as at:
        await at.fault("refuse")
        outcome = await at.link.place(at.limit("tl-refused"), until_us=within())
        assert isinstance(outcome, Refused)
        assert outcome.reason is Reason.INSUFFICIENT_FUNDS
        assert await at.link.query(OrderQuery(native=NATIVE, client_id="tl-refused")) == NotFound()


@everywhere
async def test_after_a_429_nothing_is_sent_for_as_long_as_the_venue_asks(
    venue: str, market: Market, tmp_path: Path
) -> None:
    async with linked(venue, market, tmp_path) as at:
        await at.fault("429", duration_s=3)
        with pytest.raises(Unavailable) as raised:
            await at.link.query(OrderQuery(native=NATIVE, client_id="tl-nobody"))
        asked = at.requests()
        # Neither an order nor a cancel, which has reserved tokens, whose time ends before the wait does.
        place = await at.link.place(at.limit("tl-held"), until_us=within(0.4))
        cancel = await at.link.cancel(CancelRequest(native=NATIVE, client_id="tl-held"), until_us=within(0.4))
        assert at.requests() == asked
        assert raised.value.retry_after_s is not None
        assert raised.value.retry_after_s >= 1
        for outcome in (place, cancel):
            assert isinstance(outcome, Refused)
            assert (outcome.reason, outcome.code) == (Reason.RATE_LIMITED, None)
            assert outcome.retry_after_s is not None
        # What has time waits for it, and is answered.
        assert (await at.place.post("/_simulator/calm"))[0] == 200
        accepted(await at.link.place(at.limit("tl-waits"), until_us=within(10)))


@everywhere
@pytest.mark.parametrize("jumps", [1, 2], ids=["ahead", "behind"])
async def test_a_venue_s_clock_that_jumps_is_measured_anew(
    venue: str, market: Market, jumps: int, tmp_path: Path
) -> None:
    async with linked(venue, market, tmp_path) as at:
        for _ in range(jumps - 1):
            await at.fault("skew", duration_s=0.05)
            await eventually(lambda: at.place.exchange.striker.skew_us() == 0)
        await at.fault("skew", duration_s=30)
        assert (at.place.exchange.striker.skew_us() > 0) == (jumps == 1)
        # An order is never sent twice: it is refused, and the next one has the right time.
        late = await at.link.place(at.limit("tl-late"), until_us=within())
        assert isinstance(late, Refused)
        assert late.reason is Reason.EXPIRED
        accepted(await at.link.place(at.limit("tl-right"), until_us=within()))
        assert (await at.place.post("/_simulator/calm"))[0] == 200
        # A question is asked again by itself.
        assert (await found(at, "tl-right")).status == "PLACED"
        assert await at.link.query(OrderQuery(native=NATIVE, client_id="tl-late")) == NotFound()


@everywhere
async def test_what_has_expired_is_not_sent(venue: str, market: Market, tmp_path: Path) -> None:
    async with linked(venue, market, tmp_path) as at:
        asked = at.requests()
        place = await at.link.place(at.limit("tl-expired"), until_us=within(-0.001))
        cancel = await at.link.cancel(CancelRequest(native=NATIVE, client_id="tl-expired"), until_us=within(0))
        assert at.requests() == asked
    wanted = Refused(reason=Reason.EXPIRED, text="its time was over before it was sent")
    assert (place, cancel) == (wanted, wanted)


@everywhere
async def test_our_half_of_the_limit_is_kept_and_a_cancel_has_its_reserve(
    venue: str, market: Market, tmp_path: Path
) -> None:
    async with linked(venue, market, tmp_path) as at:
        outcomes: list[object] = []
        while not any(isinstance(one, Refused) for one in outcomes):
            outcomes.append(await at.link.place(at.limit(f"tl-{len(outcomes)}"), until_us=within(0.3)))
            assert len(outcomes) < 200
        *taken, refused = outcomes
        asked = at.requests()
        # Although its time is not over: what was not sent is refused at once, and never unknown.
        impatient = await at.link.place(at.limit("tl-impatient"), until_us=within(30), within_s=0.001)
        assert isinstance(impatient, Refused)
        assert (impatient.reason, impatient.code, at.requests()) == (Reason.RATE_LIMITED, None, asked)
        cancel = await at.link.cancel(CancelRequest(native=NATIVE, client_id="tl-0"), until_us=within(0.3))
        assert at.requests() == asked + 1
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.code) == (Reason.RATE_LIMITED, None)
    assert all(isinstance(one, Accepted) for one in taken)
    assert isinstance(cancel, CancelAccepted), cancel


async def test_those_who_wait_already_hear_of_a_ban_too(tmp_path: Path) -> None:
    async with linked("bybit", "futures", tmp_path) as at:
        for number in range(4):
            accepted(await at.link.place(at.limit(f"tl-first-{number}"), until_us=within()))
        # Four more have their turn in a second; before that the venue bans our address for ten minutes.
        async with asyncio.TaskGroup() as group:
            orders = [at.limit(f"tl-{number}") for number in range(4)]
            waiting = [group.create_task(at.link.place(one, until_us=within(3))) for one in orders]
            await asyncio.sleep(0)
            await at.fault("ban", kind="address", duration_s=5)
            with pytest.raises(Unavailable) as raised:
                await at.link.query(OrderQuery(native=NATIVE, client_id="tl-nobody"))
            asked = at.requests()
        assert at.requests() == asked
    assert raised.value.retry_after_s == 600
    outcomes = [one.result() for one in waiting]
    assert {one.reason for one in outcomes if isinstance(one, Refused)} == {Reason.RATE_LIMITED}
    assert all(isinstance(one, Refused) for one in outcomes)
