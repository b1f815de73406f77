"""Postgres as data."""

from __future__ import annotations

import pwd
from pathlib import Path

import pytest

from infra.embedded import postgres
from infra.embedded.postgres import Identity, Server
from tapeline.errors import Misconfigured

NOBODY = pwd.getpwnam("nobody")


def server(folder: str, identity: Identity) -> Server:
    return Server(
        binaries=Path("/w") / folder / "bin",
        data=Path("/d/postgres"),
        port=5433,
        database="ct_system",
        identity=identity,
    )


OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "port": "5433",
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


def command(folder: str, options: dict[str, str]) -> tuple[str, ...]:
    pairs = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
    return (f"/w/{folder}/bin/postgres", "-D", "/d/postgres", *pairs)


def test_the_command_line_of_an_ordinary_user() -> None:
    assert postgres.command(server("pginstall18", Identity())) == command("pginstall18", OPTIONS)


def test_an_older_version_is_not_given_options_it_does_not_know() -> None:
    known = {key: value for key, value in OPTIONS.items() if key != "io_method"}
    assert postgres.command(server("pginstall", Identity())) == command("pginstall", known)


def test_durability_is_never_turned_off() -> None:
    text = " ".join(postgres.command(server("pginstall18", Identity())))
    assert [name for name in ("fsync", "synchronous_commit", "full_page_writes") if name in text] == []


def test_root_gives_the_process_to_nobody_with_one_capability(tmp_path: Path) -> None:
    found = postgres.identity(effective_uid=0, setpriv="/usr/bin/setpriv", folder=tmp_path / "postgres")
    assert found == Identity(
        prefix=(
            "/usr/bin/setpriv",
            f"--reuid={NOBODY.pw_uid}",
            f"--regid={NOBODY.pw_gid}",
            "--clear-groups",
            "--inh-caps=+dac_override",
            "--ambient-caps=+dac_override",
            "--",
        ),
        uid=NOBODY.pw_uid,
        gid=NOBODY.pw_gid,
    )
    assert found.subprocess_user is None


def test_without_setpriv_the_folder_must_be_reachable(tmp_path: Path) -> None:
    open_folder, closed = Path("/postgres"), tmp_path / "closed" / "postgres"
    closed.parent.mkdir(mode=0o700)
    found = postgres.identity(effective_uid=0, setpriv=None, folder=open_folder)
    assert (found, found.subprocess_user) == (Identity(uid=NOBODY.pw_uid, gid=NOBODY.pw_gid), NOBODY.pw_uid)
    with pytest.raises(Misconfigured) as caught:
        postgres.identity(effective_uid=0, setpriv=None, folder=closed)
    assert str(caught.value) == (
        f"Postgres refuses to run as root, there is no `setpriv`, and user 'nobody' cannot enter {closed.parent}: "
        "install util-linux (setpriv), run `tapeline up` as another user, or set data.dir to a folder that "
        "others may enter"
    )


def test_another_user_stays_who_it_is(tmp_path: Path) -> None:
    assert postgres.identity(effective_uid=1000, setpriv=None, folder=tmp_path) == Identity()


def test_a_new_folder_gets_the_newest_version_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    def chosen(data: Path) -> str:
        return postgres.binaries_for(data).parent.name

    old = tmp_path / "old"
    old.mkdir()
    (old / "PG_VERSION").write_text("16\n", "ascii")
    assert (chosen(tmp_path / "new"), chosen(old)) == ("pginstall18", "pginstall")
    (old / "PG_VERSION").write_text("9\n", "ascii")
    with pytest.raises(Misconfigured, match="was written by Postgres 9, and the installed wheel has no such version"):
        chosen(old)


@pytest.mark.parametrize(
    ("version", "control", "wrong"),
    [
        ("18\n", "x", None),
        (None, "x", "PG_VERSION is missing or no number"),
        ("eighteen", "x", "PG_VERSION is missing or no number"),
        ("18\n", "", "global/pg_control is missing or empty"),
        ("18\n", None, "global/pg_control is missing or empty"),
    ],
)
def test_a_damaged_folder_is_recognised(
    tmp_path: Path, version: str | None, control: str | None, wrong: str | None
) -> None:
    (tmp_path / "global").mkdir()
    for name, content in (("PG_VERSION", version), ("global/pg_control", control)):
        if content is not None:
            (tmp_path / name).write_text(content, "ascii")
    assert postgres.damage(tmp_path) == (None if wrong is None else f"{tmp_path}/{wrong}")


def test_a_process_file_of_somebody_else_is_forgotten(tmp_path: Path) -> None:
    """Postgres would take the living stranger for another server of this folder and refuse to start."""
    file = tmp_path / "postmaster.pid"
    file.write_text(f"1\n{tmp_path}\n", "ascii")
    assert (postgres.end_orphans(tmp_path), file.exists()) == (0, False)
