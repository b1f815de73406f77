"""docs/requirements.md lists every requirement once and promises only what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.rules.requirements import IDS, rows, unkept
from tests.architecture.rules.source import ROOT, none_of

PAGE = (ROOT / "docs" / "requirements.md").read_text("utf-8")


def test_every_requirement_has_an_honest_row() -> None:
    assert none_of(unkept(PAGE, ROOT))


def test_the_list_of_ids_is_the_whole_one() -> None:
    assert len(IDS) == 179
    assert (IDS[0], IDS[21], IDS[22], IDS[-1]) == ("X-01", "X-22", "A-01", "K29")


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("| X-01 | what | `gone.py` | `test_here.py` | done |", "X-01: gone.py does not exist"),
        ("| X-01 | what | `here.py` |  | done |", "X-01: done needs the files that do it"),
        ("| X-01 | what |  |  | partly |", "X-01: partly needs the files"),
        ("| X-01 | what | `here.py` |  | open |", "X-01: open names no files"),
        ("| X-01 | what | `here.py` | `test_here.py` | nearly |", "X-01: the state is 'nearly'"),
        ("| X-02 | what | `here.py` | `test_here.py` | done |", "X-02: none of its tests says X-02"),
    ],
)
def test_a_row_that_promises_too_much_is_told(row: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "here.py").write_text("", "utf-8")
    (tmp_path / "test_here.py").write_text("def test_x_01_it_holds(): ...", "utf-8")
    assert any(sentence.startswith(told) for sentence in unkept(row, tmp_path))


def test_a_row_that_is_kept_is_free(tmp_path: Path) -> None:
    (tmp_path / "here.py").write_text("", "utf-8")
    (tmp_path / "test_here.py").write_text("def test_x_01_it_holds(): ...", "utf-8")
    told = list(unkept("| X-01 | what | `here.py` | `test_here.py` | done |", tmp_path))
    assert [sentence for sentence in told if sentence.startswith("X-01")] == []


def test_a_missing_row_is_told() -> None:
    without = "\n".join(line for line in PAGE.splitlines() if not line.startswith("| C-05 |"))
    assert len(rows(without)) == len(IDS) - 1
    assert next(iter(unkept(without, ROOT))).endswith("wrong: ['C-05']")
