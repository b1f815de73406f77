"""ClickHouse's HTTP interface over the engine: authenticate, read, run in a lane, answer as ClickHouse answers.

The shell only: the statement is read by `statement`, the parameters by `request`, the body by `bodies`, and run by
`engine`. A session keeps nothing: it only runs one statement at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import msgspec
from aiohttp import web

from infra.embedded.clickhouse import bodies, measures, request, statement
from infra.embedded.clickhouse.admission import Lane, Memory, Sessions
from infra.embedded.clickhouse.engine import STREAMED, Answer, Engine, Job, Stream
from infra.embedded.clickhouse.refusal import NOT_IMPLEMENTED, EngineRefused, Refused
from infra.embedded.clickhouse.request import Login, Options
from tapeline.errors import Misconfigured
from tapeline.runtime import clock, entropy

# An answer up to this size is sent whole, with its figures and an honest status; a larger one is streamed.
_WHOLE_BYTES = 1 << 20
# A reader that takes nothing for so long is gone.
_STALLED_S = 60.0
_ALL_BODIES = 2 * bodies.MAX_BODY


@dataclass(slots=True)
class Front:
    """The handlers, and what they share."""

    engine: Engine
    login: Login
    quick: Lane = field(default_factory=lambda: Lane("quick", running=4, waiting=64))
    long: Lane = field(default_factory=lambda: Lane("long", running=8, waiting=64))
    sessions: Sessions = field(default_factory=Sessions)
    memory: Memory = field(default_factory=lambda: Memory(_ALL_BODIES))

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        app = web.Application(client_max_size=bodies.MAX_BODY)
        for path in ("/ping", "/replicas_status"):
            app.router.add_get(path, _alive)
        app.router.add_get("/", self.get)
        app.router.add_post("/", self.post)
        return app

    def close(self) -> None:
        """Let what runs end; the engine is closed by who made it."""
        self.quick.close()
        self.long.close()

    async def get(self, asked: web.Request) -> web.StreamResponse:
        """Answer a GET: it may only read."""
        if not asked.query.get("query", "").strip():
            return await _alive(asked)
        return await self._answer(asked, reads_only=True)

    async def post(self, asked: web.Request) -> web.StreamResponse:
        """Answer a POST."""
        return await self._answer(asked, reads_only=False)

    async def _answer(self, asked: web.Request, *, reads_only: bool) -> web.StreamResponse:
        query_id = asked.query.get("query_id") or entropy.new_id()
        try:
            if self.login.check(asked.query, asked.headers) == "anonymous":
                return _refused(request.refused_login("default"), query_id, status=401)
            with self.memory.share() as take:
                params, body = await _said(asked, take)
                options = request.options(params, asked.headers)
                read, data = statement.read(params.get("query", "").encode(), body)
                job = Job(
                    statement=read,
                    data=data,
                    default_format=options.default_format,
                    database=options.database,
                    settings=options.settings,
                    parameters=options.parameters,
                    reads_only=reads_only,
                )
                del body, data
                with self.sessions.turn(options.session):
                    return await self._run(asked, job, options, query_id)
        except Refused as refused:
            return _refused(refused, query_id)

    async def _run(self, asked: web.Request, job: Job, options: Options, query_id: str) -> web.StreamResponse:
        lane = self.long if job.statement.kind in {"select", "copy"} else self.quick
        began_s = clock.monotonic_s()
        async with lane.place():
            measures.QUEUE.set(lane.admitted, lane=lane.name)
            try:
                if job.statement.kind == "select" and job.format in STREAMED and not options.whole:
                    return await self._streamed(asked, lane, job, query_id)
                answer = await lane.call(lambda: self.engine.run(job))
            finally:
                measures.QUEUE.set(lane.admitted - 1, lane=lane.name)
                measures.SECONDS.observe(clock.monotonic_s() - began_s, kind=job.statement.kind)
        return _whole(job, answer, query_id, clock.monotonic_s() - began_s)

    async def _streamed(self, asked: web.Request, lane: Lane, job: Job, query_id: str) -> web.StreamResponse:
        """Send a small answer whole, a large one in chunks as the engine makes them."""
        began_s = clock.monotonic_s()
        stream = await lane.call(lambda: self.engine.stream(job))
        try:
            head = bytearray()
            while (chunk := await lane.call(stream.fetch)) is not None:
                head += chunk
                if len(head) > _WHOLE_BYTES:
                    return await _sent(asked, lane, job, stream, bytes(head), query_id)
            answer = Answer(body=bytes(head), result_rows=stream.rows)
            return _whole(job, answer, query_id, clock.monotonic_s() - began_s)
        finally:
            await asyncio.shield(lane.call(stream.close))


async def _alive(asked: web.Request) -> web.Response:
    del asked
    return web.Response(text="Ok.\n")


async def _said(asked: web.Request, take: bodies.Take) -> tuple[Mapping[str, str], bytes]:
    """Return the parameters and the body; the stock client sends long parameters as fields of a form."""
    if asked.content_type == "multipart/form-data":
        fields = await asked.post()
        texts = {name: value for name, value in fields.items() if isinstance(value, str)}
        if len(texts) < len(fields):
            raise Refused(NOT_IMPLEMENTED, "external tables are not taken: create a table and insert the rows")
        return {**asked.query, **texts}, b""
    encoding = asked.headers.get("Content-Encoding", "")
    return asked.query, await bodies.read(asked.content.iter_any(), encoding, take)


async def _sent(
    asked: web.Request, lane: Lane, job: Job, stream: Stream, head: bytes, query_id: str
) -> web.StreamResponse:
    """Stream the answer; an error on the way is written behind the rows as ClickHouse does, under the tag it named."""
    tag = entropy.new_id()[:16]
    response = web.StreamResponse(headers={**_headers(job, query_id), "X-ClickHouse-Exception-Tag": tag})
    await response.prepare(asked)
    chunk: bytes | None = head
    try:
        while chunk is not None:
            async with asyncio.timeout(_STALLED_S):
                await response.write(chunk)
            chunk = await lane.call(stream.fetch)
    except EngineRefused as refused:
        measures.ERRORS.inc(code=str(refused.code))
        await response.write(_exception_block(tag, str(refused)))
    measures.QUERIES.inc(kind=job.statement.kind)
    measures.ROWS.inc(stream.rows, direction="read")
    await response.write_eof()
    return response


def _exception_block(tag: str, text: str) -> bytes:
    message = f"{text}\n".encode()
    return b"\r\n".join(
        (
            b"",
            b"__exception__",
            tag.encode(),
            message + f"{len(message)} {tag}".encode(),
            b"__exception__",
            b"",
        )
    )


def _whole(job: Job, answer: Answer, query_id: str, took_s: float) -> web.Response:
    measures.QUERIES.inc(kind=job.statement.kind)
    measures.ROWS.inc(answer.written_rows, direction="written")
    measures.ROWS.inc(answer.result_rows, direction="read")
    figures = {
        "read_rows": answer.read_rows,
        "read_bytes": answer.read_bytes,
        "written_rows": answer.written_rows,
        "written_bytes": answer.written_bytes,
        "result_rows": answer.result_rows,
        "result_bytes": len(answer.body),
        "elapsed_ns": int(took_s * 1e9),
    }
    # Numbers travel as text, as in ClickHouse; what is not known is not said.
    summary = msgspec.json.encode({name: str(value) for name, value in figures.items() if value is not None}).decode()
    return web.Response(body=answer.body, headers={**_headers(job, query_id), "X-ClickHouse-Summary": summary})


def _headers(job: Job, query_id: str) -> dict[str, str]:
    headers = {
        "Content-Type": "text/plain; charset=UTF-8" if job.format.startswith("T") else "application/octet-stream",
        "X-ClickHouse-Query-Id": query_id,
        "X-ClickHouse-Timezone": job.settings.get("session_timezone") or "UTC",
    }
    # Where it is missing the stock client takes the summary for the answer.
    return {**headers, "X-ClickHouse-Format": job.format} if job.statement.answers else headers


def _refused(refused: Refused, query_id: str, *, status: int | None = None) -> web.Response:
    measures.ERRORS.inc(code=str(refused.code))
    headers = {"X-ClickHouse-Exception-Code": str(refused.code), "X-ClickHouse-Query-Id": query_id}
    if status is not None:
        headers["WWW-Authenticate"] = 'Basic realm="ClickHouse"'
    return web.Response(status=status or refused.status, text=f"{refused}\n", headers=headers)


@contextlib.asynccontextmanager
async def serving(front: Front, host: str, port: int, *, drain_s: float) -> AsyncIterator[None]:
    """Serve the front while the block runs; at its end what runs is answered, within `drain_s`.

    Raises Misconfigured when the port is taken.
    """
    # Bodies are decompressed by `bodies`, which knows more of them and has a bound.
    runner = web.AppRunner(front.application(), access_log=None, auto_decompress=False, shutdown_timeout=drain_s)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise Misconfigured(
                f"port {port} for ClickHouse cannot be used ({error.strerror or error})",
                fix="set embedded.clickhouse_port to a free one, or to 0 to take any",
            ) from error
        yield
    finally:
        await runner.cleanup()
