"""Uniswap V3 on Ethereum: pools as spot markets, read over any JSON-RPC node; facts as data, each with its evidence.

| call | role | rule | source |
|---|---|---|---|
| `eth_subscribe` `logs` (Swap, Mint, Burn) | bell | a block has touched a pool; `removed` takes it back | sheet |
| `eth_getLogs` by block hash | trade | amounts are the pool's: what it takes in was sold | sheet: worked swap |
| `slot0`, `liquidity` by block hash | book | root of the price, tick and liquidity at the block's end | sheet |
| lens's `getPopulatedTicksInWord`, three words | book | how liquidity changes within 256 steps each way | sheet |
| `eth_getBlockByHash` | time | of all in the block | sheet |
| `eth_chainId`, `token0`, `token1`, `fee`, `tickSpacing`, `decimals` | instruments | as in `pools` or skipped | sheet |

There is no order book: each block that touched a pool is one whole book, numbered by the block, made of what a taker
gets on each step between two ticks with the fee in the price. So the taker's fee is none; gas is not counted.
Answers are asked for by the block's hash, so they are of one state; one that left the chain in between is refused, and
what was told since is doubted aloud: the book is stale until the newest block tells it, trades have a gap.

A quiet book is asked for again: there is no REST book, and a node that has stopped shows by its newest block's age.
The addresses are a person's own node (`venues.node_http`, `venues.node_ws`): a node has no public name that lasts.

UNCONFIRMED: batches over sockets, `requireCanonical` and the limits of rate at every provider; that the lens and the
pools stay where they are (the chain is asked for the pools' tokens and fees at each start).

Trades of the time in which a socket was away are not asked for: a list of logs has no times, and each block would be a
request. That time is a gap.
"""

from __future__ import annotations

from tapeline.venues.contract import (
    BookProtocol,
    Facts,
    Hosts,
    Keepalive,
    RestLimits,
    SocketLimits,
    TradeProtocol,
    Venue,
)
from tapeline.venues.uniswap.ignored import IGNORED
from tapeline.venues.uniswap.ladder import STEPS
from tapeline.venues.uniswap.market import UniswapFeed

# Names that exist nowhere, so that nothing is asked of a stranger's node by mistake.
_NONE = Hosts(rest="https://node.invalid", ws="wss://node.invalid")

SPOT = UniswapFeed(
    Facts(
        venue="uniswap",
        market="spot",
        main=_NONE,
        test=_NONE,
        sockets={"public": ""},
        channels={"book": "public", "trade": "public"},
        # Providers differ; a book takes three frames, of eight calls in all.
        limits=SocketLimits(
            most_streams=100, messages_per_s=40, most_per_request=20, connections=10, connections_window_s=60
        ),
        keepalive=Keepalive(ping="frame", every_s=5),
        book=BookProtocol(snapshot="request", stream_depths=(STEPS,), rest_depths=(), rest_numbers="other"),
        trades=TradeProtocol(ids="none", recent=0),
        rest=RestLimits(budget=100, window_s=1),
        maker_fee="0",
        taker_fee="0",
        node="Ethereum",
    )
)

VENUE = Venue(id="uniswap", name="Uniswap V3", feeds={"spot": SPOT}, ignored=IGNORED)
