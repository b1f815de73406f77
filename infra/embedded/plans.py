"""How each embedded service is made ready and started: joins settings, ports, folders and programs in one place."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from infra.embedded import brokers, classes, inherit, jars, java, kafka, orphans, postgres, probes, steps, workers
from infra.embedded.child import ChildSpec
from infra.embedded.classes import Image
from infra.embedded.ports import HOST, Ports
from infra.embedded.workers import WorkerPorts
from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime.database_logins import Login
from tapeline.runtime.runfile import Addresses, Secrets
from tapeline.runtime.settings import Settings, child_environment

POSTGRES, CLICKHOUSE, REGISTRY = "postgres", "clickhouse", "registry"
_OUR_PROGRAMS = (CLICKHOUSE, REGISTRY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The ports of one run; None for what settings name as external."""

    cluster: tuple[kafka.Node, ...] = ()
    registry: int | None = None
    postgres: int | None = None
    clickhouse: int | None = None
    metrics: Mapping[str, int] = field(default_factory=dict)
    workers: WorkerPorts = field(default_factory=WorkerPorts)

    def addresses(self) -> Addresses:
        """Return where the services of this run answer."""
        return Addresses(
            kafka=",".join(f"{HOST}:{node.port}" for node in self.cluster) or None,
            registry=None if self.registry is None else f"http://{HOST}:{self.registry}",
            postgres=None if self.postgres is None else f"{HOST}:{self.postgres}",
            clickhouse=None if self.clickhouse is None else f"http://{HOST}:{self.clickhouse}",
            gateway=None if self.workers.gateway is None else f"http://{HOST}:{self.workers.gateway}",
            venues={place: f"{HOST}:{port}" for place, port in self.workers.venues.items()},
        )


def ours(settings: Settings) -> tuple[str, ...]:
    """Return the services that settings do not name, which are therefore started here, in the order of their start.

    They stop in the reverse order.
    """
    named = dict.fromkeys(brokers.names(settings.embedded.brokers), settings.kafka.bootstrap) | {
        POSTGRES: settings.database.host,
        CLICKHOUSE: settings.clickhouse.host,
        REGISTRY: settings.registry.url,
    }
    return tuple(name for name, place in named.items() if place is None)


def choose(settings: Settings, services: tuple[str, ...], ports: Ports) -> Chosen:
    """Take the ports of this run; raise Misconfigured for one that is taken."""
    wanted = settings.embedded

    def take(name: str, port: int) -> int | None:
        return ports.take(port, f"embedded.{name}_port") if name in services else None

    chosen = workers.choose(settings, ports)
    return Chosen(
        workers=chosen,
        cluster=_nodes(len(brokers.among(services)), wanted.kafka_port, ports),
        registry=take(REGISTRY, wanted.registry_port),
        postgres=take(POSTGRES, wanted.postgres_port),
        clickhouse=take(CLICKHOUSE, wanted.clickhouse_port),
        metrics={name: ports.take(0, "") for name in _OUR_PROGRAMS if name in services} | dict(chosen.metrics),
    )


def _nodes(count: int, first_port: int, ports: Ports) -> tuple[kafka.Node, ...]:
    """Take the ports of the brokers; where a person chose one, those of the others follow it."""
    return tuple(
        kafka.Node(
            node_id=number + 1,
            port=ports.take(first_port and first_port + number, "embedded.kafka_port"),
            controller_port=ports.take(0, ""),
        )
        for number in range(count)
    )


class Plans:
    """Makes ready and describes each service of one run."""

    def __init__(
        self,
        settings: Settings,
        chosen: Chosen,
        secrets: Secrets,
        report: steps.OnStep,
        logins: Mapping[str, Login] | None = None,
    ) -> None:
        """Remember the run; nothing is touched before a plan is awaited."""
        self._logins = logins or {}
        self._settings = settings
        self._chosen = chosen
        self._secrets = secrets
        self._report = report
        self._folder = settings.data.dir
        # Foreign programs see none of our settings, and so none of our secrets.
        self._foreign = child_environment(ours=False) | {orphans.MARK: str(settings.data.dir)}
        self._kafka_spawns = asyncio.Event()
        self._making = asyncio.Lock()
        self._cluster: dict[str, kafka.Broker] = {}
        self._image: Image | None = None

    def metrics(self, name: str) -> str | None:
        """Return where a child serves its metrics, where it does."""
        port = self._chosen.metrics.get(name)
        return None if port is None else f"{HOST}:{port}"

    def output(self, name: str) -> Path:
        """Return the file that takes what a child writes to its standard output and error."""
        return self._settings.log.dir / f"{name}_output.log"

    async def plan(self, name: str) -> ChildSpec:
        """Make one service ready to start and return how."""
        makers = {
            POSTGRES: self._postgres,
            CLICKHOUSE: self._clickhouse,
            REGISTRY: self._registry,
        }
        if brokers.among([name]):
            return await self._kafka(name)
        return await makers[name]() if name in makers else self._worker(name)

    async def make_image(self) -> None:
        """Make what lets the next broker start faster; for the background, once everything answers."""
        if self._image is not None:
            await classes.make(self._image, self._foreign)

    async def _kafka(self, name: str) -> ChildSpec:
        async with self._making:
            # All are made before one is started: so nothing but a cut-off first start leaves a cluster half made.
            if not self._cluster:
                self._cluster = await self._made()
        self._kafka_spawns.set()
        broker = self._cluster[name]
        return ChildSpec(
            name=name,
            command=kafka.command(broker, kafka.MAIN, str(broker.properties_file)),
            environ=self._foreign,
            folder=broker.folder,
            data=brokers.all_of(self._folder, tuple(self._cluster)),
            output=self.output(name),
            log_file=broker.log_file,
            probe=probes.kafka(HOST, broker.node.port, broker.node.node_id),
        )

    async def _made(self) -> dict[str, kafka.Broker]:
        """Make every broker of the run ready to start."""
        found, files = await asyncio.gather(asyncio.to_thread(java.find, self._foreign), self._jars())
        names = brokers.names(len(self._chosen.cluster))
        made = {
            name: self._broker(name, node, found, files) for name, node in zip(names, self._chosen.cluster, strict=True)
        }
        shared = brokers.cluster_id(self._folder, names)
        await asyncio.gather(*(asyncio.to_thread(kafka.prepare, one, self._foreign, shared) for one in made.values()))
        return made

    def _broker(self, name: str, node: kafka.Node, found: java.Java, files: tuple[Path, ...]) -> kafka.Broker:
        folder = self._folder / name
        # One list of classes is enough to make the image of; any broker's will do.
        self._image = Image(java=found, jars=files, cache=self._cache() / jars.FOLDER, scratch=folder / "tmp")
        return kafka.Broker(
            node=node,
            cluster=self._chosen.cluster,
            folder=folder,
            log_file=self._settings.log.dir / f"{name}.log",
            java=found,
            jars=files,
            heap_mb=self._settings.embedded.kafka_heap_mb,
            extra_flags=self._image.flags(),
        )

    async def _jars(self) -> tuple[Path, ...]:
        """Return the broker's files, fetched by a process of its own, which can be ended at any moment."""
        lock, cache = jars.load_lock(), self._cache()
        if await asyncio.to_thread(jars.missing, lock, cache):
            with steps.timed(self._report, jars.STEP, f"Kafka {lock.kafka}"):
                await self._fetch(cache)
        return jars.class_path(lock, cache)

    async def _fetch(self, cache: Path) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "infra.embedded.jars", "fetch", str(cache)),
            stdout=PIPE,
            env=self._ours(jars.STEP),
            start_new_session=True,
        )
        said: steps.Step | None = None
        try:
            if process.stdout is None:
                raise RuntimeError("the process was started with a pipe")
            async for line in process.stdout:
                with contextlib.suppress(msgspec.DecodeError):
                    said = steps.decode(line)
                    if said.state == "progress":
                        self._report(said)
            code = await process.wait()
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        if code != 0:
            raise _failure(said, code)

    async def _postgres(self) -> ChildSpec:
        data, port = self._folder / POSTGRES, _port(self._chosen.postgres)
        server = postgres.Server(
            binaries=postgres.binaries_for(data),
            data=data,
            port=port,
            database=self._settings.database.name,
            identity=postgres.identity(effective_uid=os.geteuid(), setpriv=shutil.which("setpriv"), folder=data),
        )
        await asyncio.to_thread(postgres.prepare, server, self._secrets.postgres_password, self._foreign)
        return ChildSpec(
            name=POSTGRES,
            command=postgres.command(server),
            environ=self._foreign,
            folder=data.parent,
            data=data,
            output=self.output(POSTGRES),
            probe=probes.postgres(HOST, port, postgres.USER, server.database),
            # Fast shutdown: sessions are ended, everything is written.
            stop_signal=signal.SIGINT,
            user=server.identity.subprocess_user,
            before=lambda: postgres.end_orphans(data),
        )

    async def _clickhouse(self) -> ChildSpec:
        data, port = self._folder / CLICKHOUSE, _port(self._chosen.clickhouse)
        return ChildSpec(
            name=CLICKHOUSE,
            command=_module(CLICKHOUSE, "--port", str(port), "--data", str(data)),
            environ=self._ours(CLICKHOUSE),
            folder=Path.cwd(),
            data=data,
            output=self.output(CLICKHOUSE),
            probe=probes.http(HOST, port, "/ping"),
            yields=True,
        )

    async def _registry(self) -> ChildSpec:
        port = _port(self._chosen.registry)
        if self._chosen.cluster:
            # The first fetch of the broker's files may take longer than the registry would wait for a broker.
            await self._kafka_spawns.wait()
        return ChildSpec(
            name=REGISTRY,
            command=_module(REGISTRY, "--port", str(port)),
            environ=self._ours(REGISTRY),
            folder=Path.cwd(),
            data=brokers.all_of(self._folder, brokers.names(len(self._chosen.cluster) or 1)),
            output=self.output(REGISTRY),
            probe=probes.http(HOST, port, "/subjects"),
        )

    def _worker(self, name: str) -> ChildSpec:
        environ = self._ours(name)
        if name == workers.GATEWAY:
            environ |= {inherit.variable("server", "port"): str(self._chosen.workers.gateway)}
        if self._chosen.postgres is not None:
            # Each works as itself in our own Postgres; one that has no business there has no password either.
            login = self._logins.get(name)
            environ |= {
                inherit.variable("database", "user"): workers.login_name(name),
                inherit.variable("database", "password"): "" if login is None else login.password,
            }
        if name == workers.SIMULATOR:
            keys = msgspec.json.encode(self._secrets.venue_keys).decode()
            environ |= {inherit.variable("simulation", "keys"): keys}
        return workers.spec(name, self._settings, self._chosen.workers, environ=environ, output=self.output(name))

    def _ours(self, name: str) -> dict[str, str]:
        """Return the environment of a program of ours; a port for metrics that is set can only be the supervisor's."""
        port = inherit.variable("process", "metrics_port")
        extra = {orphans.MARK: str(self._folder), port: str(self._chosen.metrics.get(name, 0))}
        extra |= {inherit.variable("process", "heartbeat_path"): ""}  # likewise
        given = inherit.environment(self._settings, name, **extra)
        # Whoever has no key of a venue, and no password of another's user, cannot lose it.
        kept = inherit.variable("keys", ""), inherit.variable("users", "")
        hidden = kept[1:] if name == workers.EXECUTOR else kept
        return {key: value for key, value in given.items() if not key.startswith(hidden)}

    def _cache(self) -> Path:
        cache = self._settings.data.cache_dir
        return self._folder / "cache" if cache is None else cache


def _failure(said: steps.Step | None, code: int) -> Misconfigured | Unavailable:
    """Make the error again that the fetching process reported."""
    if said is None or said.error is None:
        return Unavailable(f"fetching the broker's files ended with exit {code}")
    if said.fix is None:
        return Unavailable(said.error)
    return Misconfigured(said.error.removesuffix(f": {said.fix}"), fix=said.fix)


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"infra.embedded.{name}", *arguments)


def _port(chosen: int | None) -> int:
    if chosen is None:
        raise RuntimeError("a service that settings name is not planned here")
    return chosen
