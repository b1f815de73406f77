"""What is asked of a node in which order; a question's id says what is known by then, so that nothing is remembered.

A notice of a pool, or a wish for its book, leads to its block (`Seen`): head, trades, price and liquidity, all at the
block's hash. That says where the price is, so the ticks around it can be asked for at the same block (`Ticks`).
"""

from __future__ import annotations

from typing import Final

import msgspec

from tapeline.errors import InvalidMessage
from tapeline.venues.uniswap import wire
from tapeline.venues.uniswap.pools import POOLS, TICK_LENS, Pool
from tapeline.venues.uniswap.ticks import HIGHEST, LEAST_ROOT, LOWEST, MOST_ROOT

SWAP: Final = "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67"
MINT: Final = "0x7a53080ba414158be7ec69b987b5fb7d07dee101fe85488f0853ae16239d0bde"
BURN: Final = "0x0c396cd989a39f4459b5fa1aed6a9a8dcdbc45908acfd67e028cd568da98982c"
SLOT0: Final = "3850c7bd"
LIQUIDITY: Final = "1a686502"
POPULATED: Final = "351fb478"
"""The lens's `getPopulatedTicksInWord(address,int16)`."""
PARTS: Final = ("block", "logs", "slot0", "liquidity")
BITS: Final = 8
"""One word of a pool's map holds 2^8 ticks."""
_MOST_LIQUIDITY: Final = 1 << 128
_MOST_NUMBER: Final = 1 << 62
_HEAD_ALONE: Final = False
"""Of a block: without its transactions."""


class Head(msgspec.Struct, frozen=True):
    """The newest block, for a book of this pool that was asked for by our request."""

    request_id: int
    pool: Pool


class Seen(msgspec.Struct, frozen=True):
    """What of a pool one block holds; without a request of ours a notice led here."""

    request_id: int
    pool: Pool
    block: str


class Ticks(msgspec.Struct, frozen=True):
    """One word of a pool's ticks at a block, of which the rest is known."""

    request_id: int
    pool: Pool
    number: int
    time_s: int
    root: int
    tick: int
    liquidity: int
    word: int


def head(asked: Head) -> bytes:
    """Return the frame that asks for the newest block."""
    name = f"head {asked.request_id} {asked.pool.address}"
    return wire.encoded(wire.request(name, "eth_getBlockByNumber", "latest", _HEAD_ALONE))


def seen(asked: Seen) -> bytes:
    """Return the frame that asks for all of a pool in one block; an orphaned one is refused."""
    pool = asked.pool.address
    at = {"blockHash": asked.block, "requireCanonical": True}
    block, logs, slot0, liquidity = (f"{part} {asked.request_id} {pool} {asked.block}" for part in PARTS)
    events = {"blockHash": asked.block, "address": pool, "topics": [[SWAP]]}
    return wire.encoded(
        [
            wire.request(block, "eth_getBlockByHash", asked.block, _HEAD_ALONE),
            wire.request(logs, "eth_getLogs", events),
            wire.request(slot0, "eth_call", {"to": pool, "data": wire.call(SLOT0)}, at),
            wire.request(liquidity, "eth_call", {"to": pool, "data": wire.call(LIQUIDITY)}, at),
        ]
    )


def ticks(middle: Ticks, block: str) -> bytes:
    """Return the frame that asks for the ticks around the price: its own word of them and both neighbours."""
    at = {"blockHash": block, "requireCanonical": True}
    pool = int(middle.pool.address, 16)
    known = f"{middle.number} {middle.time_s} {middle.root} {middle.tick} {middle.liquidity}"
    return wire.encoded(
        [
            wire.request(
                f"ticks {middle.request_id} {middle.pool.address} {known} {word}",
                "eth_call",
                {"to": TICK_LENS, "data": wire.call(POPULATED, pool, word)},
                at,
            )
            for word in around(middle.pool, middle.tick)
        ]
    )


def around(pool: Pool, tick: int) -> tuple[int, int, int]:
    """Return the numbers of the words that hold a tick and its neighbours."""
    word = (tick // pool.spacing) >> BITS
    return word - 1, word, word + 1


def asked_by(name: str) -> tuple[str, Head | Seen | Ticks]:
    """Return the part and the question that an id stands for; InvalidMessage where it is none of ours."""
    part, *rest = name.split(" ")
    try:
        if part == "head":
            request_id, pool = rest
            return part, Head(_number(request_id), POOLS[pool])
        if part in PARTS:
            request_id, pool, block = rest
            return part, Seen(_number(request_id), POOLS[pool], block)
        if part == "ticks":
            request_id, pool, *known = rest
            number, time_s, root, tick, liquidity, word = known
            return part, _ticks(
                Ticks(
                    _number(request_id),
                    POOLS[pool],
                    _number(number),
                    _number(time_s),
                    _number(root),
                    int(tick),
                    _number(liquidity),
                    int(word),
                )
            )
    except (ValueError, KeyError) as error:
        raise InvalidMessage("no question of ours", field="id", value=name) from error
    raise InvalidMessage("no question of ours", field="id", value=name)


def _number(text: str) -> int:
    found = int(text)
    if found < 0:
        raise ValueError(text)
    return found


def _ticks(found: Ticks) -> Ticks:
    """Let nothing through that no pool can be: an id comes back from the wire."""
    if not (
        LEAST_ROOT <= found.root <= MOST_ROOT
        and LOWEST <= found.tick <= HIGHEST
        and found.liquidity < _MOST_LIQUIDITY
        and found.number < _MOST_NUMBER
        and found.time_s < _MOST_NUMBER // 10**6
        and found.word in around(found.pool, found.tick)
    ):
        raise ValueError(found)
    return found
