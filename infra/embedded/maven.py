"""The one user of `jgo`: fetches a file by its Maven coordinates, and resolves which files a broker needs."""

from __future__ import annotations

import hashlib
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from infra.embedded.jars import Jar, JarLock

with warnings.catch_warnings():
    # One of its libraries complains about folders that it does not need here.
    warnings.simplefilter("ignore")
    from jgo.maven import MavenContext, PythonResolver

_TIMEOUT_S = 30
_BROKER = "org.apache.kafka:kafka_2.13"
# Binds the broker's log calls to log4j; the distribution adds it, the broker's own file list does not.
_LOGGING = "org.apache.logging.log4j:log4j-slf4j-impl"
_LOGGING_LIKE = "log4j-core"
# Listed by the broker but only used by what we do not run: compile time macros, XML and YAML
# configuration files, OAuth.
_NOT_NEEDED = frozenset(
    {
        "commons-beanutils",
        "commons-collections",
        "commons-digester",
        "commons-logging",
        "jackson-dataformat-csv",
        "jackson-dataformat-yaml",
        "jose4j",
        "scala-reflect",
        "snakeyaml",
    }
)


def fetch(coordinates: str, folder: Path) -> Path:
    """Fetch one file into a folder; raises OSError when the repository does not answer or does not have it."""
    group, artifact, version = coordinates.split(":")
    context = MavenContext(repo_cache=folder, resolver=PythonResolver(), timeout=_TIMEOUT_S)
    try:
        return Path(context.project(group, artifact).at_version(version).artifact().resolve())
    except RuntimeError as error:
        raise OSError(str(error)) from error


def resolve(version: str) -> JarLock:
    """Return the lock of a broker version: every file it needs to run, with size and checksum."""
    with tempfile.TemporaryDirectory() as folder:
        context = MavenContext(repo_cache=Path(folder), resolver=PythonResolver(), timeout=_TIMEOUT_S)
        root = f"{_BROKER}:{version}"
        _, found = context.resolver.resolve([context.create_dependency(root)])
        logging = next(one.version for one in found if one.artifactId == _LOGGING_LIKE)
        names = [f"{one.groupId}:{one.artifactId}:{one.version}" for one in found if one.artifactId not in _NOT_NEEDED]
        with ThreadPoolExecutor() as pool:
            jars = pool.map(lambda name: _locked(name, Path(folder)), [root, f"{_LOGGING}:{logging}", *names])
            return JarLock(kafka=version, jars=tuple(sorted(jars, key=lambda jar: jar.coordinates)))


def _locked(coordinates: str, folder: Path) -> Jar:
    content = fetch(coordinates, folder).read_bytes()
    return Jar(coordinates=coordinates, size=len(content), sha256=hashlib.sha256(content).hexdigest())
