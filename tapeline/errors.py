"""The error tree, one class per person or part that must act; anything outside it crashes the process loudly.

TapelineError
├── InvalidMessage          a record or frame breaks its contract       -> dead letter queue, the neighbour goes on
│   └── UnknownSchema       its schema id is not known here (yet)        -> learn the id from the registry, or DLQ
├── VenueRefused            the venue's definitive no                    -> the order is final
├── OutcomeUnknown          a request may or may not have worked         -> reconcile, never resend
├── Unavailable             a dependency is away                         -> back off, try again
└── Misconfigured           a person must change something               -> stop, print the problem and the fix
"""

from __future__ import annotations


class TapelineError(Exception):
    """Root of everything Tapeline raises on purpose."""


class InvalidMessage(TapelineError):
    """A record breaks its contract; it goes to the dead letter queue with this reason."""

    def __init__(self, reason: str, *, field: str | None = None, value: object = None) -> None:
        """Keep the reason, and where known the field and the value that broke the contract."""
        self.reason = reason
        self.field = field
        self.value = value
        where = "" if field is None else f" (field {field!r}, value {value!r})"
        super().__init__(f"{reason}{where}")


class UnknownSchema(InvalidMessage):
    """A record names a schema id that this process has not learned."""

    def __init__(self, schema_id: int) -> None:
        """Keep the id, so that the shell can ask the registry for it."""
        self.schema_id = schema_id
        super().__init__(f"schema id {schema_id} is not known", field="schema_id", value=schema_id)


class VenueRefused(TapelineError):
    """The venue said a definitive no."""


class OutcomeUnknown(TapelineError):
    """A request was sent and its outcome is not known; only reconciliation may settle it."""


class Unavailable(TapelineError):
    """A dependency is away; the caller backs off and tries again."""

    def __init__(self, reason: str, *, retry_after_s: float | None = None) -> None:
        """Keep the reason and, where the other side named it, the time to wait."""
        self.reason = reason
        self.retry_after_s = retry_after_s
        super().__init__(reason)


class Misconfigured(TapelineError):
    """A person must act: one sentence with the problem and the fix."""

    def __init__(self, problem: str, *, fix: str) -> None:
        """Join problem and fix into the one sentence that is printed."""
        self.problem = problem
        self.fix = fix
        super().__init__(f"{problem}: {fix}")


ERRORS: tuple[type[TapelineError], ...] = (
    InvalidMessage,
    UnknownSchema,
    VenueRefused,
    OutcomeUnknown,
    Unavailable,
    Misconfigured,
)
"""The catalogue: docs and tests read the same list."""
