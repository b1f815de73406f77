"""The file of outages: what was written is read again, a later line completes an earlier one."""

from __future__ import annotations

from pathlib import Path

from simulator.audit import outages
from simulator.audit.compare import Kill
from simulator.audit.outages import Outage
from tests.unit.simulator.audit.run import balanced, played_run

KILL = Outage(process="producers", action="kill", at_us=5)
PAUSE = Outage(process="sinks", action="pause", at_us=3, back_us=4)


def test_what_was_written_is_read_in_order_of_time(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "outages.jsonl"
    for outage in (KILL, PAUSE):
        outages.append(path, outage)
    assert outages.read(path) == (PAUSE, KILL)
    assert path.read_text("utf-8").splitlines()[0] == (
        '{"process":"producers","action":"kill","at_us":5,"back_us":null}'
    )


def test_a_later_line_replaces_the_earlier_one_of_the_same_process_and_time(tmp_path: Path) -> None:
    path = tmp_path / "outages.jsonl"
    back = Outage(process="producers", action="kill", at_us=5, back_us=9)
    other = Outage(process="producers", action="kill", at_us=6)
    for outage in (KILL, other, back):
        outages.append(path, outage)
    assert outages.read(path) == (back, other)


def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    assert outages.read(tmp_path / "nothing") == ()


def test_a_last_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "outages.jsonl"
    for outage in (KILL, PAUSE):
        outages.append(path, outage)
    path.write_bytes(path.read_bytes()[:-4])
    assert outages.read(path) == (KILL,)


def test_outages_are_told_among_the_faults_by_process() -> None:
    run = played_run()
    second = Outage(process="producers", action="kill", at_us=8)
    run.outages = [KILL, PAUSE, second]
    run.fault("429", 1, 2, symbol=None, kind=None, connection=None)
    kill = Kill(process="producers", at_us=5, back_s=None)
    assert run.audit() == balanced(
        faults={"429": {"bybit:spot": 1}, "kill": {"producers": 2}, "pause": {"sinks": 1}},
        kills=(kill, Kill(process="producers", at_us=8, back_s=None)),
    )


def test_a_kill_says_how_long_the_process_was_away() -> None:
    run = played_run()
    run.outages = [Outage(process="executor", action="kill", at_us=1_000_000, back_us=3_456_789)]
    kill = Kill(process="executor", at_us=1_000_000, back_s=2.457)
    assert run.audit() == balanced(faults={"kill": {"executor": 1}}, kills=(kill,))
