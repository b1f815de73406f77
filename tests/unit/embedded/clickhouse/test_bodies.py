"""A body is whole, decompressed and bounded, or refused with the reason."""

from __future__ import annotations

import gzip
import importlib
import sys
import zlib
from collections.abc import AsyncIterator, Callable

import pytest

from infra.embedded.clickhouse import bodies
from infra.embedded.clickhouse.refusal import Refused

ZSTD = importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
LZ4 = importlib.import_module("lz4.frame")
PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": ZSTD.compress,
    "lz4": LZ4.compress,
}
PACKED = [name for name in PACK if name not in {"", "identity"}]
TEXT = bytes(range(256)) * 9_000


async def pieces(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def read(data: bytes, encoding: str, *, size: int = 1_000, limit: int = bodies.MAX_BODY) -> bytes:
    taken: list[int] = []
    body = await bodies.read(pieces(data, size), encoding, taken.append, limit=limit)
    assert sum(taken) == len(body)
    return body


@pytest.mark.parametrize("encoding", PACK)
@pytest.mark.parametrize("size", [1, 1_000, 10**9])
async def test_a_body_comes_back_whatever_the_sizes_of_its_pieces(encoding: str, size: int) -> None:
    text = TEXT if size > 1 else TEXT[:3_000]
    assert await read(PACK[encoding](text), encoding.upper(), size=size) == text


@pytest.mark.parametrize("encoding", PACKED)
@pytest.mark.parametrize("size", [1, 7, 10**9])
async def test_several_compressed_pieces_make_one_body(encoding: str, size: int) -> None:
    packed = b"".join(PACK[encoding](part) for part in (b"one", b"", b"two"))
    assert await read(packed, encoding, size=size) == b"onetwo"


@pytest.mark.parametrize("encoding", PACKED)
async def test_a_body_that_was_cut_off_is_refused(encoding: str) -> None:
    with pytest.raises(Refused) as caught:
        await read(PACK[encoding](TEXT)[:-5], encoding)
    assert caught.value.code == 271


@pytest.mark.parametrize("encoding", PACKED)
async def test_a_body_that_is_not_what_it_says_is_refused(encoding: str) -> None:
    with pytest.raises(Refused) as caught:
        await read(b"plain text" * 10, encoding)
    assert caught.value.code == 271


@pytest.mark.parametrize("encoding", PACK)
async def test_a_small_body_that_grows_too_large_is_refused(encoding: str) -> None:
    with pytest.raises(Refused) as caught:
        await read(PACK[encoding](bytes(3 << 20)), encoding, limit=2 << 20)
    assert (caught.value.code, caught.value.status) == (290, 413)


async def test_room_is_asked_for_before_bytes_are_kept() -> None:
    asked: list[int] = []

    def take(count: int) -> None:
        asked.append(count)
        if sum(asked) > 2_500:
            raise Refused((202, "TOO_MANY_SIMULTANEOUS_QUERIES"), "full")

    with pytest.raises(Refused) as caught:
        await bodies.read(pieces(TEXT, 1_000), "", take)
    assert (caught.value.code, caught.value.status, asked) == (202, 503, [1_000] * 3)


async def test_an_unknown_encoding_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(Refused, match="send gzip, deflate, zstd, lz4 or none") as caught:
        await read(b"x", "br")
    assert caught.value.code == 48
