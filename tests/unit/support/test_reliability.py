"""The table of what was broken: only what was measured stands there, each line with the command that makes it again."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.support import reliability
from tests.support.reliability import SCENARIOS, Row, failure, in_words, read, store, table

ROW = Row(
    scenario="postgres_paused",
    seed=3,
    for_s=61.2,
    lost=0,
    duplicate=0,
    orphan=0,
    naked_s=0.25,
    recovery_s=2.5,
    promised=SCENARIOS["postgres_paused"].promise,
    orders=1_200,
)


def line_of(name: str, text: str) -> str:
    return next(line for line in text.splitlines() if f"-k {name}'" in line)


def test_what_was_not_run_says_so() -> None:
    found = table({})
    assert [name for name in SCENARIOS if "| not run yet |" not in line_of(name, found)] == []


def test_a_measured_row_stands_with_the_command_that_makes_it_again() -> None:
    found = line_of("postgres_paused", table({ROW.scenario: ROW}))
    assert "| 3 | 61 s | 1,200 | 0 | 0 | 0 | 0.25 | 2.5 |" in found
    assert found.endswith("| `make nightly ARGS='-k postgres_paused'` |")


def test_what_was_not_counted_does_not_hold_and_shows_no_counts() -> None:
    row = Row(scenario="postgres_paused", seed=3, for_s=9, recovery_s=0, promised="", problems=1, said="it broke")
    assert row.holds is False
    assert "| 3 | 9 s | - | - | - | - | - | 0 |" in line_of("postgres_paused", table({row.scenario: row}))
    assert msgspec.structs.replace(row, problems=0).holds is False


def test_what_does_not_hold_says_so_in_its_line_and_below() -> None:
    broken = msgspec.structs.replace(ROW, problems=1, said="BTC/USDT stood on one side for 12 s")
    found = table({broken.scenario: broken})
    assert "**does not hold**" in line_of("postgres_paused", found)
    assert found.endswith("- `postgres_paused` does not hold: BTC/USDT stood on one side for 12 s\n")


def test_every_line_has_as_many_cells_as_the_first() -> None:
    lines = [line for line in table({ROW.scenario: ROW}).splitlines() if line.startswith("|")]
    assert {line.count(" | ") + 1 for line in lines if not line.startswith("|---")} == {11}


def test_a_new_row_takes_the_place_of_the_old_one_and_leaves_the_others(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    other = msgspec.structs.replace(ROW, scenario="random_kills")
    for row in (ROW, other, msgspec.structs.replace(ROW, seed=4)):
        store(row, file)
    assert read(file) == {"random_kills": other, "postgres_paused": msgspec.structs.replace(ROW, seed=4)}


def test_each_scenario_has_a_test_that_its_name_chooses() -> None:
    suite = "".join(
        file.read_text("utf-8") for file in sorted((reliability.JSON.parents[1] / "tests/nightly").glob("*.py"))
    )
    cuts = {f"cut_{client}_{service}" for client, service, _ in reliability.CUTS}
    assert [name for name in SCENARIOS if name not in cuts and name not in suite] == []


def test_a_failure_says_what_was_promised_what_was_seen_and_where_it_stays() -> None:
    one = SCENARIOS["postgres_paused"]
    assert failure(one, 4, ["2 lost", "1 orphan"], Path("kept")) == (
        f"postgres_paused with seed 4 does not hold.\nPromised: {one.promise}.\nSeen:\n- 2 lost\n- 1 orphan\n"
        "Data and logs: kept\nAgain: make nightly ARGS='-k postgres_paused --nightly-seed 4'"
    )


def test_an_error_without_words_is_told_by_where_it_came_from() -> None:
    def fail() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError) as caught:
        fail()
    told = in_words(caught.value)
    assert told.startswith("TimeoutError: raised in fail, tests/unit/support/test_reliability.py line ")
    assert in_words(ValueError("it broke")) == "ValueError: it broke"
