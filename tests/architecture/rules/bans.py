"""What only one module may use, and what nobody may use, each with the replacement that the failure names."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

from tests.architecture.rules.names import imports, is_in, references
from tests.architecture.rules.source import AROUND, PRODUCT, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Ban:
    """Dotted names (a name covers all below it) that only the owners use, in these folders, and what others use."""

    names: tuple[str, ...]
    owners: tuple[str, ...] = ()
    instead: str
    folders: tuple[str, ...] = PRODUCT


BANS = (
    Ban(
        names=(
            "time.time",
            "time.time_ns",
            "time.monotonic",
            "time.monotonic_ns",
            "time.perf_counter",
            "time.perf_counter_ns",
            "datetime.datetime.now",
            "datetime.datetime.utcnow",
            "datetime.datetime.today",
            "datetime.date.today",
        ),
        owners=("tapeline/runtime/clock.py",),
        instead="tapeline.runtime.clock.now_us() for a time, monotonic_s() for a timeout; in domain an argument",
    ),
    Ban(
        names=("uuid.uuid1", "uuid.uuid4", "random", "secrets", "os.urandom", "numpy.random"),
        owners=("tapeline/runtime/entropy.py", "simulator/chance.py"),  # the seeded market's own
        instead="tapeline.runtime.entropy: new_id(), token(), jitter(); in domain an argument",
    ),
    Ban(
        names=("os.environ", "os.environb", "os.getenv", "os.putenv"),
        owners=("tapeline/runtime/settings.py",),
        instead="a key of tapeline.runtime.settings, and settings.child_environment() for a child process",
    ),
    Ban(
        names=("print", "rich.print", "pprint"),
        owners=("tapeline/cli/render.py",),
        instead="a log event of tapeline.runtime.log_events, or tapeline.cli.render on the command line",
        folders=(*PRODUCT, "benchmarks"),
    ),
    Ban(
        names=("pickle", "cloudpickle", "dill", "marshal", "shelve"),
        instead="Avro by tapeline.runtime.codec, or JSON by msgspec: both have a schema and run no code",
        folders=(*PRODUCT, *AROUND),
    ),
    Ban(
        names=("signal.signal",),
        owners=("tapeline/runtime/lifecycle.py",),
        instead="tapeline.runtime.lifecycle.run(), the one owner of signals",
    ),
    Ban(
        names=("time.sleep", "asyncio.sleep"),
        owners=("tests/support/eventually.py",),
        instead="eventually() or pause() of tests/support/eventually.py; to hang, an asyncio.Event that nobody sets",
        folders=("tests",),
    ),
    Ban(
        names=("unittest.mock", "mock", "pytest_mock"),
        instead="a fake written by hand, for the outside world only",
        folders=("tests",),
    ),
)

# Methods are banned by their name alone, whatever they hang on.
METHODS = {
    "create_task": "Lifecycle.spawn() of tapeline.runtime.lifecycle: a crash in it stops the process loudly",
    "ensure_future": "Lifecycle.spawn() of tapeline.runtime.lifecycle: a crash in it stops the process loudly",
    "add_signal_handler": "tapeline.runtime.lifecycle.run(), the one owner of signals",
}
_METHODS_OWNER = "tapeline/runtime/lifecycle.py"
_SWITCHED_OFF = re.compile(r"#\s*noqa|#\s*type:\s*ignore", re.IGNORECASE)
_CODE = re.compile(r"noqa:\s*[A-Z]+[0-9]+|ignore\[[a-z-]+")
_REASON = re.compile(r"(noqa:[A-Z0-9, ]+|ignore\[[a-z0-9, -]+\])\s*(#|-|:)\s*\S+")
_UNFINISHED = re.compile(r"\b(FIXME|TODO|XXX)\b")


def banned(source: Source) -> Iterator[str]:
    """Yield every use of a name that belongs to another module or to nobody."""
    used = {*imports(source), *references(source)} - set(_turns(source))
    for ban in BANS:
        if not source.inside(*ban.folders) or source.inside(*ban.owners):
            continue
        hits = {(line, name) for line, name in used for wanted in ban.names if is_in(name, wanted)}
        for line, name in sorted(hits):
            yield source.at(line, f"{name} is not used here: use {ban.instead}")


def _turns(source: Source) -> Iterator[tuple[int, str]]:
    """Yield every `asyncio.sleep(0)`: it gives others their turn and waits for no time."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and ast.unparse(node) == "asyncio.sleep(0)":
            yield node.lineno, "asyncio.sleep"


def banned_methods(source: Source) -> Iterator[str]:
    """Yield every background task and signal handler outside their one owner."""
    if not source.inside(*PRODUCT) or source.inside(_METHODS_OWNER):
        return
    for line, name in sorted(references(source)):
        instead = METHODS.get(name.rpartition(".")[2])
        if instead is not None:
            yield source.at(line, f"{name.lstrip('.')} is not used here: use {instead}")


def bare_except(source: Source) -> Iterator[str]:
    """Yield every `except:` that names no exception."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield source.at(node.lineno, "a bare except hides a crash: name the error of tapeline.errors you handle")


def unfinished(source: Source) -> Iterator[str]:
    """Yield every comment that says that the code is not done."""
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT and _UNFINISHED.search(token.string):
            yield source.at(token.start[0], "finish it, or write it down in docs/requirements.md as open")


def unexplained(source: Source) -> Iterator[str]:
    """Yield every switched-off check that does not say why, behind it or in a comment on the line above."""
    lines = source.text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type != tokenize.COMMENT or not _SWITCHED_OFF.search(token.string):
            continue
        above = lines[token.start[0] - 2].strip() if token.start[0] > 1 else ""
        if not _CODE.search(token.string) or not (_REASON.search(token.string) or above.startswith("# ")):
            told = f"{token.string!r} needs its code and, behind or above it, its reason"
            yield source.at(token.start[0], told)
