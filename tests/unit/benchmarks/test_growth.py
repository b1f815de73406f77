"""A long run's numbers: a rise shows as its slope, a breath has none, the warm-up does not count."""

from __future__ import annotations

import pytest

from benchmarks.growth import Growth, Sample, Soak, growth, picture, slope, table


@pytest.mark.parametrize(
    ("points", "per_h"),
    [
        ([], 0.0),
        ([(5.0, 9.0)], 0.0),
        ([(5.0, 9.0), (5.0, 11.0)], 0.0),
        ([(0.0, 10.0), (1_800.0, 15.0), (3_600.0, 20.0)], 10.0),
        ([(0.0, 10.0), (900.0, 12.0), (1_800.0, 10.0), (2_700.0, 12.0), (3_600.0, 10.0)], 0.0),
        ([(0.0, 20.0), (3_600.0, 5.0)], -15.0),
    ],
)
def test_a_slope_is_that_of_the_line_through_all_points(points: list[tuple[float, float]], per_h: float) -> None:
    assert slope(points) == pytest.approx(per_h)


def test_the_warm_up_does_not_count() -> None:
    assert growth([(0.0, 1.0), (10.0, 50.0), (20.0, 50.0), (30.0, 50.0)]) == Growth(first=50.0, last=50.0, per_h=0.0)


def sample(at_s: float, memory_mb: float) -> Sample:
    return Sample(at_s=at_s, memory_mb=memory_mb, files=8, connections=3, threads=1)


def test_the_table_names_each_process_and_queue_and_says_whether_it_balanced() -> None:
    soak = Soak(
        machine="a machine", python="3.11.7", minutes=60.0, seed=7, rate=0.5, balanced=False, orders=5,
        records=1_234, restarts=0,
        processes={"sinks": [sample(0.0, 90.0), sample(1_800.0, 100.0), sample(3_600.0, 110.0)]},
        queues={"sinks: lag": [(0.0, 900.0), (1_800.0, 10.0), (3_600.0, 10.0)]},
    )  # fmt: skip

    assert table(soak).splitlines() == [
        "Machine: a machine. Python 3.11.7.",
        "60 minutes, seed 7, rate 0.5: 1,234 trades and deltas,",
        "5 orders, 0 restarts, THE AUDIT DOES NOT BALANCE.",
        "",
        "| process | memory after warm-up | at the end | slope | files | connections | threads |",
        "|---|---|---|---|---|---|---|",
        "| sinks | 100 MB | 110 MB | +20.0 MB/h | 8 to 8 | 3 to 3 | 1 to 1 |",
        "",
        "| what waits | most | at the end | slope |",
        "|---|---|---|---|",
        "| sinks: lag | 900 | 10 | +0/h |",
    ]


def test_the_picture_has_a_line_for_each_process() -> None:
    drawn = picture({"a": [sample(0.0, 100.0), sample(60.0, 50.0)], "b": [sample(0.0, 0.0), sample(30.0, 100.0)]})
    lines = [text for text in drawn.splitlines() if text.startswith("<polyline")]
    assert [text.split('"')[1] for text in lines] == ["60.0,20.0 710.0,200.0", "60.0,380.0 385.0,20.0"]
