"""The command `tapeline` from outside: a real process in a folder of its own, and what it answered."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tapeline.runtime import clock
from tapeline.runtime.settings import Settings, load

WITHIN_S = 90.0
_PROGRAM = Path(sys.executable).with_name("tapeline")


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended and what it said."""

    code: int
    stdout: str
    stderr: str

    @property
    def value(self) -> Any:  # noqa: ANN401 - every command has a shape of its own
        """Return the one JSON value on standard output; more or less than one is an error."""
        assert self.stdout.count("\n") == 1, f"not exactly one line: {self.stdout!r} {self.stderr!r}"
        return json.loads(self.stdout)

    @property
    def values(self) -> list[Any]:
        """Return the JSON values of a stream, one a line."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def refusal(self) -> tuple[int, dict[str, Any], str]:
        """Return exit code, error object and sentence of a command that failed in --json mode."""
        return self.code, self.value["error"], self.stderr.strip()


@dataclass(frozen=True, slots=True)
class Tapeline:
    """Runs commands against the data directory below `root`."""

    root: Path
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of the commands: ours without settings, then those of this place."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("TAPELINE_")}
        places = {"TAPELINE_DATA__DIR": str(self.root / "data"), "TAPELINE_LOG__DIR": str(self.root / "logs")}
        return ours | places | dict(self.extra)

    @property
    def settings(self) -> Settings:
        """Return the settings that the commands have."""
        return load(self.root, environ=self.environment)

    def with_settings(self, **extra: str) -> Tapeline:
        """Return the same place with more settings in the environment."""
        return Tapeline(self.root, {**self.extra, **extra})

    def run(self, *words: str, within_s: float = WITHIN_S) -> Answer:
        """Run a command to its end."""
        done = subprocess.run(
            [str(_PROGRAM), *words],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def json(self, *words: str) -> Any:  # noqa: ANN401 - every command has a shape of its own
        """Run a command with --json that must succeed and say nothing on standard error; return its value."""
        answer = self.run(*words, "--json")
        assert (answer.code, answer.stderr) == (0, ""), answer
        return answer.value

    def until(self, *words: str, lines: int) -> Answer:
        """Run a command again and again until it succeeds with at least so many lines; the last answer counts."""
        end_s = clock.monotonic_s() + WITHIN_S
        while True:
            answer = self.run(*words)
            if (answer.code == 0 and answer.stdout.count("\n") >= lines) or clock.monotonic_s() > end_s:
                return answer

    @contextmanager
    def started(self, *words: str) -> Iterator[Started]:
        """Run a command beside the block; one that still runs at its end is killed."""
        process = subprocess.Popen(
            [str(_PROGRAM), *words],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                yield Started(process)
            finally:
                process.kill()


@dataclass(frozen=True, slots=True)
class Started:
    """A command that runs."""

    process: subprocess.Popen[str]

    def line(self) -> Any:  # noqa: ANN401 - every command has a shape of its own
        """Wait for the next line of standard output and return its JSON value; the test's timeout bounds it."""
        return json.loads(_open(self.process.stdout).readline())

    def has_output(self) -> bool:
        """Tell whether something was written that is not read yet."""
        return bool(select.select([_open(self.process.stdout)], [], [], 0)[0])

    def close_output(self) -> None:
        """Stop reading, as `head` does when it has enough."""
        _open(self.process.stdout).close()

    def wait(self) -> Answer:
        """Wait for the end of a command whose output was closed."""
        said = _open(self.process.stderr).read()
        return Answer(self.process.wait(WITHIN_S), "", said)

    def stop(self, number: signal.Signals) -> Answer:
        """Send a signal and wait for the end."""
        self.process.send_signal(number)
        rest, said = self.process.communicate(timeout=WITHIN_S)
        return Answer(self.process.returncode, rest, said)


def _open(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream
