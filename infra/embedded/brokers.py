"""The brokers of one run: one alone, or three of which one may die; their names, and what may stand in their folders.

The number is fixed by the first start in a data directory: brokers of another number would not find the topics' copies,
so another one is refused and nothing is touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from infra.embedded import kafka
from tapeline.errors import Misconfigured
from tapeline.runtime.settings_sections import CLUSTERS

KAFKA = "kafka"
_DATA = "data"
_MADE_AT_EACH_START = frozenset({"tmp", "data.new", "server.properties", "log4j2.properties"})


def names(count: int) -> tuple[str, ...]:
    """Return the names of so many brokers, which are those of their folders and logs too."""
    return (KAFKA,) if count == 1 else tuple(f"{KAFKA}-{number}" for number in range(1, count + 1))


def among(services: Iterable[str]) -> tuple[str, ...]:
    """Return which of these services are brokers, in the order of their numbers."""
    return tuple(sorted(name for name in services if name == KAFKA or name.startswith(f"{KAFKA}-")))


def data_of(folder: Path, name: str) -> Path:
    """Return where a broker keeps its records."""
    return folder / name / _DATA


def all_of(folder: Path, wanted: tuple[str, ...]) -> Path:
    """Return what a person moves aside to start these brokers empty: of a cluster never one alone."""
    return folder / (wanted[0] if len(wanted) == 1 else f"{KAFKA}-*")


def other_number(folder: Path, wanted: tuple[str, ...]) -> Misconfigured | None:
    """Return the sentence for a data directory that was made with another number of brokers."""
    for count in CLUSTERS:
        if count != len(wanted) and any(data_of(folder, name).exists() for name in names(count)):
            return Misconfigured(
                f"{folder} was made with {_counted(count)} and embedded.brokers is {len(wanted)} (nothing was changed)",
                fix=f"set embedded.brokers (or --brokers) to {count}, or data.dir to another folder for "
                f"{_counted(len(wanted))} without data",
            )
    return None


def damage(folder: Path, wanted: tuple[str, ...]) -> str | None:
    """Return what is wrong with the folders of these brokers, or None when they can be started from."""
    stored = [name for name in wanted if data_of(folder, name).exists()]
    found = (kafka.damage(data_of(folder, name)) for name in stored)
    return next((what for what in found if what is not None), None) or _incomplete(folder, wanted, stored)


def cluster_id(folder: Path, wanted: tuple[str, ...]) -> str:
    """Return the id that the brokers share: that of those which have one, else a new one."""
    found = (kafka.identity(data_of(folder, name)) for name in wanted if data_of(folder, name).exists())
    return next((one["cluster.id"] for one in found), None) or kafka.new_cluster_id()


def _incomplete(folder: Path, wanted: tuple[str, ...], stored: list[str]) -> str | None:
    """Return which broker's data is not there, or another's, although the cluster has run before."""
    known = {name: kafka.identity(data_of(folder, name)) for name in stored}
    # None is started before all are made, so only then a first start that was cut off explains what is not there.
    ran = next((name for name in stored if kafka.has_run(data_of(folder, name))), None)
    for number, name in enumerate(wanted, start=1):
        data = data_of(folder, name)
        if name not in known:
            strangers = sorted(path.name for path in _entries(data.parent) if path.name not in _MADE_AT_EACH_START)
            beside = (
                f"{data.parent / strangers[0]} is there" if strangers else ran and f"{data_of(folder, ran)} is there"
            )
            if beside:
                return f"{data} is missing although {beside}"
        elif known[name]["node.id"] != str(number):
            return f"{data} is that of broker {known[name]['node.id']}"
        elif known[name]["cluster.id"] != known[stored[0]]["cluster.id"]:
            return f"{data} is of another cluster than {data_of(folder, stored[0])}"
    return None


def _counted(count: int) -> str:
    return "1 broker" if count == 1 else f"{count} brokers"


def _entries(folder: Path) -> Iterator[Path]:
    return folder.iterdir() if folder.is_dir() else iter(())
