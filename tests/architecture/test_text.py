"""Files mean the same on every machine and speak of the software only."""

from __future__ import annotations

import pytest

from tests.architecture.rules.source import none_of, texts
from tests.architecture.rules.text import out_of_place


def test_no_file_is_out_of_place() -> None:
    assert none_of(told for path, text in texts() for told in out_of_place(path, text))


def test_the_whole_tree_is_read() -> None:
    paths = {path for path, _ in texts()}
    assert paths >= {"Makefile", "README.md", ".ci/run", ".env.example", "infra/compose.yaml", "docs/compose.md"}


@pytest.mark.parametrize(
    "line",
    [
        "cd /wo" + "rk/main",
        "data = '/ho" + "me/me/x'",
        "https://files.python" + "hosted.org/x",
        "index = https://pypi" + ".org/simple",
        "see iss" + "ue 12",
        "as our coll" + "eague does",
    ],
)
def test_a_line_that_is_out_of_place_is_told(line: str) -> None:
    assert len(list(out_of_place("docs/x.md", line))) == 1


@pytest.mark.parametrize("line", ["~/.cache/tapeline", "https://example.com/home/x", "/var/lib/work/x", "issues"])
def test_a_line_that_only_looks_alike_is_free(line: str) -> None:
    assert list(out_of_place("docs/x.md", line)) == []
