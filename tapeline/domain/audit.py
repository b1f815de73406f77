"""The chain of the audit: each row's hash covers the row before it, so that a change or a hole is found by anyone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

import msgspec

from tapeline.domain.account_records import Audit
from tapeline.domain.changes import Entry

GENESIS: Final = "0" * 64
"""What stands before the first row."""


def chained(entry: Entry, *, sequence: int, previous: str) -> Audit:
    """Return an entry as the row with this number, behind the row with that hash."""
    row = Audit(**msgspec.structs.asdict(entry), sequence=sequence, previous_hash=previous, hash="")
    return msgspec.structs.replace(row, hash=hash_of(row))


def hash_of(row: Audit) -> str:
    """Return the hash that a row must have, the same as the database's `write_audit` computes."""
    parts = (
        row.previous_hash, str(row.sequence), row.action, row.entity_type, row.entity_id, row.old_value, row.new_value,
        row.reason, row.trace_id, "true" if row.success else "false", row.error_message, row.context, row.actor,
        str(row.at_us),
    )  # fmt: skip
    return hashlib.sha256(",".join(map(_spelt, parts)).encode()).hexdigest()


def broken_at(rows: Iterable[Audit], previous: str = GENESIS, sequence: int = 0) -> int | None:
    """Return the number of the first row that does not follow from the one before it; None where all do."""
    for row in rows:
        sequence += 1
        if (row.sequence, row.previous_hash, row.hash) != (sequence, previous, hash_of(row)):
            return sequence
        previous = row.hash
    return None


def _spelt(part: str | None) -> str:
    return "-" if part is None else f"{len(part.encode())}:{part}"
