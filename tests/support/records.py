"""One value of every record, and Hypothesis strategies of whole values, made from the schemas themselves."""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Any, Final

import msgspec
from hypothesis import strategies as st

from schemas import avro_files
from schemas.topics import TOPICS
from tapeline.domain import events

IDS: Final = {topic.subject: 100 + number for number, topic in enumerate(TOPICS)}
"""A schema id for every subject, as a registry would give them."""

BOOK: Final = events.Book(
    venue="bybit",
    market="futures",
    symbol="BTC/USDT",
    epoch=1_790_000_000_000_000,
    sequence=177_400_507,
    state="valid",
    depth=2,
    bid_prices=(64_000.1, 64_000.0),
    bid_quantities=(0.5, 1.25),
    ask_prices=(64_000.2, 64_000.3),
    ask_quantities=(0.001, 3.0),
    conflated=4,
    first_received_us=1_790_000_000_100_000,
    venue_us=1_790_000_000_099_000,
    received_us=1_790_000_000_100_500,
    published_us=1_790_000_000_100_900,
    exact={"bid_prices[1]": "64000.0000000000000000001"},
)

INTENT: Final[dict[str, Any]] = {
    "intent_id": "b9d1c9d2-8f0e-5f0a-9b52-6f4f3c6f0c11",
    "strategy": "grid-1",
    "account": "main",
    "symbol": "BTC/USDT",
    "slot": 0,
    "round": 7,
    "command": {
        "-type": "tapeline.PlaceOrder",
        "venue": "bybit",
        "market": "futures",
        "side": "buy",
        "order_type": "limit",
        "time_in_force": "GTC",
        "quantity": Decimal("0.001"),
        "price": Decimal("63999.9"),
        "reduce_only": False,
        "leverage": None,
        "take_profit": None,
        "stop_loss": Decimal("60000.123456789012345678"),
        "tag": "grid:-1",
    },
    "memory": {"version": 3, "kind": "GridMemory", "body": '{"centre":"64000"}'},
    "cause": [{"topic": "md.book", "partition": 2, "offset": 812}],
    "reason": "price crossed layer -1",
    "evidence": {"price": 64000.1},
    "actor": None,
    "decided_us": 1_790_000_000_101_000,
    "expires_us": 1_790_000_001_101_000,
    "first_received_us": 1_790_000_000_100_000,
    "published_us": 1_790_000_000_101_500,
}

_WIDE: Final = Context(prec=40)
Schema = str | list[Any] | dict[str, Any]

_LONG: Final = st.integers(-(2**63), 2**63 - 1)
_TEXT: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_MONEY: Final = st.integers(-(10**38) + 1, 10**38 - 1).map(lambda unscaled: Decimal(unscaled).scaleb(-18, _WIDE))
_PRIMITIVES: Final[dict[str, st.SearchStrategy[Any]]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "long": _LONG,
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "string": _TEXT,
    "bytes": st.binary(max_size=12),
}


def values(record: str) -> st.SearchStrategy[Any]:
    """Return a strategy of whole values of a record: Structs where it has one, plain values else."""
    plain = _Maker().make(avro_files.load(record))
    kind = events.STRUCTS.get(record)
    if kind is None:
        return plain
    return plain.map(lambda found: msgspec.convert(found, kind, builtin_types=(bytes, Decimal)))


def plain(value: object) -> Any:  # noqa: ANN401 - any record
    """Return a value as Avro libraries have it: dicts and lists."""
    return _lists(msgspec.to_builtins(value, builtin_types=(bytes, Decimal)))


def _lists(value: object) -> object:
    if isinstance(value, dict):
        return {name: _lists(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_lists(part) for part in value]
    return value


class _Maker:
    """Makes the strategy of a schema; named types are kept, because later uses give only their name."""

    def __init__(self) -> None:
        self.named: dict[str, st.SearchStrategy[Any]] = {}

    def make(self, schema: Schema) -> st.SearchStrategy[Any]:
        """Return a strategy of plain values."""
        if isinstance(schema, list):
            return st.one_of(*(self.branch(schema, part) for part in schema))
        if isinstance(schema, str):
            return self.named[schema] if schema in self.named else _PRIMITIVES[schema]
        made = self.whole(schema)
        if "name" in schema:
            self.named[schema["name"]] = made
        return made

    def whole(self, schema: dict[str, Any]) -> st.SearchStrategy[Any]:
        """Return a strategy of a type that is given whole."""
        if schema.get("logicalType") == "decimal":
            return _MONEY
        if schema["type"] == "record":
            return st.fixed_dictionaries({field["name"]: self.make(field["type"]) for field in schema["fields"]})
        if schema["type"] == "enum":
            return st.sampled_from(schema["symbols"])
        if schema["type"] == "array":
            return st.lists(self.make(schema["items"]), max_size=4)
        return st.dictionaries(_TEXT, self.make(schema["values"]), max_size=3)

    def branch(self, union: list[Any], schema: Schema) -> st.SearchStrategy[Any]:
        """Return a strategy of one branch; a record among several names itself."""
        made = self.make(schema)
        if "null" in union or not isinstance(schema, dict):
            return made
        return made.map(lambda found: {"-type": f"{avro_files.NAMESPACE}.{schema['name']}", **found})
