"""The commit rule against a naive model, in any interleaving of deliveries, acknowledgements and lost partitions."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from processors.transport.outstanding import Outstanding, Ticket


class CommitRule(RuleBasedStateMachine):
    """The model keeps everything that was delivered in this assignment and looks through all of it each time."""

    def __init__(self) -> None:
        super().__init__()
        self.real = Outstanding(max_records=50, max_bytes=5_000)
        self.model: list[tuple[Ticket, bool]] = []
        self.lost: list[tuple[Outstanding, Ticket]] = []
        self.next = 0
        self.highest = 0

    @rule(records=st.integers(1, 40), hole=st.integers(0, 5), size=st.integers(0, 4_000))
    def deliver(self, records: int, hole: int, size: int) -> None:
        self.next += hole + records
        ticket = Ticket(self.next, records=records, size=size, at_ms=self.next * 10)
        self.real.deliver(ticket)
        self.model.append((ticket, False))

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(self.model) - 1))
        before = self.committable()
        ticket, _ = self.model[place]
        self.model[place] = (ticket, True)
        assert self.real.acknowledge(ticket) == (self.committable() != before)

    @rule(back=st.integers(0, 100))
    def lose_the_partition(self, back: int) -> None:
        self.lost += [(self.real, ticket) for ticket, _ in self.model]
        self.real.close()
        self.real = Outstanding(max_records=50, max_bytes=5_000)
        self.model = []
        # It comes back at what was committed, which is never beyond what was acknowledged.
        self.next = max(0, self.next - back)

    @precondition(lambda self: self.lost)
    @rule(data=st.data())
    def acknowledge_what_was_lost(self, data: st.DataObject) -> None:
        home, ticket = data.draw(st.sampled_from(self.lost))
        assert not home.acknowledge(ticket)
        assert home.end is None

    @invariant()
    def only_the_acknowledged_prefix_is_committable(self) -> None:
        assert self.real.end == self.committable()

    @invariant()
    def what_is_in_flight_is_counted(self) -> None:
        waiting = self.waiting()
        assert len(self.real) == len(waiting)
        assert self.real.records == sum(ticket.records for ticket in waiting)
        assert self.real.size == sum(ticket.size for ticket in waiting)
        assert self.real.has_room == (not waiting or (self.real.records < 50 and self.real.size < 5_000))

    def committable(self) -> int | None:
        found = None
        for ticket, done in self.model:
            if not done:
                break
            found = ticket.end
        return found

    def waiting(self) -> list[Ticket]:
        tickets = [ticket for ticket, _ in self.model]
        first = next((place for place, (_, done) in enumerate(self.model) if not done), len(tickets))
        return tickets[first:]


def test_what_is_committable_is_the_end_of_the_acknowledged_prefix() -> None:
    run_state_machine_as_test(CommitRule)


def test_batches_are_handed_out_in_the_order_of_their_offsets() -> None:
    home = Outstanding()
    home.deliver(Ticket(10, records=1, size=1, at_ms=0))

    with pytest.raises(ValueError, match="ends at 10"):
        home.deliver(Ticket(10, records=1, size=1, at_ms=0))
