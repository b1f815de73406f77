"""The Avro record files: one file per record, read from the installed package and nowhere else."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any, Final

NAMESPACE: Final = "tapeline"
_SUFFIX: Final = ".avsc"


@cache
def text(record: str) -> str:
    """Return the schema of a record (`tapeline.Trade`) as the text to register: compact JSON, the docs kept.

    Raise LookupError when there is no such record file.
    """
    namespace, _, name = record.rpartition(".")
    file = files("schemas").joinpath("avro", f"{name}{_SUFFIX}")
    if namespace != NAMESPACE or not name.isalnum() or not file.is_file():
        message = f"there is no record file for {record!r} in schemas/avro"
        raise LookupError(message)
    return json.dumps(json.loads(file.read_text("utf-8")), separators=(",", ":"), ensure_ascii=False)


def load(record: str) -> dict[str, Any]:
    """Return the schema of a record as JSON values, a fresh copy each time."""
    schema: dict[str, Any] = json.loads(text(record))
    return schema


def names() -> tuple[str, ...]:
    """Return the full names of all records that have a file, sorted."""
    found = (file.name for file in files("schemas").joinpath("avro").iterdir())
    return tuple(sorted(f"{NAMESPACE}.{name.removesuffix(_SUFFIX)}" for name in found if name.endswith(_SUFFIX)))
