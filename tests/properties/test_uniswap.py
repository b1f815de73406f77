"""A ladder against the pool's own arithmetic: walking through its levels costs what the contract's swap costs."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from simulator.dex.curve import Curve, sqrt_at, tick_of
from tapeline.venues.uniswap import ladder
from tapeline.venues.uniswap.ladder import State
from tapeline.venues.uniswap.pools import POOLS, Pool
from tapeline.venues.uniswap.ticks import HIGHEST, LOWEST, Q96, WHOLE_FEE, amount0, amount1, root_at, tick_at

ALL = st.sampled_from(list(POOLS.values()))


@st.composite
def curves(draw: st.DrawFn, pool: Pool) -> Curve:
    """Return a pool with a few spans of liquidity, its price anywhere within the widest of them."""
    spacing = pool.spacing
    middle = draw(st.integers(-250_000 // spacing, 250_000 // spacing))
    tick = middle * spacing + draw(st.integers(0, spacing - 1))
    low, high = sqrt_at(tick), sqrt_at(tick + 1)
    curve = Curve(fee=pool.fee, spacing=spacing, root=draw(st.integers(low, high - 1)), tick=tick)
    curve.provide((middle - 150) * spacing, (middle + 150) * spacing, draw(st.integers(10**12, 10**24)))
    for _ in range(draw(st.integers(0, 4))):
        lower = middle + draw(st.integers(-20, 20))
        upper = lower + draw(st.integers(1, 20))
        curve.provide(lower * spacing, upper * spacing, draw(st.integers(1, 10**24)))
    return curve


def state(curve: Curve) -> State:
    return State(root=curve.root, tick=curve.tick, liquidity=curve.liquidity, nets=curve.net)


@given(st.integers(LOWEST, HIGHEST))
def test_two_readings_of_a_tick_agree(tick: int) -> None:
    assert root_at(tick) == sqrt_at(tick)
    if tick < HIGHEST:
        assert tick_at(root_at(tick)) == tick_of(root_at(tick)) == tick
        assert root_at(tick) < root_at(tick + 1)


@given(st.integers(LOWEST, HIGHEST - 1), st.integers(1, 5_000), st.integers(0, 2**128 - 1))
def test_amounts_are_the_closed_form_rounded_to_the_side_of_the_pool(tick: int, width: int, liquidity: int) -> None:
    low, high = root_at(tick), root_at(min(HIGHEST, tick + width))
    for between, exact in (
        (amount0, Fraction(liquidity * Q96 * (high - low), high * low)),
        (amount1, Fraction(liquidity * (high - low), Q96)),
    ):
        # Two divisions, each rounded.
        assert exact <= between(liquidity, low, high, up=True) < exact + 2
        assert exact - 2 < between(liquidity, low, high, up=False) <= exact


@given(st.data(), ALL)
def test_a_level_is_the_closed_form_of_its_step(data: st.DataObject, pool: Pool) -> None:
    curve = data.draw(curves(pool))
    for step in ladder.upwards(state(curve), pool.spacing, 30):
        assume(step.liquidity > 0)
        base, quote = (
            Fraction(step.liquidity * Q96, step.low) - Fraction(step.liquidity * Q96, step.high),
            Fraction(step.liquidity * (step.high - step.low), Q96),
        )
        if not pool.base_is_token0:
            base, quote = quote, base
        bid, ask = ladder.bid(pool, step), ladder.ask(pool, step)
        keep = Fraction(WHOLE_FEE - pool.fee, WHOLE_FEE)
        assert ask.price == quote * pool.unit / base / keep
        assert bid.price == quote * pool.unit / base * keep
        assert base - 2 < ask.units <= base
        assert base / keep <= bid.units < base / keep + 4


@given(st.data(), ALL)
def test_a_book_is_in_order_and_its_spread_has_both_fees(data: st.DataObject, pool: Pool) -> None:
    bids, asks = ladder.sides(pool, state(data.draw(curves(pool))))
    bid_prices, ask_prices = [one.price for one in bids], [one.price for one in asks]
    assert bid_prices == sorted(set(bid_prices), reverse=True)
    assert ask_prices == sorted(set(ask_prices))
    assume(bids and asks)
    assert bids[0].price / asks[0].price < Fraction(WHOLE_FEE - pool.fee, WHOLE_FEE) ** 2


@given(st.data(), ALL, st.integers(1, 30))
def test_selling_through_the_ladder_is_the_pool_s_swap_within_rounding(
    data: st.DataObject, pool: Pool, count: int
) -> None:
    curve = data.draw(curves(pool))
    bids, _ = ladder.sides(pool, state(curve), count)
    paid = sum(one.units for one in bids)
    assume(paid)
    worth = sum(one.price * one.units for one in bids) / pool.unit
    done = curve.swap(paid, zero_for_one=pool.base_is_token0)
    base, quote = (done.amount0, done.amount1) if pool.base_is_token0 else (done.amount1, done.amount0)
    assert base == paid
    # A unit of each token for each step, the base's in units of quote at the best price.
    rounding = 3 * (count + len(curve.net)) * (1 + bids[0].price / pool.unit)
    assert abs(-quote - worth) <= rounding


@given(st.data(), ALL, st.integers(1, 30))
def test_buying_through_the_ladder_is_the_pool_s_swap_within_rounding(
    data: st.DataObject, pool: Pool, count: int
) -> None:
    curve = data.draw(curves(pool))
    _, asks = ladder.sides(pool, state(curve), count)
    got = sum(one.units for one in asks)
    assume(got)
    worth = sum(one.price * one.units for one in asks) / pool.unit
    done = curve.swap(-(-worth.numerator // worth.denominator), zero_for_one=not pool.base_is_token0)
    base, quote = (done.amount0, done.amount1) if pool.base_is_token0 else (done.amount1, done.amount0)
    assert abs(quote - worth) <= 1 + 3 * (count + len(curve.net))
    rounding = 3 * (count + len(curve.net)) * (1 + pool.unit / asks[0].price)
    assert abs(-base - got) <= rounding
