"""Messages to clients as bytes of the WebSocket protocol: encoded once, for all who get them."""

from __future__ import annotations

from typing import Literal

Kind = Literal["book", "trade", "top", "ticker", "private"]
"""book: numbered changes and images; trade; top: best prices only; ticker: funding and the like; an account's own."""

_TEXT = 0x81
_CLOSE = 0x88
_PING = 0x89
_PONG = 0x8A
_SHORT = 126
_LONG = 1 << 16


def text_message(text: str) -> bytes:
    """Return a text message; a server does not mask, so the bytes are the same for every client."""
    return _message(_TEXT, text.encode())


def ping_message(payload: bytes) -> bytes:
    """Return a protocol ping."""
    return _message(_PING, payload)


def pong_message(payload: bytes) -> bytes:
    """Return the answer to a protocol ping."""
    return _message(_PONG, payload)


def close_message(code: int, reason: str) -> bytes:
    """Return the frame that ends a connection in order."""
    return _message(_CLOSE, code.to_bytes(2, "big") + reason.encode())


def _message(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < _SHORT:
        return bytes((opcode, size)) + payload
    if size < _LONG:
        return bytes((opcode, _SHORT)) + size.to_bytes(2, "big") + payload
    return bytes((opcode, _SHORT + 1)) + size.to_bytes(8, "big") + payload


class Frame:
    """One message of a stream; `ids` are the sequence of a book or the ids of trades, as the journal has them."""

    __slots__ = ("_alone", "_combined", "channel", "ids", "kind", "stream", "symbol", "text")

    def __init__(self, *, stream: str, kind: Kind, symbol: str, channel: str, ids: tuple[str, ...], text: str) -> None:
        """Keep what it is; bytes are made when the first client needs them."""
        self.stream = stream
        self.kind = kind
        self.symbol = symbol
        self.channel = channel
        self.ids = ids
        self.text = text
        self._alone: bytes | None = None
        self._combined: bytes | None = None

    def payload(self, *, combined: bool) -> str:
        """Return the text, inside its envelope of stream and data for a client that asked for that."""
        return f'{{"stream":"{self.stream}","data":{self.text}}}' if combined else self.text

    def message(self, *, combined: bool) -> bytes:
        """Return the bytes for the socket."""
        if combined:
            if self._combined is None:
                self._combined = text_message(self.payload(combined=True))
            return self._combined
        if self._alone is None:
            self._alone = text_message(self.text)
        return self._alone
