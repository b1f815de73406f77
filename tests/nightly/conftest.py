"""What the nightly tests share: the seed, how long the random kills go on, and the page that their rows are put on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import documents


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Return the seed of this run."""
    return int(request.config.getoption("--nightly-seed"))


@pytest.fixture
def kills_s(request: pytest.FixtureRequest) -> float:
    """Return for how long processes are killed at random."""
    return float(request.config.getoption("--nightly-for"))


@pytest.fixture
def only_mode(request: pytest.FixtureRequest) -> str | None:
    """Return the one way in which the network is to break; None: each."""
    chosen = request.config.getoption("--nightly-mode")
    return None if chosen is None else str(chosen)


@pytest.fixture(scope="session", autouse=True)
def _page(request: pytest.FixtureRequest) -> Iterator[None]:
    """Make the page anew when all rows of this run are written."""
    yield
    if request.config.getoption("--nightly"):
        documents.write(documents.ROOT / "docs" / "reliability.md")
