"""What the store in memory reads about funding, as the queries of Postgres do."""

from __future__ import annotations

from collections.abc import Collection

from tapeline.domain.funding import LATE_US, Exposed
from tapeline.domain.instruments import Market
from tapeline.domain.positions import OurFunding, OurPosition


def lives(held: Collection[OurPosition], paid: OurFunding) -> tuple[OurPosition, ...]:
    """Return the lives that were open about when something was paid."""
    found = [
        one
        for one in held
        if (one.account, *one.instrument) == paid.identity[:4]
        and (one.opened_us or 0) <= paid.paid_us + LATE_US
        and (one.closed_us is None or one.closed_us >= paid.paid_us - LATE_US)
    ]
    return tuple(sorted(found, key=lambda one: one.life))


def exposed(
    held: Collection[OurPosition], payments: Collection[OurFunding], account: str, since_us: int
) -> tuple[Exposed, ...]:
    """Return the markets on which futures are held, or were since a time."""
    of: dict[tuple[str, Market], list[OurPosition]] = {}
    for one in held:
        recent = one.status != "CLOSED" or one.updated_us > since_us
        if one.account == account and one.market == "futures" and recent:
            of.setdefault((one.venue, one.market), []).append(one)
    return tuple(_exposed(of[where], [one for one in payments if one.life is not None]) for where in sorted(of))


def _exposed(lives: list[OurPosition], payments: list[OurFunding]) -> Exposed:
    ends = [one.closed_us for one in lives if one.closed_us is not None]
    of = (lives[0].account, lives[0].venue, lives[0].market)
    paid = [one.paid_us for one in payments if (one.account, one.venue, one.market) == of]
    return Exposed(
        venue=lives[0].venue,
        market=lives[0].market,
        opened_us=min(one.opened_us or 0 for one in lives),
        closed_us=max(ends) if len(ends) == len(lives) else None,
        paid_us=max(paid, default=None),
    )
