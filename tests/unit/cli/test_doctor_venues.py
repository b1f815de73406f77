"""`tapeline doctor --venues`: a line for each market that a probe reached, its state, and what to do."""

from __future__ import annotations

import msgspec
import pytest

from tapeline.cli.checks import Checked
from tapeline.cli.doctor_venues import among, checked
from tapeline.cli.venues_facts import Difference, VenueRow, told
from tapeline.cli.venues_probe import judged
from tapeline.venues import registry
from tapeline.venues.drift import FIXES

REACHED = msgspec.structs.replace(
    told(registry.venue("bybit"), "futures"), network="main", address="https://api.bybit.com", symbol="BTC/USDT"
)
CLOSING = msgspec.structs.replace(told(registry.venue("coinex"), "spot"), network="main", error="no connection")
DRIFT = Difference(channel="book", kind="unknown", field="x", said="nobody knows x", fix=FIXES["unknown"])


def row(of: VenueRow = REACHED, **changed: object) -> VenueRow:
    """Return a row of a probe."""
    parts = {
        name: msgspec.structs.replace(getattr(of, name), **value) if isinstance(value, dict) else value
        for name, value in changed.items()
    }
    return judged(msgspec.structs.replace(of, **parts))


def test_what_works_says_what_came() -> None:
    found = row(instruments={"count": 5}, trades={"received": 3}, book={"checked": 20})
    detail = "main: BTC/USDT works: 5 instruments, 3 trades, 20 changes"
    assert checked(found) == Checked(name="bybit futures", state="ok", detail=detail)


@pytest.mark.parametrize(
    ("found", "state", "detail", "fix"),
    [
        (row(drift=(DRIFT,)), "fail", "book frames differ: nobody knows x", FIXES["unknown"]),
        (
            row(instruments={"error": "HTTP 410"}),
            "fail",
            "instruments: HTTP 410",
            "try https://api.bybit.com from this machine; if it is away for others too, look for an announcement",
        ),
        (
            row(error="no connection to wss://x"),
            "fail",
            "no connection to wss://x",
            "try the address of the socket from this machine; a proxy may not let it through, or it has moved",
        ),
        (
            row(book={"error": "no change of it came"}),
            "fail",
            "book: no change of it came",
            "look at it for longer: `tapeline venues --probe --venue bybit --market futures --within 60`",
        ),
        (judged(CLOSING), "warn", "no connection", "the venue is closing: take it out of monitor.venues"),
        (
            msgspec.structs.replace(REACHED, error="no simulator of it runs"),
            "warn",
            "not probed: no simulator of it runs",
            "start or name what it needs",
        ),
    ],
)
def test_each_no_says_what_and_what_to_do(found: VenueRow, state: str, detail: str, fix: str) -> None:
    one = checked(found)
    assert (one.state, one.detail, one.fix) == (state, detail, fix)


def test_without_a_name_those_are_probed_that_settings_record() -> None:
    assert among(" bybit, okx,bybit") == ("bybit", "okx")
    assert among("all") == registry.HOSTED
    assert among("") == registry.HOSTED
