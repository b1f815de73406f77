"""What the nightly tests share: seed, length of the random kills, the folder of a trial, and the page of their rows."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support import documents

_FAILED: Final = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note of each test whether it has failed, for what becomes of its folder."""
    report = yield
    if call.when == "call":
        item.stash[_FAILED] = report.failed
    return report


@pytest.fixture
def root(request: pytest.FixtureRequest) -> Iterator[Path]:
    """Return the folder of one trial: when it has failed it is left and named, and no later run deletes it."""
    folder = Path(tempfile.mkdtemp(prefix="tapeline-nightly-"))
    yield folder
    if request.node.stash.get(_FAILED, False):
        print(f"\nits data and logs stay in {folder}")  # noqa: T201 - where to look
    else:
        shutil.rmtree(folder)


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
