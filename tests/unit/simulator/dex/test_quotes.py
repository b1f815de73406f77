"""The simulated quotes: who is answered, what is refused, and that a quote is the pool's own swap."""

from __future__ import annotations

import pytest

from simulator.dex import world
from simulator.dex.onchain import QUOTES, OnChain
from simulator.dex.quotes import BASE, NO_ROUTE

SELL = {"src": world.WETH.address, "dst": world.USDC.address, "amount": str(10**18)}


def asked(
    on: OnChain, query: dict[str, str], *, path: str = f"{BASE}/quote", now_s: float = 100.0, key: str = "k"
) -> object:
    status, told = on.quotes.ask(path, query, f"Bearer {key}", now_s)
    return told["dstAmount"] if "dstAmount" in told else (int(status), told.get("description"))


def on_chain(*names: str) -> OnChain:
    return OnChain(key="k", now_us=0, names=names)


def test_a_quote_is_the_pool_s_swap_of_the_newest_block() -> None:
    on = on_chain()
    given = -on.node.chain.head.states[world.ETH_USDC].copy().swap(10**18, zero_for_one=False).amount0
    on.node.chain.swap(world.ETH_USDC, 10**18, zero_for_one=False)
    assert asked(on, SELL) == str(given)
    on.node.chain.seal(1)
    assert int(str(asked(on, SELL))) < given


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"amount": ""}, (400, "amount is not set")),
        ({"amount": "1.5"}, (400, "amount is not set")),
        ({"src": ""}, (400, "src is not set")),
        ({"dst": "0x1"}, (400, "cannot sync token")),
        ({"dst": world.WETH.address}, (400, NO_ROUTE)),
        ({"amount": str(10**30)}, (400, NO_ROUTE)),
        ({"includeGas": "True"}, (400, "includeGas must be a boolean value")),
    ],
)
def test_what_cannot_be_quoted_is_refused(changed: dict[str, str], expected: tuple[int, str]) -> None:
    assert asked(on_chain(), SELL | changed) == expected


def test_who_has_no_key_or_asks_too_often_is_not_answered() -> None:
    on = on_chain()
    assert asked(on, SELL, key="x") == (401, "unauthorized")
    assert asked(on, SELL, path="/elsewhere") == (404, "there is no such method")
    answers = [asked(on, SELL, now_s=200.0 + second / 2) for second in range(6)]
    # Two are saved up, then one a second.
    refused = (429, "the limit of requests per second has been exceeded")
    assert [one == refused for one in answers] == [False, False, False, True, False, True]


def test_faults_come_by_schedule_and_end_when_calmed() -> None:
    on = on_chain("429", "gap")
    on.schedules[QUOTES].arm(100.0)
    on.tick(0, 115.0)
    assert asked(on, SELL, now_s=115.0) != (429, "the limit of requests per second has been exceeded")
    on.tick(0, 116.5)
    assert asked(on, SELL, now_s=117.0) == (429, "the limit of requests per second has been exceeded")
    on.calm()
    assert asked(on, SELL, now_s=118.0) != (429, "the limit of requests per second has been exceeded")
    on.tick(0, 1_000.0)
    assert {venue: dict(one.counts) for venue, one in on.schedules.items()} == {"uniswap": {}, "1inch": {"429": 1}}


def test_blocks_come_by_time_until_the_chain_stands_still() -> None:
    on = on_chain()
    first = on.node.chain.number
    for second in range(7):
        on.tick(second * 1_000_000, float(second))
    assert on.node.chain.number == first + 3
    on.halt()
    on.tick(60_000_000, 60.0)
    assert on.node.chain.number == first + 3
