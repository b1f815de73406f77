"""Which keys sign at a venue: those that were given for its network, and never real ones unless live trading is on.

Keys of the simulator are not sent to a venue, a venue's keys not to the simulator (X-14).
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr

from executor.link.tradings import Network
from tapeline.errors import Misconfigured
from tapeline.venues.orders import Keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the environment or the vault has for a venue."""

    key: SecretStr | None = None
    secret: SecretStr | None = None
    passphrase: SecretStr | None = None


def keys_for(venue: str, network: Network, *, live: bool, given: Given, simulated: Keys | None) -> Keys:
    """Return the keys of a venue on the chosen network; Misconfigured where a person must act first.

    `simulated` are those that the simulator of this run made up.
    """
    if network == "simulated":
        if simulated is None:
            raise Misconfigured(
                f"the run file has no keys of a simulated {venue}",
                fix="start it with `tapeline demo`, or set venues.network",
            )
        return simulated
    if network == "main" and not live:
        raise Misconfigured(
            f"live trading at {venue} is off", fix="start with --live to trade with real money, or set venues.network"
        )
    if given.key is None or given.secret is None:
        raise Misconfigured(
            f"there are no keys for {venue}",
            fix=f"set TAPELINE_KEYS__{venue.upper()}_KEY and TAPELINE_KEYS__{venue.upper()}_SECRET in the environment",
        )
    return Keys(
        key=given.key.get_secret_value(),
        secret=given.secret.get_secret_value(),
        passphrase=None if given.passphrase is None else given.passphrase.get_secret_value(),
    )
