"""The whole pipeline on a broker and a registry that let nobody in without a user of his own, over TLS."""

from __future__ import annotations

import base64
import contextlib
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import asyncpg
import pytest

from infra.embedded import jars
from infra.embedded.ports import Ports
from schemas.acls import PROCESSES, bindings, user_of
from schemas.roles import ROLES
from tapeline.runtime import endpoints, runfile
from tapeline.runtime.kafka import Reader
from tapeline.runtime.settings import load
from tests.journeys.command import Tapeline
from tests.support.authority import Authority
from tests.support.eventually import eventually
from tests.support.guarded_kafka import PASSWORD, USER, Guarded, guarded_kafka
from tests.support.running import left_over

WORKERS = ("producers", "processors", "strategies", "executor", "sinks", "gateway")
REGISTRY_LOGIN = ("reg-user", "reg-pass-of-the-test")
WITHIN_S = 90.0
TOML = """\
[kafka]
bootstrap = "{bootstrap}"
security_protocol = "SASL_SSL"
ca_file = "{ca}"
cert_file = "{cert}"
key_file = "{key}"
partitions = 2
[registry]
url = "{registry}"
username = "{user}"
ca_file = "{registry_ca}"
[embedded]
pipeline = true
[server]
port = 0
[venues]
network = "simulated"
[simulation]
symbols = 3
[monitor]
symbols = "all"
[[strategies.run]]
name = "two"
strategy = "two-leg"
symbols = ["BTC/USDT"]
"""


def password_of(process: str) -> str:
    return f"of-the-{process}-here"


class Front(BaseHTTPRequestHandler):
    """Passes on to the registry what shows the right user and password; each refusal is counted."""

    behind: str
    refused: list[str]

    def _pass_on(self) -> None:
        told = base64.b64encode(":".join(REGISTRY_LOGIN).encode()).decode()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
        if self.headers.get("Authorization") != f"Basic {told}":
            self.refused.append(self.path)
            self._answer(401, b'{"error_code": 40101, "message": "Unauthorized"}')
            return
        kept = {name: self.headers[name] for name in ("Content-Type", "Accept") if self.headers[name]}
        asked = Request(self.behind + self.path, data=body, headers=kept, method=self.command)  # noqa: S310 - our own address
        try:
            with urlopen(asked, timeout=10) as answer:  # noqa: S310 - our own address
                self._answer(answer.status, answer.read())
        except HTTPError as error:
            with error:
                self._answer(error.code, error.read())

    do_GET = do_POST = _pass_on  # noqa: N815 - the names that the server calls

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - the library's own
        """Say nothing."""


@contextlib.contextmanager
def https_front(behind: str, authority: Authority) -> Iterator[tuple[str, list[str]]]:
    """Put TLS and a password before a registry; yield its address and the paths that were refused."""
    refused: list[str] = []
    handler = type("Handler", (Front,), {"behind": behind, "refused": refused})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    identity = authority.issue("registry")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(identity.cert, identity.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}", refused
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def registry_of(tapeline: Tapeline) -> Iterator[str]:
    """Run our registry as its own user on the guarded broker, as the settings of its place say."""
    with Ports() as ports:
        port = ports.take(0, "the test")
        environ = tapeline.environment | {"TAPELINE_REGISTRY__URL": ""}
        with (tapeline.root / "registry.out").open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "infra.embedded.registry", "--port", str(port)],
                cwd=tapeline.root, env=environ, stdout=said, stderr=said,
            )  # fmt: skip
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            assert process.wait(20) == 0


class Guard:
    """What a test looks at."""

    def __init__(self, tapeline: Tapeline, broker: Guarded, refused: list[str]) -> None:
        self.tapeline, self.broker, self.refused = tapeline, broker, refused


@pytest.fixture(scope="module")
def guard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    """Rules and users made by the command, then everything started by `tapeline up`, each process as its own user."""
    root = tmp_path_factory.mktemp("guarded-journey")
    cache = load(root).data.cache_dir
    assert cache is not None
    if jars.missing(jars.load_lock(), cache):
        subprocess.run([sys.executable, "-m", "infra.embedded.jars", "fetch", str(cache)], check=True, env=os.environ)
    tapeline, authority = Tapeline(root), Authority(root)
    with contextlib.ExitStack() as stack:
        files = root / "broker"
        files.mkdir()
        broker = stack.enter_context(guarded_kafka(files, cache))
        write_settings(root, broker, authority, "https://127.0.0.1:9")
        first = tapeline.run("topics", "acls", "--apply", "--json")
        assert first.code == 0, first
        front, refused = stack.enter_context(https_front(stack.enter_context(registry_of(tapeline)), authority))
        write_settings(root, broker, authority, front)
        try:
            answer = tapeline.run("up", "--json", within_s=120)
            assert answer.code == 0, (answer, (root / "logs").is_dir() and sorted((root / "logs").iterdir()))
            yield Guard(tapeline, broker, refused)
        finally:
            tapeline.run("down", "--json")
            assert left_over(tapeline.settings) == []


def write_settings(root: Path, broker: Guarded, authority: Authority, registry: str) -> None:
    files = broker.both.tls
    text = TOML.format(
        bootstrap=broker.both.bootstrap, ca=files.ca_file, cert=files.cert_file, key=files.key_file,
        registry=registry, user=REGISTRY_LOGIN[0], registry_ca=authority.ca_file,
    )  # fmt: skip
    (root / "tapeline.toml").write_text(text, "utf-8")
    shared = f"TAPELINE_REGISTRY__PASSWORD={REGISTRY_LOGIN[1]}\n"
    write_login(root / ".env", user_of("cli"), password_of("cli"), shared)
    for service in ("supervisor", "registry"):
        write_login(root / f".env.{service}", user_of("infra"), password_of("infra"))
    for process in WORKERS:
        write_login(root / f".env.{process}", f"tapeline-{process}", password_of(process))
    users = "".join(f"TAPELINE_USERS__{process.upper()}_PASSWORD={password_of(process)}\n" for process in PROCESSES)
    write_login(root / ".env.admin", USER, PASSWORD, users)


def write_login(file: Path, user: str, password: str, more: str = "") -> None:
    file.write_text(f"TAPELINE_KAFKA__USERNAME={user}\nTAPELINE_KAFKA__PASSWORD={password}\n{more}", "utf-8")


async def test_every_process_works_and_what_a_strategy_wants_becomes_events(guard: Guard) -> None:
    known = endpoints.resolve(guard.tapeline.settings)
    async with Reader.assigned(guard.broker.both, {"order.event": "beginning"}, client_id="test") as reader:
        found = await eventually(reader.batches, within_s=WITHIN_S)
    assert sum(map(len, found.values())) > 0
    run = known.run
    assert run is not None
    started = {name for name, one in run.processes.items() if one.state == "running" and one.restarts == 0}
    assert started >= set(WORKERS)
    assert guard.refused == []


async def test_rows_of_the_tape_and_of_orders_arrive_in_both_stores(guard: Guard) -> None:
    known = endpoints.resolve(guard.tapeline.settings)
    run = runfile.read(guard.tapeline.settings.data.dir)
    assert run is not None

    async def stored() -> bool:
        connection = await asyncpg.connect(
            host=known.postgres.host, port=known.postgres.port, user=known.postgres.user,
            password=known.postgres.password, database=known.postgres.name,
        )  # fmt: skip
        try:
            return bool(await connection.fetchval("SELECT count(*) FROM account_history"))
        finally:
            await connection.close()

    await eventually(stored, within_s=WITHIN_S)


async def test_each_worker_is_in_postgres_as_itself(guard: Guard) -> None:
    known = endpoints.resolve(guard.tapeline.settings)
    connection = await asyncpg.connect(
        host=known.postgres.host, port=known.postgres.port, user=known.postgres.user,
        password=known.postgres.password, database=known.postgres.name,
    )  # fmt: skip
    try:
        there = await connection.fetch(
            "SELECT DISTINCT usename::text AS name FROM pg_stat_activity WHERE usename IS NOT NULL"
        )
        members = await connection.fetch(
            "SELECT m.rolname AS login, r.rolname AS role FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member"
            " JOIN pg_roles r ON r.oid = a.roleid WHERE m.rolname LIKE 'tapeline\\_up\\_%'"
        )
    finally:
        await connection.close()
    assert {row["name"] for row in there} == {known.postgres.user, "tapeline_up_executor", "tapeline_up_sinks"}
    assert {row["login"]: row["role"] for row in members} == {
        f"tapeline_up_{process}": role for process, role in ROLES.items() if role is not None and process in WORKERS
    }


def test_the_rules_are_right_and_a_second_time_changes_nothing(guard: Guard) -> None:
    expected = {
        "applied": True,
        "add": [],
        "remove": [],
        "same": len(bindings()),
        "users": [{"process": one, "name": user_of(one), "state": "as settings say"} for one in PROCESSES],
    }
    assert guard.tapeline.json("topics", "acls", "--apply") == expected
    assert guard.tapeline.json("topics", "acls") == expected | {"applied": False}


def test_a_person_reads_what_the_catalogue_lets_people_read(guard: Guard) -> None:
    shown = guard.tapeline.run("topics", "tail", "md.book", "-n", "1", "--json")
    assert (shown.code, shown.stderr) == (0, "")
    code, error, _ = guard.tapeline.run("topics", "tail", "order.intent", "-n", "1", "--json").refusal
    where = f"Kafka at {guard.broker.both.bootstrap} (kafka.bootstrap)"
    problem = f"{where} does not permit the user 'tapeline-cli' to read the topic order.intent"
    assert (code, error["problem"]) == (2, problem)


@pytest.mark.parametrize(
    ("command", "doing"),
    [
        (("processors", "strategies"), "see the topic ref.instrument"),
        (("sinks", "postgres", "--name", "another"), "read in the group sink-postgres"),
        (("executor", "--account", "another"), "see the topic ref.instrument"),
    ],
)
def test_a_process_with_another_ones_user_ends_with_one_sentence(
    guard: Guard, command: tuple[str, ...], doing: str, tmp_path: Path
) -> None:
    environ = guard.tapeline.environment | {
        "TAPELINE_KAFKA__USERNAME": user_of("gateway"),
        "TAPELINE_KAFKA__PASSWORD": password_of("gateway"),
        "TAPELINE_LOG__DIR": str(tmp_path),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=guard.tapeline.root, env=environ, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert (
        done.returncode,
        f"does not permit the user 'tapeline-gateway' to {doing}: set kafka.username" in done.stderr,
    ) == (
        2,
        True,
    ), done.stderr
