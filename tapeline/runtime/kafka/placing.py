"""Which partition a record belongs to, from its topic and key: the symbol decides, by the domain's one function."""

from __future__ import annotations

from schemas import topics
from tapeline.domain.partition import partition_of

_ENDS_IN_SYMBOL = frozenset({"instrument", "symbol", "strategy_symbol", "position"})


def partition_for(topic: str, key: bytes | None, count: int) -> int:
    """Return the partition among `count`; ValueError when the key does not tell it (the caller must then say it).

    Keys of instruments, strategies and positions end in the symbol. A topic outside the catalogue (a test's) is placed
    as if its key did.
    """
    if count == 1:
        return 0
    try:
        kind = topics.by_name(topic).key
    except LookupError:
        kind = "symbol"
    if key is None or kind not in _ENDS_IN_SYMBOL:
        message = f"{topic} has {count} partitions and its key {key!r} does not name a symbol: pass the partition"
        raise ValueError(message)
    return partition_of(key.decode().rpartition(":")[2], count)
