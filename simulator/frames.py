"""Messages to clients as bytes of the WebSocket protocol: encoded once, for all who get them."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from typing import Literal

Kind = Literal["book", "trade", "top", "ticker", "private"]
"""book: numbered changes and images; trade; top: best prices only; ticker: funding and the like; an account's own."""

Pack = Callable[[str], bytes]
"""Makes the bytes of a message, head included, of its text: as it is, or as a venue compresses it."""

_TEXT = 0x81
_BINARY = 0x82
_CLOSE = 0x88
_PING = 0x89
_PONG = 0x8A
_SHORT = 126
_FAST = 1
_LONG = 1 << 16


def text_message(text: str) -> bytes:
    """Return a text message; a server does not mask, so the bytes are the same for every client."""
    return _message(_TEXT, text.encode())


def binary_message(body: bytes) -> bytes:
    """Return a binary message."""
    return _message(_BINARY, body)


def gzip_message(text: str) -> bytes:
    """Return a text as a binary message that holds a gzip member."""
    return binary_message(gzip.compress(text.encode(), _FAST, mtime=0))


def zlib_message(text: str) -> bytes:
    """Return a text as a binary message that holds a zlib stream."""
    return binary_message(zlib.compress(text.encode(), _FAST))


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
    """One message of a stream; `ids` are the sequence of a book or the ids of trades, as the journal has them.

    `pack` makes bytes of its text; a message that is no text at all is a `body`.
    """

    __slots__ = ("_alone", "_combined", "body", "channel", "ids", "kind", "pack", "stream", "symbol", "text")

    def __init__(
        self,
        *,
        stream: str,
        kind: Kind,
        symbol: str,
        channel: str,
        ids: tuple[str, ...],
        text: str = "",
        body: bytes | None = None,
        pack: Pack = text_message,
    ) -> None:
        """Keep what it is; bytes are made when the first client needs them."""
        self.stream = stream
        self.kind = kind
        self.symbol = symbol
        self.channel = channel
        self.ids = ids
        self.text = text
        self.body = body
        self.pack = pack
        self._alone: bytes | None = None
        self._combined: bytes | None = None

    def payload(self, *, combined: bool) -> str:
        """Return the text, inside its envelope of stream and data for a client that asked for that."""
        return f'{{"stream":"{self.stream}","data":{self.text}}}' if combined else self.text

    def message(self, *, combined: bool) -> bytes:
        """Return the bytes for the socket."""
        if combined:
            if self._combined is None:
                self._combined = self.pack(self.payload(combined=True))
            return self._combined
        if self._alone is None:
            self._alone = self.pack(self.text) if self.body is None else binary_message(self.body)
        return self._alone

    def front(self, share: float, *, combined: bool) -> bytes:
        """Return a message that holds only so much of the front, as something broken would be."""
        if self.body is not None:
            return binary_message(self.body[: int(len(self.body) * share)])
        text = self.payload(combined=combined)
        return self.pack(text[: int(len(text) * share)])
