"""The market is a function of seed and tick; its books never cross, stay unbroken, and venues drift apart."""

from __future__ import annotations

import pytest

from simulator.chance import stream
from simulator.instruments import listed, scale
from simulator.ladder import ASK, BID, Ladder
from simulator.market import DEPTH, Market
from tapeline.errors import Misconfigured

PLACE = "bybit:spot"


def played(seed: int, ticks: int, place: str = PLACE, symbols: int = 3) -> Market:
    """Return a market after some ticks."""
    market = Market(seed, place, listed(symbols))
    for _ in range(ticks):
        list(market.tick())
    return market


def state(market: Market) -> list[tuple[str, int, int, float, dict[int, int], dict[int, int]]]:
    """Return all that a market has."""
    return [
        (one.instrument.symbol, one.ladder.bid, one.ladder.ask, one.reference, *one.ladder.levels)
        for one in market.listings
    ]


def test_the_same_seed_gives_the_same_market_for_ever() -> None:
    assert state(played(7, 400)) == state(played(7, 400))
    assert state(played(7, 400)) != state(played(8, 400))
    assert state(played(7, 400)) != state(played(7, 400, "bybit:futures"))


def test_a_seed_gives_these_very_steps() -> None:
    market = Market(7, PLACE, listed(1))
    found = [
        (market.number, step.deals, tuple(step.listing.ladder.changes)) for _ in range(31) for step in market.tick()
    ]
    assert found == STEPS_OF_SEED_7


def test_venues_share_the_reference_and_differ_in_price() -> None:
    ours, theirs = played(7, 2000), played(7, 2000, "binance:spot")
    assert [one.reference for one in ours.listings] == [one.reference for one in theirs.listings]
    assert [one.ladder.bid for one in ours.listings] != [one.ladder.bid for one in theirs.listings]


def test_venues_cross_and_uncross() -> None:
    ours, theirs = Market(7, PLACE, listed(3)), Market(7, "binance:spot", listed(3))
    crossed: set[tuple[str, bool]] = set()
    for _ in range(6000):
        list(ours.tick()), list(theirs.tick())
        for one, other in zip(ours.listings, theirs.listings, strict=True):
            crossed.add((one.instrument.symbol, one.ladder.bid > other.ladder.ask))
    assert {wide for _, wide in crossed} == {True, False}


@pytest.mark.parametrize("seed", range(5))
def test_a_book_never_crosses_and_stays_unbroken(seed: int) -> None:
    market = Market(seed, PLACE, listed(5))
    for _ in range(1500):
        for step in market.tick():
            ladder = step.listing.ladder
            assert ladder.bid < ladder.ask
            bids, asks = ladder.levels
            assert (min(bids), max(bids), len(bids)) == (ladder.bid - DEPTH + 1, ladder.bid, DEPTH)
            assert (min(asks), max(asks), len(asks)) == (ladder.ask, ladder.ask + DEPTH - 1, DEPTH)
            assert min(bids.values()) > 0
            assert min(asks.values()) > 0


def test_changes_turn_the_book_before_into_the_book_after() -> None:
    market = Market(3, PLACE, listed(1))
    ladder = market.listings[0].ladder
    for _ in range(500):
        before = (dict(ladder.levels[BID]), dict(ladder.levels[ASK]))
        for step in market.tick():
            first: dict[tuple[int, int], int] = {}
            for side, price, lots in step.listing.ladder.changes:
                first.setdefault((side, price), lots)
            assert {key: before[key[0]].get(key[1], 0) for key in first} == first
            for side in (BID, ASK):
                untouched = {p: q for p, q in before[side].items() if (side, p) not in first}
                assert untouched.items() <= ladder.levels[side].items()


def test_a_trade_takes_from_the_best_level_and_leaves_something() -> None:
    market = Market(3, PLACE, listed(5))
    deals = [
        (deal, step.listing.ladder.best(deal.side))
        for _ in range(2000)
        for step in market.tick()
        for deal in step.deals
    ]
    assert len(deals) > 50
    assert all(deal.price == best for deal, best in deals)
    assert {deal.side for deal, _ in deals} == {BID, ASK}
    assert {len(deal.fills) for deal, _ in deals} == {1, 2}
    assert all(min(deal.fills) > 0 for deal, _ in deals)


def test_the_default_rate_is_25_changes_a_second_and_symbol() -> None:
    market, seconds = Market(1, PLACE, listed()), 20
    changes = sum(len(step.listing.ladder.changes) for _ in range(50 * seconds) for step in market.tick())
    assert 25 < changes / seconds / 20 < 50


def test_a_lower_rate_moves_less() -> None:
    calm, usual = Market(1, PLACE, listed(), rate=0.2), Market(1, PLACE, listed())
    moved = [sum(bool(s.listing.ladder.changes) for _ in range(500) for s in one.tick()) for one in (calm, usual)]
    assert moved[0] < moved[1] / 2


@pytest.mark.parametrize(("bid", "ask"), [(103, 105), (97, 98), (100, 103), (99, 101), (104, 105), (96, 100)])
def test_a_ladder_moves_as_a_whole(bid: int, ask: int) -> None:
    ladder = Ladder(stream(1), bid=100, ask=101, depth=10)
    ladder.move(bid, ask)
    assert sorted(ladder.levels[BID]) == list(range(bid - 9, bid + 1))
    assert sorted(ladder.levels[ASK]) == list(range(ask, ask + 10))


def test_steps_are_written_without_rounding() -> None:
    tick, lot = scale("0.05"), scale("1")
    assert [tick.format(7), tick.format(7, 8), tick.value(7)] == ["0.35", "0.35000000", 0.35]
    assert [lot.format(12), lot.format(0), lot.format(12, 8)] == ["12", "0", "12.00000000"]
    assert scale("5").format(12_801) == "64005"


@pytest.mark.parametrize("count", [0, 25])
def test_more_symbols_than_there_are_is_an_error_that_names_the_range(count: int) -> None:
    with pytest.raises(Misconfigured, match="give 1 to 24"):
        listed(count)


# tick, trades, changes of the ladder (side, price in ticks, lots before)
STEPS_OF_SEED_7 = [
    (
        1,
        (),
        (
            (0, 12798, 0),
            (0, 12298, 796),
            (1, 12798, 645),
            (1, 12799, 856),
            (1, 13298, 0),
            (1, 13299, 0),
            (1, 12811, 700),
        ),
    ),
    (6, (), ()),
    (
        11,
        (),
        (
            (0, 12799, 0),
            (0, 12800, 0),
            (0, 12299, 15222),
            (0, 12300, 10879),
            (1, 12800, 2027),
            (1, 13300, 0),
        ),
    ),
    (16, (), ()),
    (21, (), ()),
    (26, (), ((1, 12839, 3631),)),
    (31, (), ((0, 12800, 1575),)),
]
