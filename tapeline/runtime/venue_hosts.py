"""Where a market of a venue is and what each request bears: the venue's own hosts, a person's node, or a simulator."""

from __future__ import annotations

import msgspec

from tapeline.domain.instruments import Market
from tapeline.errors import Misconfigured
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Venues
from tapeline.venues import registry
from tapeline.venues.contract import Facts, Hosts


def real(facts: Facts, settings: Venues) -> Hosts:
    """Return where a market is on the main or the test network; Misconfigured where it is nowhere for us."""
    place = f"{facts.venue}:{facts.market}"
    if settings.network == "test":
        if facts.test is None:
            raise Misconfigured(f"{place} has no test network", fix="leave it out of monitor.venues")
        return facts.test
    if facts.node is not None:
        return _node(place, facts.node, settings)
    key = settings.oneinch_key
    if facts.key is not None and key is None:
        raise Misconfigured(f"{place} needs an API key of {facts.key}", fix="set venues.oneinch_key to it")
    return bearing(facts, facts.main, None if key is None else key.get_secret_value())


def simulated(run: RunFile | None) -> dict[tuple[str, Market], Hosts]:
    """Return where the simulated markets of a run are."""
    if run is None:
        return {}
    keys = {venue: held.key for venue, held in run.secrets.venue_keys.items()}
    return {
        (venue, market): bearing(feed.facts, Hosts(rest=f"http://{address}", ws=f"ws://{address}"), keys.get(venue))
        for venue, one in registry.VENUES.items()
        for market, feed in one.feeds.items()
        if (address := run.addresses.venues.get(f"{venue}:{market}")) is not None
    }


def bearing(facts: Facts, hosts: Hosts, key: str | None) -> Hosts:
    """Return hosts whose requests bear a key, where the market takes one even of those who read."""
    if facts.key is None or key is None:
        return hosts
    return msgspec.structs.replace(hosts, headers={**hosts.headers, "Authorization": f"Bearer {key}"})


def _node(place: str, chain: str, settings: Venues) -> Hosts:
    """Return the node of a chain that settings name: a chain has no hosts of its own."""
    rest, ws = settings.node_http, settings.node_ws
    if rest is None or ws is None:
        raise Misconfigured(
            f"{place} needs a JSON-RPC node of {chain}", fix="set venues.node_http and venues.node_ws to its addresses"
        )
    return Hosts(rest=rest.get_secret_value(), ws=ws.get_secret_value())
