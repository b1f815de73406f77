"""What infra/compose.yaml must keep: pinned, limited, watched, without rights, on loopback, no password in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import yaml

Service = Mapping[str, Any]

WORKER_IMAGE = "tapeline:"
WRITES_ITS_ROOT = {
    "redpanda": "rpk writes /etc/redpanda/redpanda.yaml at each start",
    "redpanda-1": "as redpanda",
    "redpanda-2": "as redpanda",
}
"""Which service has no read-only root, and why."""
ENDS_BY_ITSELF = frozenset({"prepare", "prepare-ha"})
LEAST_GRACE_S = 30

_PINNED = re.compile(r"^[\w./-]+:v?\d+\.\d+[\w.-]*$")
_SECRET = re.compile(r"password|secret|token|_key$", re.IGNORECASE)
_FROM_ENV = re.compile(r"^\$\{\w+:(\?[^}]+|-)\}$")
_NAMED_VOLUME = re.compile(r"^([a-z][\w-]*):/")
_USER = re.compile(r"^[1-9]\d*:[1-9]\d*$")
_KEYS = re.compile(r"^TAPELINE_KEYS__|^TAPELINE_TRADER__")


def services(text: str) -> Mapping[str, Service]:
    """Return the services of a compose file by name."""
    return cast("Mapping[str, Service]", yaml.safe_load(text)["services"])


def workers(found: Mapping[str, Service]) -> Mapping[str, Service]:
    """Return those services that are ours."""
    return {name: one for name, one in found.items() if str(one["image"]).startswith(WORKER_IMAGE)}


def in_profile(found: Mapping[str, Service], profile: str) -> set[str]:
    """Return the services that a profile starts."""
    return {name for name, service in found.items() if profile in service["profiles"]}


def broken(text: str) -> Iterator[str]:
    """Yield each service's broken rule as one sentence."""
    named = set(yaml.safe_load(text).get("volumes") or {})
    found = services(text)
    for name, service in found.items():
        told = (*_broken(name, service), *_rights(name, service), *_secrets(name, service), *_needs(service, found))
        yield from (f"{name}: {sentence}" for sentence in told)
        for volume in service.get("volumes", []):
            match = _NAMED_VOLUME.match(str(volume))
            if match and match[1] not in named:
                yield f"{name}: the volume {match[1]!r} is not declared under volumes"


def _broken(name: str, service: Service) -> Iterator[str]:
    if not _PINNED.match(str(service.get("image", ""))):
        yield f"the image {service.get('image')!r} needs an exact version, as a restart must change nothing"
    if not service.get("profiles"):
        yield "needs a profile, as compose.yaml holds more than one set of services"
    wanted = "on-failure:5" if name in ENDS_BY_ITSELF else "unless-stopped"
    if service.get("restart") != wanted:
        yield f"needs restart: {wanted}"
    if "mem_limit" not in service:
        yield "needs a mem_limit, as one service must not take the memory of all"
    if name not in ENDS_BY_ITSELF and "test" not in service.get("healthcheck", {}):
        yield "needs a healthcheck, as others wait for it"
    if int(str(service.get("stop_grace_period", "0")).removesuffix("s")) < LEAST_GRACE_S:
        yield f"needs a stop_grace_period of {LEAST_GRACE_S}s or more, as a kill loses what is under way"
    if not {"max-size", "max-file"} <= service.get("logging", {}).get("options", {}).keys():
        yield "needs logs that are rotated: max-size and max-file"
    for port in service.get("ports", []):
        if not str(port).startswith("127.0.0.1:"):
            yield f"the port {port!r} must be bound to 127.0.0.1"


def _rights(name: str, service: Service) -> Iterator[str]:
    if not _USER.match(str(service.get("user", ""))):
        yield "needs a user and a group by number that are not root"
    if service.get("cap_drop") != ["ALL"] or "cap_add" in service:
        yield "needs cap_drop: [ALL] and no cap_add"
    if "no-new-privileges:true" not in service.get("security_opt", []):
        yield "needs security_opt no-new-privileges:true"
    if service.get("privileged") or service.get("network_mode") == "host" or service.get("pid") == "host":
        yield "may not be privileged, nor share the host's network or processes"
    if service.get("read_only") is not True and name not in WRITES_ITS_ROOT:
        yield "needs read_only: true, with a tmpfs where it must write"


def _secrets(name: str, service: Service) -> Iterator[str]:
    for key, value in service.get("environment", {}).items():
        if _SECRET.search(key) and not _FROM_ENV.match(str(value)):
            yield f"{key} must come from .env without a default: ${{NAME:?how to set it}}"
        if _KEYS.search(key) and name != "executor":
            yield f"{key} is the executor's alone: only the executor can trade"


def _needs(service: Service, found: Mapping[str, Service]) -> Iterator[str]:
    """Yield a dependency that one of the service's profiles does not start."""
    for profile in service.get("profiles", []):
        for other, how in _dependencies(service):
            if other not in found:
                yield f"depends on {other!r}, which does not exist"
            elif how.get("required", True) and profile not in found[other]["profiles"]:
                yield f"depends on {other!r}, which the profile {profile} does not start"
        optional = [other for other, how in _dependencies(service) if not how.get("required", True)]
        if optional and not any(profile in found[other]["profiles"] for other in optional if other in found):
            yield f"waits for none of {', '.join(optional)} in the profile {profile}"


def _dependencies(service: Service) -> Iterable[tuple[str, Mapping[str, Any]]]:
    return cast("Mapping[str, Mapping[str, Any]]", service.get("depends_on", {})).items()
