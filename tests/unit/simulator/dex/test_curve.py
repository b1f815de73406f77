"""The simulated pool against the worked steps of the fact sheet, to the last unit."""

from __future__ import annotations

from simulator.dex.curve import ONE, Curve, sqrt_at


def curve() -> Curve:
    """Return a pool at price 1 with liquidity far around it."""
    found = Curve(fee=3000, spacing=60, root=ONE, tick=0)
    found.provide(-6000, 6000, 10**18)
    return found


def test_a_swap_within_a_step_is_the_contract_s() -> None:
    down, up = curve().swap(10**15, zero_for_one=True), curve().swap(10**15, zero_for_one=False)
    assert (down.amount0, down.amount1, down.root) == (10**15, -996006981039903, 79149250711305166342700278159)
    assert (up.amount0, up.amount1, up.root) == (-996006981039903, 10**15, 79307152992291059138124713654)


def test_a_swap_to_a_tick_takes_the_whole_step_and_crosses_it() -> None:
    found = curve()
    found.provide(-60, 60, 10**9)
    done = found.swap(3004354062741926 + 9040182736436 + 10**7, zero_for_one=True)
    assert done.tick < -60
    assert found.liquidity == 10**18
    assert found.root < sqrt_at(-60)


def test_a_swap_ends_where_liquidity_ends() -> None:
    found = curve()
    done = found.swap(10**30, zero_for_one=False)
    assert (done.root, done.tick, done.liquidity) == (sqrt_at(6000), 6000, 0)
    assert done.amount1 < 10**30


def test_liquidity_that_goes_leaves_nothing() -> None:
    found = curve()
    found.provide(-6000, 6000, -(10**18))
    assert (found.net, found.gross, found.liquidity) == ({}, {}, 0)
