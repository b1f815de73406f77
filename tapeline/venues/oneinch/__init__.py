"""1inch on Ethereum: polled quotes of a few sizes as a synthetic ladder of spot pairs; facts, each with its evidence.

| call | role | rule | source |
|---|---|---|---|
| `GET /swap/v6.1/1/quote` | book | what an amount that is given buys: `dstAmount`, in smallest units | sheet: 3 |
| the same, from the least size to the greatest | book | what a size adds to the one before is a level | sheet: ladder |
| sell base; give quote | bids; asks | only what is given can be named, so asks have sizes in quote | sheet: ask side |
| 400 `insufficient liquidity` | book | that size is no level | sheet: 9 |
| `GET /swap/v6.1/1/tokens` | instruments | pairs of `pairs` whose tokens are listed as there, or skipped | sheet: 2 |
| `Authorization: Bearer KEY` | all | `venues.oneinch_key` | sheet: 6 |
| one request a second, for all of an account | limit | 1.05 s apart | sheet: 7 |

There is no order book, no trade and no stream. A ladder is six quotes, one after the other, of the blocks that passed
meanwhile, both sides in turns; it has no number and no time but when its last quote came. Levels that would be in the
wrong order are made one; a ladder whose sides meet is no book, and is asked for again. A quote that fails makes the
book stale: an old ladder is never shown as valid. Fees of pools and the price's move are in the amounts, gas is not:
it is paid once, whatever the size. So the taker's fee is none.

The sizes are few because each costs a request: five pairs are a round of half a minute.

UNCONFIRMED: the monthly cap of the free plan (about 100,000 calls, [1src]; beyond it the venue answers 429 and books
are stale); that one host serves for long (api.1inch.dev came before it); whether some plans are charged a fee within
the amounts.

Paid plans may ask more often; that is not used.
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
from tapeline.venues.oneinch.market import OneInchFeed
from tapeline.venues.oneinch.pairs import SIZES

SPOT = OneInchFeed(
    Facts(
        venue="1inch",
        market="spot",
        main=Hosts(rest="https://api.1inch.com", ws=""),
        test=None,
        sockets={},
        channels={"book": "rest"},
        # No socket is ever opened.
        limits=SocketLimits(most_streams=100, messages_per_s=1, connections=1, connections_window_s=1),
        keepalive=Keepalive(ping="frame", every_s=60),
        book=BookProtocol(
            snapshot="rest", stream_depths=(SIZES,), rest_depths=(SIZES,), rest_numbers="other", poll_s=10
        ),
        trades=TradeProtocol(ids="none", recent=0),
        rest=RestLimits(budget=1, window_s=1.05),
        maker_fee="0",
        taker_fee="0",
        key="the 1inch Business Portal",
    )
)

VENUE = Venue(id="1inch", name="1inch", feeds={"spot": SPOT})
