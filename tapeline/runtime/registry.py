"""The client of any schema registry with Confluent's REST API: tries again while it is away, says what to fix."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, NamedTuple, Self, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec

from schemas import avro_files
from schemas.topics import TOPICS, Topic
from tapeline.errors import Misconfigured, Unavailable, UnknownSchema
from tapeline.runtime import logs, retry, tls
from tapeline.runtime.endpoints import Endpoints, RegistryEndpoint
from tapeline.runtime.log_events import LogEvent

MAX_RETRIES: Final = 5
TIMEOUT_S: Final = 10.0
_FIRST_RETRY_S: Final = 0.25
_CONTENT_TYPE: Final = "application/vnd.schemaregistry.v1+json"
_AWAY: Final = frozenset({408, 429, 500, 502, 503, 504})
_LONGEST_EXCERPT: Final = 200

Body = TypeVar("Body")


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a subject, as the registry has it."""

    subject: str
    version: int
    id: int
    schema: str


class _Id(msgspec.Struct, frozen=True):
    id: int


class _Schema(msgspec.Struct, frozen=True):
    schema: str


class _Verdict(msgspec.Struct, frozen=True):
    is_compatible: bool
    messages: tuple[str, ...] | None = None


class _Refusal(msgspec.Struct, frozen=True):
    error_code: int = 0
    message: str = ""


class _Answer(NamedTuple):
    status: int
    body: bytes
    retry_after: str | None

    @property
    def ok(self) -> bool:
        return self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def refusal(self) -> _Refusal:
        try:
            return msgspec.json.decode(self.body, type=_Refusal)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return _Refusal(self.status, self.body.decode("utf-8", "replace")[:_LONGEST_EXCERPT])

    @property
    def reason(self) -> str:
        return self.refusal.message or f"status {self.status}"


class RegistryClient:
    """Asks one registry; use it as `async with RegistryClient(endpoint) as client`.

    Every method raises Unavailable when the registry stays away for `max_retries` tries (None: for ever), and
    Misconfigured when a person must act: who may not in, an address that is no registry, a schema that it refuses.
    """

    def __init__(
        self, endpoint: RegistryEndpoint, *, max_retries: int | None = MAX_RETRIES, timeout_s: float = TIMEOUT_S
    ) -> None:
        """Prepare; nothing is opened before `async with`. `timeout_s` bounds one try."""
        self._endpoint = endpoint
        self._base = endpoint.url.rstrip("/")
        self._max_retries = max_retries
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the pool of connections."""
        known = self._endpoint
        secure = self._base.startswith("https:")
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=tls.context(known.tls) if secure else True),
            headers={"Accept": _CONTENT_TYPE, **_authorization(known)},
            timeout=aiohttp.ClientTimeout(total=self._timeout_s),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the pool."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def register(self, subject: str, schema_text: str) -> int:
        """Register a schema under a subject and return its id; the id that it has when it stands there already."""
        answer = await self._ask("POST", f"/subjects/{_quoted(subject)}/versions", {"schema": schema_text})
        if answer.status == HTTPStatus.CONFLICT:
            raise Misconfigured(
                f"the schema of subject {subject!r} may not follow the one that is registered ({answer.reason})",
                fix="change the schema so that both can be read, or give the topic a new name",
            )
        return self._value(answer, _Id, subject).id

    async def schema(self, schema_id: int) -> str:
        """Return the text of the schema with this id; raise UnknownSchema when there is none."""
        answer = await self._ask("GET", f"/schemas/ids/{schema_id}")
        if answer.status == HTTPStatus.NOT_FOUND and answer.refusal.error_code != HTTPStatus.NOT_FOUND:
            raise UnknownSchema(schema_id)
        return self._value(answer, _Schema).schema

    async def latest(self, subject: str) -> Registered | None:
        """Return the newest version of a subject, or None when it has none."""
        answer = await self._ask("GET", f"/subjects/{_quoted(subject)}/versions/latest")
        if answer.status == HTTPStatus.NOT_FOUND and answer.refusal.error_code != HTTPStatus.NOT_FOUND:
            return None
        return self._value(answer, Registered, subject)

    async def subjects(self) -> tuple[str, ...]:
        """Return the names of all subjects, sorted."""
        found = self._value(await self._ask("GET", "/subjects"), tuple[str, ...])
        return tuple(sorted(found))

    async def check(self, subject: str, schema_text: str) -> tuple[str, ...]:
        """Return why a schema may not be registered under a subject; nothing when it may."""
        path = f"/compatibility/subjects/{_quoted(subject)}/versions/latest?verbose=true"
        answer = await self._ask("POST", path, {"schema": schema_text})
        if answer.status == HTTPStatus.NOT_FOUND and answer.refusal.error_code != HTTPStatus.NOT_FOUND:
            return ()
        verdict = self._value(answer, _Verdict, subject)
        return () if verdict.is_compatible else verdict.messages or ("the registry does not say why",)

    async def _ask(self, method: str, path: str, body: object = None) -> _Answer:
        """Send a request until the registry answers it; all of ours may be sent twice."""

        async def attempt() -> _Answer:
            answer = await self._send(method, path, body)
            if answer.status in _AWAY:
                raise Unavailable(
                    f"the schema registry at {self._base} is not ready ({answer.reason})",
                    retry_after_s=_seconds(answer.retry_after),
                )
            return answer

        return await retry.reach("the schema registry", attempt, self._max_retries, first_s=_FIRST_RETRY_S)

    async def _send(self, method: str, path: str, body: object) -> _Answer:
        if self._session is None:
            raise Unavailable("the client of the schema registry is closed")
        data = None if body is None else msgspec.json.encode(body)
        headers = {} if body is None else {"Content-Type": _CONTENT_TYPE}
        try:
            async with self._session.request(method, self._base + path, data=data, headers=headers) as response:
                return _Answer(response.status, await response.read(), response.headers.get("Retry-After"))
        except (aiohttp.ClientSSLError, ssl.SSLError) as error:
            raise Misconfigured(
                f"the schema registry at {self._base} (registry.url) shows no certificate that is trusted ({error})",
                fix="set registry.ca_file to the authority that signed it, registry.cert_file if it wants to know us",
            ) from error
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            raise Misconfigured(
                f"registry.url {self._base!r} is not an address", fix="set it to http(s)://host:port"
            ) from error
        except TimeoutError as error:
            raise Unavailable(
                f"the schema registry at {self._base} does not answer within {self._timeout_s:g} s"
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"the schema registry at {self._base} does not answer ({error})") from error

    def _value(self, answer: _Answer, kind: type[Body], subject: str | None = None) -> Body:
        """Return what a good answer holds; say who must do what after any other."""
        if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise Misconfigured(
                f"the schema registry at {self._base} refused the user {self._endpoint.username!r} ({answer.reason})",
                fix="set registry.username and registry.password to what it knows",
            )
        if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY and subject is not None:
            raise Misconfigured(
                f"the schema registry at {self._base} refused the schema of subject {subject!r} ({answer.reason})",
                fix="correct the schema",
            )
        if answer.ok:
            try:
                return msgspec.json.decode(answer.body, type=kind)
            except (msgspec.DecodeError, UnicodeDecodeError):
                pass
        raise Misconfigured(
            f"{self._base} (registry.url) does not answer as a schema registry does "
            f"(status {answer.status}: {answer.reason})",
            fix="set registry.url to a Confluent-compatible schema registry",
        )


async def register_all(client: RegistryClient, topics: Iterable[Topic]) -> dict[str, int]:
    """Register the schema of each topic under its subject, all at once, and return the ids by subject.

    Waits for all of them; then the first failure, in the order of `topics`, is raised.
    """
    wanted = tuple(topics)
    asked = (client.register(topic.subject, avro_files.text(topic.record)) for topic in wanted)
    found: list[Any] = await asyncio.gather(*asked, return_exceptions=True)
    ids: dict[str, int] = {}
    for topic, result in zip(wanted, found, strict=True):
        if isinstance(result, BaseException):
            raise result
        ids[topic.subject] = result
        logs.get(__name__).info(LogEvent.SCHEMA_REGISTERED, subject=topic.subject, schema_id=result)
    return ids


async def ids_for(found: Endpoints, client: RegistryClient) -> Mapping[str, int]:
    """Return the schema ids by subject: the run file has them where Tapeline runs here, else the registry is asked."""
    known = {} if found.run is None else found.run.schema_ids
    return known or await register_all(client, TOPICS)


def _authorization(known: RegistryEndpoint) -> dict[str, str]:
    if known.username is None:
        return {}
    told = base64.b64encode(f"{known.username}:{known.password or ''}".encode()).decode()
    return {"Authorization": f"Basic {told}"}


def _quoted(subject: str) -> str:
    return quote(subject, safe="")


def _seconds(retry_after: str | None) -> float | None:
    """Return a Retry-After in seconds; a date in it is ignored."""
    return float(retry_after) if retry_after is not None and retry_after.isdigit() else None
