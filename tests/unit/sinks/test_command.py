"""The command line of the sinks: which stores, under which names, in which groups; and the lag of all of them."""

from __future__ import annotations

import socket
from collections.abc import Mapping

import pytest

from sinks.__main__ import Wanted, asked_for, lag

HOST = socket.gethostname()


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (
            "clickhouse",
            Wanted(
                process=f"sinks-clickhouse-{HOST}", members={"clickhouse": ("sink-clickhouse", f"clickhouse-{HOST}")}
            ),
        ),
        (
            "postgres",
            Wanted(process=f"sinks-postgres-{HOST}", members={"postgres": ("sink-postgres", f"postgres-{HOST}")}),
        ),
        (
            "clickhouse postgres clickhouse",
            Wanted(
                process=f"sinks-clickhouse-postgres-{HOST}",
                members={
                    "clickhouse": ("sink-clickhouse", f"clickhouse-{HOST}"),
                    "postgres": ("sink-postgres", f"postgres-{HOST}"),
                },
            ),
        ),
        (
            "postgres --name a --group g",
            Wanted(process="sinks-a", members={"postgres": ("g", "a")}),
        ),
        (
            "postgres clickhouse --name a",
            Wanted(
                process="sinks-a",
                members={"postgres": ("sink-postgres", "a"), "clickhouse": ("sink-clickhouse", "a")},
            ),
        ),
    ],
)
def test_stores_names_and_groups(given: str, wanted: Wanted) -> None:
    assert asked_for(given.split()) == wanted


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("", "the following arguments are required: store"),
        ("mysql", "invalid choice: 'mysql'"),
        ("clickhouse postgres --group g", "--group is for one store: each has a group of its own"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        asked_for(given.split())
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


class Behind:
    """A sink that lags."""

    def __init__(self, **topics: int) -> None:
        self._topics = topics

    def lag(self) -> Mapping[str, int]:
        """Return the lag."""
        return self._topics


def test_the_lag_of_a_topic_that_two_read_is_that_of_the_slower() -> None:
    assert lag([Behind(trades=3, orders=1), Behind(orders=5, accounts=0)]) == {"trades": 3, "orders": 5, "accounts": 0}
