"""Which files the broker is made of, and that none is used unchecked."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from infra.embedded import jars, steps
from infra.embedded.jars import Jar, JarLock
from tapeline.errors import Misconfigured, Unavailable

CONTENT = {"g:one:1.0": b"first", "g:two:2.0": b"second file"}
LOCK = JarLock(
    kafka="4.1.2",
    jars=tuple(
        Jar(coordinates=name, size=len(data), sha256=hashlib.sha256(data).hexdigest()) for name, data in CONTENT.items()
    ),
)


class Repository:
    """Stands for the outside world: gives what it has, and counts who asked."""

    def __init__(self, content: dict[str, bytes]) -> None:
        self.content = content
        self.asked: list[str] = []

    def fetch(self, coordinates: str, folder: Path) -> Path:
        self.asked.append(coordinates)
        if coordinates not in self.content:
            raise ConnectionError("no route to host")
        file = folder / coordinates.replace(":", "-")
        file.write_bytes(self.content[coordinates])
        return file


def files(cache: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (cache / "jars").iterdir() if path.name != "lock"}


def test_all_files_are_fetched_and_progress_is_told(tmp_path: Path) -> None:
    told: list[steps.Step] = []
    jars.fetch_missing(LOCK, tmp_path, Repository(CONTENT).fetch, told.append)
    assert files(tmp_path) == {"one-1.0.jar": b"first", "two-2.0.jar": b"second file"}
    assert [(step.state, step.total) for step in told] == [("progress", 16), ("progress", 16)]
    assert (max(step.done or 0 for step in told), {step.detail for step in told}) == (
        16,
        {"one-1.0.jar", "two-2.0.jar"},
    )
    assert jars.missing(LOCK, tmp_path) == ()


def test_only_what_is_missing_or_damaged_is_fetched(tmp_path: Path) -> None:
    jars.fetch_missing(LOCK, tmp_path, Repository(CONTENT).fetch, lambda _: None)
    (tmp_path / "jars" / "two-2.0.jar").write_bytes(b"bit rot")
    assert [jar.file_name for jar in jars.missing(LOCK, tmp_path)] == ["two-2.0.jar"]
    again = Repository(CONTENT)
    jars.fetch_missing(LOCK, tmp_path, again.fetch, lambda _: None)
    assert (again.asked, jars.missing(LOCK, tmp_path)) == (["g:two:2.0"], ())


def test_a_wrong_checksum_is_one_sentence_and_leaves_nothing_to_trust(tmp_path: Path) -> None:
    forged = hashlib.sha256(b"forged").hexdigest()
    with pytest.raises(Misconfigured) as caught:
        jars.fetch_missing(LOCK, tmp_path, Repository(CONTENT | {"g:two:2.0": b"forged"}).fetch, lambda _: None)
    assert str(caught.value) == (
        f"the fetched file two-2.0.jar has checksum {forged} and not {LOCK.jars[1].sha256} of the lock: run `tapeline "
        "up` again, which fetches it anew; if it stays, something between here and the repository changes files"
    )
    assert "two-2.0.jar" not in files(tmp_path)
    jars.fetch_missing(LOCK, tmp_path, Repository(CONTENT).fetch, lambda _: None)
    assert jars.missing(LOCK, tmp_path) == ()


def test_no_network_and_nothing_cached_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        jars.fetch_missing(LOCK, tmp_path, Repository({"g:one:1.0": b"first"}).fetch, lambda _: None)
    assert str(caught.value) == (
        f"the broker's file two-2.0.jar cannot be fetched (no route to host) and is not in {tmp_path / 'jars'}: "
        "connect to the internet for the first start, or name a broker in kafka.bootstrap"
    )


def test_a_fetch_that_was_killed_leaves_nothing_behind_the_next_one(tmp_path: Path) -> None:
    half = tmp_path / "jars" / "fetch-killed"
    half.mkdir(parents=True)
    (half / "two-2.0.jar").write_bytes(b"half")
    jars.fetch_missing(LOCK, tmp_path, Repository(CONTENT).fetch, lambda _: None)
    assert files(tmp_path) == {"one-1.0.jar": b"first", "two-2.0.jar": b"second file"}


def test_the_committed_lock_names_each_file_once_with_its_checksum() -> None:
    lock = jars.load_lock()
    names = [jar.file_name for jar in lock.jars]
    assert f"kafka_2.13-{lock.kafka}.jar" in names
    assert len(set(names)) == len(names)
    assert all(len(jar.sha256) == 64 and jar.size > 0 for jar in lock.jars)
    # Every compression that a client may use.
    assert {"zstd-jni", "lz4-java", "snappy-java"} <= {jar.coordinates.split(":")[1] for jar in lock.jars}
