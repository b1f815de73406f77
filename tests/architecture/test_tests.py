"""Every test can fail, and unit tests stand where their source stands."""

from __future__ import annotations

import pytest

from tests.architecture.rules.source import Source, none_of, snippet, sources
from tests.architecture.rules.tests import homeless, without_assert


@pytest.mark.parametrize("source", sources("tests"), ids=lambda source: source.path)
def test_a_test_can_fail_and_has_its_place(source: Source) -> None:
    assert none_of([*without_assert(source), *homeless(source)])


def test_a_test_without_an_assert_is_refused() -> None:
    text = "def test_it() -> None:\n    run()\n"
    assert list(without_assert(snippet(text, "tests/unit/test_x.py"))) == [
        "tests/unit/test_x.py:1: test_it asserts nothing: say what must hold (or `with accepted():`)"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "def test_it():\n    assert run() == 1\n",
        "def test_it():\n    with pytest.raises(OSError):\n        run()\n",
        "async def test_it():\n    await eventually(run)\n",
        "def same(a):\n    assert a\ndef both(a):\n    same(a)\ndef test_it():\n    both(1)\n",
        "def test_it():\n    assert_same(1, 2)\n",
        "def use():\n    assert 1\nasync def test_it():\n    await to_thread(use)\n",
        "def test_it():\n    with accepted():\n        check(1)\n",
    ],
)
def test_a_test_that_judges_is_free(text: str) -> None:
    assert list(without_assert(snippet(text, "tests/unit/test_x.py"))) == []


def test_a_unit_test_of_no_source_folder_is_refused() -> None:
    assert list(homeless(snippet("", "tests/unit/runtime/test_clock.py"))) == []
    assert list(homeless(snippet("", "tests/unit/nowhere/test_x.py"))) == [
        "tests/unit/nowhere/test_x.py:1: no source folder is called 'nowhere': unit tests mirror the source tree"
    ]
