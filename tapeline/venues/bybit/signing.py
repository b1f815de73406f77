"""How Bybit is convinced that a request is ours: HMAC-SHA256 in hex over time, key, window and what is sent.

What is sent is the query string of a GET and the body of a POST, byte for byte.
https://bybit-exchange.github.io/docs/v5/guide
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from tapeline.venues.orders import Keys

JSON: Final = "application/json"


def signature(payload: bytes, secret: str) -> str:
    """Return the signature of these bytes."""
    return hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest()


def headers(sent: bytes, keys: Keys, *, at_ms: int, window_ms: int) -> dict[str, str]:
    """Return the headers that sign a query string or a body."""
    payload = f"{at_ms}{keys.key}{window_ms}".encode() + sent
    return {
        "X-BAPI-API-KEY": keys.key,
        "X-BAPI-TIMESTAMP": str(at_ms),
        "X-BAPI-RECV-WINDOW": str(window_ms),
        "X-BAPI-SIGN": signature(payload, keys.secret),
    }


def login(keys: Keys, *, expires_ms: int) -> tuple[str, int, str]:
    """Return what the login of a socket carries: key, time of expiry, signature."""
    return keys.key, expires_ms, signature(f"GET/realtime{expires_ms}".encode(), keys.secret)
