"""One running Tapeline for all journeys that need one, started and stopped by the command itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tapeline.runtime import endpoints
from tapeline.runtime.endpoints import Endpoints
from tests.journeys.command import Answer, Tapeline
from tests.support.running import left_over


@dataclass(frozen=True, slots=True)
class Up:
    """A Tapeline that runs, and how `tapeline up` answered."""

    tapeline: Tapeline
    answer: Answer

    @property
    def status(self) -> Any:  # noqa: ANN401 - JSON
        """Return what `up` said of the run."""
        return self.answer.value

    @property
    def endpoints(self) -> Endpoints:
        """Return where its services are, for a client of the test's own."""
        return endpoints.resolve(self.tapeline.settings)


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Start with `tapeline up --json`; at the end `tapeline down --json` must leave nothing."""
    tapeline = Tapeline(tmp_path_factory.mktemp("journey"))
    try:
        answer = tapeline.run("up", "--json")
        assert answer.code == 0, answer
        yield Up(tapeline, answer)
    finally:
        down = tapeline.run("down", "--json")
        assert (down.code, down.value["was_running"], down.stderr) == (0, True, "")
        assert left_over(tapeline.settings) == []


@pytest.fixture
def stopped(tmp_path: Path) -> Iterator[Tapeline]:
    """Return a place where nothing runs; what a test starts there is stopped at its end."""
    tapeline = Tapeline(tmp_path)
    yield tapeline
    left = left_over(tapeline.settings)
    if left:  # a test that failed half-way must not leave its services to the next one
        tapeline.run("down")
    assert left == []
