"""Any text survives in any source; any slip in a name is refused by name; no secret is ever in a sentence (X-01)."""

from __future__ import annotations

import json
import string
import tempfile
from pathlib import Path

from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import SecretStr

from tapeline.errors import Misconfigured
from tapeline.runtime import settings

KEYS = [key for key in settings.catalogue() if not key.choices and isinstance(key.default, str)]
PLAIN = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, categories=("L", "N", "P", "S")), min_size=1)
NAMES = string.ascii_lowercase + "_"


def load(file: str = "", **environ: str) -> settings.Settings:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "tapeline.toml").write_text(file, "utf-8")
        return settings.load(Path(folder), environ={"HOME": "/nowhere", **environ})


def refusal(file: str = "", **environ: str) -> str | None:
    try:
        load(file, **environ)
    except Misconfigured as error:
        return str(error)
    return None


@given(st.sampled_from(KEYS), PLAIN)
def test_a_text_is_the_same_from_file_and_environment(key: settings.Key, value: str) -> None:
    by_file = load(f"[{key.section}]\n{key.name} = {json.dumps(value)}\n")
    by_environment = load(**{key.variable: value})
    assert getattr(getattr(by_file, key.section), key.name) == value
    assert getattr(getattr(by_environment, key.section), key.name) == value


@given(st.sampled_from(settings.catalogue()), st.integers(0, 30), st.sampled_from(NAMES))
def test_a_slip_in_a_name_is_refused_by_name(key: settings.Key, at: int, letter: str) -> None:
    wrong = key.name[: at % len(key.name)] + letter + key.name[at % len(key.name) + 1 :]
    assume(wrong not in {one.name for one in settings.catalogue() if one.section == key.section})
    said = refusal(f"[{key.section}]\n{wrong} = 1\n") or ""
    in_a_file = key.section not in settings.NOT_IN_FILES
    assert (f"unknown settings key '{key.section}.{wrong}'" in said) == in_a_file
    assert ("in it, and files like it end in version control" in said) != in_a_file
    variable = f"TAPELINE_{key.section}__{wrong}".upper()
    assert f"unknown variable '{variable}'" in (refusal(**{variable: "1"}) or "")


SCHEMES = {"node_http": "https://", "node_ws": "wss://"}
"""Before those secrets that are addresses."""


@given(
    st.sampled_from([key for key in settings.catalogue() if key.secret]),
    st.text(string.ascii_letters + string.digits, min_size=12, max_size=20),
    st.sampled_from(["[{section}]\n{name} = [{value!r}]", "[{section}]\n{name}x = {value!r}", "{section} = {value!r}"]),
)
def test_a_secret_is_in_no_sentence(key: settings.Key, value: str, form: str) -> None:
    said = refusal(form.format(section=key.section, name=key.name, value=value))
    assert said is not None
    assert value not in said
    good = f"{SCHEMES.get(key.name, '')}{value}"
    found = load(**{key.variable: good})
    assert getattr(getattr(found, key.section), key.name) == SecretStr(good)
    assert value not in repr(found)
