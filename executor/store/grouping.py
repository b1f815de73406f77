"""Several transactions as one: each is decided on what those before it make of the account, all are written at once.

So whatever waits for the same row waits once. All of a group is written or nothing of it; what only the rows know, and
what one write cannot tell apart, waits for its own turn.
"""

from __future__ import annotations

from typing import Final

import msgspec

from executor.store.remembered import Remembered
from executor.store.steps import Task
from tapeline.domain.changes import Changes, Place, apart, joined

MOST: Final = 32
"""Tasks of one write: the account's row is held for no longer than these take."""


class Group:
    """Tasks that are written together."""

    def __init__(self, known: Remembered, now_us: int) -> None:
        """Begin with what is remembered, at a time of our clock."""
        self.before = known.state
        self.changes = Changes()
        self.places: dict[int, Place] = {}
        self._known = known
        self._now_us = now_us
        self._tasks = 0
        self._made: set[str] = set()
        """What is made here may be over already, and then nothing remembers that it was."""

    @property
    def writes(self) -> bool:
        """Tell whether there is anything to write."""
        return bool(self.places) or self.changes != Changes()

    def add(self, tasks: tuple[Task, ...]) -> int:
        """Decide tasks in their order, until one has to wait; return how many were decided."""
        for number, task in enumerate(tasks):
            try:
                if not self._add(task):
                    return number
            except Exception:
                if number == 0:
                    raise
                # It is told when it comes first: those before it have nothing to do with it.
                return number
        return len(tasks)

    def after(self, behind_us: int) -> Remembered:
        """Return what is remembered when all is written; `behind_us` is how far our clock is behind the database's."""
        version = self.before.version + (self.changes != Changes())
        state = msgspec.structs.replace(self._known.state, version=version)
        return msgspec.structs.replace(self._known, state=state, behind_us=behind_us)

    def _add(self, task: Task) -> bool:
        if self._tasks >= MOST or not self._known.covers(task.wanted, task.place):
            return False
        if not self._made.isdisjoint(task.wanted.made):
            return False
        expected = None if task.place is None else self._known.offsets[task.place.partition]
        changes = task.work(self._known.at(self._now_us, task.wanted), expected)
        if changes is not None and apart(self.changes, changes):
            return False
        self._tasks += 1
        self._made.update(task.wanted.made)
        if changes is None:
            return True
        self.changes = joined(self.changes, changes)
        if task.place is not None:
            self.places[task.place.partition] = task.place
        known = self._known.after(changes, task.place)
        # The account's version rises once for all of them.
        state = msgspec.structs.replace(known.state, version=self.before.version)
        self._known = msgspec.structs.replace(known, state=state)
        return True
