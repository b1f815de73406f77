"""The one owner of randomness in the simulator: streams of numbers that a seed and names fix for ever."""

from __future__ import annotations

import random

# The sum of two equal draws, less one, has this many times the wanted deviation too little.
_TRIANGLE = 6**0.5


class Chance(random.Random):
    """A stream of numbers; the same seed and names give the same stream in every process and version."""

    def normal(self, deviation: float) -> float:
        """Return a number around zero with this standard deviation and no far tails, so that no price can jump."""
        return (self.random() + self.random() - 1.0) * _TRIANGLE * deviation

    def below(self, count: int) -> int:
        """Return an integer from 0 up to, not including, `count`; three times faster than `randrange`."""
        return int(self.random() * count)

    def hex(self, digits: int) -> str:
        """Return an identifier of so many hex digits."""
        return f"{self.getrandbits(4 * digits):0{digits}x}"


def stream(seed: int, *names: str) -> Chance:
    """Return the stream of this seed and these names, at its beginning."""
    return Chance(f"{seed}/{'/'.join(names)}")
