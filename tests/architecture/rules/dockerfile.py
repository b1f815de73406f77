"""A Dockerfile taken apart: its stages, and the instructions of each with their words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: what it starts from, its name, its instructions in order."""

    image: str
    name: str | None
    steps: list[tuple[str, str]] = field(default_factory=list)

    def all(self, instruction: str) -> list[str]:
        """Return the words of every such instruction."""
        return [words for name, words in self.steps if name == instruction]


def stages(text: str) -> list[Stage]:
    """Return the stages of a Dockerfile."""
    found: list[Stage] = []
    lines = re.sub(r"\\\n", " ", "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")))
    for line in lines.splitlines():
        instruction, _, words = line.strip().partition(" ")
        if instruction == "FROM":
            image, _, name = words.partition(" AS ")
            found.append(Stage(image, name or None))
        elif instruction:
            found[-1].steps.append((instruction, " ".join(words.split())))
    return found


def copied(stage: Stage) -> list[str]:
    """Return what a stage takes from the build's folder."""
    return [source for words in stage.all("COPY") if not words.startswith("--from=") for source in words.split()[:-1]]
