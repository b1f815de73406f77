"""Our partition function against another one that follows Kafka's Java client: aiokafka's own."""

from __future__ import annotations

from aiokafka.partitioner import DefaultPartitioner, murmur2
from hypothesis import given
from hypothesis import strategies as st

from tapeline.domain import partition


@given(st.binary(max_size=64))
def test_murmur2_is_aiokafkas(data: bytes) -> None:
    assert partition.murmur2(data) == murmur2(data) & 0xFFFFFFFF


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=32), st.integers(1, 48))
def test_a_symbols_partition_is_the_one_aiokafka_gives_the_key(symbol: str, count: int) -> None:
    everyone = list(range(count))
    assert partition.partition_of(symbol, count) == DefaultPartitioner()(symbol.encode(), everyone, everyone)
