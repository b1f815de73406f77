"""What shocks give a two-leg trade: net spreads above four fees on every way, soon gone again; the same for ever."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import permutations
from typing import Final

import pytest

from simulator.instruments import listed
from simulator.ladder import ASK, BID
from simulator.market import STEP_MS, TURNS, Market
from simulator.places import MARKETS, TERMS, TRADED

PLACES: Final = tuple(f"{venue}:{market}" for venue in sorted(TRADED) for market in MARKETS)
# Spot sells only what it holds, so it is bought on and futures are sold.
WAYS: Final = tuple((buy, sell) for buy, sell in permutations(PLACES, 2) if sell.endswith("futures"))
ROUNDS_A_SECOND: Final = 1000 // STEP_MS
SECONDS: Final = 60
PAYS: Final = 0.001
LONGEST_MOVE: Final = 4
PLACE: Final = "bybit:futures"


@dataclass(frozen=True, slots=True)
class Opportunity:
    """A time in which buying here and selling there pays, from then until the net spread is below zero; in seconds."""

    symbol: str
    way: tuple[str, str]
    begun_s: float
    lasted_s: float


def fees(way: tuple[str, str]) -> float:
    """Return what going in and out again costs on both places."""
    venues = (place.split(":") for place in way)
    return 2 * sum(float(TERMS[venue][market].fees.taker) for venue, market in venues)


def opportunities(seed: int) -> list[Opportunity]:
    """Return all opportunities in a minute of a market of four places."""
    markets = {place: Market(seed, place, listed()) for place in PLACES}
    costs = {way: fees(way) for way in WAYS}
    begun: dict[tuple[str, tuple[str, str]], float] = {}
    found: list[Opportunity] = []
    for number in range(SECONDS * ROUNDS_A_SECOND):
        now_s = number / ROUNDS_A_SECOND
        for market in markets.values():
            go_round(market)
        for place, one in enumerate(listed()):
            ladders = {name: market.listings[place].ladder for name, market in markets.items()}
            for way in WAYS:
                net = ladders[way[1]].bid / ladders[way[0]].ask - 1 - costs[way]
                key = (one.symbol, way)
                if net > PAYS:
                    begun.setdefault(key, now_s)
                elif net < 0 and key in begun:
                    since_s = begun.pop(key)
                    found.append(Opportunity(*key, since_s, now_s - since_s))
    return found + [Opportunity(*key, since_s, SECONDS - since_s) for key, since_s in begun.items()]


def go_round(market: Market) -> None:
    """Let every instrument have its turn."""
    for _ in range(TURNS):
        list(market.tick())


@pytest.mark.parametrize("seed", range(4))
def test_every_way_pays_again_and_again_and_never_for_long(seed: int) -> None:
    found = opportunities(seed)
    ways = Counter(one.way for one in found)
    quarters = Counter(int(one.begun_s // (SECONDS / 4)) for one in found)
    assert sorted(ways) == sorted(WAYS)
    assert min(ways.values()) >= 5
    assert sorted(quarters) == [0, 1, 2, 3]
    assert min(quarters.values()) >= 8
    # Of two that overlap on one symbol the second may keep the first alive.
    assert sorted(one.lasted_s for one in found)[len(found) * 9 // 10] < 12
    # An entry or exit is a handful of orders: so few opportunities are no flood.
    assert len(found) < 200
    assert len({one.symbol for one in found}) > 15


def test_a_seed_gives_these_very_shocks() -> None:
    market = Market(7, PLACE, listed(4))
    found: list[tuple[float, str, float]] = []
    before = [0.0] * 4
    for number in range(SECONDS * ROUNDS_A_SECOND):
        go_round(market)
        for place, one in enumerate(market.listings):
            if abs(one.shock - before[place]) > 10e-4:
                found.append((number / ROUNDS_A_SECOND, one.instrument.symbol, round(one.shock * 1e4, 2)))
            before[place] = one.shock
    assert found == SHOCKS_OF_SEED_7


def test_in_a_shock_a_book_goes_step_by_step_and_the_mark_price_stays_near_the_index() -> None:
    market = Market(7, PLACE, listed())
    best = {one.instrument.symbol: one.ladder.bid for one in market.listings}
    moves: set[int] = set()
    marks: list[float] = []
    for _ in range(SECONDS * ROUNDS_A_SECOND * TURNS):
        for step in market.tick():
            one = step.listing
            moves.add(one.ladder.bid - best[one.instrument.symbol])
            best[one.instrument.symbol] = one.ladder.bid
            marks.append(float(one.mark_price) / one.index_price - 1)
            assert abs(float(one.funding_rate)) < 0.001
    assert moves == set(range(-LONGEST_MOVE, LONGEST_MOVE + 1))
    assert -0.005 < min(marks) < -0.002
    assert 0.002 < max(marks) < 0.005


def test_neither_what_is_traded_nor_the_rate_changes_when_a_shock_comes() -> None:
    alone, traded, calm = (Market(7, PLACE, listed(5), rate=rate) for rate in (1.0, 1.0, 0.2))
    told: list[list[tuple[float, ...]]] = [[], [], []]
    for number in range(20 * ROUNDS_A_SECOND):
        for found, market in zip(told, (alone, traded, calm), strict=True):
            go_round(market)
            found.append(tuple(one.shock for one in market.listings))
        ladder = traded.listings[number % 5].ladder
        side = (BID, ASK)[number % 2]
        ladder.take(side, list(ladder.offers(side))[:2])
    assert told[0] == told[1] == told[2]
    assert any(any(shocks) for shocks in told[0])
    assert [one.ladder.levels for one in traded.listings] != [one.ladder.levels for one in alone.listings]


# second, symbol, basis points right after
SHOCKS_OF_SEED_7: Final = [
    (4.6, "XRP/USDT", -82.05),
    (25.4, "SOL/USDT", -73.27),
    (26.0, "ETH/USDT", -85.83),
    (27.2, "SOL/USDT", -79.6),
    (47.1, "SOL/USDT", -85.66),
    (56.5, "XRP/USDT", -89.07),
]
