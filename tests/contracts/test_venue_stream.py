"""C-25: the private stream of each simulated market: open first, then whole, and over at the first wrong thing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from decimal import Decimal
from pathlib import Path

import aiohttp
import msgspec
import pytest

from executor.link.tradings import trading
from tapeline.domain.events import Market
from tapeline.errors import Misconfigured
from tapeline.runtime import metrics
from tapeline.runtime.lifecycle import background
from tapeline.venues.account import (
    BalanceUpdate,
    Fill,
    OrderUpdate,
    PositionUpdate,
    PrivateEvent,
    StreamAnswer,
)
from tapeline.venues.calls import Accepted, CancelAccepted, CancelRequest, FillsQuery, FoundOrder, OrderQuery
from tests.support.eventually import eventually
from tests.support.linking import NATIVE, PLACES, Linked, linked, market_order, within

WITHIN_S = 15.0
OPEN = StreamAnswer(step="subscribe", request_id=None)
everywhere = pytest.mark.parametrize(("venue", "market"), PLACES)


class Listener:
    """Hears one stream to its end."""

    def __init__(self, at: Linked) -> None:
        self._at = at
        self.heard: list[PrivateEvent] = []
        self.over = asyncio.Event()

    async def run(self) -> None:
        """Listen."""
        async with aclosing(self._at.link.events()) as events:
            async for event in events:
                self.heard.append(event)
        self.over.set()

    def orders(self, client_id: str) -> list[str]:
        """Return what was told of an order, state after state."""
        told = [one.order for one in self.heard if isinstance(one, OrderUpdate)]
        return [one.status for one in told if one.client_id == client_id]


@asynccontextmanager
async def listening(at: Linked) -> AsyncIterator[Listener]:
    """Listen while the block runs; begin it when the stream is open."""
    listener = Listener(at)
    async with background("listener", listener.run()):
        await eventually(lambda: listener.heard, within_s=WITHIN_S)
        assert listener.heard[0] == OPEN
        yield listener


def ended(market: tuple[str, str]) -> float:
    """Return how many streams of a market have ended."""
    labels = dict(zip(("venue", "market"), market, strict=True))
    return metrics.registry().get_sample_value("tapeline_private_streams_ended_total", labels) or 0.0


def broken(market: tuple[str, str]) -> float:
    """Return how many frames of a market could not be read."""
    labels = dict(zip(("venue", "market"), market, strict=True))
    return metrics.registry().get_sample_value("tapeline_frames_broken_total", labels) or 0.0


@everywhere
async def test_a_fill_is_heard_as_rest_tells_it_and_before_the_end_of_its_order(
    venue: str, market: Market, tmp_path: Path
) -> None:
    async with linked(venue, market, tmp_path) as at, listening(at) as listener:
        assert isinstance(await at.link.place(market_order("tl-heard"), until_us=within()), Accepted)
        await eventually(lambda: listener.orders("tl-heard")[-1:] == ["FILLED"])
        await eventually(lambda: [one for one in listener.heard if isinstance(one, Fill)])
        found = await at.link.query(OrderQuery(native=NATIVE, client_id="tl-heard"))
        fills = await at.link.fills(FillsQuery(native=NATIVE, since_us=within(-3600), until_us=within(1)))
        heard = [one for one in listener.heard if isinstance(one, Fill)]
    assert [msgspec.structs.replace(one, client_id="tl-heard") for one in fills.fills] == heard
    assert isinstance(found, FoundOrder)
    told = next(one.order for one in reversed(listener.heard) if isinstance(one, OrderUpdate))
    assert (told.venue_id, told.filled, told.status) == (found.order.venue_id, Decimal("0.01"), "FILLED")


@everywhere
async def test_a_cancel_and_what_it_frees_are_heard(venue: str, market: Market, tmp_path: Path) -> None:
    async with linked(venue, market, tmp_path) as at, listening(at) as listener:
        assert isinstance(await at.link.place(at.limit("tl-gone"), until_us=within()), Accepted)
        cancel = await at.link.cancel(CancelRequest(native=NATIVE, client_id="tl-gone"), until_us=within())
        assert isinstance(cancel, CancelAccepted)
        await eventually(lambda: listener.orders("tl-gone") == ["PLACED", "CANCELLED"])


@everywhere
async def test_balances_and_positions_are_heard(venue: str, market: Market, tmp_path: Path) -> None:
    async with linked(venue, market, tmp_path) as at, listening(at) as listener:
        assert isinstance(await at.link.place(market_order("tl-moves", "sell"), until_us=within()), Accepted)
        await eventually(lambda: [one for one in listener.heard if isinstance(one, BalanceUpdate)])
        if market == "futures":
            await eventually(lambda: [one for one in listener.heard if isinstance(one, PositionUpdate)])
        wallet = {one.currency: one.total for one in (await at.link.balances()).balances}

        def agrees() -> bool:
            told = [one for one in listener.heard if isinstance(one, BalanceUpdate)][-1]
            return all(wallet[one.currency] == one.total for one in told.balances)

        await eventually(agrees)
    positions = [one.positions for one in listener.heard if isinstance(one, PositionUpdate)]
    assert [(one.native, one.quantity) for told in positions[-1:] for one in told] == (
        [(NATIVE, Decimal("-0.01"))] if market == "futures" else []
    )


@everywhere
async def test_a_frame_that_cannot_be_read_ends_the_stream_and_the_next_one_hears(
    venue: str, market: Market, tmp_path: Path
) -> None:
    async with linked(venue, market, tmp_path) as at:
        before = broken(at.link.where), ended(at.link.where)
        async with listening(at) as listener:
            for connection in at.place.exchange.connections.values():
                connection.reply('{"e": "executionReport", ')
            await asyncio.wait_for(listener.over.wait(), WITHIN_S)
        assert (broken(at.link.where), ended(at.link.where)) == (before[0] + 1, before[1] + 1)
        async with listening(at) as again:
            assert isinstance(await at.link.place(market_order("tl-again"), until_us=within()), Accepted)
            await eventually(lambda: again.orders("tl-again")[-1:] == ["FILLED"])


async def test_a_stream_that_the_venue_ends_is_over_while_its_socket_lives(tmp_path: Path) -> None:
    async with linked("binance", "spot", tmp_path) as at, listening(at) as listener:
        for connection in at.place.exchange.connections.values():
            connection.reply('{"subscriptionId":0,"event":{"e":"eventStreamTerminated","E":1790000000000}}')
        await asyncio.wait_for(listener.over.wait(), WITHIN_S)
        assert listener.heard == [OPEN]


@everywhere
async def test_a_cut_ends_the_stream(venue: str, market: Market, tmp_path: Path) -> None:
    async with linked(venue, market, tmp_path) as at, listening(at) as listener:
        for connection in at.place.exchange.connections.values():
            connection.cut("test")
        await asyncio.wait_for(listener.over.wait(), WITHIN_S)
        assert listener.heard == [OPEN]


@pytest.mark.parametrize(("venue", "market"), [("binance", "spot"), ("bybit", "futures")])
async def test_silence_ends_the_stream(venue: str, market: Market, tmp_path: Path) -> None:
    stream = trading(venue, market).facts.stream
    often = msgspec.structs.replace(stream, keepalive=msgspec.structs.replace(stream.keepalive, every_s=0.3))
    async with linked(venue, market, tmp_path, stream=often) as at, listening(at) as listener:
        # Our pings are answered: it stays open.
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(listener.over.wait(), 3.0)
        for connection in at.place.exchange.connections.values():
            connection.muted = True
        await asyncio.wait_for(listener.over.wait(), WITHIN_S)


@pytest.mark.parametrize(("venue", "market"), [("binance", "spot"), ("bybit", "spot"), ("bybit", "futures")])
async def test_a_login_that_is_refused_ends_the_stream_and_raises_nothing(
    venue: str, market: Market, tmp_path: Path
) -> None:
    async with linked(venue, market, tmp_path, secret="of-another-account") as at:
        before = ended(at.link.where)
        async with asyncio.timeout(WITHIN_S), aclosing(at.link.events()) as events:
            assert [event async for event in events] == []
        assert ended(at.link.where) == before + 1


async def test_a_key_that_may_not_is_a_person_s_matter(tmp_path: Path) -> None:
    async with linked("binance", "spot", tmp_path, secret="of-another-account") as at:
        with pytest.raises(Misconfigured):
            await at.link.balances()


async def test_a_stream_s_key_is_renewed_and_one_that_is_gone_ends_it(tmp_path: Path) -> None:
    facts = trading("binance", "futures").facts.stream
    often = msgspec.structs.replace(facts, key_renew_s=0.2)
    async with linked("binance", "futures", tmp_path, stream=often) as at, listening(at) as listener:
        asked = at.requests()
        await eventually(lambda: at.requests() >= asked + 3)
        assert not listener.over.is_set()
        headers = {"X-MBX-APIKEY": at.place.exchange.desk.key.key}
        async with (
            aiohttp.ClientSession() as session,
            session.delete(f"{at.place.rest}/fapi/v1/listenKey", headers=headers) as answer,
        ):
            assert answer.status == 200
        await asyncio.wait_for(listener.over.wait(), WITHIN_S)


async def test_a_stream_is_given_up_before_its_life_ends(tmp_path: Path) -> None:
    facts = trading("binance", "spot").facts.stream
    short = msgspec.structs.replace(facts, lifetime_s=0.6)
    async with linked("binance", "spot", tmp_path, stream=short) as at, asyncio.timeout(WITHIN_S):
        assert [event async for event in at.link.events()] == [OPEN]


async def test_a_switch_that_bybit_refuses_does_not_end_the_stream(tmp_path: Path) -> None:
    async with linked("bybit", "futures", tmp_path, dead_man=True) as at, listening(at) as listener:
        assert isinstance(await at.link.place(market_order("tl-alive"), until_us=within()), Accepted)
        await eventually(lambda: listener.orders("tl-alive")[-1:] == ["FILLED"])
