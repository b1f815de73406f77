"""The code and the name of an error are the engine's own, read from its sentence."""

from __future__ import annotations

import pytest

from infra.embedded.clickhouse.refusal import EngineRefused


@pytest.mark.parametrize(
    ("said", "code", "name", "text"),
    [
        (
            "Code: 60. DB::Exception: Unknown table 'x'. (UNKNOWN_TABLE)",
            60,
            "UNKNOWN_TABLE",
            "Code: 60. DB::Exception: Unknown table 'x'. (UNKNOWN_TABLE)",
        ),
        (
            "Streaming insert finish failed: Code: 33. DB::Exception: Cut (IN_NAME) (CANNOT_READ_ALL) (version 26.9)",
            33,
            "CANNOT_READ_ALL",
            "Code: 33. DB::Exception: Cut (IN_NAME) (CANNOT_READ_ALL) (version 26.9)",
        ),
        (
            "Code: 76. DB::ErrnoException: Cannot open. (CANNOT_OPEN_FILE)",
            76,
            "CANNOT_OPEN_FILE",
            "Code: 76. DB::ErrnoException: Cannot open. (CANNOT_OPEN_FILE)",
        ),
        ("out of words", 1001, "STD_EXCEPTION", "Code: 1001. DB::Exception: out of words (STD_EXCEPTION)"),
    ],
)
def test_the_engines_words_are_passed_on(said: str, code: int, name: str, text: str) -> None:
    refused = EngineRefused(said)
    assert (refused.code, refused.name, str(refused)) == (code, name, text)


@pytest.mark.parametrize(("code", "status"), [(62, 400), (60, 404), (516, 403), (202, 503), (395, 500), (241, 500)])
def test_each_code_has_the_status_of_clickhouse(code: int, status: int) -> None:
    assert EngineRefused(f"Code: {code}. DB::Exception: x. (X)").status == status
