"""TLS in front of a real service that has none: ends the encryption, asks for a client certificate, passes bytes on."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator

from tests.support.authority import Authority, Identity

_SSL_REQUEST_BYTES = 8


@contextlib.asynccontextmanager
async def tls_front(
    host: str,
    port: int,
    *,
    authority: Authority,
    identity: Identity,
    asks_client: bool = False,
    postgres: bool = False,
) -> AsyncIterator[int]:
    """Listen on loopback before `host:port` and yield the port.

    `postgres` speaks its form of the handshake: the client asks for TLS in the clear, the server says S, TLS begins.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.ca_file))
    context.load_cert_chain(identity.cert, identity.key)
    context.verify_mode = ssl.CERT_REQUIRED if asks_client else ssl.CERT_NONE

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError, ssl.SSLError):
            if postgres:
                await reader.readexactly(_SSL_REQUEST_BYTES)
                writer.write(b"S")
                await writer.drain()
                await writer.start_tls(context)
            there, back = await asyncio.open_connection(host, port)
            await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=None if postgres else context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, ssl.SSLError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()
