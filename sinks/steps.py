"""The named moments of a batch's way, at which a test may stop a real process; nothing happens there otherwise.

In the ClickHouse sink a range is recorded, inserted and committed. In the Postgres sink the insert is a transaction:
before it begins, before it ends, and before and after the group's commit that follows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from sinks.batching import Range
    from tapeline.runtime.kafka import Partition

Step = Literal["before_record", "after_record", "before_insert", "after_insert", "before_commit", "after_commit"]


class Steps(Protocol):
    """Is told of each moment; the composition root decides who listens."""

    async def at(self, step: Step, partition: Partition, wanted: Range | None) -> None:
        """Return when the batch may go on."""


class NoSteps:
    """Lets every batch go on."""

    async def at(self, step: Step, partition: Partition, wanted: Range | None) -> None:
        """Return at once."""
