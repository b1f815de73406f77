"""Time, randomness, environment, output, tasks and signals have one owner each; some things have none."""

from __future__ import annotations

import pytest

from tests.architecture.rules.bans import banned, banned_methods, bare_except, unexplained, unfinished
from tests.architecture.rules.source import Source, none_of, snippet, sources


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.path)
def test_a_file_uses_nothing_that_is_banned(source: Source) -> None:
    rules = (banned, banned_methods, bare_except, unfinished, unexplained)
    assert none_of(told for rule in rules for told in rule(source))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("import time\nx = time.time()", "time.time"),
        ("import time as t\nx = t.monotonic()", "time.monotonic"),
        ("from time import time\n", "time.time"),
        ("import time\nfield(default_factory=time.time_ns)", "time.time_ns"),
        ("import datetime as dt\nx = dt.datetime.now(dt.UTC)", "datetime.datetime.now"),
        ("from datetime import datetime\nx = datetime.utcnow()", "datetime.datetime.utcnow"),
        ("import uuid\nx = uuid.uuid4().hex", "uuid.uuid4"),
        ("import random\nx = random.Random(3).random()", "random.Random"),
        ("from secrets import token_hex\n", "secrets.token_hex"),
        ("import os\nx = os.environ['HOME']", "os.environ"),
        ("from os import getenv\n", "os.getenv"),
        ("print('hello')", "print"),
        ("import pickle\n", "pickle"),
        ("import signal\nsignal.signal(2, f)", "signal.signal"),
    ],
)
def test_a_banned_name_is_found_under_every_alias(text: str, name: str) -> None:
    told = list(banned(snippet(text)))
    assert any(f": {name} is not used here: use " in sentence for sentence in told), told


def test_the_failure_names_the_replacement() -> None:
    told = (
        "sinks/rows.py:3: os.environ is not used here: "
        "use a key of tapeline.runtime.settings, and settings.child_environment() for a child process"
    )
    assert list(banned(snippet("import os\n\nhome = os.environ['HOME']\n", "sinks/rows.py"))) == [told]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("import time\nx = time.time()", "tapeline/runtime/clock.py"),
        ("import secrets\nx = secrets.token_urlsafe(32)", "tapeline/runtime/entropy.py"),
        ("import os\nx = os.environ", "tapeline/runtime/settings.py"),
        ("print('hello')", "tapeline/cli/render.py"),
        ("import asyncio\nasyncio.sleep(1)", "tests/support/eventually.py"),
        ("console.print('hello')", "tapeline/cli/status.py"),
        ("import asyncio\nawait asyncio.sleep(0)", "tests/support/log.py"),
        ("runtime = view.time.time", "tapeline/domain/view.py"),
        ("secrets = run.secrets\nx = secrets.token", "tapeline/runtime/runfile.py"),
    ],
)
def test_the_one_owner_and_a_name_that_only_looks_alike_are_free(text: str, path: str) -> None:
    assert list(banned(snippet(text, path))) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import asyncio\nasyncio.sleep(1)", "asyncio.sleep"),
        ("from time import sleep\n", "time.sleep"),
        ("from unittest import mock\n", "unittest.mock"),
        ("from unittest.mock import Mock\n", "unittest.mock.Mock"),
    ],
)
def test_a_test_neither_sleeps_nor_mocks(text: str, found: str) -> None:
    assert any(found in told for told in banned(snippet(text, "tests/unit/test_x.py")))
    assert list(banned(snippet(text, "tapeline/runtime/retry.py"))) == []


@pytest.mark.parametrize(
    "text",
    [
        "import asyncio\nasyncio.create_task(f())",
        "loop.create_task(f())",
        "get_loop().create_task(f())",
        "asyncio.ensure_future(f())",
        "get_loop().add_signal_handler(15, stop)",
    ],
)
def test_a_task_or_a_signal_handler_outside_lifecycle_is_refused(text: str) -> None:
    assert len(list(banned_methods(snippet(text)))) == 1
    assert list(banned_methods(snippet(text, "tapeline/runtime/lifecycle.py"))) == []


def test_a_bare_except_is_refused() -> None:
    assert len(list(bare_except(snippet("try:\n    f()\nexcept:\n    raise\n")))) == 1
    assert list(bare_except(snippet("try:\n    f()\nexcept OSError:\n    raise\n"))) == []


@pytest.mark.parametrize("word", ["FIX" + "ME", "TO" + "DO later", "X" * 3])
def test_an_unfinished_comment_is_refused(word: str) -> None:
    assert len(list(unfinished(snippet(f"x = 1  # {word}\n")))) == 1
    assert list(unfinished(snippet(f"x = '{word}'\n"))) == []


@pytest.mark.parametrize("comment", ["noqa", "noqa: S101", "type: ignore", "type: ignore[misc]"])
def test_a_check_switched_off_without_its_reason_is_refused(comment: str) -> None:
    assert len(list(unexplained(snippet(f"x = 1  # {comment}\n")))) == 1


@pytest.mark.parametrize("comment", ["noqa: S101, E501 - why", "type: ignore[misc]  # why", "type: ignore[a-b] - why"])
def test_a_check_switched_off_with_its_reason_is_free(comment: str) -> None:
    assert list(unexplained(snippet(f"x = 1  # {comment}\n"))) == []


def test_the_reason_may_stand_above() -> None:
    assert list(unexplained(snippet("# It knows more than it says.\nx = y._z  # noqa: SLF001\n"))) == []
    assert len(list(unexplained(snippet("# It knows more than it says.\nx = y._z  # noqa\n")))) == 1
