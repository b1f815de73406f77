"""DESIGN 5, under load: what is missing without a record, by the numbers that a reader knows."""

from __future__ import annotations

import pytest

from producers.spans import span_of
from tapeline.domain.events import DeltaBatch, DeltaKind


@pytest.mark.parametrize(
    ("kind", "follows", "missing"),
    [("change", 7, ("7", "9")), ("change", None, ("8", "9")), ("snapshot", None, ("9", "9"))],
)
def test_a_change_that_is_shed_is_missing(kind: DeltaKind, follows: int | None, missing: tuple[str, str]) -> None:
    span = span_of(
        DeltaBatch(
            venue="bingx",
            market="spot",
            symbol="BTC/USDT",
            epoch=1,
            kind=kind,
            follows=follows,
            first=None if kind == "snapshot" else 9,
            sequence=9,
            bid_prices=(),
            bid_quantities=(),
            ask_prices=(),
            ask_quantities=(),
            received_us=5,
            published_us=6,
        )
    )
    assert span is not None
    assert (span.from_id, span.to_id, span.start_us, span.end_us) == (*missing, 5, 5)
