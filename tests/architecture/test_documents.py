"""The documents' parts that come from the catalogues are up to date, and the example file means the defaults."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tapeline.runtime import settings, settings_text
from tests.support import documents

PAGES = list(documents.documents())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(documents.ROOT).as_posix())
def test_a_made_part_is_what_the_catalogue_says(page: Path) -> None:
    text = page.read_text("utf-8")
    assert text == documents.renewed(text), "run `make docs`"


def test_b_02_the_example_file_holds_every_key() -> None:
    assert documents.EXAMPLE.read_text("utf-8") == settings_text.example_toml(), "run `make docs`"
    in_files = [key.dotted for key in settings.catalogue() if key.section not in settings.NOT_IN_FILES]
    assert example_keys() == in_files


def test_the_example_file_means_the_defaults(tmp_path: Path) -> None:
    example = documents.EXAMPLE.read_text("utf-8")
    in_force = re.sub(r"(?m)^#(\[\w+\]|\w+ = [^# ])", r"\1", example)
    (tmp_path / settings.FILE_NAME).write_text(in_force, "utf-8")
    with_file = settings.load(tmp_path, environ={})
    (tmp_path / settings.FILE_NAME).write_text("", "utf-8")
    assert with_file == settings.load(tmp_path, environ={})


def test_every_settings_key_is_documented() -> None:
    page = (documents.ROOT / "docs" / "configuration.md").read_text("utf-8")
    assert [key.dotted for key in settings.catalogue() if f"| `{key.dotted}` |" not in page] == []


def test_x_18_what_endangers_data_is_marked_and_what_is_recommended_too() -> None:
    marks = {word for key in settings.catalogue() for word in ("DANGER", "RECOMMENDED") if word in key.about}
    assert marks == {"DANGER", "RECOMMENDED"}


def test_a_drifted_part_is_noticed_and_the_rest_of_a_page_is_left_alone() -> None:
    drifted = "before\n<!-- made from topics -->\nold\n<!-- end -->\nafter\n"
    made = documents.renewed(drifted)
    assert made != drifted
    assert made.startswith("before\n<!-- made from topics -->\n\n| topic |")
    assert made.endswith("\n\n<!-- end -->\nafter\n")
    assert documents.renewed(made) == made


def example_keys() -> list[str]:
    """Return the keys of the example file in dotted form."""
    section, found = "", []
    for line in documents.EXAMPLE.read_text("utf-8").splitlines():
        if table := re.match(r"#\[(\w+)\]$", line):
            section = table[1]
        elif key := re.match(r"#(\w+) =", line):
            found.append(f"{section}.{key[1]}")
    return found
