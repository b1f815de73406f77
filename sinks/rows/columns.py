"""Python values as Arrow columns of the types that the tables have; built whole, never row by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import accumulate, chain
from typing import Any, Final

import pyarrow as pa

TEXT: Final = pa.string()
LONG: Final = pa.int64()
DOUBLE: Final = pa.float64()
MONEY: Final = pa.decimal128(38, 18)
TIME: Final = pa.timestamp("us", tz="UTC")
EXACT: Final = pa.map_(pa.string(), pa.string())


def texts(values: Iterable[str | None]) -> Any:  # noqa: ANN401 - Arrow ships no types
    """Return text."""
    return pa.array(list(values), TEXT)


def longs(values: Iterable[int | None]) -> Any:  # noqa: ANN401 - as above
    """Return whole numbers."""
    return pa.array(list(values), LONG)


def doubles(values: Iterable[float | None]) -> Any:  # noqa: ANN401 - as above
    """Return market numbers."""
    return pa.array(list(values), DOUBLE)


def moneys(values: Iterable[Decimal | None]) -> Any:  # noqa: ANN401 - as above
    """Return exact amounts of money."""
    return pa.array(list(values), MONEY)


def times(values: Iterable[int | None]) -> Any:  # noqa: ANN401 - as above
    """Return times from microseconds UTC."""
    return pa.array(list(values), TIME)


def flags(values: Iterable[bool | None]) -> Any:  # noqa: ANN401 - as above
    """Return yes or no."""
    return pa.array(list(values), pa.bool_())


def counts(values: Iterable[int]) -> Any:  # noqa: ANN401 - as above
    """Return numbers from 0 on."""
    return pa.array(list(values), pa.uint32())


def codes(values: Iterable[str], known: Mapping[str, int]) -> Any:  # noqa: ANN401 - as above
    """Return the numbers of an Enum8."""
    return pa.array([known[value] for value in values], pa.int8())


def exacts(values: Sequence[Mapping[str, str] | None]) -> Any:  # noqa: ANN401 - as above
    """Return the numbers that no double holds; mostly there are none."""
    return pa.array([[] if value is None else list(value.items()) for value in values], EXACT)


def levels(prices: Sequence[Sequence[float]], quantities: Sequence[Sequence[float]]) -> Any:  # noqa: ANN401 - as above
    """Return one side of many books as Array(Tuple(price, amount))."""
    ends = pa.array(list(accumulate((len(one) for one in prices), initial=0)), pa.int32())
    flat = [doubles(chain.from_iterable(side)) for side in (prices, quantities)]
    return pa.ListArray.from_arrays(ends, pa.StructArray.from_arrays(flat, ["price", "amount"]))
