"""What no file of the project says: paths of one machine, hosts of package registries, how the work was organised."""

from __future__ import annotations

import re
from collections.abc import Iterator

_MACHINE = re.compile(r"(?<![\w./:-])/(?:work|root|home|Users)/\w")
# Put together from parts, so that this file keeps its own rule.
_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("repo1", "maven", "org"),
        ("repo", "maven", "apache", "org"),
        ("proxy", "golang", "org"),
        ("crates", "io"),
    )
]
_ORGANISED = re.compile(
    r"\b(?:" + "|".join((r"issue" + r" #?\d+", "coll" + "eagues?", "sub" + "-?agents?", "work" + "stream")) + r")\b",
    re.IGNORECASE,
)
# The lock names the files it has locked; it is written by uv alone.
_LOCKS = ("uv.lock",)


def out_of_place(path: str, text: str) -> Iterator[str]:
    """Yield each line that would be wrong, or mean nothing, on another machine."""
    if path in _LOCKS:
        return
    for number, line in enumerate(text.splitlines(), 1):
        if found := _MACHINE.search(line):
            yield f"{path}:{number}: {found[0]}... is a path of one machine: write it relative to the project's root"
        for host in _HOSTS:
            if host in line:
                yield f"{path}:{number}: {host} is a package registry: leave the host to the tool and its settings"
        if found := _ORGANISED.search(line):
            yield f"{path}:{number}: {found[0]!r} says how the work was organised: say what the software does"
