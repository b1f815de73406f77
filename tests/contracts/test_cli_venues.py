"""`tapeline venues --probe` at every simulated venue and market, on real sockets: what works, and the words if not."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import msgspec
import pytest

from simulator.dex.onchain import OnChain
from simulator.dex.serving import beat, serving
from simulator.places import FACES
from tapeline.cli.venues_facts import VenueRow, told
from tapeline.cli.venues_probe import probe
from tapeline.cli.venues_where import Target
from tapeline.domain.events import Market
from tapeline.domain.instruments import MARKETS
from tapeline.runtime import clock
from tapeline.runtime.lifecycle import background
from tapeline.venues import registry
from tapeline.venues.contract import Hosts
from tests.support.eventually import eventually
from tests.support.simulated import Simulated, simulated

WITHIN_S = 30.0
everywhere = pytest.mark.parametrize(
    ("venue", "market"),
    [(venue, market) for venue in FACES for market in MARKETS if market in registry.venue(venue).feeds],
)


async def probed(venue: str, market: Market, place: Simulated, *, within_s: float, ws: str | None = None) -> VenueRow:
    target = Target("simulated", Hosts(rest=place.rest, ws=ws or place.ws))
    return await probe(told(registry.venue(venue), market), registry.feed(venue, market), target, within_s=within_s)


@everywhere
async def test_all_that_a_market_has_works(venue: str, market: Market, tmp_path: Path) -> None:
    facts = told(registry.venue(venue), market)
    async with simulated(venue, market, tmp_path, symbols=5) as place:
        found = await probed(venue, market, place, within_s=WITHIN_S)
    # Some venues list what is no market of ours, or not for now.
    assert (found.instruments.count or 0) >= 5
    assert found.trades.received
    assert found.book.checked
    assert found.book.checked >= 20
    assert found.funding is None or found.funding.rate
    trades = msgspec.structs.replace(facts.trades, received=found.trades.received)
    book = msgspec.structs.replace(facts.book, valid=True, checked=found.book.checked, stale=0)
    funding = facts.funding
    if funding is not None and found.funding is not None:
        funding = msgspec.structs.replace(funding, received=found.funding.received, rate=found.funding.rate)
    assert found == msgspec.structs.replace(
        facts,
        network="simulated",
        address=place.rest,
        symbol="BTC/USDT",
        instruments=msgspec.structs.replace(
            facts.instruments, count=found.instruments.count, skipped=found.instruments.skipped
        ),
        trades=trades,
        book=book,
        funding=funding,
        ok=True,
    )


async def test_x_12_the_venues_of_a_chain_work_too() -> None:
    on = OnChain(key="k", now_us=clock.now_us())
    async with (
        serving(on, "uniswap") as node,
        serving(on, "1inch") as quotes,
        background("chain", beat(on)),
        asyncio.TaskGroup() as group,
    ):
        found = {
            venue: group.create_task(
                probe(
                    told(registry.venue(venue), "spot"),
                    registry.feed(venue, "spot"),
                    Target(
                        "simulated", Hosts(rest=f"http://127.0.0.1:{port}", ws=f"ws://127.0.0.1:{port}", headers=of)
                    ),
                    within_s=WITHIN_S,
                )
            )
            for venue, port, of in (("uniswap", node, {}), ("1inch", quotes, {"Authorization": "Bearer k"}))
        }
    uniswap, oneinch = found["uniswap"].result(), found["1inch"].result()
    assert (uniswap.ok, oneinch.ok) == (True, True)
    assert [(one.symbol, one.instruments.count, one.book.valid) for one in (uniswap, oneinch)] == [
        ("ETH/USDC", 5, True)
    ] * 2
    assert uniswap.trades.received
    assert (oneinch.book.integrity, oneinch.book.checked) == ("polled", 1)
    assert (oneinch.trades.received, oneinch.trades.remark) == (0, "the venue tells none")


async def test_sockets_that_cannot_be_opened_are_named_and_the_list_still_counts(tmp_path: Path) -> None:
    async with simulated("bybit", "spot", tmp_path, symbols=2) as place:
        found = await probed("bybit", "spot", place, within_s=2, ws="ws://127.0.0.1:1")
    assert (found.ok, found.instruments.count) == (False, 2)
    assert found.error is not None
    assert found.error.startswith("no connection to ws://127.0.0.1:1/v5/public/spot: ")
    assert "refused" in found.error.lower() or "connect" in found.error.lower()
    assert (found.trades.error, found.book.error) == ("they were never asked for", "no whole book came")


async def test_a_venue_that_does_not_answer_says_so(tmp_path: Path) -> None:
    target = Target("given", Hosts(rest="http://127.0.0.1:1", ws="ws://127.0.0.1:1"))
    row = told(registry.venue("binance"), "spot")
    found = await probe(row, registry.feed("binance", "spot"), target, within_s=5)
    assert (found.ok, found.trades, found.book) == (False, row.trades, row.book)
    assert found.instruments.error is not None
    assert found.instruments.error.startswith("http://127.0.0.1:1/api/v3/exchangeInfo does not answer")


async def test_a_hole_in_the_stream_is_found_by_the_rule_and_repaired(tmp_path: Path) -> None:
    async with simulated("bybit", "spot", tmp_path, symbols=1) as place:

        async def struck() -> bool:
            # There is nobody to lose something before the stream was asked for.
            return (await place.post("/_simulator/faults", {"name": "gap"}))[0] == 200

        found, _ = await asyncio.gather(
            probed("bybit", "spot", place, within_s=WITHIN_S), eventually(struck, within_s=WITHIN_S)
        )
    assert (found.ok, found.book.valid, found.book.stale) == (False, True, 1)
    assert re.fullmatch(r"it broke once: (\d+) follows \d+, the book has \d+", found.book.error or "")
