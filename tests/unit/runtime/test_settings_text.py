"""The example files hold every key, commented, and are what the catalogue says (B-02, X-01)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tapeline.runtime import settings, settings_text

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("name", "text"),
    [("tapeline.example.toml", settings_text.example_toml()), (".env.example", settings_text.example_env())],
)
def test_the_committed_file_has_not_drifted(name: str, text: str) -> None:
    assert (ROOT / name).read_text("utf-8") == text, f"make docs renews {name}"


def test_every_key_stands_in_both_with_what_it_means() -> None:
    toml, env = settings_text.example_toml(), settings_text.example_env()
    for key in settings.catalogue():
        in_file = re.search(rf"^#{key.name} =.*  # .*{re.escape(key.about)}", toml, re.MULTILINE) is not None
        assert in_file == (key.section not in settings.NOT_IN_FILES), key.dotted
        assert re.search(rf"^# .*{re.escape(key.about)}.*\n#?{key.variable}=", env, re.MULTILINE), key.dotted


def test_as_they_stand_they_change_nothing(tmp_path: Path) -> None:
    before = settings.load(tmp_path, environ={})
    (tmp_path / "tapeline.toml").write_text(settings_text.example_toml())
    (tmp_path / ".env").write_text(settings_text.example_env())
    assert settings.load(tmp_path, environ={}) == before


def test_with_the_marks_removed_they_give_the_defaults(tmp_path: Path) -> None:
    before = settings.load(tmp_path, environ={})
    # A key that has no default has no value to uncomment.
    active = re.sub(r"^#(?=\[|\w+ = \S)", "", settings_text.example_toml(), flags=re.MULTILINE)
    (tmp_path / "tapeline.toml").write_text(active)
    assert settings.load(tmp_path, environ={}) == before
    (tmp_path / "tapeline.toml").unlink()
    (tmp_path / ".env").write_text(re.sub(r"^#(?=TAPELINE_)", "", settings_text.example_env(), flags=re.MULTILINE))
    assert settings.load(tmp_path, environ={}) == before


def test_a_secret_has_no_default_in_them() -> None:
    for key in settings.catalogue():
        if key.secret:
            assert re.search(rf"^#?{key.variable}=$", settings_text.example_env(), re.MULTILINE)
