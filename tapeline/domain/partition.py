"""Keys and partitions: one function decides a symbol's partition, so no two clients and no two topics can disagree.

All venues and markets of a symbol share a partition: a spread needs no repartition, and records of one symbol keep
their order. Every client passes the partition explicitly; the key is the record's identity, for compaction.
"""

from __future__ import annotations

from typing import Final

_SEED: Final = 0x9747B28C
_MULTIPLIER: Final = 0x5BD1E995
_ROTATE: Final = 24
_MASK: Final = 0xFFFFFFFF
_POSITIVE: Final = 0x7FFFFFFF
_WORD: Final = 4


def murmur2(data: bytes) -> int:
    """Return the 32-bit MurmurHash2 of the bytes, the same bits as Kafka's Java client, as an unsigned number."""
    length = len(data)
    mixed = _SEED ^ length
    whole = length - length % _WORD
    for start in range(0, whole, _WORD):
        word = int.from_bytes(data[start : start + _WORD], "little") * _MULTIPLIER & _MASK
        word = (word ^ word >> _ROTATE) * _MULTIPLIER & _MASK
        mixed = mixed * _MULTIPLIER & _MASK ^ word
    if whole < length:
        mixed = (mixed ^ int.from_bytes(data[whole:], "little")) * _MULTIPLIER & _MASK
    mixed = (mixed ^ mixed >> 13) * _MULTIPLIER & _MASK
    return mixed ^ mixed >> 15


def partition_of(symbol: str, count: int) -> int:
    """Return the partition of a symbol among `count`, as Kafka's own partitioner would for the key `symbol`."""
    if count < 1:
        message = f"a topic has at least one partition, not {count}"
        raise ValueError(message)
    return (murmur2(symbol.encode()) & _POSITIVE) % count


def instrument_key(venue: str, market: str, symbol: str) -> str:
    """Return the identity of an instrument: `bybit:futures:BTC/USDT`."""
    return f"{venue}:{market}:{symbol}"


def strategy_key(strategy: str, symbol: str) -> str:
    """Return the identity of what a strategy does or holds on a symbol: `grid-1:BTC/USDT`."""
    return f"{strategy}:{symbol}"


def position_key(account: str, venue: str, market: str, symbol: str) -> str:
    """Return the identity of a position: `main:bybit:futures:BTC/USDT`."""
    return f"{account}:{venue}:{market}:{symbol}"


def control_key(scope: str, target: str) -> str:
    """Return the identity of a piece of desired state: `strategy:grid-1`, `account:main`, `system:all`."""
    return f"{scope}:{target}"


def entity_key(kind: str, entity: str) -> str:
    """Return the identity of an audited thing: `order:3f0c..`."""
    return f"{kind}:{entity}"


def origin_key(topic: str, partition: int, offset: int) -> str:
    """Return the identity of a dead letter, which is where its record came from: `md.book/3/812`."""
    return f"{topic}/{partition}/{offset}"
