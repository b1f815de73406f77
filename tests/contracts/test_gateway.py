"""The gateway as a real process on a real broker: who may in, what is shown, what one client can do to another."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gateway import tape
from schemas import topics
from tapeline.domain.events import Book
from tapeline.domain.spread import Spread
from tapeline.runtime import clock, dlq, endpoints, kafka
from tapeline.runtime.codec import Codec
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings
from tests.support.eventually import eventually
from tests.support.running import running, settings_in
from tests.unit.gateway import samples
from tests.unit.gateway.samples import Json, seen

Put = Callable[..., Awaitable[None]]
FRAME_S = 20.0


@dataclass(slots=True)
class Gateway:
    """One real gateway, called by its folder in heartbeats."""

    token: str
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Return the announced address."""
        return str(json.loads((self.folder / "out").read_text())["gateway"])

    @property
    def live(self) -> str:
        """Return where the WebSocket is."""
        return f"{self.url.replace('http', 'ws', 1)}/ws"

    def log(self, event: str) -> list[Json]:
        """Return the lines of the log that name this event."""
        texts = [file.read_text() for file in self.folder.glob("logs/gateway_2*")]
        lines: list[Json] = [json.loads(line) for text in texts for line in text.splitlines()]
        return [line for line in lines if line["event"] == event]

    async def get(self, path: str, token: str | None = None) -> tuple[int, Any]:
        """Ask with the token, or another one, and return status and JSON."""
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        async with aiohttp.ClientSession() as session, session.get(self.url + path, headers=headers) as answer:
            return answer.status, await answer.json()

    async def found(self, path: str, good: Callable[[Any], bool] = lambda _: True) -> Any:  # noqa: ANN401 - JSON
        """Return what is answered as soon as it is a good answer."""

        async def answer() -> list[Any]:
            status, found = await self.get(path)
            return [found] if status == 200 and good(found) else []

        return (await eventually(answer, within_s=30))[0]

    @asynccontextmanager
    async def listening(self, *asked: Json, **options: Any) -> AsyncIterator[ClientConnection]:  # noqa: ANN401 - of connect
        """Connect a client and let it ask for something; the first frame and the answers are read."""
        async with connect(f"{self.live}?token={self.token}", max_size=None, **options) as client:
            await until(client, "initial_state")
            for one in asked:
                await client.send(json.dumps(one))
                await until(client, "subscribed")
            yield client

    async def ended(self) -> int:
        """Wait for its end and return its exit code."""
        return await asyncio.to_thread(self.process.wait, timeout=30)


@contextmanager
def gateway(settings: Settings, run: RunFile, folder: Path, port: int = 0) -> Iterator[Gateway]:
    """Run a gateway; it does not outlive the block."""
    folder.mkdir(parents=True)
    # The folder is the project's root: nothing of the machine's own settings gets in.
    (folder / "tapeline.toml").touch()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TAPELINE_")} | {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "TAPELINE_DATA__DIR": str(settings.data.dir),
        "TAPELINE_LOG__DIR": str(folder / "logs"),
        "TAPELINE_SERVER__PORT": str(port),
        "TAPELINE_PROCESS__HEARTBEAT_EVERY_S": "1",
    }
    command = [sys.executable, "-m", "gateway", "--announce", "--name", folder.name]
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        process = subprocess.Popen(command, cwd=folder, env=environ, stdout=out, stderr=err)
    try:
        yield Gateway(run.secrets.gateway_token, folder, process)
        process.terminate()
        process.wait(timeout=30)
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def shared(
    tapeline_settings: Settings, tapeline_up: RunFile, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    with gateway(tapeline_settings, tapeline_up, tmp_path_factory.mktemp("gateway") / "shared") as one:
        yield one


@pytest.fixture
async def ready(shared: Gateway) -> Gateway:
    await shared.found("/health")
    await shared.found("/status", lambda found: "gateway-shared" in {one["name"] for one in found["processes"]})
    return shared


@asynccontextmanager
async def putting(settings: Settings, run: RunFile) -> AsyncIterator[Put]:
    """Return what publishes records; bytes go as they are."""
    codec = Codec(run.schema_ids)
    async with kafka.Publisher(endpoints.endpoints_from(settings, run).kafka, client_id="test") as publisher:

        async def put(name: str, of: Any, key: str | None = None) -> None:  # noqa: ANN401 - any record
            # A spread's Struct stands beside its function, and not among the records.
            value = msgspec.structs.asdict(of) if isinstance(of, Spread) else of
            data = value if isinstance(value, bytes) else codec.encode(topics.by_name(name), value)
            _ = await publisher.publish(name, key or of.key, data)

        yield put


@pytest.fixture
async def put(tapeline_settings: Settings, tapeline_up: RunFile) -> AsyncIterator[Put]:
    async with putting(tapeline_settings, tapeline_up) as found:
        yield found


@pytest.fixture
def symbol() -> str:
    return f"{uuid.uuid4().hex[:10].upper()}/USDT"


def book(symbol: str, number: int = 1, venue: str = "bybit", ahead_us: int = 60_000_000) -> Book:
    """Return a book of now, by a clock that is ahead, so that it stays valid however slow this machine is."""
    return samples.book(symbol, number, venue, clock.now_us() + ahead_us)


async def until(client: ClientConnection, kind: str, field: str | None = None, wanted: object = None) -> Json:
    """Return the next frame of this type (and with this in a field) without type and time."""
    async with asyncio.timeout(FRAME_S):
        while True:
            frame: Json = json.loads(await client.recv())
            if frame.pop("type") == kind and (field is None or frame.get(field) == wanted):
                assert abs(frame.pop("at_us") - clock.now_us()) < FRAME_S * 1_000_000
                return frame


async def closed(client: ClientConnection) -> tuple[int | None, str | None]:
    """Read to the end and return the code and reason of the close."""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(FRAME_S):
            while True:
                await client.recv()
    return client.close_code, client.close_reason


async def test_without_the_token_only_health_and_version_answer(ready: Gateway) -> None:
    """X-08, B-05: the rest wants the one token, which never reaches a log."""
    asked = ("/health", "/version", "/status", "/orderbook/bybit/BTC-USDT", "/spreads/BTC-USDT")
    for wrong in ("", "x", ready.token[:-1], ready.token + "x"):
        assert [(await ready.get(path, wrong))[0] for path in asked] == [200, 200, 401, 401, 401]
    assert await ready.get("/status", "x") == (401, {"detail": "show the token: Authorization: Bearer <token>"})


async def test_a_06_a_client_without_the_token_is_closed_with_1008(ready: Gateway) -> None:
    for query, headers in (("", {}), ("?token=x", {}), ("", {"Authorization": f"Bearer {ready.token}x"})):
        async with connect(ready.live + query, additional_headers=headers) as client:
            assert await closed(client) == (1008, "Unauthorized")
    for query, headers in ((f"?token={ready.token}", {}), ("", {"Authorization": f"Bearer {ready.token}"})):
        async with connect(ready.live + query, additional_headers=headers) as client:
            assert json.loads(await client.recv())["type"] == "initial_state"
    assert not any(ready.token in file.read_text() for file in ready.folder.glob("logs/*"))
    assert ready.log("CLIENT_REFUSED")


async def test_a_08_what_is_known_comes_first_then_each_event_whole(ready: Gateway, put: Put, symbol: str) -> None:
    """X-17, E-08, A-11: books, spreads and processes at once, then everything as it happens."""
    one, other = book(symbol), book(symbol, venue="okx")
    deal = samples.spread(one, other)
    for name, value in (("md.book", one), ("md.book", other), ("signal.spread", deal)):
        await put(name, value)
    await ready.found(f"/spreads/{symbol}", [samples.seen_spread(deal)].__eq__)
    async with connect(f"{ready.live}?token={ready.token}") as client:
        first = json.loads(await client.recv())
        assert list(first) == ["type", "at_us", "books", "spreads", "processes"]
        assert [found for found in first["books"] if found["symbol"] == symbol] == [seen(one), seen(other)]
        assert [found for found in first["spreads"] if found["symbol"] == symbol] == [samples.seen_spread(deal)]
        assert "gateway-shared" in {found["name"] for found in first["processes"]}
        await told_whole(client, put, symbol)
    last = ready.log("CLIENT_CONNECTED")[-1]["number"]
    await eventually(lambda: ready.log("CLIENT_DISCONNECTED")[-1]["number"] == last)


async def told_whole(client: ClientConnection, put: Put, symbol: str) -> None:
    """Publish one of each and compare the whole frames."""
    one, other = book(symbol, 2), book(symbol, 2, venue="okx")
    for of in (one, other):
        await put("md.book", of)
        assert await until(client, "book", "book", seen(of)) == {"skipped": 0, "book": seen(of)}
    deal = samples.spread(other, one)
    await put("signal.spread", deal)
    found = samples.seen_spread(deal)
    assert await until(client, "spread", "spread", found) == {"skipped": 0, "spread": found}
    gap, alert = samples.gap(symbol), samples.alert(symbol)
    await put("md.gap", gap)
    await until(client, "gap", "gap", msgspec.to_builtins(gap))
    await put("alert", alert)
    await until(client, "alert", "alert", msgspec.to_builtins(alert))
    beat = samples.beat(symbol, clock.now_us() - 16_000_000)
    await put("heartbeat", beat)
    process: Json = {"name": None}
    while process["name"] != symbol:
        process = (await until(client, "heartbeat"))["process"]
    assert process == samples.seen_process(beat, process["age_s"], "offline")
    assert 16 <= process["age_s"] < 16 + FRAME_S


async def test_a_book_that_grows_old_is_shown_stale_once(ready: Gateway, put: Put, symbol: str) -> None:
    """DESIGN: a reader treats a book older than 2 s as stale; the one event of it does not repeat."""
    of = book(symbol, ahead_us=0)
    async with ready.listening({"subscribe": ["book"], "symbols": [symbol]}) as client:
        await put("md.book", of)
        states = [(await until(client, "book"))["book"] for _ in range(2)]
        assert states == [seen(of), seen(of, "stale")]
        assert await ready.get(f"/orderbook/bybit/{symbol}?market=futures") == (200, seen(of, "stale"))
        again = book(symbol, 2)
        await put("md.book", again)
        assert await until(client, "book") == {"skipped": 0, "book": seen(again)}


async def test_k3_a_pair_may_be_spelt_in_three_ways_and_a_wrong_name_gets_the_nearest(
    ready: Gateway, put: Put, symbol: str
) -> None:
    """C-20: the newest book, cut to the depth asked for; what does not exist is 404 with one sentence."""
    of, base = book(symbol), symbol.partition("/")[0]
    await put("md.book", of)
    await ready.found(f"/orderbook/bybit/{symbol}?market=futures")
    for pair in (f"{base}-USDT", f"{base}usdt", f"{base}%2FUSDT", symbol):
        status, found = await ready.get(f"/orderbook/bybit/{pair}?market=futures&depth=1")
        assert (status, found) == (200, seen(of, depth=1))
    for path, told in (
        (f"bibyt/{symbol}", "no book of the exchange 'bibyt' is known: did you mean 'bybit'?"),
        (f"bybit/{symbol}", f"bybit has no spot book of {symbol}: it has one on futures, so say market=futures"),
        (f"bybit/{base}-USDC?market=futures", f"bybit has no futures book of '{base}-USDC': did you mean '{symbol}'?"),
    ):
        assert await ready.get(f"/orderbook/{path}") == (404, {"detail": told})
    assert (await ready.get(f"/orderbook/bybit/{symbol}?depth=0"))[0] == 422
    assert await ready.get(f"/spreads/{symbol}") == (200, [])


async def test_b_04_status_tells_of_itself_of_every_process_and_of_books(ready: Gateway, put: Put, symbol: str) -> None:
    await put("md.book", book(symbol))
    await put("heartbeat", samples.beat(symbol, clock.now_us()))
    await ready.found(f"/orderbook/bybit/{symbol}?market=futures")
    found = await ready.found("/status", lambda found: symbol in {one["name"] for one in found["processes"]})
    assert list(found) == ["running", "uptime", "start_time", "shutdown_time", "error", "processes", "books"]
    assert (found["running"], found["shutdown_time"], found["error"]) == (True, None, None)
    assert re.fullmatch(r"0h \d+m", found["uptime"])
    own = next(one for one in found["processes"] if one["name"] == "gateway-shared")
    assert (own["service"], own["status"], list(own["lag"])) == ("gateway", "online", list(tape.READS))
    assert (found["books"]["valid"] > 0, found["books"]["newest_age_s"]) == (True, 0.0)


async def test_d_26_the_openapi_document_names_every_path_and_the_token(ready: Gateway) -> None:
    status, document = await ready.get("/openapi.json", "")
    wanted = {"/health", "/version", "/status", "/orderbook/{exchange}/{pair}", "/spreads/{pair}"}
    assert (status, set(document["paths"])) == (200, wanted)
    secured = {path for path, methods in document["paths"].items() if methods["get"].get("security") == [{"token": []}]}
    assert secured == wanted - {"/health", "/version"}
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    async with aiohttp.ClientSession() as session, session.get(f"{ready.url}/docs") as answer:
        assert (answer.status, "/openapi.json" in await answer.text()) == (200, True)


async def test_a_client_narrows_what_it_hears_and_a_mistake_costs_it_nothing(
    ready: Gateway, put: Put, symbol: str
) -> None:
    """What is narrowed is answered, then the newest of it follows; a mistake is one sentence (A-15)."""
    known, other = book(symbol), book(f"X{symbol}")
    await put("md.book", known)
    await ready.found(f"/orderbook/bybit/{symbol}?market=futures")
    wish = {"subscribe": ["book"], "symbols": [symbol.replace("/", "-")], "depth": 1}
    async with ready.listening() as client:
        for bad, told in (
            ("{", "the message is no JSON: send an object like "),
            ('{"depth": 0}', "depth is 0: give a whole number from 1 to 1000"),
            ('{"subscribe": ["boks"]}', "subscribe[0] is 'boks': did you mean 'book'?"),
        ):
            await client.send(bad)
            assert (await until(client, "error"))["message"].startswith(told)
        await client.send(json.dumps(wish))
        assert await until(client, "subscribed") == wish | {"symbols": [symbol]}
        assert (await until(client, "book"))["book"]["sequence"] == known.sequence
        for of in (other, newer := book(symbol, 2)):
            await put("md.book", of)
        assert await until(client, "book", "book", seen(newer, depth=1)) == {"skipped": 0, "book": seen(newer, depth=1)}


async def test_a_slow_client_is_dropped_alone(ready: Gateway, put: Put) -> None:
    """X-17: who does not read for 5 s is closed with 1013 and counted; another one misses nothing."""
    loud = msgspec.structs.replace(samples.alert(uuid.uuid4().hex), message="x" * 200_000)
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    small.connect(("127.0.0.1", int(ready.url.rpartition(":")[2])))
    only = {"subscribe": ["alert"]}
    async with ready.listening(only, sock=small, max_queue=1) as slow, ready.listening(only) as quick:
        for _ in range(60):
            await put("alert", loud)
            await until(quick, "alert", "alert", msgspec.to_builtins(loud))
        await eventually(lambda: 1013 in {line["code"] for line in ready.log("CLIENT_DISCONNECTED")}, within_s=20)
        assert (await closed(slow))[0] == 1013
        await put("alert", last := samples.alert(uuid.uuid4().hex))
        await until(quick, "alert", "alert", msgspec.to_builtins(last))


async def test_what_breaks_its_contract_is_set_aside_and_its_neighbour_is_shown(
    ready: Gateway, put: Put, symbol: str, tapeline_settings: Settings, tapeline_up: RunFile
) -> None:
    of = book(symbol)
    async with ready.listening({"subscribe": ["book"], "symbols": [symbol]}) as client:
        await put("md.book", b"\x00no record", f"broken:{symbol}")
        await put("md.book", of)
        await until(client, "book", "book", seen(of))
    where = endpoints.endpoints_from(tapeline_settings, tapeline_up).kafka
    assert b"\x00no record" in {letter.value for letter in await dlq.letters(where, Codec(tapeline_up.schema_ids))}


async def test_a_taken_port_is_one_sentence(tapeline_settings: Settings, tapeline_up: RunFile, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with gateway(tapeline_settings, tapeline_up, tmp_path / "second", port) as one:
            assert await one.ended() == 2
    assert (one.folder / "err").read_text().startswith(f"gateway: port {port} of setting server.port is taken: stop ")
    assert (one.folder / "out").read_text() == ""


async def test_x_04_at_a_stop_clients_are_closed_with_1001(
    tapeline_settings: Settings, tapeline_up: RunFile, tmp_path: Path
) -> None:
    """A-11, A-14: also one that came before the topics were read, and the exit is clean."""
    with gateway(tapeline_settings, tapeline_up, tmp_path / "stopped") as one:
        await eventually(lambda: one.url, within_s=30)
        async with one.listening() as client:
            one.process.send_signal(signal.SIGTERM)
            assert await closed(client) == (1001, "the gateway stops")
        assert await one.ended() == 0
    names = ["GATEWAY_SERVING", "WS_SERVER_STARTED", "CLIENT_CONNECTED", "CLIENT_DISCONNECTED"]
    assert [line["event"] for name in names for line in one.log(name)] == names


async def test_a_10_clients_are_told_that_the_broker_is_away_and_back(tmp_path: Path) -> None:
    """They stay connected; meanwhile their books grow stale and health says what is waited for."""
    settings = settings_in(tmp_path)
    with running(settings) as run, gateway(settings, run, tmp_path / "gateway") as one:
        await one.found("/health")
        broker = run.processes["kafka"].pid
        assert broker is not None
        async with putting(settings, run) as put, one.listening({"subscribe": []}) as client:
            os.kill(broker, signal.SIGSTOP)
            try:
                lost = await until(client, "error")
                status, health = await one.get("/health")
            finally:
                os.kill(broker, signal.SIGCONT)
            assert (lost["event"], status, list(health["waiting_for"])) == ("BUS_DISCONNECTED", 503, ["Kafka"])
            assert await until(client, "reconnected") == {"event": "BUS_RECONNECTED"}
            await one.found("/health")
            await client.send('{"subscribe": ["book"]}')
            await put("md.book", of := book("BTC/USDT"))
            await until(client, "book", "book", seen(of))
