"""What infra/compose.yaml must keep: pinned, limited, watched, on loopback, without a password in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

import yaml

Service = Mapping[str, Any]

_PINNED = re.compile(r"^[\w./-]+:v?\d+\.\d+[\w.-]*$")
_SECRET = re.compile(r"password|secret|token", re.IGNORECASE)
_FROM_ENV = re.compile(r"^\$\{\w+:\?[^}]+\}$")
_NAMED_VOLUME = re.compile(r"^([a-z]\w*):/")


def services(text: str) -> Mapping[str, Service]:
    """Return the services of a compose file by name."""
    return cast("Mapping[str, Service]", yaml.safe_load(text)["services"])


def broken(text: str) -> Iterator[str]:
    """Yield each service's broken rule as one sentence."""
    named = set(yaml.safe_load(text).get("volumes") or {})
    for name, service in services(text).items():
        yield from (f"{name}: {told}" for told in _broken(service))
        for volume in service.get("volumes", []):
            found = _NAMED_VOLUME.match(str(volume))
            if found and found[1] not in named:
                yield f"{name}: the volume {found[1]!r} is not declared under volumes"


def _broken(service: Service) -> Iterator[str]:
    if not _PINNED.match(str(service.get("image", ""))):
        yield f"the image {service.get('image')!r} needs an exact version, as a restart must change nothing"
    if not service.get("profiles"):
        yield "needs a profile, as compose.yaml holds more than one set of services"
    if service.get("restart") != "unless-stopped":
        yield "needs restart: unless-stopped"
    if "mem_limit" not in service:
        yield "needs a mem_limit, as one service must not take the memory of all"
    if "test" not in service.get("healthcheck", {}):
        yield "needs a healthcheck, as others wait for it"
    for port in service.get("ports", []):
        if not str(port).startswith("127.0.0.1:"):
            yield f"the port {port!r} must be bound to 127.0.0.1"
    for key, value in service.get("environment", {}).items():
        if _SECRET.search(key) and not _FROM_ENV.match(str(value)):
            yield f"{key} must come from .env without a default: ${{NAME:?how to set it}}"
