"""What a page of the documentation promises: commands that exist, links that lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`((?:tapeline|make|uv run tapeline) [^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
_SHELLS = {"sh", "bash", "console", "shell"}


class Option(Protocol):
    """An option of a command as the command line's library has it."""

    opts: list[str]
    secondary_opts: list[str]


class Command(Protocol):
    """A command as the command line's library has it; a group also has `commands`."""

    params: list[Option]


def commands(text: str) -> Iterator[str]:
    """Yield every command that a page shows: lines of its shell blocks and inline `tapeline ...` and `make ...`."""
    for language, block in _FENCE.findall(text):
        if language in _SHELLS:
            for line in block.replace("\\\n", " ").splitlines():
                command = line.strip().removeprefix("$ ").partition("  #")[0].strip()
                if command and not command.startswith("#"):
                    yield command
    yield from _SPAN.findall(_FENCE.sub("", text))


def unknown_commands(path: str, text: str, *, app: Command, targets: set[str]) -> Iterator[str]:
    """Yield every `tapeline ...` that the command line does not know and every `make ...` that is no target."""
    for command in commands(text):
        words = command.removeprefix("uv run ").split()
        if words[0] == "make":
            wanted = [word for word in words[1:] if re.fullmatch(r"[a-z]+", word)]
            told = [f"make has no target {word!r}" for word in wanted[:1] if word not in targets]
        elif words[0] == "tapeline":
            told = list(_unknown(app, words[1:]))
        else:
            told = []
        yield from (f"{path}: `{command}`: {sentence}" for sentence in told)


def _unknown(app: Command, words: list[str]) -> Iterator[str]:
    """Walk down the groups, then look at the options."""
    command = app
    rest = list(words)
    while rest and (inner := getattr(command, "commands", None)) and not rest[0].startswith("-"):
        word = rest.pop(0)
        if word in {"...", "COMMAND"}:
            return
        if word not in inner:
            yield f"there is no command {word!r}"
            return
        command = inner[word]
    known = {name for param in command.params for name in (*param.opts, *param.secondary_opts)} | {"--help"}
    for word in rest:
        if word in {"|", "&&", ">"}:
            return
        if word.startswith("-") and len(word) > 1 and word.partition("=")[0] not in known:
            yield f"it has no option {word!r}"


def dead_links(path: str, text: str, root: Path) -> Iterator[str]:
    """Yield every link to a file of the project that does not exist."""
    for target in _LINK.findall(_FENCE.sub("", text)):
        if "://" not in target and not (root / path).parent.joinpath(target).exists():
            yield f"{path}: the link {target!r} leads nowhere"


def targets(makefile: str) -> set[str]:
    """Return the targets of a Makefile."""
    return set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
