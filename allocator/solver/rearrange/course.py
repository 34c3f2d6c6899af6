"""How hot, how dear and at what toll the search goes on, by the share of it that is done.

Heats are in costs of an average volume, prices and tolls in costs of everything. Measured on the ROADEF challenge 2012.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ENOUGH: Final = 20_000
"""Moves for each volume to cool down from the first heat; with fewer it begins colder, by their power of 1.5."""
FIRST: Final = 2.0
"""The first heat: large volumes cost some tens of times as much as the average, and settle first."""
COOLED: Final = 0.01
"""What becomes of the heat in the first part."""
LAST: Final = 1e-5
HIGHEST: Final = 1.0
LOWEST: Final = 0.005
"""The toll when it begins to fall, and when it is dropped."""
UNHURRIED: Final = 1_500
"""Moves for each volume from which on it begins there; with fewer it begins as much lower."""
TOLLED: Final = 0.8
"""The share of the first part in which there is one."""


@dataclass(frozen=True, slots=True)
class Pace:
    """One stretch of the search."""

    heat: float
    dear: float
    """What it costs to pass a limit by all that is used."""
    toll: float = 0.0
    rise: float = 1.03
    """What a price is multiplied by while its limit is passed, each time that prices are set,"""
    fall: float = 0.999
    """and while it is not."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a round, from one share of it to another."""

    after: float
    until: float
    first: float
    last: float
    """Heats, in shares of the first of all, never below the last of all."""
    dear: float
    tolled: float = 0.0
    rise: float = 1.03
    fall: float = 0.999

    def pace(self, share: float, hot: float, high: float = HIGHEST) -> Pace:
        """How to go on after a share of this part."""
        first, last = max(LAST, self.first * hot), max(LAST, self.last * hot)
        toll = high * (min(LOWEST, high) / high) ** (share / self.tolled) if share < self.tolled else 0.0
        return Pace(first * (last / first) ** share, self.dear, toll, self.rise, self.fall)


ROUND: Final = (
    Part(0.0, 0.94, 1.0, COOLED, 2.0, tolled=TOLLED),
    Part(0.94, 1.0, COOLED / 10, 0.0, 2.0, rise=1.1, fall=1.0),
)
"""From far off, and what is still passed is mended."""
AGAIN: Final = tuple(
    (Part(0.0, 0.75, warm, COOLED / 100, 20.0), Part(0.75, 1.0, COOLED / 100, 0.0, 20.0, rise=1.1, fall=1.0))
    for warm in (0.03, 0.1)
)
"""The same near the best answer, from one heat and from another."""
FAR: Final = 0.8
"""The share of the search that goes into rounds from where everything lay."""
OFTEN: Final = 4
"""For so many of them there is one more from the best answer."""
ROUNDS: Final = 10
LONG: Final = 120_000
"""At most so many rounds, each of at least so many moves for each volume."""
POWERS: Final = (0.5, 0.7, 0.0, 0.3)
"""Of the room that a volume takes, for its toll, in the order in which rounds try them."""


def rounds(tries: float) -> int:
    """How many rounds are made of so many moves for each volume."""
    return int(min(ROUNDS, max(1.0, tries / LONG)))


def hottest(tries: float) -> float:
    """The first heat of a round that tries so many moves for each volume."""
    return float(FIRST * min(1.0, max(1e-3, tries / ENOUGH) ** 1.5))


def highest(tries: float) -> float:
    """And its first toll: with few moves there is no time to wait for who gains most."""
    return HIGHEST * min(1.0, max(1e-3, tries / UNHURRIED))
