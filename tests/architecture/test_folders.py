"""Pure folders touch no world, heavy libraries have one owner, venues do not know each other, names say something."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.rules.folders import (
    empty_names,
    foreign_libraries,
    impure,
    mixed_venues,
    simulator_reads_for_itself,
    trading_outside_executor,
)
from tests.architecture.rules.source import PRODUCT, ROOT, Source, none_of, snippet, sources

RULES = (
    impure,
    foreign_libraries,
    mixed_venues,
    trading_outside_executor,
    simulator_reads_for_itself,
    empty_names,
)


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.path)
def test_a_file_imports_what_its_folder_may(source: Source) -> None:
    assert none_of(told for rule in RULES for told in rule(source))


def test_the_import_contracts_hold() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_import_contracts_name_every_package() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    roots = text.partition("root_packages = [")[2].partition("]")[0]
    assert sorted(roots.replace('"', "").replace(",", " ").split()) == sorted(PRODUCT)


@pytest.mark.parametrize("folder", ["tapeline/domain", "tapeline/strategies", "tapeline/venues", "schemas"])
@pytest.mark.parametrize(
    "text", ["import asyncio", "import time", "from os import path", "import urllib.request", "from uuid import uuid4"]
)
def test_a_pure_folder_that_touches_the_world_is_refused(folder: str, text: str) -> None:
    assert len(list(impure(snippet(text, f"{folder}/x.py")))) == 1
    assert list(impure(snippet(text, "tapeline/runtime/x.py"))) == []


def test_uuid5_is_pure() -> None:
    assert list(impure(snippet("from uuid import uuid5", "tapeline/domain/x.py"))) == []


@pytest.mark.parametrize(
    ("text", "path", "owner"),
    [
        ("import faust", "sinks/rows.py", "processors/app.py"),
        ("from fastapi import FastAPI", "executor/web.py", "gateway/app.py"),
        ("import aiokafka.errors", "producers/book.py", "tapeline/runtime/kafka.py"),
        ("import chdb", "infra/embedded/registry/server.py", "infra/embedded/clickhouse/engine.py"),
    ],
)
def test_a_heavy_library_outside_its_owner_is_refused(text: str, path: str, owner: str) -> None:
    assert len(list(foreign_libraries(snippet(text, path)))) == 1
    assert list(foreign_libraries(snippet(text, owner))) == []


@pytest.mark.parametrize(
    "text", ["import tapeline.venues.okx.wire", "from tapeline.venues import okx", "from ..okx import x"]
)
def test_a_venue_that_imports_another_is_refused(text: str) -> None:
    assert len(list(mixed_venues(snippet(text, "tapeline/venues/bybit/market.py")))) == 1
    assert list(mixed_venues(snippet(text, "tapeline/venues/okx/market.py"))) == []
    assert list(mixed_venues(snippet(text, "tapeline/venues/registry.py"))) == []


def test_a_venue_may_use_the_contract() -> None:
    text = "from tapeline.venues.contract import Venue\nfrom . import wire"
    assert list(mixed_venues(snippet(text, "tapeline/venues/okx/market.py"))) == []


@pytest.mark.parametrize("part", ["trading", "signing"])
def test_trading_outside_the_executor_is_refused(part: str) -> None:
    text = f"from tapeline.venues.bybit.{part} import build"
    assert len(list(trading_outside_executor(snippet(text, "gateway/orders.py")))) == 1
    assert len(list(trading_outside_executor(snippet(text, "tapeline/venues/okx/trading.py")))) == 1
    assert list(trading_outside_executor(snippet(text, "executor/submit.py"))) == []
    assert list(trading_outside_executor(snippet(text, "tapeline/venues/bybit/trading.py"))) == []


@pytest.mark.parametrize("text", ["from tapeline.venues import okx", "from tapeline.domain.book import Book"])
def test_a_simulator_that_shares_our_reading_is_refused(text: str) -> None:
    assert len(list(simulator_reads_for_itself(snippet(text, "simulator/book.py")))) == 1
    assert list(simulator_reads_for_itself(snippet("from tapeline.domain.matching import x", "simulator/b.py"))) == []


@pytest.mark.parametrize("path", ["tapeline/utils.py", "sinks/common/rows.py", "gateway/ws_helpers.py"])
def test_a_module_whose_name_says_nothing_is_refused(path: str) -> None:
    assert len(list(empty_names(snippet("", path)))) == 1


@pytest.mark.parametrize(
    ("text", "count"), [("class BookManager: ...", 1), ("class BaseDriver: ...", 1), ("class Based: ...", 0)]
)
def test_a_class_whose_name_says_nothing_is_refused(text: str, count: int) -> None:
    assert len(list(empty_names(snippet(text)))) == count
