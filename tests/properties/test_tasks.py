"""C-14, C-15, K5, K6: whatever people and daemons do, no pair has two owners and nothing is touched needlessly."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from producers.tasks import difference, plan
from tapeline.domain.tasks import Pair, Task
from tests.support.task_values import monitor, pair, trading

LEASE = 30
MOST = 3
DAEMONS = ("a", "b", "c")
PAIRS = tuple(pair(f"{letter}/USDT") for letter in "PQRSTU")


class Daemons(RuleBasedStateMachine):
    """Three daemons on one table whose claims are decided as the statement in the database decides them."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1
        self.rows: list[Task] = []
        self.carried: dict[str, frozenset[Pair]] = dict.fromkeys(DAEMONS, frozenset())
        self.dead: set[str] = set()

    @rule(of=st.sampled_from(PAIRS), traded=st.booleans(), priority=st.integers(0, 3), enabled=st.booleans())
    def insert(self, of: Pair, *, traded: bool, priority: int, enabled: bool) -> None:
        make = trading if traded else monitor
        self.rows.append(make(of, priority=priority, enabled=enabled))

    @precondition(lambda self: self.rows)
    @rule(data=st.data(), priority=st.integers(0, 3), enabled=st.booleans())
    def change(self, data: st.DataObject, priority: int, *, enabled: bool) -> None:
        number = data.draw(st.integers(0, len(self.rows) - 1))
        self.rows[number] = msgspec.structs.replace(self.rows[number], priority=priority, enabled=enabled)

    @rule(by=st.integers(1, LEASE))
    def pass_time(self, by: int) -> None:
        self.now += by

    @rule(name=st.sampled_from(DAEMONS))
    def die(self, name: str) -> None:
        self.dead.add(name)
        self.carried[name] = frozenset()

    @rule(name=st.sampled_from(DAEMONS))
    def live(self, name: str) -> None:
        self.dead.discard(name)

    @rule(name=st.sampled_from(DAEMONS))
    def round(self, name: str) -> None:
        if name in self.dead:
            return
        found = plan(self.rows, name, self.now, may=lambda _: True, most=MOST)
        assert not set(found.claim) & set(found.release)
        assert len(found.claim) <= MOST
        for of in found.release:
            self._lease(of, name, None)
        for of in found.claim:
            held = [one for one in self.rows if one.pair == of]
            if all(one.daemon in (None, name) or (one.until_us or 0) <= self.now for one in held):
                self._lease(of, name, self.now + LEASE)
        mine = {one.pair for one in self.rows if one.daemon == name and (one.until_us or 0) > self.now}
        assert mine == set(found.claim)
        self.carried[name] = frozenset(mine)
        self._check_choice(name, mine)

    def _check_choice(self, name: str, mine: set[Pair]) -> None:
        """What is free after a round is no more important than what was taken, or there was room for it."""
        rank = {
            one: max((row.priority for row in self.rows if row.pair == one and row.enabled), default=-1)
            for one in PAIRS
        }
        free = [
            one
            for one in PAIRS
            if rank[one] >= 0
            and all(
                row.daemon in (None, name) or (row.until_us or 0) <= self.now for row in self.rows if row.pair == one
            )
        ]
        left = [one for one in free if one not in mine]
        assert not left or len(mine) == MOST
        assert not left or max(rank[one] for one in left) <= min(rank[one] for one in mine)

    def _lease(self, of: Pair, name: str, until: int | None) -> None:
        self.rows = [
            msgspec.structs.replace(one, daemon=None if until is None else name, until_us=until)
            if one.pair == of and (until is not None or one.daemon == name)
            else one
            for one in self.rows
        ]

    @invariant()
    def no_pair_has_two_owners(self) -> None:
        for of in PAIRS:
            alive = {one.daemon for one in self.rows if one.pair == of and (one.until_us or 0) > self.now}
            assert len(alive - {None}) <= 1

    def teardown(self) -> None:
        """Whoever is alone takes over all that there is room for, once the leases of the dead have run out."""
        self.now += LEASE
        self.dead = set(DAEMONS[1:])
        self.round(DAEMONS[0])
        asked = {one.pair for one in self.rows if one.enabled}
        assert len(self.carried[DAEMONS[0]]) == min(MOST, len(asked))


TestDaemons = Daemons.TestCase

depths = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from([0, 20, 50]))


@given(depths, depths)
def test_k6_the_steps_lead_to_what_is_wanted_and_leave_the_rest_alone(
    carried: dict[str, int], desired: dict[str, int]
) -> None:
    steps = difference(carried, desired)
    after = {name: depth for name, depth in carried.items() if name not in steps.unsubscribe}
    after |= steps.resubscribe
    assert not after.keys() & steps.subscribe.keys()
    assert {**after, **steps.subscribe} == desired
    touched = {*steps.unsubscribe, *steps.resubscribe, *steps.subscribe}
    assert touched == {name for name in carried | desired if carried.get(name) != desired.get(name)}
