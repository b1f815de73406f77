"""A frame of HTX out of its gzip: whole and not too large, or an InvalidMessage; what was recorded may be out of it."""

from __future__ import annotations

import zlib
from typing import Final

from tapeline.errors import InvalidMessage

MOST: Final = 16 * 1024 * 1024
"""No frame is so long: what claims to be is not inflated further."""
_GZIP: Final = 16 + zlib.MAX_WBITS


def inflate(frame: bytes) -> bytes:
    """Return what the one gzip member of a frame holds; plain JSON is that already."""
    if frame.startswith(b"{"):
        return frame
    inflater = zlib.decompressobj(_GZIP)
    try:
        data = inflater.decompress(frame, MOST + 1)
    except zlib.error as error:
        raise InvalidMessage(f"a frame is gzip: {error} in {frame[:20].hex()}") from error
    if len(data) > MOST:
        raise InvalidMessage(f"a frame inflates to more than {MOST} bytes")
    if not inflater.eof or inflater.unused_data:
        raise InvalidMessage("a frame is one whole gzip member", value=len(frame))
    return data
