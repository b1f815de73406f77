"""A record's partition follows from its symbol, or must be said."""

from __future__ import annotations

import pytest

from tapeline.domain.partition import partition_of
from tapeline.runtime.kafka.placing import partition_for


@pytest.mark.parametrize(
    ("topic", "key"),
    [
        ("md.book", b"bybit:spot:BTC/USDT"),
        ("signal.spread", b"BTC/USDT"),
        ("order.intent", b"grid-1:BTC/USDT"),
        ("position", b"main:okx:futures:BTC/USDT"),
        ("test.outside.the.catalogue", b"anything:BTC/USDT"),
    ],
)
def test_the_symbol_decides(topic: str, key: bytes) -> None:
    assert partition_for(topic, key, 12) == partition_of("BTC/USDT", 12)


@pytest.mark.parametrize("key", [None, b"k", b"any:thing"])
def test_one_partition_needs_no_symbol(key: bytes | None) -> None:
    assert partition_for("heartbeat", key, 1) == 0


@pytest.mark.parametrize(("topic", "key"), [("pair", b"p-1"), ("clock", b"3"), ("md.book", None)])
def test_a_key_without_symbol_must_say_the_partition(topic: str, key: bytes | None) -> None:
    with pytest.raises(ValueError, match=f"{topic} has 4 partitions and its key .* pass the partition"):
        partition_for(topic, key, 4)
