"""`tapeline coverage`: when a time is whole, which holes count, what is asked for, and how it is shown."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tapeline.cli.coverage import Asked, answer, asked, view
from tapeline.cli.coverage_periods import Coverage, Hole, Stream, coverages, hole, lacks
from tapeline.cli.view import Grid
from tapeline.errors import Misconfigured
from tapeline.runtime import clock

BOOK: Stream = ("bybit", "spot", "book")
TRADE: Stream = ("bybit", "spot", "trade")
FUNDING: Stream = ("bybit", "futures", "funding")


def row(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - columns of a row
    plain = {
        "venue": "bybit", "market": "spot", "channel": "book", "start_us": 20, "end_us": 30, "cause": "sequence",
        "detail": "9 follows 8", "backfilled": False, "epoch": 1, "from_id": "6", "to_id": "9",
    }  # fmt: skip
    return plain | changes


def test_a_row_of_the_ledger_is_a_hole() -> None:
    assert hole(row()) == (
        BOOK,
        Hole(
            start="1970-01-01T00:00:00.000020Z", start_us=20, end="1970-01-01T00:00:00.000030Z", end_us=30,
            cause="sequence", detail="9 follows 8", backfilled=False, epoch=1, from_id="6", to_id="9",
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("extent", "changes", "complete", "counted"),
    [
        ((10, 40), None, True, 0),
        ((10, 40), {"start_us": 5, "end_us": 9}, True, 0),
        ((10, 40), {"start_us": 41, "end_us": 50}, True, 0),
        ((10, 40), {"start_us": 40, "end_us": 50}, False, 1),
        ((10, 40), {"start_us": 20, "end_us": 20}, False, 1),
        ((10, 40), {}, False, 1),
        ((10, 40), {"backfilled": True}, True, 1),
        ((10, 40), {"end_us": None}, False, 1),
        ((10, 40), {"start_us": 5, "end_us": None}, False, 1),
        ((11, 40), None, False, 0),
        ((10, 39), None, False, 0),
    ],
)
def test_a_time_is_whole_between_records_without_a_hole_that_is_missing(
    extent: tuple[int, int],
    changes: dict[str, Any] | None,
    complete: bool,  # noqa: FBT001 - a case
    counted: int,
) -> None:
    holes = [] if changes is None else [hole(row(**changes))]
    (found,) = coverages({BOOK: extent}, holes, 10, 40)
    assert (found.complete, len(found.holes)) == (complete, counted)
    assert (found.began_us, found.ended_us) == extent


def test_channels_stand_by_venue_and_market_and_what_has_no_tape_only_where_it_has_a_hole() -> None:
    funding = hole(row(market="futures", channel="funding"))
    later, first = hole(row(channel="trade", start_us=25)), hole(row(channel="trade"))
    found = coverages({TRADE: (1, 99), BOOK: (1, 99)}, [funding, later, first], 10, 40)
    assert found == (
        Coverage(
            venue="bybit", market="spot", channel="book", complete=True, began="1970-01-01T00:00:00.000001Z",
            began_us=1, ended="1970-01-01T00:00:00.000099Z", ended_us=99, holes=(),
        ),
        Coverage(
            venue="bybit", market="spot", channel="trade", complete=False, began="1970-01-01T00:00:00.000001Z",
            began_us=1, ended="1970-01-01T00:00:00.000099Z", ended_us=99, holes=(first[1], later[1]),
        ),
        Coverage(
            venue="bybit", market="futures", channel="funding", complete=False, began=None, began_us=None,
            ended=None, ended_us=None, holes=(funding[1],),
        ),
    )  # fmt: skip
    assert coverages({}, [funding], 50, 60) == ()


@pytest.mark.parametrize(
    ("extent", "words"),
    [
        ((1, 99), ()),
        ((41, 99), ("recording began after it",)),
        ((1, 9), ("recording ended before it",)),
        (
            (11, 39),
            ("recording began at 1970-01-01T00:00:00.000011Z", "the last record is of 1970-01-01T00:00:00.000039Z"),
        ),
    ],
)
def test_what_a_tape_lacks_is_said(extent: tuple[int, int], words: tuple[str, ...]) -> None:
    (found,) = coverages({BOOK: extent}, [], 10, 40)
    assert lacks(found, 10, 40) == words


def test_times_are_read_and_a_wrong_one_is_named() -> None:
    now_us = clock.now_us()
    assert asked("btcusdt", "1970-01-01T00:00", "10m", now_us) == Asked(
        symbol="BTC/USDT", from_us=0, to_us=now_us - 600_000_000
    )
    with pytest.raises(Misconfigured, match="TO 'now' is no time: use an age like 10m"):
        asked("btcusdt", "2h", "now", now_us)
    with pytest.raises(Misconfigured, match="give the earlier time first"):
        asked("btcusdt", "10m", "2h", now_us)
    with pytest.raises(Misconfigured, match="'nothing' is no symbol"):
        asked("nothing", "2h", "1h", now_us)


def test_the_answer_and_the_tables() -> None:
    period = Asked(symbol="BTC/USDT", from_us=10, to_us=40)
    found = coverages({BOOK: (1, 39)}, [hole(row()), hole(row(start_us=32, end_us=None, epoch=2))], 10, 40)
    assert answer(period, found) == {
        "symbol": "BTC/USDT", "from": "1970-01-01T00:00:00.000010Z", "from_us": 10,
        "to": "1970-01-01T00:00:00.000040Z", "to_us": 40, "complete": False, "channels": found,
    }  # fmt: skip
    assert msgspec.json.decode(msgspec.json.encode(found))[0]["holes"][1]["end"] is None
    _, _, channels, _, holes = view(period, found)
    assert isinstance(channels, Grid)
    assert isinstance(holes, Grid)
    start = "1970-01-01 00:00:00.000"
    assert [[cell.text for cell in line] for line in channels.rows] == [
        ["bybit", "spot", "book", "not whole", start, start, "2", "0",
         "the last record is of 1970-01-01T00:00:00.000039Z"],
    ]  # fmt: skip
    assert [[cell.text for cell in line] for line in holes.rows] == [
        ["bybit", "spot", "book", start, start, "0.0 s", "sequence", "missing", "9 follows 8"],
        ["bybit", "spot", "book", start, "open", "-", "sequence", "missing", "9 follows 8"],
    ]
