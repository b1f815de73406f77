"""The memory image of the broker's classes."""

from __future__ import annotations

from pathlib import Path

from infra.embedded import classes
from infra.embedded.classes import Image
from infra.embedded.java import Java


def image(tmp_path: Path, major: int = 17, jars: tuple[str, ...] = ("a.jar", "b.jar")) -> Image:
    program = tmp_path / "java"
    if not program.exists():
        program.write_text("x", "utf-8")
    return Image(
        java=Java(path=program, major=major), jars=tuple(Path(jar) for jar in jars), cache=tmp_path, scratch=tmp_path
    )


def test_without_an_image_the_broker_helps_to_make_one_and_with_it_uses_it(tmp_path: Path) -> None:
    made = image(tmp_path)
    assert made.flags() == (f"-XX:DumpLoadedClassList={tmp_path / 'classes.lst'}",)
    made.file.write_bytes(b"")
    assert made.flags() == ("-Xshare:auto", f"-XX:SharedArchiveFile={made.file}")


def test_another_java_and_other_jars_have_an_image_of_their_own(tmp_path: Path) -> None:
    one, other_jars = image(tmp_path).file, image(tmp_path, jars=("a.jar",)).file
    (tmp_path / "java").write_text("another build", "utf-8")
    assert len({one, other_jars, image(tmp_path).file}) == 3


async def test_nothing_is_made_without_a_list_or_beside_an_image(tmp_path: Path) -> None:
    made = image(tmp_path)
    assert not await classes.make(made, {})
    made.list_file.write_text("x", "utf-8")
    made.file.write_bytes(b"")
    assert not await classes.make(made, {})


async def test_a_failed_making_leaves_nothing(tmp_path: Path) -> None:
    made = image(tmp_path)
    made.list_file.write_text("x", "utf-8")
    made.java.path.write_text("#!/bin/sh\nexit 1\n", "utf-8")
    made.java.path.chmod(0o755)
    assert not await classes.make(made, {"PATH": "/usr/bin:/bin"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["classes.lock", "classes.lst", "java"]


async def test_a_new_image_takes_the_place_of_old_ones(tmp_path: Path) -> None:
    made = image(tmp_path)
    made.list_file.write_text("x", "utf-8")
    (tmp_path / "classes-of-another-java.jsa").write_bytes(b"old")
    # Stands for Java: writes the file that -XX:SharedArchiveFile names.
    made.java.path.write_text(
        "#!/bin/sh\nfor flag; do case $flag in -XX:SharedArchiveFile=*) echo image > ${flag#*=};; esac; done\n", "utf-8"
    )
    made.java.path.chmod(0o755)
    assert await classes.make(made, {"PATH": "/usr/bin:/bin"})
    assert [path.name for path in tmp_path.glob("*.jsa")] == [made.file.name]
    assert made.file.read_text("utf-8") == "image\n"
