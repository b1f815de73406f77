"""Administering who may do what: the rules of our users and their passwords, as plain values and our own errors.

aiokafka's administrator has no method for either, but carries the protocol's own requests (`wire`); librdkafka would be
a second client beside it, for one command.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from typing import TYPE_CHECKING, Any, Final

from aiokafka import errors
from aiokafka.client import AIOKafkaClient

from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import entropy
from tapeline.runtime.kafka import connection, wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from aiokafka.protocol.api import Request

    from schemas.acls import Binding
    from tapeline.runtime.endpoints import KafkaEndpoint

ITERATIONS: Final = 8_192
"""Of the hash of a password; Kafka asks for 4,096 at least."""
_HASHES: Final = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}
_KNOWN_WITHIN_S: Final = 10.0
_LOOK_AGAIN_S: Final = 0.05
_NO_RULES: Final = 54
"""The error SECURITY_DISABLED."""


@contextlib.asynccontextmanager
async def access(endpoint: KafkaEndpoint) -> AsyncIterator[Access]:
    """Wait for the broker (X-06) and administer its rules for the time of the block."""
    await connection.reach(endpoint)
    client = AIOKafkaClient(**connection.options(endpoint), client_id="tapeline-access")
    try:
        try:
            await client.bootstrap()
            yield Access(endpoint, client)
        finally:
            await client.close()
    except (errors.KafkaError, TimeoutError) as error:
        raise connection.translated(error, endpoint, "administer users and their rules") from error


class Access:
    """What an administrator asks; use it inside `async with access(endpoint)`."""

    def __init__(self, endpoint: KafkaEndpoint, client: AIOKafkaClient) -> None:
        """Keep the open client; `access` makes and closes it."""
        self._endpoint = endpoint
        self._client = client

    async def bindings(self, principals: Collection[str]) -> frozenset[Binding]:
        """Return every rule of these principals."""
        found: set[Binding] = set()
        for principal in sorted(principals):
            answer = await self._ask(wire.DescribeAcls(principal))
            self._check(answer.error_code, answer.error_message)
            for resource, name, pattern, rules in answer.resources:
                found |= {wire.binding(resource, name, pattern, rule) for rule in rules}
        return frozenset(found)

    async def bind(self, wanted: Collection[Binding]) -> None:
        """Make rules; one that is there already stays."""
        if wanted:
            answer = await self._ask(wire.CreateAcls(tuple(sorted(wanted))))
            for code, message in answer.creation_responses:
                self._check(code, message)
            await self._known(there=wanted)

    async def unbind(self, unwanted: Collection[Binding]) -> None:
        """End rules; one that is gone already is none the less gone."""
        if unwanted:
            answer = await self._ask(wire.DeleteAcls(tuple(sorted(unwanted))))
            for code, message, _ in answer.filter_responses:
                self._check(code, message)
            await self._known(gone=unwanted)

    async def set_password(self, user: str, password: str) -> None:
        """Make a user, or give it a new password, for the mechanism that our settings name."""
        mechanism = self._endpoint.sasl_mechanism
        if mechanism not in _HASHES:
            raise Misconfigured(
                f"users with kafka.sasl_mechanism {mechanism} are made on the broker, not from here",
                fix="set kafka.sasl_mechanism to SCRAM-SHA-512, or make them there and take users.* out",
            )
        salt = bytes.fromhex(entropy.new_id())
        salted = await asyncio.to_thread(hashlib.pbkdf2_hmac, _HASHES[mechanism], password.encode(), salt, ITERATIONS)
        request = wire.SetScram(user, mechanism, iterations=ITERATIONS, salt=salt, salted=salted)
        for _, code, message, _ in (await self._ask(request)).results:
            self._check(code, message)

    async def _known(self, *, there: Collection[Binding] = (), gone: Collection[Binding] = ()) -> None:
        """Wait until the broker shows what it has taken: it answers before it knows."""
        principals = {one.principal for one in (*there, *gone)}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_KNOWN_WITHIN_S):
                while True:
                    found = await self.bindings(principals)
                    if found.issuperset(there) and found.isdisjoint(gone):
                        return
                    await asyncio.sleep(_LOOK_AGAIN_S)
        raise Unavailable(f"Kafka at {self._endpoint.bootstrap} took the rules and does not show them yet")

    async def _ask(self, request: Request[Any]) -> Any:  # noqa: ANN401 - what the library answers is untyped
        try:
            return await self._client.send(self._client.get_random_node(), request)
        except (NotImplementedError, errors.IncompatibleBrokerVersion) as error:
            raise Misconfigured(
                f"Kafka at {self._endpoint.bootstrap} (kafka.bootstrap) does not take {type(request).__name__}",
                fix="make users and rules with the broker's own tool (SECURITY.md shows how)",
            ) from error

    def _check(self, code: int, message: str | None) -> None:
        if code == _NO_RULES:
            raise Misconfigured(
                f"Kafka at {self._endpoint.bootstrap} (kafka.bootstrap) checks no rules: everybody may do everything",
                fix="turn its authorizer on (Kafka: authorizer.class.name, Redpanda: enable_sasl), then try again",
            )
        if code:
            raise connection.translated(
                errors.for_code(code)(message or ""), self._endpoint, "administer users and their rules"
            )
