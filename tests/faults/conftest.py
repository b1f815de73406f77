"""What several fault tests share: services of their own, which they may break, and markets with an account on them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tapeline.domain.partition import partition_of
from tapeline.runtime.settings import Settings
from tests.support.executor_process import Bench, publish_rules
from tests.support.executor_process import bench as opened
from tests.support.running import running, settings_in
from tests.support.sinks import PARTITIONS


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Run services for the tests of one file, which may kill and cut off what they like."""
    settings = settings_in(tmp_path_factory.mktemp("system"))
    with running(settings):
        yield settings


@pytest.fixture(scope="module")
def listed(system: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return services whose topics have the rules of all instruments."""
    asyncio.run(publish_rules(system, tmp_path_factory.mktemp("rules")))
    return system


@pytest.fixture
async def bench(listed: Settings, tmp_path: Path) -> AsyncIterator[Bench]:
    """Run markets of the test's own, with an account on them."""
    async with opened(listed, tmp_path / "own") as made:
        yield made


@pytest.fixture
def symbols() -> tuple[str, ...]:
    """Return three symbols of the test's own, in at least two partitions."""
    stem = uuid.uuid4().hex[:10]
    first, *others = (f"{stem}{number}/USDT" for number in range(30))
    second = next(one for one in others if partition_of(one, PARTITIONS) != partition_of(first, PARTITIONS))
    return first, second, next(one for one in others if one != second)
