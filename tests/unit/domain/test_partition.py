"""Keys and partitions: Kafka's own vectors, one partition for all venues of a symbol, one builder for each key."""

from __future__ import annotations

import pytest

from tapeline.domain import partition


@pytest.mark.parametrize(
    ("data", "signed"),
    [
        # Kafka's own test, org.apache.kafka.common.utils.UtilsTest.testMurmur2.
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_gives_the_bits_of_kafkas_java_client(data: bytes, signed: int) -> None:
    assert partition.murmur2(data) == signed & 0xFFFFFFFF


def test_a_partition_is_the_positive_hash_modulo_the_count() -> None:
    assert partition.partition_of("21", 12) == (-973932308 & 0x7FFFFFFF) % 12
    assert partition.partition_of("foobar", 7) == (-790332482 & 0x7FFFFFFF) % 7


def test_the_partitions_of_well_known_symbols_never_change() -> None:
    found = {symbol: partition.partition_of(symbol, 12) for symbol in ("BTC/USDT", "ETH/USDT", "SOL/USDT")}
    assert found == {"BTC/USDT": 8, "ETH/USDT": 7, "SOL/USDT": 6}


def test_a_symbol_is_hashed_as_utf_8() -> None:
    assert (
        partition.partition_of("币安人生/USDT", 97) == (partition.murmur2("币安人生/USDT".encode()) & 0x7FFFFFFF) % 97
    )


@pytest.mark.parametrize("count", [0, -1])
def test_a_topic_without_partitions_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="a topic has at least one partition"):
        partition.partition_of("BTC/USDT", count)


def test_each_key_has_its_form() -> None:
    """X-10: key exchange:market:pair; DESIGN 4 for the others."""
    assert [
        partition.instrument_key("bybit", "futures", "BTC/USDT"),
        partition.strategy_key("grid-1", "BTC/USDT"),
        partition.position_key("main", "bybit", "futures", "BTC/USDT"),
        partition.control_key("strategy", "grid-1"),
        partition.entity_key("order", "3f0c"),
        partition.origin_key("md.book", 3, 812),
    ] == [
        "bybit:futures:BTC/USDT",
        "grid-1:BTC/USDT",
        "main:bybit:futures:BTC/USDT",
        "strategy:grid-1",
        "order:3f0c",
        "md.book/3/812",
    ]
