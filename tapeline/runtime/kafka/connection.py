"""How every Kafka client is let in, and the one sentence for each way of being kept out."""

from __future__ import annotations

import functools
import ssl
from typing import TYPE_CHECKING, Any

from aiokafka import errors
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.protocol.metadata import MetadataRequest

from tapeline.errors import Misconfigured, TapelineError, Unavailable
from tapeline.runtime import retry, tls

if TYPE_CHECKING:
    from aiokafka.client import AIOKafkaClient

    from tapeline.runtime.endpoints import KafkaEndpoint
    from tapeline.runtime.tls import TlsFiles

REQUEST_TIMEOUT_MS = 10_000
"""No answer within this: the connection is given up and made anew (the library's own default is 40 s)."""

_REFUSED = (
    errors.SaslAuthenticationFailed,
    errors.AuthenticationFailedError,
    errors.AuthenticationMethodNotSupported,
)
FORBIDDEN = (
    errors.TopicAuthorizationFailedError,
    errors.GroupAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
)
"""The library's errors for what the broker's rules do not permit."""


def options(endpoint: KafkaEndpoint) -> dict[str, Any]:
    """Return what every client of the library is built with."""
    secure = endpoint.security_protocol in {"SSL", "SASL_SSL"}
    made: dict[str, Any] = {
        "bootstrap_servers": [part.strip() for part in endpoint.bootstrap.split(",")],
        "security_protocol": endpoint.security_protocol,
        "ssl_context": _context(endpoint.tls) if secure else None,
        "request_timeout_ms": REQUEST_TIMEOUT_MS,
    }
    if endpoint.security_protocol.startswith("SASL_"):
        for key, value in (("username", endpoint.username), ("password", endpoint.password)):
            if not value:
                raise Misconfigured(
                    f"kafka.security_protocol is {endpoint.security_protocol} and kafka.{key} is empty",
                    fix=f"set kafka.{key}",
                )
        made |= {
            "sasl_mechanism": endpoint.sasl_mechanism,
            "sasl_plain_username": endpoint.username,
            "sasl_plain_password": endpoint.password,
        }
    return made


@functools.lru_cache(maxsize=8)
def _context(files: TlsFiles) -> ssl.SSLContext:
    """Build the TLS context once: reading the system's authorities takes a tenth of a second."""
    return tls.context(files)


async def reach(endpoint: KafkaEndpoint) -> None:
    """Wait until a broker lets us in, as often as `kafka.max_retries` says; every client does so before it starts.

    The library itself hides the reason of a refused connection in its log; this asks for it.
    """

    async def attempt() -> None:
        await probe(endpoint)

    await retry.reach("Kafka", attempt, endpoint.max_retries)


async def probe(endpoint: KafkaEndpoint) -> None:
    """Connect to the first broker that answers and ask it for its brokers.

    Raises Unavailable when none answers, Misconfigured when one refuses us.
    """
    known = options(endpoint)
    last: TapelineError = Unavailable(f"Kafka at {endpoint.bootstrap} (kafka.bootstrap) does not answer")
    for host, port, _ in collect_hosts(known.pop("bootstrap_servers")):
        try:
            connection = await create_conn(host, port, client_id="tapeline-probe", **known)
            try:
                await connection.send(MetadataRequest([]))
            finally:
                connection.close()
        except (errors.KafkaError, OSError, TimeoutError) as error:
            last = translated(error, endpoint)
        else:
            return
    raise last


async def absent(client: AIOKafkaClient, topic: str, endpoint: KafkaEndpoint) -> Misconfigured:
    """Say why a topic is not in a list of all: it is not there, or this user may not know of it.

    A broker hides what a user may not see from a list, and says so only to whoever asks for it by name.
    """
    answer = await client.send(client.get_random_node(), MetadataRequest([topic]))
    if any(found[0] == errors.TopicAuthorizationFailedError.errno for found in answer.topics):
        return forbidden(endpoint, f"see the topic {topic}")
    return Misconfigured(
        f"there is no topic {topic} at Kafka {endpoint.bootstrap}",
        fix="run `tapeline up`, which creates the topics of the catalogue",
    )


def forbidden(endpoint: KafkaEndpoint, doing: str) -> Misconfigured:
    """Say that the broker's rules keep us from something; `doing` is what, as `write the topic order.event`."""
    who = "whoever shows no password" if endpoint.username is None else f"the user {endpoint.username!r}"
    return Misconfigured(
        f"Kafka at {endpoint.bootstrap} (kafka.bootstrap) does not permit {who} to {doing}",
        fix="set kafka.username to this process's user, or grant it there (`tapeline topics acls` shows the rules)",
    )


def translated(error: BaseException, endpoint: KafkaEndpoint, doing: str = "do this") -> TapelineError:
    """Say what a failure of the library means: Misconfigured where a person must act, else Unavailable.

    `doing` is what was asked for, as `write the topic order.event`.
    """
    where = f"Kafka at {endpoint.bootstrap} (kafka.bootstrap)"
    if isinstance(error, FORBIDDEN):
        return forbidden(endpoint, doing)
    refusal = _distrusted(error, where) or _refused(error, endpoint, where)
    if refusal is not None:
        return refusal
    if isinstance(error, ConnectionResetError) or "closed" in str(error).lower():
        return Unavailable(
            f"{where} closed the connection: it is restarting, or asks for another kafka.security_protocol "
            f"than {endpoint.security_protocol}"
        )
    return Unavailable(f"{where} does not answer ({str(error) or type(error).__name__})")


def _refused(error: BaseException, endpoint: KafkaEndpoint, where: str) -> Misconfigured | None:
    if isinstance(error, _REFUSED):
        return Misconfigured(
            f"{where} refused the user {endpoint.username!r}",
            fix="set kafka.username and kafka.password to what the broker knows",
        )
    if isinstance(error, errors.IllegalSaslStateError):
        return Misconfigured(
            f"{where} asks for no password and kafka.security_protocol is {endpoint.security_protocol}",
            fix="set kafka.security_protocol to what the broker's listener speaks",
        )
    if isinstance(error, errors.UnsupportedSaslMechanismError):
        return Misconfigured(
            f"{where} does not take kafka.sasl_mechanism {endpoint.sasl_mechanism}",
            fix="set kafka.sasl_mechanism to one that the broker offers",
        )
    return None


def _distrusted(error: BaseException, where: str) -> Misconfigured | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Misconfigured(
            f"{where} shows a certificate that is not trusted ({tls.told(error)})",
            fix="set kafka.ca_file to the authority that signed it",
        )
    if isinstance(error, ssl.SSLError):
        return Misconfigured(
            f"{where} does not speak TLS as kafka.security_protocol says ({tls.told(error)})",
            fix="set kafka.security_protocol, kafka.cert_file and kafka.key_file to what the broker asks for",
        )
    return None
