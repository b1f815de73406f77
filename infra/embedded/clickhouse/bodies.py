"""The body of a request: read whole, decompressed and bounded, before anything of it is run."""

from __future__ import annotations

import importlib
import sys
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Protocol, cast

from infra.embedded.clickhouse.refusal import CANNOT_DECOMPRESS, LIMIT_EXCEEDED, NOT_IMPLEMENTED, Refused

# Far above our batches (10,000 rows); a client that sends more is told to split.
MAX_BODY = 256 << 20
_STEP = 1 << 20


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Zlib:
    """zlib keeps what it could not give out yet apart; the others keep it inside, and so does this."""

    def __init__(self, window: int) -> None:
        self._inner = zlib.decompressobj(window)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


def _zstd() -> _Decoder:
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    return cast("_Decoder", importlib.import_module(name).ZstdDecompressor())


def _lz4() -> _Decoder:
    return cast("_Decoder", importlib.import_module("lz4.frame").LZ4FrameDecompressor())


# What clickhouse-connect compresses with; brotli is not among our dependencies.
_DECODERS: dict[str, Callable[[], _Decoder]] = {
    "gzip": lambda: _Zlib(16 + zlib.MAX_WBITS),
    "deflate": lambda: _Zlib(zlib.MAX_WBITS),
    "zstd": _zstd,
    "lz4": _lz4,
}


Take = Callable[[int], None]
"""Asks for room for so many more bytes; raises Refused when there is none."""


async def read(chunks: AsyncIterator[bytes], encoding: str, take: Take, *, limit: int = MAX_BODY) -> bytes:
    """Return the decompressed body; `take` is asked for room before bytes are kept.

    Raises Refused for a body that is too large, damaged, cut off, or compressed in a way that is not understood.
    """
    body = bytearray()

    def keep(piece: bytes) -> None:
        if len(body) + len(piece) > limit:
            raise Refused(LIMIT_EXCEEDED, f"the body is larger than {limit} bytes: send it in parts")
        take(len(piece))
        body.extend(piece)

    name = encoding.strip().lower()
    if name in {"", "identity"}:
        async for chunk in chunks:
            keep(chunk)
        return bytes(body)
    if name not in _DECODERS:
        raise Refused(
            NOT_IMPLEMENTED, f"Content-Encoding {name!r} is not understood: send {', '.join(_DECODERS)} or none"
        )
    unpacker = _Unpacker(name, keep)
    async for chunk in chunks:
        unpacker.feed(chunk)
    unpacker.finish()
    return bytes(body)


class _Unpacker:
    """Decompresses in bounded steps; a body may be several compressed pieces, as the stock client sends one a block."""

    def __init__(self, name: str, keep: Callable[[bytes], None]) -> None:
        self._name = name
        self._make = _DECODERS[name]
        self._decoder = self._make()
        self._keep = keep

    def feed(self, chunk: bytes) -> None:
        """Decompress what came and hand it on."""
        while chunk:
            if self._decoder.eof:
                self._decoder = self._make()
            while piece := self._step(chunk):
                self._keep(piece)
                chunk = b""
            chunk = self._decoder.unused_data or b"" if self._decoder.eof else b""

    def finish(self) -> None:
        """Refuse a body that ends in the middle."""
        if not self._decoder.eof:
            raise Refused(CANNOT_DECOMPRESS, f"the {self._name} body ends in the middle")

    def _step(self, chunk: bytes) -> bytes:
        if self._decoder.eof:
            return b""
        try:
            return self._decoder.decompress(chunk, _STEP)
        except Exception as error:
            # Each library has its own error, and all mean the same.
            raise Refused(CANNOT_DECOMPRESS, f"the body is not {self._name} ({error})") from error
