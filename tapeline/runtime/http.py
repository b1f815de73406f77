"""The one HTTP client for venues' REST: a request's description in, bytes out, never faster than the limiter permits.

What an answer means is said in our errors: Unavailable where the venue is away or asks us to wait (and then nobody
asks it until that time), VenueRefused where it said no. Nothing is tried again here: the caller knows what it is worth.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final, Self

import aiohttp
from yarl import URL

from tapeline.errors import TapelineError, Unavailable, VenueRefused
from tapeline.runtime import clock, metrics
from tapeline.runtime.limiter import Limiter
from tapeline.venues.contract import Facts, Request

BUCKET: Final = "rest_market"
MOST_BYTES: Final = 64 * 1024 * 1024
"""The longest answer that is read; Binance's list of instruments has about 15 MB."""
_SHOWN: Final = 200
_TOO_MANY: Final = 429
_BANNED: Final = 418
_WAIT_S: Final = {_TOO_MANY: 60.0, _BANNED: 120.0}
"""How long these mean where no Retry-After stands beside them."""
_REFUSED: Final = 400
MOVED: Final = frozenset({301, 308})
GONE: Final = MOVED | {404, 410}
"""What an address answers that is not coming back: it has moved, or there is nothing any more."""
_SERVER_ERROR: Final = 500
_JSON: Final = {"Content-Type": "application/json"}
_CHUNK_BYTES: Final = 256 * 1024
_US_PER_S: Final = 1_000_000

Judge = Callable[[int, Mapping[str, str], bytes], TapelineError | None]
"""Says of status, headers and body what went wrong, None where nothing did: `Feed.refusal` of a venue."""


def by_status(status: int, headers: Mapping[str, str], body: bytes) -> TapelineError | None:
    """Judge an answer by its status alone, for venues that say no more."""
    if status < _REFUSED:
        return None
    said = f"HTTP {status}: {body[:_SHOWN].decode('utf-8', 'replace')}"
    if status in _WAIT_S:
        asked_s = retry_after_s(headers)
        return Unavailable(said, retry_after_s=_WAIT_S[status] if asked_s is None else asked_s)
    if status >= _SERVER_ERROR:
        return Unavailable(said, retry_after_s=retry_after_s(headers))
    return VenueRefused(said)


def _moved(status: int, headers: Mapping[str, str]) -> str:
    to = next((value for name, value in headers.items() if name.lower() == "location"), "an address it does not name")
    return f"HTTP {status}: it has moved to {to}"


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a Retry-After header, None where there is none that is a number."""
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds < math.inf else None


class HttpClient:
    """The REST side of one venue and market; `async with` it."""

    def __init__(
        self,
        host: str,
        limiter: Limiter,
        *,
        judge: Judge = by_status,
        used_header: str | None = None,
        bucket: str = BUCKET,
        timeout_s: float = 10.0,
        of: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare for one base address; a whole answer must be there within `timeout_s` of its request.

        `used_header` names the header in which the venue says what our address has spent of its budget; `of` are the
        labels under which it is measured that the venue asked us to wait.
        """
        self.limiter = limiter
        self._host = host.rstrip("/")
        self._judge = judge
        self._used_header = used_header
        self._bucket = bucket
        self._timeout_s = timeout_s
        self._of = of
        self._headers = headers
        self.gone: Callable[[str], None] | None = None
        """Hears in words of an address that is no more, beside the error."""
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def of(
        cls,
        facts: Facts,
        host: str,
        limiter: Limiter,
        judge: Judge,
        *,
        headers: Mapping[str, str] | None = None,
        gone: Callable[[str], None] | None = None,
    ) -> Self:
        """Return the client of a venue's market at this base address; `headers` are what its network asks for."""
        of = {"venue": facts.venue, "market": facts.market}
        made = cls(
            host,
            limiter,
            judge=judge,
            used_header=facts.rest.used_header,
            of=of,
            headers={**facts.headers, **(headers or {})},
        )
        made.gone = gone
        return made

    async def __aenter__(self) -> Self:
        """Open the pool of connections."""
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._timeout_s), read_bufsize=_CHUNK_BYTES, headers=self._headers
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def fetch(self, request: Request, *, max_wait_s: float | None = None) -> bytes:
        """Wait for the limiter, make the request, and return the body of a good answer; of several, a list of them.

        Raises Unavailable, also when the limiter's wait would be beyond `max_wait_s`, or VenueRefused.
        """
        if not request.more:
            return await self._fetch(request, max_wait_s)
        bodies = [await self._fetch(one, max_wait_s) for one in (request, *request.more)]
        return b"[" + b",".join(bodies) + b"]"

    async def _fetch(self, request: Request, max_wait_s: float | None) -> bytes:
        if not await self.limiter.acquire(self._bucket, request.cost, max_wait_s):
            wait_s = self.limiter.get_wait_time(self._bucket, request.cost)
            raise Unavailable(f"our own limit for {self._host} is reached", retry_after_s=wait_s)
        status, headers, body = await self._get(request)
        self._count(headers)
        if status in GONE and self.gone is not None:
            self.gone(f"{self._host}{request.path} answers HTTP {status}")
        # No venue's judge speaks of an answer that only says where to go.
        wrong = VenueRefused(_moved(status, headers)) if status in MOVED else self._judge(status, headers, body)
        if wrong is None:
            return body
        raise self._noted(wrong, headers)

    async def _get(self, request: Request) -> tuple[int, Mapping[str, str], bytes]:
        if self._session is None:
            raise Unavailable(f"the client of {self._host} is closed")
        # The target is sent as the venue's module wrote it.
        url = URL(self._host + request.target, encoded=True)
        try:
            method, kind = ("GET", None) if request.body is None else ("POST", _JSON)
            async with self._session.request(
                method, url, data=request.body, headers=kind, allow_redirects=False
            ) as answer:
                body = await self._body(answer)
                return answer.status, answer.headers, body
        except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as error:
            # A timeout is an OSError.
            told = str(error) or type(error).__name__
            raise Unavailable(f"{self._host}{request.path} does not answer ({told})") from error

    async def _body(self, answer: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
            body += chunk
            if len(body) > MOST_BYTES:
                raise Unavailable(f"{self._host} answers with more than {MOST_BYTES} bytes")
        return bytes(body)

    def _count(self, headers: Mapping[str, str]) -> None:
        used = headers.get(self._used_header, "") if self._used_header else ""
        if used.isascii() and used.isdigit():
            self.limiter.told(self._bucket, int(used))

    def _noted(self, wrong: TapelineError, headers: Mapping[str, str]) -> TapelineError:
        """Hold everybody back where the venue said how long, whichever way it said it."""
        if not isinstance(wrong, Unavailable):
            return wrong
        waits_s = [one for one in (wrong.retry_after_s, retry_after_s(headers)) if one is not None]
        if not waits_s:
            return wrong
        self.limiter.hold(self._bucket, max(waits_s))
        if self._of is not None:
            metrics.VENUE_HOLDS.bind(**self._of).inc()
            metrics.VENUE_HELD_UNTIL_S.set(clock.now_us() / _US_PER_S + max(waits_s), **self._of)
        return Unavailable(wrong.reason, retry_after_s=max(waits_s))
