"""What Faust asks a transport for: our consumer, an idempotent producer, and how every client is let in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from faust.auth import SASLCredentials, SSLCredentials
from faust.transport.drivers import aiokafka as stock
from faust.types.transports import ConsumerT, ProducerT

from processors.transport.consumer import BatchConsumer
from tapeline.errors import Misconfigured
from tapeline.runtime import tls

if TYPE_CHECKING:
    from faust.types.auth import CredentialsT

    from tapeline.runtime.endpoints import KafkaEndpoint


class IdempotentProducer(stock.Producer):
    """Faust's own producer, which no agent of ours uses: where Faust itself sends, it is acknowledged by all."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}


class BatchTransport(stock.Transport):
    """The transport that an app of ours makes instead of the driver's."""

    Consumer: ClassVar[type[ConsumerT]] = BatchConsumer
    Producer: ClassVar[type[ProducerT]] = IdempotentProducer


def credentials(endpoint: KafkaEndpoint) -> CredentialsT | None:
    """Return what Faust takes for SASL and TLS; None where the broker asks for neither."""
    protocol = endpoint.security_protocol
    if protocol == "PLAINTEXT":
        return None
    context = tls.context(endpoint.tls) if protocol in {"SSL", "SASL_SSL"} else None
    if protocol == "SSL":
        return SSLCredentials(context)
    for key, value in (("username", endpoint.username), ("password", endpoint.password)):
        if not value:
            problem = f"kafka.security_protocol is {protocol} and kafka.{key} is empty"
            raise Misconfigured(problem, fix=f"set kafka.{key}")
    return SASLCredentials(
        username=endpoint.username,
        password=endpoint.password,
        ssl_context=context,
        mechanism=endpoint.sasl_mechanism,
    )
