"""A market from its journal: the channels that clients read, from the place of the subscription, until the halt."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from simulator.audit.compare import unheard
from simulator.audit.findings import Findings
from simulator.audit.market import Emitted, Played, Told, fold, read
from simulator.journal import AnyRecord, FaultStarted, Halted, Journal, Opened, Trade
from tapeline.errors import Misconfigured
from tests.unit.simulator.audit.run import (
    BOOK,
    OF,
    START_US,
    TRADES,
    at,
    message,
    played_run,
    served,
    subscribed,
    trade,
)

OPENED = Opened(
    at_us=at(-1), venue="bybit", market="spot", seed=1, symbols=("BTC/USDT", "ETH/USDT"), channels=(BOOK, TRADES)
)


def test_a_channel_counts_from_its_first_subscription() -> None:
    deep = msgspec.structs.replace(message(2), channel="orderbook.200")
    records: list[AnyRecord] = [
        OPENED, message(1), subscribed(1.5, "book"), served(1.5, 101), deep, message(2), trade(2),
        subscribed(2.5, "book", 2), message(3), Halted(at_us=at(4)), message(5),
    ]  # fmt: skip
    again = subscribed(2.5, "book", 2)
    assert fold(records) == Played(
        venue="bybit",
        market="spot",
        symbols=("BTC/USDT", "ETH/USDT"),
        emitted={
            "BTC/USDT": Emitted(
                instrument=OF,
                book=Told(channel=BOOK, since_us=at(1.5), before=1, records=[message(1), message(2), message(3)]),
                served=[served(1.5, 101)],
            ),
            "ETH/USDT": Emitted(instrument=msgspec.structs.replace(OF, symbol="ETH/USDT")),
        },
        events=[subscribed(1.5, "book"), again],
        faults={},
        halted_us=at(4),
    )


@pytest.mark.parametrize("other", [{"channel": ""}, {"type": "ticker"}, {"type": "top"}, {"type": "private"}])
def test_other_streams_are_not_compared(other: dict[str, str]) -> None:
    found = fold([OPENED, msgspec.structs.replace(subscribed(0, "book"), **other), message(1)])
    assert found.emitted["BTC/USDT"] == Emitted(instrument=OF)


def test_a_second_channel_of_a_kind_is_told() -> None:
    other = msgspec.structs.replace(subscribed(1, "book"), channel="orderbook.200")
    found = fold([OPENED, subscribed(0, "book"), other, other])
    assert found.trouble == (
        "bybit:spot:BTC/USDT book: clients read both orderbook.50 and orderbook.200; only orderbook.50 is compared",
    )


def test_faults_are_counted_by_name() -> None:
    names = ("gap", "cut", "gap")
    began = [FaultStarted(at_us=at(1), fault_id=number, fault=name) for number, name in enumerate(names)]
    assert fold([OPENED, *began]).faults == {"gap": 2, "cut": 1}


def test_a_journal_of_two_runs_is_refused() -> None:
    with pytest.raises(Misconfigured, match="bybit:spot holds more than one run: give each run a folder of its own"):
        fold([OPENED, OPENED])


def test_what_is_no_journal_is_refused() -> None:
    with pytest.raises(Misconfigured, match="does not begin with the opening"):
        fold([Halted(at_us=START_US)])


def test_a_file_is_read(tmp_path: Path) -> None:
    records = played_run().records
    journal = Journal(tmp_path / "bybit-spot.jsonl")
    for record in records:
        journal.write(record)
    journal.close()
    found = read(tmp_path / "bybit-spot.jsonl")
    assert found == fold(records)
    trades = found.emitted["BTC/USDT"].trade
    assert trades is not None
    assert trades.records == [one for one in records if isinstance(one, Trade)]


def test_a_market_that_nobody_reads_is_a_problem() -> None:
    """A market that is never recorded loses all it says, and no row of it is missing anywhere."""
    cases: tuple[tuple[list[AnyRecord], tuple[str, ...]], ...] = (
        ([OPENED, message(1)], ("bybit:spot: nobody has ever subscribed to a book or a trade there",)),
        ([OPENED, subscribed(0.5, "trade")], ()),
    )
    for records, problems in cases:
        findings = Findings()
        unheard(fold(records), findings)
        assert findings.problems() == problems
