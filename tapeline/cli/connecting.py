"""A decoder for the running installation: its schema ids from the run file, the others from the registry."""

from __future__ import annotations

from contextlib import AsyncExitStack

from tapeline.cli.decoding import Decoder
from tapeline.runtime.codec import Codec
from tapeline.runtime.endpoints import Endpoints
from tapeline.runtime.registry import RegistryClient


async def decoder_of(known: Endpoints, stack: AsyncExitStack, *, writes: tuple[str, ...] = ()) -> Decoder:
    """Return a decoder, open until the stack is left; without a registry it knows the schemas of the catalogue only.

    `writes` names the subjects that will be encoded too: where no run file has their ids the registry is asked.
    """
    ids = {} if known.run is None else dict(known.run.schema_ids)
    client = None
    if known.found_registry is not None:
        client = await stack.enter_async_context(RegistryClient(known.found_registry, max_retries=0))
        for subject in writes:
            found = None if subject in ids else await client.latest(subject)
            if found is not None:
                ids[subject] = found.id
    return Decoder(Codec(ids), client)
