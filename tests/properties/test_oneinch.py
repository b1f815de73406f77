"""A ladder against its quotes: prices in order, sums those of a quote, on a pool's curve every size a level (K7)."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from simulator.chance import stream
from simulator.dex import world
from tapeline.venues.oneinch.ladder import Quote, Side, levels
from tapeline.venues.oneinch.pairs import PAIRS, SYMBOLS, Pair

SIDES: st.SearchStrategy[Side] = st.sampled_from(["bid", "ask"])
ALL = st.sampled_from(list(PAIRS.values()))


@st.composite
def noisy(draw: st.DrawFn) -> tuple[Side, Pair, list[Quote]]:
    """Return quotes as routes and moments may give them, about one price or far from it."""
    side: Side = draw(SIDES)
    pair = draw(ALL)
    sizes = pair.sells if side == "bid" else pair.spends
    price = Fraction(draw(st.integers(1, 10**9)), 1_000) * Fraction(10) ** (pair.quote.decimals - pair.base.decimals)
    rate = price if side == "bid" else 1 / price
    noise = st.integers(0, draw(st.sampled_from([10, 10**6, 2 * 10**9])))
    return side, pair, [Quote(given, int(given * rate * (10**9 + draw(noise)) / 10**9)) for given in sizes]


@given(noisy())
def test_prices_are_in_order_and_sums_are_those_of_quotes(case: tuple[Side, Pair, list[Quote]]) -> None:
    side, pair, quotes = case
    found = levels(side, pair, quotes)
    prices = [one.price for one in found]
    assert prices == sorted(set(prices), reverse=side == "bid")
    assert all(one.quantity > 0 and one.price > 0 for one in found)
    bases = {pair.base.amount(one.given if side == "bid" else one.got) for one in quotes}
    assert bases.issuperset(accumulate(one.quantity for one in found))
    if any(one.got for one in quotes):
        # The greatest amount that is got is got by walking through all of it.
        got = sum(one.quantity if side == "ask" else Fraction(one.quantity) * Fraction(one.price) for one in found)
        most = max(one.got for one in quotes)
        token = pair.base if side == "ask" else pair.quote
        assert abs(Fraction(got) - Fraction(token.amount(most))) <= Fraction(got) / 10**12


@given(st.integers(0, 2**32), st.integers(0, 20), st.sampled_from(["ETH/USDC", "ETH/USDT", "WBTC/ETH", "USDC/USDT"]))
def test_on_a_curve_each_size_is_a_level_and_sides_never_meet(seed: int, blocks: int, symbol: str) -> None:
    pair = SYMBOLS[symbol]
    chain = world.genesis(0)
    chance = stream(seed, "dex")
    for _ in range(blocks):
        world.trade(chain, chance)
    state = next(
        pool for pool in chain.pools.values() if {pool.token0.address, pool.token1.address} == set(addresses(pair))
    )

    def swap(amount: int, *, sells: bool) -> Quote:
        token0 = pair.base.address if sells else pair.quote.address
        zero_for_one = state.token0.address == token0
        done = state.curve.copy().swap(amount, zero_for_one=zero_for_one)
        return Quote(amount, -min(done.amount0, done.amount1))

    bids = levels("bid", pair, [swap(one, sells=True) for one in pair.sells])
    asks = levels("ask", pair, [swap(one, sells=False) for one in pair.spends])
    assert [one.quantity for one in bids] == [
        pair.base.amount(end - begin) for begin, end in pairwise((0, *pair.sells))
    ]
    assert len(asks) == len(pair.spends)
    assert bids[0].price < asks[0].price
    spent = sum(Decimal(one.price) * one.quantity for one in asks)
    assert abs(spent - pair.quote.amount(pair.spends[-1])) < spent / 10**12


def addresses(pair: Pair) -> tuple[str, str]:
    return pair.base.address, pair.quote.address
