"""A chain with pools on it: blocks of what happened, the state behind each, and branches that are given up."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from simulator.dex.curve import Curve

SWAP = "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67"
MINT = "0x7a53080ba414158be7ec69b987b5fb7d07dee101fe85488f0853ae16239d0bde"
BURN = "0x0c396cd989a39f4459b5fa1aed6a9a8dcdbc45908acfd67e028cd568da98982c"
SOMEBODY = "0x" + "11" * 20
KEPT = 128
"""Blocks whose states can be asked for."""


@dataclass(frozen=True, slots=True)
class Coin:
    """A token's contract."""

    address: str
    decimals: int


@dataclass(slots=True)
class PoolContract:
    """A pool's contract: its address, its tokens in its order, and its curve now."""

    address: str
    token0: Coin
    token1: Coin
    curve: Curve


@dataclass(slots=True)
class Block:
    """One block: when it was, its events, and what each pool was at its end."""

    number: int
    hash: str
    parent: str
    time_s: int
    logs: list[dict[str, object]]
    states: dict[str, Curve]


@dataclass(slots=True)
class Chain:
    """The blocks from the oldest on, and what happens in the next one; `orphans` have left."""

    pools: dict[str, PoolContract]
    number: int = 20_000_000
    blocks: list[Block] = field(default_factory=list)
    orphans: dict[str, Block] = field(default_factory=dict)
    _pending: list[tuple[str, list[str], str]] = field(default_factory=list)
    _made: int = 0

    @property
    def head(self) -> Block:
        """Return the newest block."""
        return self.blocks[-1]

    def block(self, block_hash: str) -> Block | None:
        """Return a block of the chain."""
        return next((one for one in reversed(self.blocks) if one.hash == block_hash), None)

    def swap(self, pool: str, amount: int, *, zero_for_one: bool) -> None:
        """Swap in the next block."""
        done = self.pools[pool].curve.swap(amount, zero_for_one=zero_for_one)
        data = [done.amount0, done.amount1, done.root, done.liquidity, done.tick]
        self._pending.append((pool, [SWAP, padded(SOMEBODY), padded(SOMEBODY)], words(*data)))

    def provide(self, pool: str, lower: int, upper: int, amount: int) -> None:
        """Put liquidity in, or take it out, in the next block."""
        self.pools[pool].curve.provide(lower, upper, amount)
        # Amounts of tokens are of no interest to a reader of liquidity: they stand as 0 here.
        topics = [MINT if amount > 0 else BURN, padded(SOMEBODY), words(lower), words(upper)]
        data = [int(SOMEBODY, 16), amount, 0, 0] if amount > 0 else [-amount, 0, 0]
        self._pending.append((pool, topics, words(*data)))

    def seal(self, time_s: int) -> Block:
        """End the next block."""
        self._made += 1
        self.number += 1
        block_hash = "0x" + hashlib.sha256(f"block {self._made}".encode()).hexdigest()
        logs: list[dict[str, object]] = [
            {
                "address": pool,
                "topics": topics,
                "data": data,
                "blockNumber": hex(self.number),
                "blockHash": block_hash,
                "transactionHash": "0x" + hashlib.sha256(f"{block_hash} {at}".encode()).hexdigest(),
                "transactionIndex": hex(at),
                "logIndex": hex(at),
                "removed": False,
            }
            for at, (pool, topics, data) in enumerate(self._pending)
        ]
        self._pending.clear()
        states = {address: pool.curve.copy() for address, pool in self.pools.items()}
        parent = self.blocks[-1].hash if self.blocks else "0x" + "00" * 32
        self.blocks.append(Block(self.number, block_hash, parent, time_s, logs, states))
        # A node knows the states of its last blocks alone.
        del self.blocks[:-KEPT]
        return self.head

    def orphan(self) -> Block:
        """Give the newest block up: the next one takes its place."""
        gone = self.blocks.pop()
        self.orphans[gone.hash] = gone
        self.number = self.head.number
        for address, pool in self.pools.items():
            pool.curve = self.head.states[address].copy()
        return gone


def words(*numbers: int) -> str:
    """Return numbers as words of a contract."""
    return "0x" + "".join(f"{number & ((1 << 256) - 1):064x}" for number in numbers)


def padded(address: str) -> str:
    """Return an address as a word."""
    return words(int(address, 16))
