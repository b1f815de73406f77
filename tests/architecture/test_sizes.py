"""Modules stay under 400 lines, functions under 50, each file says in its first line what it is."""

from __future__ import annotations

import pytest

from tests.architecture.rules.sizes import init_names_only, opening, too_long
from tests.architecture.rules.source import PRODUCT, Source, none_of, snippet, sources


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.path)
def test_x_18_a_file_is_short_and_says_what_it_is(source: Source) -> None:
    assert none_of([*too_long(source), *opening(source)])


def test_an_init_only_names_things() -> None:
    assert none_of(told for source in sources(*PRODUCT) for told in init_names_only(source))


def test_a_module_of_401_lines_is_refused() -> None:
    assert list(too_long(snippet("x = 1\n" * 400))) == []
    assert list(too_long(snippet("x = 1\n" * 401))) == [
        "tapeline/domain/example.py:1: 401 lines, at most 400: split it by what changes together"
    ]


def test_a_function_of_51_lines_is_refused() -> None:
    long = "class A:\n    async def f(self):\n" + "        x = 1\n" * 50
    assert list(too_long(snippet(long))) == [
        "tapeline/domain/example.py:2: f has 51 lines, at most 50: give its steps names"
    ]
    assert list(too_long(snippet(long.removesuffix("        x = 1\n")))) == []


@pytest.mark.parametrize("text", ["import os\n", "# comment\n'''Late.'''\n", '\n"""Late."""\n', '"""No end"""\n'])
def test_a_file_that_does_not_open_with_a_sentence_is_refused(text: str) -> None:
    assert len(list(opening(snippet(text)))) == 1


def test_a_docstring_of_one_sentence_is_enough() -> None:
    assert list(opening(snippet('"""What it is.\n\nMore about it\n"""\n'))) == []


@pytest.mark.parametrize("text", ["def f(): ...", "class A: ...", "start()", "if x: y = 1"])
def test_an_init_that_does_something_is_refused(text: str) -> None:
    assert len(list(init_names_only(snippet(f'"""Names."""\nX = 1\n{text}\n', "tapeline/a/__init__.py")))) == 1
    assert list(init_names_only(snippet(text, "tapeline/a/module.py"))) == []
