"""One broker or three: their names, and that data of another number, of another cluster or in part is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.embedded import brokers, datadir
from tapeline.errors import Misconfigured

ONE, THREE = brokers.names(1), brokers.names(3)


def stored(folder: Path, names: tuple[str, ...], *, ran: bool = True) -> Path:
    """Make folders as brokers leave them, or as they are before the first start."""
    for number, name in enumerate(names, start=1):
        data = brokers.data_of(folder, name)
        data.mkdir(parents=True)
        (data / "meta.properties").write_text(f"#\nversion=1\ncluster.id=a=b\nnode.id={number}\n", "utf-8")
        (data / ("__cluster_metadata-0" if ran else "bootstrap.checkpoint")).touch()
    return folder


def refusal(folder: Path, names: tuple[str, ...]) -> str | None:
    """Return the sentence of a start, which must change nothing but the marker and the secrets."""
    (folder / "layout.json").write_text('{"layout": 1}', "utf-8")
    before = sorted(path for path in folder.glob("kafka*/**/*"))
    try:
        datadir.open_checked(folder, frozenset(names))
    except Misconfigured as error:
        return str(error)
    finally:
        assert sorted(path for path in folder.glob("kafka*/**/*")) == before
    return None


def test_names() -> None:
    assert (ONE, THREE) == (("kafka",), ("kafka-1", "kafka-2", "kafka-3"))
    assert brokers.among(["postgres", "kafka-2", "kafkaesque", "kafka-1"]) == ("kafka-1", "kafka-2")


@pytest.mark.parametrize("names", [ONE, THREE])
@pytest.mark.parametrize("ran", [True, False])
def test_what_was_made_with_the_same_number_opens(tmp_path: Path, names: tuple[str, ...], ran: bool) -> None:  # noqa: FBT001 - a case
    assert refusal(stored(tmp_path, names, ran=ran), names) is None
    assert brokers.cluster_id(tmp_path, names) == "a=b"


def test_new_brokers_share_a_new_id(tmp_path: Path) -> None:
    assert len(brokers.cluster_id(tmp_path, THREE)) == 22


@pytest.mark.parametrize(
    ("made", "asked", "sentence"),
    [
        (
            ONE,
            THREE,
            (
                "{f} was made with 1 broker and embedded.brokers is 3 (nothing was changed): set embedded.brokers (or "
                "--brokers) to 1, or data.dir to another folder for 3 brokers without data"
            ),
        ),
        (
            THREE,
            ONE,
            (
                "{f} was made with 3 brokers and embedded.brokers is 1 (nothing was changed): set embedded.brokers (or "
                "--brokers) to 3, or data.dir to another folder for 1 broker without data"
            ),
        ),
    ],
)
def test_another_number_is_refused(
    tmp_path: Path, made: tuple[str, ...], asked: tuple[str, ...], sentence: str
) -> None:
    assert refusal(stored(tmp_path, made), asked) == sentence.format(f=tmp_path)


def without_second(folder: Path) -> None:
    shutil.rmtree(folder / "kafka-2" / "data")


def exchanged(folder: Path) -> None:
    shutil.copy(folder / "kafka-1/data/meta.properties", folder / "kafka-2/data/meta.properties")


def foreign(folder: Path) -> None:
    meta = folder / "kafka-2/data/meta.properties"
    meta.write_text(meta.read_text("utf-8").replace("a=b", "other"), "utf-8")


def halved(folder: Path) -> None:
    (folder / "kafka-2/data/__cluster_metadata-0").unlink()


@pytest.mark.parametrize(
    ("happens", "what"),
    [
        (without_second, "{f}/kafka-2/data is missing although {f}/kafka-1/data is there"),
        (exchanged, "{f}/kafka-2/data is that of broker 1"),
        (foreign, "{f}/kafka-2/data is of another cluster than {f}/kafka-1/data"),
        (halved, "{f}/kafka-2/data/__cluster_metadata-0 is missing"),
    ],
)
def test_a_cluster_of_which_a_part_is_missing_or_wrong_is_refused(
    tmp_path: Path, happens: Callable[[Path], None], what: str
) -> None:
    """An empty broker could make one that is behind the leader, so it is a person who decides."""
    happens(stored(tmp_path, THREE))
    assert refusal(tmp_path, THREE) == (
        f"the data directory is damaged: {what.format(f=tmp_path)} (nothing was changed): put it back from a copy, or "
        f"move {tmp_path}/kafka-* aside and run `tapeline up` again, which starts empty"
    )


def test_a_first_start_that_was_cut_off_between_two_brokers_goes_on(tmp_path: Path) -> None:
    stored(tmp_path, THREE[:2], ran=False)
    assert refusal(tmp_path, THREE) is None
    assert brokers.cluster_id(tmp_path, THREE) == "a=b"
