"""The machines, every pair of state and event: tables as required, all else refused (E-09, E-10, E-11, D-05, K11)."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from tapeline.domain.machines.drawing import DRAWN, mermaid
from tapeline.domain.machines.machine import IllegalTransition, Life, Machine
from tapeline.domain.machines.order import OPEN, ORDER, way
from tapeline.domain.machines.pair import PAIR
from tapeline.domain.machines.position import POSITION

MACHINES: tuple[Machine[Any, Any], ...] = (ORDER, POSITION, PAIR)
# Which state may follow which, as K14, E-10 and K11 say it; UNKNOWN is our eighth.
FOLLOWS: dict[str, dict[str, set[str]]] = {
    "order": {
        "PENDING": {"PLACED", "PARTIALLY_FILLED", "FILLED", "REJECTED", "CANCELLED", "UNKNOWN"},
        "PLACED": {"PARTIALLY_FILLED", "FILLED", "CANCELLED", "REJECTED", "EXPIRED", "UNKNOWN"},
        "PARTIALLY_FILLED": {"PARTIALLY_FILLED", "FILLED", "CANCELLED", "EXPIRED", "UNKNOWN"},
        "UNKNOWN": {"PLACED", "PARTIALLY_FILLED", "FILLED", "CANCELLED", "REJECTED", "EXPIRED"},
        "FILLED": set(),
        "CANCELLED": set(),
        "REJECTED": set(),
        "EXPIRED": set(),
    },
    "position": {
        "OPENING": {"OPEN", "CLOSED"},
        "OPEN": {"CLOSING", "CLOSED"},
        "CLOSING": {"CLOSED", "OPEN"},
        "CLOSED": set(),
    },
    "pair": {
        "PAUSED": {"READY", "ERROR"},
        "READY": {"PAUSED", "ENTERING", "ERROR"},
        "ENTERING": {"POSITION_OPEN", "READY", "ERROR"},
        "POSITION_OPEN": {"ENTERING", "EXITING", "ERROR"},
        "EXITING": {"READY", "PAUSED", "POSITION_OPEN", "ERROR"},
        "ERROR": {"PAUSED"},
    },
}


def events_of(machine: Machine[Any, Any]) -> list[str]:
    return sorted({event for row in machine.table.values() for event in row})


PAIRS = [(machine, state, event) for machine in MACHINES for state in machine.table for event in events_of(machine)]


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_the_whole_table_is_as_required(machine: Machine[Any, Any]) -> None:
    assert {state: set(row.values()) for state, row in machine.table.items()} == FOLLOWS[machine.name]
    assert all(len(set(row.values())) == len(row) for row in machine.table.values())


@pytest.mark.parametrize(("machine", "state", "event"), PAIRS, ids=lambda part: getattr(part, "name", part))
def test_an_event_leads_where_the_table_says_or_is_refused(machine: Machine[Any, Any], state: str, event: str) -> None:
    to = machine.table[state].get(event)
    if to is None:
        assert not machine.knows(state, event)
        with pytest.raises(IllegalTransition, match=f"{machine.name} in {state} does not know {event}"):
            machine.next(state, event)
    else:
        assert (machine.next(state, event), machine.knows(state, event)) == (to, True)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_e11_a_status_is_updated_only_along_the_table(machine: Machine[Any, Any]) -> None:
    for state, target in product(machine.table, machine.table):
        life = Life(machine=machine, state=state)
        legal = target in FOLLOWS[machine.name][state]
        assert life.can_transition_to(target) == legal
        if legal:
            assert life.update_status(target, 5).current_status == target
        else:
            with pytest.raises(IllegalTransition, match=f"{machine.name} in {state} cannot become {target}"):
                life.update_status(target, 5)


def test_e11_there_are_more_than_fifteen_legal_transitions_of_an_order() -> None:
    assert sum(len(row) for row in ORDER.table.values()) == 23


def test_e11_the_history_tells_every_change() -> None:
    life = ORDER.begun().apply("placed", 1).update_status("PARTIALLY_FILLED", 2).apply("filled", 3)
    assert life.get_transition_history() == [
        {"from": "PENDING", "to": "PLACED", "timestamp": 1},
        {"from": "PLACED", "to": "PARTIALLY_FILLED", "timestamp": 2},
        {"from": "PARTIALLY_FILLED", "to": "FILLED", "timestamp": 3},
    ]
    with pytest.raises(IllegalTransition):
        life.apply("cancelled", 4)
    assert life.current_status == "FILLED"


@pytest.mark.parametrize(
    ("state", "told", "looked_up", "events"),
    [
        ("PENDING", "PLACED", False, ("placed",)),
        ("PENDING", "EXPIRED", False, ("placed", "expired")),
        ("PENDING", "UNKNOWN", False, ("lost",)),
        ("PLACED", "PENDING", False, ()),
        ("PARTIALLY_FILLED", "PLACED", False, ()),
        ("PARTIALLY_FILLED", "PARTIALLY_FILLED", False, ()),
        ("PARTIALLY_FILLED", "REJECTED", False, ("cancelled",)),
        ("FILLED", "CANCELLED", True, ()),
        ("UNKNOWN", "FILLED", False, ()),
        ("UNKNOWN", "UNKNOWN", True, ()),
        ("UNKNOWN", "FILLED", True, ("found_filled",)),
        ("UNKNOWN", "REJECTED", True, ("never_arrived",)),
    ],
)
def test_what_a_venue_tells_becomes_events(state: Any, told: Any, looked_up: bool, events: tuple[str, ...]) -> None:  # noqa: ANN401, FBT001 - columns of the table above
    assert way(state, told, looked_up=looked_up) == events


def test_every_way_is_legal_and_ends_where_the_venue_says() -> None:
    for state, told, looked_up in product(ORDER.table, ORDER.table, (False, True)):
        found = state
        for event in way(state, told, looked_up=looked_up):
            found = ORDER.next(found, event)
        # A rest that was rejected after a fill counts as cancelled.
        expected = "CANCELLED" if (state, told) == ("PARTIALLY_FILLED", "REJECTED") else told
        assert found in (state, expected)


def test_only_final_states_are_not_open() -> None:
    assert {state for state in ORDER.table if not ORDER.final(state)} == set(OPEN)


def test_a_diagram_shows_each_transition_once() -> None:
    assert mermaid(POSITION) == (
        "stateDiagram-v2\n    [*] --> OPENING\n    OPENING --> OPEN: opened\n    OPENING --> CLOSED: abandoned\n"
        "    OPEN --> CLOSING: closing\n    OPEN --> CLOSED: closed\n    CLOSING --> CLOSED: closed\n"
        "    CLOSING --> OPEN: kept\n    CLOSED --> [*]\n"
    )
    assert list(DRAWN) == ["order", "position", "pair"]
