"""How Binance is convinced that a request is ours: HMAC-SHA256 in hex over exactly the characters that are sent.

REST: parameters are percent-encoded first, then signed, the signature comes last (spot REST since 2026-01-15).
WebSocket API: parameters are sorted by name and signed raw. https://github.com/binance/binance-spot-api-docs
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Final

from tapeline.venues.orders import Keys

KEY_HEADER: Final = "X-MBX-APIKEY"
_UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def signature(payload: str, secret: str) -> str:
    """Return the signature of these characters."""
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def encoded(parameters: Iterable[tuple[str, str]]) -> str:
    """Return parameters in their order as they are signed and sent."""
    return "&".join(f"{_percent(name)}={_percent(value)}" for name, value in parameters)


def signed(parameters: Iterable[tuple[str, str]], secret: str) -> str:
    """Return parameters as they are sent, with their signature."""
    payload = encoded(parameters)
    return f"{payload}&signature={signature(payload, secret)}"


def signed_socket(parameters: Mapping[str, str | int], keys: Keys) -> dict[str, str | int]:
    """Return the parameters of a WebSocket API call with key and signature."""
    all_of_them = {"apiKey": keys.key, **parameters}
    payload = "&".join(f"{name}={all_of_them[name]}" for name in sorted(all_of_them))
    return {**all_of_them, "signature": signature(payload, keys.secret)}


def _percent(text: str) -> str:
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in text.encode())
