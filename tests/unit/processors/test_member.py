"""A member's name is free again when its holder is gone, and is never held twice."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from processors.member import claimed
from tapeline.errors import Misconfigured

HOST = socket.gethostname()


def test_the_first_free_name_is_taken(tmp_path: Path) -> None:
    with claimed(tmp_path, "spreads") as one:
        with claimed(tmp_path, "spreads") as two, claimed(tmp_path, "candles") as other:
            assert (one, two, other) == (f"spreads-1@{HOST}", f"spreads-2@{HOST}", f"candles-1@{HOST}")
        with claimed(tmp_path, "spreads") as again:
            assert again == f"spreads-2@{HOST}"


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(Misconfigured, match="cannot be written"), claimed(tmp_path / "file" / "members", "spreads"):
        pass
