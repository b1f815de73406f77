"""One call to a venue as the tests tell it: what it becomes on the wire, what comes back, what that means."""

from __future__ import annotations

from dataclasses import dataclass

from tapeline.venues.calls import Call
from tapeline.venues.orders import Keys, SignedRequest

KEYS = Keys(key="test-key", secret="test-secret")
AT_US = 1_700_000_000_000_789
EXPIRES_IN_MS = 5_000
DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A call, its request at `AT_US` under `KEYS`, a documented answer and its meaning."""

    name: str
    call: Call[object]
    request: SignedRequest
    status: int = 200
    body: bytes
    answer: object


def changed(frame: bytes, *pairs: tuple[bytes, bytes]) -> bytes:
    """Return a frame in which each old part, there once, is replaced by its new one."""
    for old, new in pairs:
        assert frame.count(old) == 1, old
        frame = frame.replace(old, new)
    return frame
