"""X-19: what the documents show can be typed; the quick start is two commands; links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

import pytest
import typer

from tapeline.cli.app import app
from tests.architecture.rules.pages import Command, commands, dead_links, targets, unknown_commands
from tests.architecture.rules.source import ROOT, none_of
from tests.support.documents import documents

PAGES = {page.relative_to(ROOT).as_posix(): page.read_text("utf-8") for page in documents()}
MAKE = targets((ROOT / "Makefile").read_text("utf-8"))
TAPELINE = cast("Command", typer.main.get_command(app))


@pytest.mark.parametrize("page", PAGES)
def test_x_19_commands_exist(page: str) -> None:
    assert none_of(unknown_commands(page, PAGES[page], app=TAPELINE, targets=MAKE))


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    assert none_of(dead_links(page, PAGES[page], ROOT))


def test_the_quick_start_is_two_commands_one_runs_the_demo_one_the_tests() -> None:
    section = re.search(r"^## Quick start\n(.*?)(?=^## )", PAGES["README.md"], re.MULTILINE | re.DOTALL)
    assert section is not None
    assert list(commands(section[1])) == ["make demo", "make test"]
    assert {"demo", "test"} <= MAKE


def test_ci_runs_the_test_command_of_the_readme() -> None:
    assert "\nmake test" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_every_page_of_docs_is_linked_from_another() -> None:
    linked = {
        (ROOT / page).parent.joinpath(target).resolve()
        for page, text in PAGES.items()
        for target in re.findall(r"\]\(([^)#\s]+)", text)
    }
    assert [page for page in PAGES if page != "README.md" and (ROOT / page).resolve() not in linked] == []


def test_every_target_is_in_the_help() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    helped = set(re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE))
    assert MAKE - helped == {"ready"}
    assert {"help", "demo", "up", "down", "test", "check", "lint", "format", "bench", "nightly", "clean"} <= MAKE


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("```sh\nmake dmeo\n```\n", "make has no target 'dmeo'"),
        ("Run `make tset ARGS=x`.", "make has no target 'tset'"),
        ("```sh\ntapeline upp\n```\n", "there is no command 'upp'"),
        ("Run `tapeline topics list`.", "there is no command 'list'"),
        ("Run `tapeline status --wacth`.", "it has no option '--wacth'"),
    ],
)
def test_a_command_that_does_not_exist_is_told(text: str, told: str) -> None:
    found = list(unknown_commands("docs/x.md", text, app=TAPELINE, targets=MAKE))
    assert len(found) == 1
    assert found[0].endswith(told)


@pytest.mark.parametrize(
    "text", ["Run `tapeline status --watch`.", "```sh\nmake demo ARGS='--json'\n```", "`make it so`"]
)
def test_a_command_that_exists_is_free(text: str) -> None:
    told = list(unknown_commands("docs/x.md", text, app=TAPELINE, targets=MAKE | {"it"}))
    assert told == []


def test_a_dead_link_is_told(tmp_path: Path) -> None:
    (tmp_path / "here.md").write_text("", "utf-8")
    text = "[a](here.md) [b](gone.md#x) [c](https://example.com/gone)"
    assert list(dead_links("page.md", text, tmp_path)) == ["page.md: the link 'gone.md' leads nowhere"]
