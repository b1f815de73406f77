"""What a request gets: a status and a body, and the catalogue of refusals with the codes of Confluent's registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from infra.embedded.registry.compatibility import LEVELS
from infra.embedded.registry.state import MODES

_LARGEST_CODE_THAT_IS_A_STATUS: Final = 999


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: `body` is plain JSON values, or text that is sent as it stands when `raw`."""

    body: Any
    status: int = 200
    raw: bool = False


def refusal(code: int, message: str) -> Answer:
    """Build a refusal; the first three digits of Confluent's code are the status."""
    status = code if code <= _LARGEST_CODE_THAT_IS_A_STATUS else code // 100
    return Answer({"error_code": code, "message": message}, status)


def no_route() -> Answer:
    """There is no such address, or what it stands for (contexts, exporters, encryption keys ..) is not offered here."""
    return refusal(404, "HTTP 404 Not Found")


def no_method() -> Answer:
    """The address exists and does not take this method."""
    return refusal(405, "HTTP 405 Method Not Allowed")


def bad_request(reason: str) -> Answer:
    """The body or a parameter cannot be read."""
    return refusal(400, reason)


def no_subject(subject: str) -> Answer:
    """Nobody registered this subject, or it is deleted."""
    return refusal(40401, f"Subject '{subject}' not found.")


def no_version(version: int) -> Answer:
    """The subject has no such version, or it is deleted."""
    return refusal(40402, f"Version {version} not found.")


def no_schema(schema_id: int | None = None) -> Answer:
    """No such id, or no such schema in the subject."""
    return refusal(40403, "Schema not found" if schema_id is None else f"Schema {schema_id} not found")


def subject_is_deleted(subject: str) -> Answer:
    """It is hidden already; only a permanent deletion is left."""
    return refusal(40404, f"Subject '{subject}' was soft deleted. Set permanent=true to delete permanently")


def subject_not_deleted(subject: str) -> Answer:
    """A permanent deletion needs a soft one before it."""
    return refusal(40405, f"Subject '{subject}' was not deleted first before being permanently deleted")


def version_is_deleted(subject: str, version: int) -> Answer:
    """It is hidden already; only a permanent deletion is left."""
    return refusal(
        40406, f"Subject '{subject}' Version {version} was soft deleted. Set permanent=true to delete permanently"
    )


def version_not_deleted(subject: str, version: int) -> Answer:
    """A permanent deletion needs a soft one before it."""
    return refusal(
        40407, f"Subject '{subject}' Version {version} was not deleted first before being permanently deleted"
    )


def no_subject_config(subject: str) -> Answer:
    """The subject follows the rules of all."""
    return refusal(40408, f"Subject '{subject}' does not have subject-level compatibility configured")


def no_subject_mode(subject: str) -> Answer:
    """The subject follows the mode of all."""
    return refusal(40409, f"Subject '{subject}' does not have subject-level mode configured")


def incompatible(subject: str, problems: tuple[str, ...]) -> Answer:
    """The schema may not follow the ones before it."""
    return refusal(
        409,
        f'Schema being registered is incompatible with an earlier schema for subject "{subject}", '
        f"details: [{', '.join(problems)}]",
    )


def invalid_schema(reason: str) -> Answer:
    """The schema is none, or asks for what is not offered here."""
    return refusal(42201, f"Invalid schema: {reason}")


def invalid_version(version: str) -> Answer:
    """A version is a number from 1 or `latest`."""
    return refusal(
        42202,
        f"The specified version '{version}' is not a valid version id. "
        'Allowed values are between [1, 2^31-1] and the string "latest"',
    )


def invalid_level() -> Answer:
    """There is no such level."""
    return refusal(42203, f"Invalid compatibility level. Valid values are {', '.join(LEVELS)}")


def invalid_mode() -> Answer:
    """There is no such mode."""
    return refusal(42204, f"Invalid mode. Valid values are {', '.join(MODES)}")


def not_permitted(reason: str) -> Answer:
    """The mode forbids it."""
    return refusal(42205, reason)


def invalid_subject(subject: str) -> Answer:
    """A name with control characters, or one that asks for a context, which is not offered here."""
    return refusal(42208, f"The specified subject '{subject}' is not a valid subject.")


def unsupported_config(name: str) -> Answer:
    """A rule that Confluent sells and this registry does not have."""
    return refusal(42203, f"'{name}' is not supported by the embedded registry; only compatibility and normalize are")


def too_large(reason: str) -> Answer:
    """Kafka does not take a record of this size."""
    return refusal(42209, f"Schema too large: {reason}")


def store_is_away(reason: str) -> Answer:
    """Kafka does not answer, so nothing is known for sure; the same request may be sent again."""
    return Answer({"error_code": 50001, "message": f"Error in the backend data store: {reason}"}, 503)
