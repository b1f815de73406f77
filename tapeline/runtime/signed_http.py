"""The HTTP client of signed requests: each goes out once, byte for byte, and it is told whether it may have arrived.

Unavailable says that nothing was sent; OutcomeUnknown that it may have been, and that no whole answer came. What an
answer means is not judged here, and nothing is tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

import aiohttp
import msgspec
from yarl import URL

from tapeline.errors import OutcomeUnknown, Unavailable
from tapeline.venues.orders import SignedRequest

MOST_BYTES: Final = 8 * 1024 * 1024
"""The longest answer that is read: a thousand fills have about half a megabyte."""
CONNECT_WITHIN_S: Final = 5.0
_CHUNK_BYTES: Final = 64 * 1024
_UNSENT: Final = (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError)


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer, whatever it says."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class SignedClient:
    """The private REST side of one venue and market; `async with` it."""

    def __init__(self, host: str, *, answer_within_s: float) -> None:
        """Prepare for one base address; a whole answer must be there within `answer_within_s` of its request."""
        self._host = host.rstrip("/")
        self._answer_within_s = answer_within_s
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the pool of connections."""
        connect_s = min(CONNECT_WITHIN_S, self._answer_within_s / 2)
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._answer_within_s, sock_connect=connect_s)
        )
        # Left to itself the library sends a GET, PUT or DELETE again on a connection that broke: a cancel that was
        # done would come back as an order that is not there.
        self._session._retry_connection = False  # noqa: SLF001 - there is no public way to say it
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def send(self, request: SignedRequest) -> Reply:
        """Send a request and return the answer; raise Unavailable when it did not go out, else OutcomeUnknown."""
        if self._session is None:
            raise Unavailable(f"the client of {self._host} is closed")
        # The target is sent as it was signed. The library's words may repeat it, so only the kind of an error is told.
        url = URL(self._host + request.target, encoded=True)
        where = f"{request.method} {self._host}{request.path}"
        try:
            async with self._session.request(
                request.method,
                url,
                data=request.body or None,
                headers=request.headers,
                skip_auto_headers=("Content-Type",),
                allow_redirects=False,
            ) as answer:
                return Reply(status=answer.status, headers=answer.headers, body=await _body(answer))
        except _UNSENT as error:
            raise Unavailable(f"{where} was not sent: no connection ({type(error).__name__})") from None
        except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as error:
            # A timeout is an OSError.
            raise OutcomeUnknown(f"{where} was sent and not answered ({type(error).__name__})") from None


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
        body += chunk
        if len(body) > MOST_BYTES:
            raise OutcomeUnknown(f"{answer.method} {answer.url.path} is answered with more than {MOST_BYTES} bytes")
    return bytes(body)
