"""The web application without a server: its document, its answers while it starts, who may in."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.websockets import WebSocket

from gateway import access, app, reference
from gateway.desk import Desk
from gateway.hub import Hub
from gateway.routes import status
from gateway.state import Books, State
from tapeline.errors import Misconfigured
from tapeline.runtime.endpoints import Endpoints
from tapeline.runtime.health import Health
from tapeline.runtime.runfile import Addresses, ProcessRecord, RunFile, Secrets
from tapeline.runtime.settings import load
from tests.unit.gateway.samples import NOW_US, Json

TOKEN = "a-token-of-the-test"


def desk() -> Desk:
    state = State()
    return Desk(health=Health("gateway"), state=state, hub=Hub(state), token=TOKEN)


async def asked(of: Desk, path: str, token: str = TOKEN) -> tuple[int, dict[str, str], Any]:
    """Ask the application itself; return status, headers and JSON."""
    status, headers, body = await fetched(of, path, token)
    return status, headers, json.loads(body)


async def fetched(of: Desk, path: str, token: str = "") -> tuple[int, dict[str, str], bytes]:
    """Ask the application itself; return status, headers and body."""
    sent: list[Json] = []
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": [(b"authorization", f"bearer {token}".encode())], "http_version": "1.1", "scheme": "http",
        "server": ("127.0.0.1", 1), "client": ("127.0.0.1", 2), "root_path": "",
    }  # fmt: skip

    async def receive() -> Json:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:  # noqa: ANN401 - an ASGI message
        sent.append(message)

    await app.build(of)(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:])


def references(part: Any) -> set[str]:  # noqa: ANN401 - JSON
    """Return every `$ref` of a document."""
    if isinstance(part, dict):
        own = {part["$ref"]} if "$ref" in part else set()
        return own.union(*(references(value) for value in part.values()))
    return set().union(*(references(value) for value in part)) if isinstance(part, list) else set()


def test_d_26_the_document_is_whole() -> None:
    document = json.loads(json.dumps(app.build(desk()).openapi()))
    schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) <= schemas
    answers = {path: methods["get"]["responses"] for path, methods in document["paths"].items()}
    assert {path: sorted(found) for path, found in answers.items()} == {
        "/health": ["200", "503"],
        "/version": ["200"],
        "/status": ["200"],
        "/orderbook/{exchange}/{pair}": ["200", "404", "422", "503"],
        "/spreads/{pair}": ["200", "404", "422", "503"],
    }
    named = {
        path: found["200"]["content"]["application/json"]["schema"].get("$ref", "").rpartition("/")[2]
        for path, found in answers.items()
    }
    assert named == {
        "/health": "HealthView",
        "/version": "VersionView",
        "/status": "StatusView",
        "/orderbook/{exchange}/{pair}": "BookView",
        "/spreads/{pair}": "",
    }


async def test_d_26_the_page_about_the_routes_names_each_and_fetches_nothing_from_elsewhere() -> None:
    code, headers, body = await fetched(desk(), "/docs")
    page = body.decode()
    assert (code, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert re.findall(r"<code>GET ([^<]+)</code>", page) == list(app.build(desk()).openapi()["paths"])
    assert re.findall(r"(?:src|href|action|url|import)\W+[\w./:]+", page) == ['href="openapi.json']
    assert "//" not in page
    assert "<script" not in page
    assert "<li><code>depth</code> in the query, integer, 1 to 1000, default 20</li>" in page
    assert "<li><code>200</code> Successful Response: a list of SpreadView</li>" in page


async def test_no_other_page_about_the_routes_is_served() -> None:
    assert [(await fetched(desk(), path))[0] for path in ("/redoc", "/docs/oauth2-redirect")] == [404, 404]


def test_what_a_document_says_is_shown_as_it_is() -> None:
    document = {
        "info": {"title": "<t>", "version": "1", "description": "a & b"},
        "paths": {"/x": {"get": {"description": "<script>", "responses": {"200": {"description": "<b>"}}}}},
    }
    page = reference.page(document)
    assert "&lt;script&gt; (open to all)" in page
    assert not re.search(r"<t>|<script|<b>", page)


async def test_health_says_what_is_waited_for() -> None:
    of = desk()
    of.health.waiting("Kafka", "no answer")
    code, _, found = await asked(of, "/health", "")
    assert (code, found["state"], found["waiting_for"]) == (503, "waiting", {"Kafka": "no answer"})
    of.health.ready("Kafka")
    of.health.running()
    code, _, found = await asked(of, "/health", "")
    assert (code, found["state"], list(found)) == (
        200,
        "ready",
        ["service", "state", "started_us", "uptime_s", "waiting_for", "parts"],
    )


async def test_b_05_version_is_that_of_the_package() -> None:
    code, _, found = await asked(desk(), "/version", "")
    assert (code, list(found)) == (200, ["version", "python_version", "timestamp"])
    assert found["version"] == "0.1.0"
    assert found["timestamp"].endswith("Z")


async def test_while_the_topics_are_not_read_nothing_is_called_unknown() -> None:
    of = desk()
    for path in ("/orderbook/bybit/BTC-USDT", "/spreads/BTC-USDT"):
        code, headers, found = await asked(of, path)
        assert (code, headers["retry-after"]) == (503, "1")
        assert found == {"detail": "the topics are not read yet: try again"}
    of.hub.open()
    assert (await asked(of, "/spreads/BTC-USDT"))[0] == 404


async def test_x_08_without_the_token_a_request_is_told_how_to_show_it() -> None:
    for wrong in ("", "x", TOKEN[:-1], TOKEN + "x", "ä"):
        code, headers, found = await asked(desk(), "/status", wrong)
        assert (code, headers["www-authenticate"]) == (401, "Bearer")
        assert found == {"detail": "show the token: Authorization: Bearer <token>"}


@pytest.mark.parametrize(
    ("header", "query", "may"),
    [
        ("Bearer " + TOKEN, "", True),
        ("bearer  " + TOKEN, "", True),
        ("", "token=" + TOKEN, True),
        ("Basic " + TOKEN, "token=" + TOKEN, True),
        ("Bearer x", "token=" + TOKEN, False),
        ("Basic " + TOKEN, "", False),
        ("", "token=", False),
        ("", "", False),
    ],
)
def test_a_06_a_websocket_shows_the_token_in_its_header_or_its_url(header: str, query: str, *, may: bool) -> None:
    async def nothing(*_: object) -> Any:  # noqa: ANN401 - never called
        raise AssertionError

    headers = [(b"authorization", header.encode())] if header else []
    scope = {"type": "websocket", "headers": headers, "query_string": query.encode(), "path": "/ws"}
    assert access.shows(WebSocket(scope, nothing, nothing), TOKEN) == may


def test_the_token_of_the_settings_wins_over_that_of_the_run_file(tmp_path: Path) -> None:
    plain = load(tmp_path, environ={})
    own = plain.model_copy(update={"server": plain.server.model_copy(update={"token": SecretStr("own")})})
    run = RunFile(
        version="0.1.0", data_dir="d", log_dir="l", started_us=1, addresses=Addresses(),
        supervisor=ProcessRecord(name="supervisor", state="running"),
        secrets=Secrets(postgres_password="p", clickhouse_password="c", gateway_token="run"),
    )  # fmt: skip
    assert [access.token(one, Endpoints(run=run)) for one in (own, plain)] == ["own", "run"]
    with pytest.raises(Misconfigured, match=r"there is no token that clients must show: set server\.token or run"):
        access.token(plain, Endpoints())


@pytest.mark.parametrize(("seconds", "told"), [(0, "0h 0m"), (59.9, "0h 0m"), (9_000, "2h 30m"), (90_061, "25h 1m")])
def test_b_04_uptime_is_told_in_hours_and_minutes(seconds: float, told: str) -> None:
    assert status.uptime(seconds) == told


def test_b_04_status_tells_the_stop_and_the_reason_of_waiting() -> None:
    of = desk()
    of.health.waiting("Kafka", "no answer")
    of.health.stopping()
    of.stopped_us = NOW_US
    found = status.view(of, NOW_US)
    assert (found.running, found.shutdown_time, found.error) == (
        False,
        "2026-09-21T14:13:21.000000Z",
        "Kafka: no answer",
    )
    assert (found.processes, found.books) == ((), Books(valid=0, stale=0, newest_age_s=None))
