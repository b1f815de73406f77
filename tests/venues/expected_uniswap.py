"""What our own frames of Uniswap mean; the trade and the book are the worked examples of its fact sheet."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from tapeline.domain.book import BookSnapshot
from tapeline.domain.events import Instrument
from tapeline.venues.contract import (
    Answer,
    Doubted,
    InstrumentPage,
    Next,
    PublicTrade,
    ServerClosing,
    Unexpected,
)
from tests.venues.expected_binance import RECEIVED_US

POOL: Final = "0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640"
OTHERS: Final = (
    "0xcbcdf9626bc03e24f779434178a73a0b4bad62ed",
    "0x99ac8ca7087fa4a2a1fb6357269965a2014abc35",
    "0x3416cf6c708da44db2624d63ea0aaef7113527c6",
)
BLOCK: Final = "0x" + "ab" * 32
NUMBER: Final = 21961259
TIME_S: Final = 1_699_999_998
LENS: Final = "0xbfd8137f7d1516d3ea5ca83523914859ec47f573"
SWAP: Final = "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67"
AT: Final = {"blockHash": BLOCK, "requireCanonical": True}
STATE: Final = "1446480543999060876112667855988856 196256 20000000000000000000"
LONG_AGO_US: Final = RECEIVED_US - 120_000_000


def call(name: str, method: str, *params: object) -> dict[str, object]:
    """Return one call of JSON-RPC."""
    return {"jsonrpc": "2.0", "id": name, "method": method, "params": params}


def of_block(request_id: int) -> Next:
    """Return the question for all of the pool in the block."""
    of = f"{request_id} {POOL} {BLOCK}"
    logs = {"blockHash": BLOCK, "address": POOL, "topics": [[SWAP]]}
    calls = (
        call(f"block {of}", "eth_getBlockByHash", BLOCK, False),  # noqa: FBT003 - the node's own parameter
        call(f"logs {of}", "eth_getLogs", logs),
        call(f"slot0 {of}", "eth_call", {"to": POOL, "data": "0x3850c7bd"}, AT),
        call(f"liquidity {of}", "eth_call", {"to": POOL, "data": "0x1a686502"}, AT),
    )
    return Next(frame=msgspec.json.encode(calls))


def of_ticks(request_id: int) -> Next:
    """Return the question for the ticks around the price."""
    data = f"0x351fb478{POOL[2:]:0>64}{{:064x}}"
    calls = [
        call(
            f"ticks {request_id} {POOL} {NUMBER} {TIME_S} {STATE} {word}",
            "eth_call",
            {"to": LENS, "data": data.format(word)},
            AT,
        )
        for word in (75, 76, 77)
    ]
    return Next(frame=msgspec.json.encode(calls))


def instrument(symbol: str, native: str) -> Instrument:
    """Return a pair against six decimals."""
    base, _, quote = symbol.partition("/")
    return Instrument(
        venue="uniswap",
        market="spot",
        symbol=symbol,
        native=native,
        base=base,
        quote=quote,
        status="trading",
        price_tick=Decimal("0.000001"),
        quantity_step=Decimal("0.000000000000000001"),
        contract_size=Decimal(1),
        maker_fee=Decimal(0),
        taker_fee=Decimal(0),
        received_us=RECEIVED_US,
        published_us=RECEIVED_US,
    )


SOLD: Final = PublicTrade(
    native=POOL,
    trade_id=f"{BLOCK}:58",
    price=2998.59603,
    quantity=1.0,
    side="sell",
    venue_us=TIME_S * 1_000_000,
    received_us=RECEIVED_US,
)
BOUGHT: Final = PublicTrade(
    native=POOL,
    trade_id=f"{BLOCK}:59",
    price=3001.6023537511724,
    quantity=1.6657769453543319,
    side="buy",
    venue_us=TIME_S * 1_000_000,
    received_us=RECEIVED_US,
    exact={"quantity": "1.665776945354331754"},
)
BOOK: Final = BookSnapshot(
    native=POOL,
    sequence=NUMBER,
    replaces=False,
    routine=True,
    bid_prices=(2998.0046073596072, 2995.9068433239763, 2992.912583570531),
    bid_quantities=(73.068590700314961798, 146.188337086961547181, 91.413403672375433198),
    ask_prices=(3002.505664531845, 3004.9085099332183, 3007.914771012633),
    ask_quantities=(109.520702606450551004, 155.092283507170115864, 109.422183969763702877),
    venue_us=TIME_S * 1_000_000,
    received_us=RECEIVED_US,
)
SPOT: Final[dict[str, object]] = {
    "ack": (Answer(request_id=7),),
    "refusal": (Answer(request_id=7, error="invalid argument 0: hex string has length 2 (-32602)"),),
    "notice": (of_block(0),),
    "notice_mint": (of_block(0),),
    "removed": (
        Doubted(
            native=POOL,
            reason=f"block {NUMBER} ({BLOCK}) left the chain with its event 58",
            since_us=LONG_AGO_US,
        ),
    ),
    "notice_of_another": (Unexpected(kind=f"an event of 0x{'99' * 20}"),),
    "head": (Answer(request_id=7), of_block(7)),
    "head_refusal": (Answer(request_id=7, error="limit exceeded (-32005)"),),
    "head_of_a_stuck_node": (
        Answer(request_id=7),
        ServerClosing(reason="the node's newest block is 256 s old"),
    ),
    "block": (SOLD, BOUGHT, of_ticks(0)),
    "block_of_a_wish": (of_ticks(7),),
    "block_unknown": (Doubted(native=POOL, reason=f"the node knows no block {BLOCK} any more", since_us=LONG_AGO_US),),
    "block_refusal": (
        Doubted(
            native=POOL,
            reason="the node refused: hash is not currently canonical (-32000)",
            since_us=LONG_AGO_US,
        ),
    ),
    "book": (BOOK,),
    "book_refusal": (
        Doubted(native=POOL, reason="the node refused: limit exceeded (-32005)", since_us=TIME_S * 1_000_000),
    ),
    "unnamed_refusal": (ServerClosing(reason="the node refused: limit exceeded (-32005)"),),
    "half_an_answer": (Unexpected(kind="no result and no error"),),
    "another_method": (Unexpected(kind="eth_other"),),
    "rest_instruments": InstrumentPage(
        instruments=(
            instrument("ETH/USDC", POOL),
            instrument("ETH/USDT", "0x11b815efb8f581194ae79006d24e0d814b7697f6"),
        ),
        skipped=OTHERS,
    ),
}
