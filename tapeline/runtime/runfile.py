"""The run file: addresses, secrets and processes of the running Tapeline, readable by its owner only (mode 0600).

One writer, the supervisor; every other process and command reads it. It is replaced whole, so a reader never sees half
of it, and it survives kill -9 of the writer.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Literal

import msgspec
import psutil

from tapeline.errors import Misconfigured

FILE_NAME = "run.json"
FORMAT = 1
# A process id is reused by the system; the creation time tells the new owner from the old one. Clocks of psutil are
# exact to 10 ms on Linux.
_SAME_PROCESS_S = 0.05

ProcessState = Literal["starting", "running", "restarting", "stopped", "failed"]


class ProcessRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One process of the run: who it is, how it does, where its metrics and its log are."""

    name: str
    state: ProcessState
    pid: int | None = None
    created_s: float | None = None
    started_us: int | None = None
    restarts: int = 0
    metrics: str | None = None
    log: str | None = None
    detail: str | None = None


class Addresses(msgspec.Struct, frozen=True, kw_only=True):
    """Where each service answers; never with a password in it; `venues` are simulated ones, by `venue:market`."""

    kafka: str | None = None
    registry: str | None = None
    postgres: str | None = None
    clickhouse: str | None = None
    gateway: str | None = None
    venues: dict[str, str] = {}


class VenueKey(msgspec.Struct, frozen=True, kw_only=True):
    """What signs at a simulated venue."""

    key: str
    secret: str


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    """Random per data directory, `venue_keys` of simulated venues per run; never printed, never logged."""

    postgres_password: str
    clickhouse_password: str
    gateway_token: str
    venue_keys: dict[str, VenueKey] = {}


class Brokers(msgspec.Struct, frozen=True, kw_only=True):
    """How a cluster of brokers keeps what it was given; `under_min` partitions take no write until a copy is back."""

    brokers: int
    in_service: int
    partitions: int
    under_replicated: int
    under_min: int


class RunFile(msgspec.Struct, frozen=True, kw_only=True):
    """All that other processes need to find the running Tapeline."""

    format: int = FORMAT
    version: str
    data_dir: str
    log_dir: str
    started_us: int
    ready: bool = False
    supervisor: ProcessRecord
    addresses: Addresses
    secrets: Secrets
    processes: dict[str, ProcessRecord] = {}
    schema_ids: dict[str, int] = {}
    brokers: Brokers | None = None


def path_in(data_dir: Path) -> Path:
    """Return where the run file of a data directory stands."""
    return data_dir / FILE_NAME


def read(data_dir: Path) -> RunFile | None:
    """Return the run file, or None when Tapeline was never started there or was stopped."""
    path = path_in(data_dir)
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return msgspec.json.decode(text, type=RunFile)
    except msgspec.DecodeError as error:
        raise Misconfigured(
            f"the run file {path} cannot be read ({error})",
            fix="delete it if no Tapeline process is left (`tapeline doctor` tells), then run `tapeline up`",
        ) from error


def write(data_dir: Path, run: RunFile) -> None:
    """Replace the run file whole; it is on disk when this returns."""
    path = path_in(data_dir)
    draft = path.with_suffix(".json.new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        # A draft left by a killed writer keeps the mode it had.
        os.fchmod(handle, 0o600)
        file.write(msgspec.json.format(msgspec.json.encode(run), indent=2))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def remove(data_dir: Path) -> None:
    """Forget the run; nothing to do when it is forgotten already."""
    with contextlib.suppress(FileNotFoundError):
        path_in(data_dir).unlink()


def standing(data_dir: Path) -> RunFile | None:
    """Return the run of a data directory whose supervisor lives."""
    run = read(data_dir)
    return run if run is not None and is_alive(run.supervisor) else None


def is_alive(process: ProcessRecord) -> bool:
    """Tell whether this very process still runs (not another one with its id)."""
    return living(process) is not None


def living(process: ProcessRecord) -> psutil.Process | None:
    """Return the living process behind a record, or None when it is gone or its id belongs to another."""
    if process.pid is None:
        return None
    try:
        found = psutil.Process(process.pid)
        same = process.created_s is None or abs(found.create_time() - process.created_s) < _SAME_PROCESS_S
        return found if same and found.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None
