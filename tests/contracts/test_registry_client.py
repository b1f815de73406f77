"""Our client of any registry: what it asks, how it comes back, and the one sentence for what a person must change."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from schemas.topics import TOPICS, by_name
from tapeline.errors import Misconfigured, Unavailable, UnknownSchema
from tapeline.runtime.endpoints import RegistryEndpoint
from tapeline.runtime.registry import Registered, RegistryClient, register_all
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.tls import TlsFiles
from tests.support.authority import Authority
from tests.support.registry_process import registry_process

INT, LONG = '"int"', '"long"'


class Fake:
    """A registry that answers what it is told to, in order, the last answer for ever; it keeps what it was asked."""

    def __init__(self, answers: Iterable[tuple[int, object]]) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, str, str, object]] = []

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else None
        self.asked.append((request.method, request.raw_path, request.headers.get("Authorization", ""), body))
        status, answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        text = answer if isinstance(answer, str) else json.dumps(answer)
        return web.Response(status=status, text=text, headers={"Retry-After": "0"})


@asynccontextmanager
async def serving(*answers: tuple[int, object], tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[Fake, str]]:
    fake = Fake(answers)
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", fake.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    try:
        yield fake, f"{'http' if tls is None else 'https'}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def client(
    url: str, username: str | None = None, password: str | None = None, tls: TlsFiles | None = None
) -> RegistryClient:
    trust = tls or TlsFiles(section="registry")
    return RegistryClient(RegistryEndpoint(url=url, username=username, password=password, tls=trust), max_retries=1)


async def test_it_asks_with_the_subject_escaped_and_the_password() -> None:
    async with serving((200, {"id": 7})) as (fake, url), client(f"{url}/", username="u", password="pä") as registry:
        assert await registry.register("a/b c", INT) == 7
    told = "Basic " + base64.b64encode("u:pä".encode()).decode()
    assert fake.asked == [("POST", "/subjects/a%2Fb%20c/versions", told, {"schema": INT})]


async def test_it_comes_back_while_the_registry_is_away() -> None:
    away = {"error_code": 50001, "message": "Error in the backend data store"}
    async with serving((503, away), (200, ["b", "a"])) as (fake, url), client(url) as registry:
        assert await registry.subjects() == ("a", "b")
    assert len(fake.asked) == 2


async def test_it_gives_up_with_the_last_reason() -> None:
    async with serving((503, {"error_code": 50001, "message": "no broker"})) as (fake, url), client(url) as registry:
        with pytest.raises(Unavailable) as given_up:
            await registry.subjects()
    assert str(given_up.value) == (
        f"the schema registry did not answer in 2 tries: the schema registry at {url} is not ready (no broker)"
    )
    assert len(fake.asked) == 2


async def test_nobody_there_is_unavailable() -> None:
    async with serving((200, [])) as (_, url):
        pass
    async with client(url) as registry:
        with pytest.raises(Unavailable, match=f"the schema registry at {url} does not answer"):
            await registry.subjects()


@pytest.mark.parametrize(
    ("status", "answer", "sentence"),
    [
        (
            401,
            {"error_code": 40101, "message": "Unauthorized"},
            (
                "the schema registry at URL refused the user 'u' (Unauthorized): "
                "set registry.username and registry.password to what it knows"
            ),
        ),
        (
            409,
            {"error_code": 409, "message": "b has no default"},
            (
                "the schema of subject 's' may not follow the one that is registered (b has no default): "
                "change the schema so that both can be read, or give the topic a new name"
            ),
        ),
        (
            422,
            {"error_code": 42201, "message": "no schema"},
            "the schema registry at URL refused the schema of subject 's' (no schema): correct the schema",
        ),
        (
            404,
            "<html>not here</html>",
            (
                "URL (registry.url) does not answer as a schema registry does (status 404: <html>not here</html>): "
                "set registry.url to a Confluent-compatible schema registry"
            ),
        ),
        (
            200,
            "<html>hello</html>",
            (
                "URL (registry.url) does not answer as a schema registry does (status 200: <html>hello</html>): "
                "set registry.url to a Confluent-compatible schema registry"
            ),
        ),
    ],
)
async def test_what_a_person_must_change_is_one_sentence(status: int, answer: object, sentence: str) -> None:
    async with serving((status, answer)) as (fake, url), client(url, username="u", password="p") as registry:
        with pytest.raises(Misconfigured) as refused:
            await registry.register("s", INT)
    assert (str(refused.value), len(fake.asked)) == (sentence.replace("URL", url), 1)


async def test_an_address_that_is_none_is_named() -> None:
    async with client("nonsense") as registry:
        with pytest.raises(Misconfigured) as refused:
            await registry.subjects()
    assert str(refused.value) == "registry.url 'nonsense' is not an address: set it to http(s)://host:port"


async def test_a_certificate_is_checked_and_shown(tmp_path: Path) -> None:
    """X-13: TLS with our own authority, and a client certificate where the registry asks for one."""
    authority = Authority(tmp_path)
    server, ours = authority.issue("server"), authority.issue("client")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.ca_file))
    context.load_cert_chain(server.cert, server.key)
    context.verify_mode = ssl.CERT_REQUIRED
    trusting = TlsFiles(section="registry", ca_file=authority.ca_file, cert_file=ours.cert, key_file=ours.key)
    async with serving((200, ["s"]), tls=context) as (_, url):
        async with client(url, tls=trusting) as registry:
            assert await registry.subjects() == ("s",)
        async with client(url) as registry:
            with pytest.raises(Misconfigured, match="shows no certificate that is trusted"):
                await registry.subjects()


async def test_against_our_own_registry(tapeline_up: RunFile, tmp_path: Path) -> None:
    assert tapeline_up.addresses.kafka is not None
    with registry_process(tmp_path, tapeline_up.addresses.kafka) as process:
        await process.ready()
        async with client(process.url) as registry:
            assert await registry.latest("s") is None
            assert (await registry.register("s", LONG), await registry.register("a/b c", LONG)) == (1, 1)
            assert await registry.latest("s") == Registered(subject="s", version=1, id=1, schema=LONG)
            assert await registry.subjects() == ("a/b c", "s")
            assert await registry.schema(1) == LONG
            with pytest.raises(UnknownSchema):
                await registry.schema(9)
            assert (await registry.check("s", LONG), await registry.check("new", INT)) == ((), ())
            assert await registry.check("s", '"string"') == (
                (
                    '{errorType:"TYPE_MISMATCH", description:"the new schema cannot read what the earlier one wrote at '
                    "path '/' (reader type string not compatible with writer type long)\"}"
                ),
                "{oldSchemaVersion: 1}",
                "{compatibility: BACKWARD}",
            )
            with pytest.raises(Misconfigured, match="the schema of subject 's' may not follow"):
                await registry.register("s", '"string"')
            ids = await register_all(registry, TOPICS)
            assert set(ids) == {topic.subject for topic in TOPICS}
            assert await register_all(registry, [by_name("heartbeat")]) == {"heartbeat-value": ids["heartbeat-value"]}


async def test_the_run_file_names_the_ids_that_the_registry_has(tapeline_up: RunFile) -> None:
    async with client(str(tapeline_up.addresses.registry)) as registry:
        assert await register_all(registry, TOPICS) == tapeline_up.schema_ids
