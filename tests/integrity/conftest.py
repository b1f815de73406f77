"""What the integrity tests share: how many messages of each market, and the seed."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def messages(request: pytest.FixtureRequest) -> int:
    """Return how many book messages each run has."""
    return int(request.config.getoption("--messages"))


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """Return the seed of markets and faults."""
    return int(request.config.getoption("--integrity-seed"))
