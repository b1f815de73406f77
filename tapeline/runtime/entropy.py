"""The one owner of randomness: ids, secrets and the jitter of retries."""

from __future__ import annotations

import secrets
import uuid

_TOKEN_BYTES = 32
_LEAST_SHARE = 0.75
_STEPS = 1_000_000


def new_id() -> str:
    """Return a new unique id of 32 hex digits: a uuid4, which is also a valid trace id."""
    return uuid.uuid4().hex


def token() -> str:
    """Return a new secret of 32 random bytes in URL-safe text."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def jitter(delay_s: float) -> float:
    """Return between three quarters and all of `delay_s`, so that many clients do not come back at the same moment."""
    return delay_s * (_LEAST_SHARE + (1 - _LEAST_SHARE) * secrets.randbelow(_STEPS + 1) / _STEPS)
