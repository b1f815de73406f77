"""Which peer cannot take our frames of a market, why, and which channel of the venue it is given in their place.

What is not here gets the same file as we do. A peer that reads another channel is told the same steps of the market on
that; its row says so. What stands here was found by running it: versions are pinned.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from benchmarks.peers.faced import Channel
from simulator.offline import BEGIN_US, US_PER_S

_UNKNOWN = "does not know the exchange"
_STEP0 = "reads depth.step0 alone, whole books of the classic socket, which the simulated exchange does not have"


class Apart(NamedTuple):
    """Why a peer does not get our frames; without a channel it is not measured."""

    why: str
    channel: Channel | None = None


def _gateio(market: str, path: str, *levels: str, rest: str) -> Apart:
    payload = json.dumps(["BTC_USDT", "100ms", *levels])
    head = f'"time":{BEGIN_US // US_PER_S},"id":1,"event":"subscribe"'
    asks = f'{{{head},"channel":"{market}.order_book_update","payload":{payload}}}'
    return Apart(
        f"reads {market}.order_book_update, not {market}.obu",
        Channel(path, asks, '"event":"update"', f"/api/v4/{rest}"),
    )


def _bitget(kind: str) -> Apart:
    asks = f'{{"op":"subscribe","args":[{{"instType":"{kind}","channel":"books","instId":"BTCUSDT"}}]}}'
    return Apart("reads the socket of v2, not v3", Channel("/v2/ws/public", asks, '"action":"'))


def _bingx(path: str) -> Apart:
    asks = '{"id":"1","reqType":"sub","dataType":"BTC-USDT@depth100"}'
    return Apart("reads depth100, whole books of 100 levels, not incrDepth", Channel(path, asks, '"bids"'))


_GATEIO_SPOT = _gateio("spot", "/ws/v4/", rest="spot/order_book?currency_pair=BTC_USDT&limit=100&with_id=true")
_GATEIO_FUTURES = _gateio(
    "futures", "/v4/ws/usdt", "100", rest="futures/usdt/order_book?contract=BTC_USDT&limit=100&with_id=true"
)
_KUCOIN = Apart(
    "waits for a depth `increment` on the unified socket, whose frames name `increment@10ms`: its user gets no book; "
    "the classic socket, its default, is another protocol"
)
APART: dict[str, dict[tuple[str, str], Apart]] = {
    "cryptofeed": {
        ("coinex", "spot"): Apart(_UNKNOWN),
        ("coinex", "futures"): Apart(_UNKNOWN),
        ("htx", "spot"): Apart(_STEP0),
        ("htx", "futures"): Apart(_STEP0),
        ("mexc", "futures"): Apart("knows the exchange's spot market alone"),
        ("bitget", "spot"): _bitget("SPOT"),
        ("bitget", "futures"): _bitget("USDT-FUTURES"),
        ("bingx", "spot"): Apart(_UNKNOWN),
        ("bingx", "futures"): Apart(_UNKNOWN),
        ("gateio", "spot"): _GATEIO_SPOT,
        ("gateio", "futures"): Apart(
            f"{_GATEIO_FUTURES.why}; to bytes it writes all 100 levels of its window", _GATEIO_FUTURES.channel
        ),
    },
    "ccxt": {
        ("kucoin", "spot"): _KUCOIN,
        ("kucoin", "futures"): _KUCOIN,
        ("coinex", "spot"): Apart(_UNKNOWN),
        ("coinex", "futures"): Apart(_UNKNOWN),
        ("bingx", "spot"): _bingx("/market"),
        ("bingx", "futures"): _bingx("/swap-market"),
        ("gateio", "futures"): _GATEIO_FUTURES,
    },
}
