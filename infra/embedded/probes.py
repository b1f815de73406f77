"""Asks a service whether it works by the first words of its own protocol: bytes in, verdict out, no client library."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable

from infra.embedded import metadata
from tapeline.errors import Unavailable

ANSWERS_WITHIN_S = 2.0

Probe = Callable[[], Awaitable[None]]
"""Returns when the service works; raises Unavailable, OSError or TimeoutError when it does not (yet)."""

_POSTGRES_PROTOCOL = 3 << 16
_LENGTH = struct.Struct(">i")
_MOST_BYTES = 1 << 20
_HTTP_OK = b"200"


def kafka(host: str, port: int, node_id: int) -> Probe:
    """Return a probe that asks a broker for the cluster's metadata: it must be registered and not fenced itself."""

    async def ask() -> None:
        if node_id not in metadata.decode(await metadata_of(host, port, every_topic=False)).brokers:
            raise Unavailable("it is not in service yet")

    return ask


def postgres(host: str, port: int, user: str, database: str) -> Probe:
    """Return a probe that begins to log in: a server that asks for the password takes connections."""

    async def ask() -> None:
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(startup_message(user, database))
                kind = await reader.readexactly(1)
                length = _LENGTH.unpack(await reader.readexactly(4))[0]
                body = await reader.readexactly(max(0, min(length - 4, _MOST_BYTES)))
            except asyncio.IncompleteReadError as error:
                raise Unavailable("it closed the connection") from error
            finally:
                writer.close()
        if kind != b"R":
            raise Unavailable(refusal(body))

    return ask


async def metadata_of(host: str, port: int, *, every_topic: bool) -> bytes:
    """Ask a broker for the cluster's metadata, with all topics or with none."""
    return await _talk(host, port, metadata.request(every_topic=every_topic))


def http(host: str, port: int, path: str) -> Probe:
    """Return a probe that wants status 200 for a GET."""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode()

    async def ask() -> None:
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(request)
                status = await reader.readline()
            finally:
                writer.close()
        if status.split(b" ")[1:2] != [_HTTP_OK]:
            raise Unavailable(f"it answered {status.decode('latin-1').strip()!r}")

    return ask


def startup_message(user: str, database: str) -> bytes:
    """Return the first message of a Postgres connection."""
    body = b"".join(part.encode() + b"\0" for part in ("user", user, "database", database)) + b"\0"
    return struct.pack(">ii", len(body) + 8, _POSTGRES_PROTOCOL) + body


def refusal(body: bytes) -> str:
    """Return the sentence in a Postgres error message."""
    fields = {part[:1]: part[1:].decode("utf-8", "replace") for part in body.split(b"\0") if part}
    return fields.get(b"M", "it answered something else than expected")


async def _talk(host: str, port: int, request: bytes) -> bytes:
    """Send one message with its length before it and return the answer without its length."""
    async with asyncio.timeout(ANSWERS_WITHIN_S):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(_LENGTH.pack(len(request)) + request)
            length = _LENGTH.unpack(await reader.readexactly(4))[0]
            if not _LENGTH.size <= length <= _MOST_BYTES:
                raise Unavailable(f"it answered {length} bytes")
            return await reader.readexactly(length)
        except asyncio.IncompleteReadError as error:
            raise Unavailable("it closed the connection") from error
        finally:
            writer.close()
