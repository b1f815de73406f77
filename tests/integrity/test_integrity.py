"""C-02, X-05, X-21: no hole is silent and no false book is valid, on the frames of every venue's simulated face.

The shipped decoder and market feed read several symbols of each market; faults are put into two of them.
"""

from __future__ import annotations

import pytest

from simulator import places
from simulator.places import Place
from tapeline.venues import registry
from tests.integrity.injecting import KINDS, TARGETS
from tests.integrity.measuring import Measured, facts_of, measure
from tests.integrity.promises import broken_by, may_be_wrong, rule_of, ways_of
from tests.support import integrity

PLACES = places.choose(",".join(places.FACES), places.ALL)


@pytest.fixture(scope="module", params=PLACES, ids=str)
def measured(request: pytest.FixtureRequest, messages: int, seed: int) -> Measured:
    place: Place = request.param
    return measure(place, messages=messages, seed=seed)


def test_every_venue_with_hosts_of_its_own_is_measured() -> None:
    assert {str(place) for place in PLACES} == {
        f"{venue}:{market}" for venue in registry.HOSTED for market in registry.venue(venue).feeds
    }


def test_c_02_without_faults_there_is_no_alarm_and_no_wrong_book(measured: Measured, messages: int) -> None:
    clean = measured.clean
    assert clean.messages >= messages
    assert (clean.gaps, clean.wrong, clean.broken) == ([], [], 0)
    # Each book was told, and none of them in silence.
    assert {one.record.symbol for one in clean.told if one.right} == set(clean.symbols)


def test_c_02_each_fault_is_found_as_the_protocol_permits_and_its_gap_holds_the_place(measured: Measured) -> None:
    found = [words for every in measured.verdicts.values() for one in every for words in broken_by(measured.facts, one)]
    assert found == []
    assert {kind for kind, every in measured.verdicts.items() if every} == set(KINDS)


def test_c_02_no_wrong_book_is_valid_but_in_the_windows_that_are_named(measured: Measured) -> None:
    named = {kind: sum(one.wrong for one in every) for kind, every in measured.verdicts.items()}
    assert named == {kind: len(run.wrong) for kind, run in measured.runs.items()}


def test_each_corrupt_frame_is_a_dead_letter(measured: Measured) -> None:
    broken = {kind: run.broken for kind, run in measured.runs.items()}
    assert broken == dict.fromkeys(KINDS, 0) | {"corrupt": len(measured.verdicts["corrupt"])}


def test_x_05_what_befalls_a_book_touches_no_other(measured: Measured) -> None:
    untouched = measured.clean.symbols[TARGETS:]
    assert len(untouched) == 2
    clean = measured.clean.of(untouched)
    for run in measured.runs.values():
        assert run.of(untouched) == clean


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_the_page_says_of_each_market_what_is_promised(place: Place) -> None:
    (row,) = (one for one in integrity.read().rows if one.place == str(place))
    facts = facts_of(place)
    book = facts.book
    assert (row.rule, row.false_alarms, row.wrong, row.undisturbed) == (rule_of(book), 0, 0, True)
    assert row.recorded is None or row.recorded.false_alarms == 0
    assert [one.kind for one in row.faults] == list(KINDS)
    for kind, one in zip(KINDS, row.faults, strict=True):
        assert set(one.how) <= ways_of(book, kind)
        assert one.injected == sum(one.how.values()) > 0
        assert one.wrong == 0 or may_be_wrong(facts, kind)


def test_the_page_names_for_each_venue_what_no_client_can_know() -> None:
    assert set(integrity.UNKNOWABLE) == set(registry.HOSTED)
