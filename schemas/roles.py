"""Which process may do what to each table of Postgres; the migrations grant it, and a test compares the two whole.

The owner of the tables, who migrates, may do all; no worker needs it. A table that a migration makes must be named here
for every role that may touch it, or in `NOBODY`.
"""

from __future__ import annotations

from typing import Final, Literal

from schemas.topics import Process

Role = Literal["tapeline_executor", "tapeline_sink", "tapeline_gateway", "tapeline_producer", "tapeline_reader"]
Privilege = Literal["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]

_READ: Final = frozenset[Privilege]({"SELECT"})
_ADD: Final = frozenset[Privilege]({"SELECT", "INSERT"})
_KEEP: Final = frozenset[Privilege]({"SELECT", "INSERT", "UPDATE"})
_OWN: Final = frozenset[Privilege]({"SELECT", "INSERT", "UPDATE", "DELETE"})
_PASS: Final = frozenset[Privilege]({"SELECT", "INSERT", "DELETE"})

_SEEN: Final = (
    "accounts", "intake_offsets", "intents", "orders", "positions", "trades", "slots", "memories", "portfolios",
    "pairs", "arb_trades", "blocks", "desired_state", "outbox", "funding_payments", "leverage_cache", "trade_history",
    "account_history", "sink_offsets", "audit_logs", "schema_migrations", "monitoring", "trade",
)  # fmt: skip
"""What people may look at, which is all but the audit's head and what the executor remembers for a while."""

TABLES: Final[dict[Role, dict[str, frozenset[Privilege]]]] = {
    "tapeline_executor": {
        **dict.fromkeys(
            (
                "accounts", "intake_offsets", "intents", "orders", "positions", "slots", "memories", "portfolios",
                "arb_trades", "funding_payments", "leverage_cache", "desired_state",
            ),
            _KEEP,
        ),
        "trades": _ADD,
        "blocks": _OWN,
        "outbox": _PASS,
        "idempotency_cache": _PASS,
        "pairs": _READ,
    },
    "tapeline_sink": {"sink_offsets": _KEEP, "trade_history": _ADD, "account_history": _ADD},
    "tapeline_gateway": {
        **dict.fromkeys(_SEEN, _READ),
        "desired_state": _KEEP,
        **dict.fromkeys(("pairs", "monitoring", "trade"), _OWN),
    },
    "tapeline_producer": {"monitoring": _READ, "trade": _READ},
    "tapeline_reader": dict.fromkeys(_SEEN, _READ),
}  # fmt: skip
"""What each role may do to each table; what is not here it may not."""

_LEASE: Final = frozenset({"daemon_id", "lease_until"})
COLUMNS: Final[dict[Role, dict[str, frozenset[str]]]] = {
    "tapeline_producer": {"monitoring": _LEASE, "trade": _LEASE},
}
"""Columns that a role may change though it only reads the rest of the table."""

NOBODY: Final = frozenset({"audit_head"})
"""Tables that only functions of the owner touch."""

FUNCTIONS: Final[dict[Role, frozenset[str]]] = {
    "tapeline_executor": frozenset({"write_audit", "write_audits", "lock_audit", "tell_control"}),
    "tapeline_sink": frozenset(),
    "tapeline_gateway": frozenset({"write_audit", "lock_audit", "tell_control"}),
    "tapeline_producer": frozenset(),
    "tapeline_reader": frozenset(),
}
"""Functions that act with the owner's rights, and who may call them: the only way into the audit."""

ROLES: Final[dict[Process, Role | None]] = {
    "producers": "tapeline_producer",
    "processors": None,
    "strategies": None,
    "executor": "tapeline_executor",
    "sinks": "tapeline_sink",
    "gateway": "tapeline_gateway",
    "infra": None,
    "cli": "tapeline_reader",
}
"""The role of each kind of process; None for what has nothing to do with Postgres, or owns it (`infra` migrates)."""
