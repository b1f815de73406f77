"""Desired state in Postgres: its row, its audit entry and its copies for the topics change in one transaction or not.

Who changes it names the version that it has seen, or takes whatever stands.
"""

from __future__ import annotations

from typing import Final

import msgspec

from tapeline.domain.account_records import Audit, Control
from tapeline.domain.changes import Entry
from tapeline.domain.order_records import DesiredState, Scope
from tapeline.runtime.transactions import Session

EVERYTHING: Final = "all"
"""The target of scope `system`."""
THROWN_AT_EXECUTOR: Final = "the kill switch was thrown at the executor"
"""The reason by which an executor stores, for its account, a halt that reached it as a signal."""
STREAM: Final = "control"
"""The stream of the outbox with the copies."""
_READ: Final = "SELECT *, desired::text AS desired FROM desired_state"
_STORE: Final = """
INSERT INTO desired_state (scope, target, version, desired, parameters, actor, reason, at_us)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (scope, target) DO UPDATE SET
    version = excluded.version, desired = excluded.desired, parameters = excluded.parameters, actor = excluded.actor,
    reason = excluded.reason, at_us = excluded.at_us"""
_AUDIT: Final = """
SELECT w.sequence, w.action::text, w.entity_type, w.entity_id, w.old_value, w.new_value, w.reason, w.trace_id,
    w.success, w.error_message, w.context, w.actor, w.at_us, w.previous_hash, w.hash
FROM write_audit($1::jsonb) w"""
_COPY: Final = "SELECT tell_control($1, $2, $3, $4::jsonb)"


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A change of desired state; `replaces` is the version that the asker has seen, None takes whatever stands."""

    scope: Scope
    target: str
    desired: DesiredState
    parameters: str | None = None
    actor: str
    reason: str | None = None
    replaces: int | None = None


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands now; not `done` where another had changed it since the asker looked."""

    done: bool
    state: Control


async def change(session: Session, wish: Wish) -> Changed:
    """Change desired state, where its version is still the one that was seen."""
    # The lock of the audit's head puts two changes of a row that is not there yet in order.
    await session.execute("SELECT lock_audit()")
    row = await session.fetchrow(f"{_READ} WHERE scope = $1 AND target = $2", wish.scope, wish.target)
    before = None if row is None else msgspec.convert(dict(row), Control)
    if before is not None and wish.replaces not in (None, before.version):
        return Changed(done=False, state=before)
    after = changed(before, wish, await session.fetchval("SELECT now_us()"))
    await session.execute(_STORE, *msgspec.structs.astuple(after))
    mirror = Audit(**dict(await session.fetchrow(_AUDIT, _json(entry(before, after)))))
    await session.execute(_COPY, "control", after.key, "tapeline.Control", _json(after))
    await session.execute(_COPY, "audit", mirror.key, "tapeline.Audit", _json(mirror))
    return Changed(done=True, state=after)


async def read(session: Session) -> tuple[Control, ...]:
    """Return all desired state."""
    rows = await session.fetch(f"{_READ} ORDER BY scope, target")
    return tuple(msgspec.convert(dict(row), Control) for row in rows)


def changed(before: Control | None, wish: Wish, at_us: int) -> Control:
    """Return desired state after a change, in its next version."""
    return Control(
        scope=wish.scope,
        target=wish.target,
        version=1 if before is None else before.version + 1,
        desired=wish.desired,
        parameters=wish.parameters,
        actor=wish.actor,
        reason=wish.reason,
        at_us=at_us,
    )


def entry(before: Control | None, after: Control) -> Entry:
    """Return the audit's entry of a change."""
    return Entry(
        action="STATE_CHANGE",
        entity_type=after.scope,
        entity_id=after.target,
        old_value=None if before is None else _json(before),
        new_value=_json(after),
        reason=after.reason,
        actor=after.actor,
        at_us=after.at_us,
    )


def _json(value: msgspec.Struct) -> str:
    return msgspec.json.encode(value).decode()
