"""The registry on HTTP: reads a request, asks the registry, writes the answer; decides nothing itself."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import msgspec
from aiohttp import web

from infra.embedded.registry import answers
from infra.embedded.registry.answers import Answer
from infra.embedded.registry.log import Registry
from infra.embedded.registry.routes import ROUTES, BadRequest, Call, NoSuchPlace, Route
from tapeline.errors import Misconfigured

HOST: Final = "127.0.0.1"
CONTENT_TYPE: Final = "application/vnd.schemaregistry.v1+json"
RETRY_AFTER_S: Final = 1
_LARGEST_BODY: Final = 8 * 1024 * 1024
_SHUTDOWN_S: Final = 5.0
_OK: Final = 200
_AWAY: Final = 503

OnCrash = Callable[[BaseException], None]
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serve(registry: Registry, port: int, *, on_crash: OnCrash) -> AsyncIterator[str]:
    """Serve on loopback and yield the address; port 0 takes a free one.

    `on_crash` is told what no answer can be given for: the process must end then, not answer wrong.
    """
    try:
        listener = socket.create_server((HOST, port))
    except OSError as error:
        # The error's own text repeats the address.
        reason = str(error) if error.errno is None else os.strerror(error.errno)
        raise Misconfigured(
            f"port {port} of {HOST} cannot be used by the schema registry ({reason})",
            fix="set embedded.registry_port to a free port, or to 0 to take any",
        ) from error
    runner = web.AppRunner(application(registry, on_crash=on_crash), access_log=None, shutdown_timeout=_SHUTDOWN_S)
    try:
        await runner.setup()
        await web.SockSite(runner, listener).start()
        yield f"{HOST}:{listener.getsockname()[1]}"
    finally:
        await runner.cleanup()
        listener.close()


def application(registry: Registry, *, on_crash: OnCrash) -> web.Application:
    """Return the application with every route of the API."""

    @web.middleware
    async def in_json(request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Write what goes wrong as Confluent's registry does."""
        try:
            return await handler(request)
        except (web.HTTPNotFound, NoSuchPlace):
            answer = answers.no_route()
        except web.HTTPMethodNotAllowed:
            answer = answers.no_method()
        except web.HTTPRequestEntityTooLarge as error:
            answer = answers.too_large(str(error.reason))
        except BadRequest as error:
            answer = answers.bad_request(str(error))
        except Exception as error:  # noqa: BLE001 - told to the process, which ends: aiohttp would only log it
            on_crash(error)
            answer = answers.store_is_away("the registry stops, see its log")
        return _response(answer)

    app = web.Application(middlewares=[in_json], client_max_size=_LARGEST_BODY)
    app.router.add_get("/", _root)
    app.router.add_get("/schemas/types", _types)
    app.router.add_get("/health", _health(registry))
    for route in ROUTES:
        app.router.add_route(route.method, route.path, _handler(registry, route))
    return app


def _handler(registry: Registry, route: Route) -> _Handler:
    async def handle(request: web.Request) -> web.Response:
        call = Call(request.match_info, request.query, await request.read())
        return _response(await registry.answer(route.read(call)))

    return handle


def _health(registry: Registry) -> _Handler:
    async def handle(request: web.Request) -> web.Response:
        """Say whether requests can be answered; 200 only then."""
        del request
        waiting = registry.waiting_for
        body = {"ready": waiting is None, "waiting_for": waiting, "lost_races": registry.lost_races}
        return _response(Answer(body, _OK if waiting is None else _AWAY))

    return handle


async def _root(request: web.Request) -> web.Response:
    del request
    return _response(Answer({}))


async def _types(request: web.Request) -> web.Response:
    del request
    return _response(Answer(["AVRO"]))


def _response(answer: Answer) -> web.Response:
    headers = {"Retry-After": str(RETRY_AFTER_S)} if answer.status == _AWAY else None
    body = str(answer.body).encode() if answer.raw else msgspec.json.encode(answer.body)
    return web.Response(body=body, status=answer.status, content_type=CONTENT_TYPE, headers=headers)
