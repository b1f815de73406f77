"""The catalogue of faults: names are known or the nearest is named, and the schedule lets each fire in time."""

from __future__ import annotations

from itertools import pairwise, takewhile

import pytest

from simulator import faults
from tapeline.errors import Misconfigured

DESIGN = (
    "gap duplicate reorder cut stall stall-symbol corrupt 429 slow lost-answer refuse leg-refused partial late-fill "
    "duplicate-id ban skew kill"
)


def test_the_catalogue_has_every_fault_once() -> None:
    wanted = tuple(DESIGN.split())
    known = (faults.NAMES, faults.PUBLIC, faults.PRIVATE, faults.SIMULATED)
    assert known == (wanted, wanted[:9], wanted[9:17], wanted[:17])


def test_names_are_read_in_the_order_of_the_catalogue() -> None:
    assert faults.parse("cut, gap,gap") == ("gap", "cut")
    assert faults.parse("all") == faults.SIMULATED
    assert faults.parse("ban,refuse") == ("refuse", "ban")
    assert (faults.parse(""), faults.parse(None)) == ((), ())


@pytest.mark.parametrize(("name", "near"), [("gaps", "gap"), ("stal", "stall"), ("stall_symbol", "stall-symbol")])
def test_an_unknown_name_is_an_error_that_names_the_nearest(name: str, near: str) -> None:
    with pytest.raises(Misconfigured, match=f"there is no fault '{name}': did you mean '{near}'"):
        faults.parse(f"gap,{name}")


def test_a_fault_that_cannot_act_here_says_where_it_can() -> None:
    with pytest.raises(Misconfigured, match=r"acts on processes of the pipeline.*tapeline demo"):
        faults.parse("kill")


@pytest.mark.parametrize("seed", range(20))
def test_each_fires_in_every_30_s_and_the_silent_symbol_first(seed: int) -> None:
    planned = list(takewhile(lambda one: one[0] < 300, faults.plan(faults.SIMULATED, seed)))
    assert planned == sorted(planned)
    for name in faults.SIMULATED:
        times = [at_s for at_s, other in planned if other == name]
        assert times[0] < 30
        assert max(later - earlier for earlier, later in pairwise(times)) <= 30
    assert planned[0][1] == "stall-symbol"
    assert planned[0][0] < 3


def test_the_plan_is_the_seed_s_own() -> None:
    first = [one for one, _ in zip(faults.plan(("gap", "cut"), 3), range(6), strict=False)]
    again = [one for one, _ in zip(faults.plan(("cut", "gap"), 3), range(6), strict=False)]
    other = [one for one, _ in zip(faults.plan(("gap", "cut"), 4), range(6), strict=False)]
    assert first == again
    assert first != other


def test_no_faults_are_no_plan() -> None:
    assert list(faults.plan((), 1)) == []
