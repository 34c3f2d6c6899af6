"""How functions of the inner loop are compiled, and the chance that they draw from."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

compiled: Final = njit(cache=True, nogil=True)


def seeded(seed: int) -> NDArray[np.uint64]:
    """The array for a seed: never 0, and far from that of the next seed (Weyl sequence of the golden ratio)."""
    return np.array([(seed * 0x9E3779B97F4A7C15 + 0x2545F4914F6CDD1D) % 2**64 | 1], dtype=np.uint64)


@compiled
def draw(seed: Any) -> Any:
    """The next of a xorshift generator (Marsaglia 2003, 13-7-17)."""
    x = seed[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    seed[0] = x
    return x


@compiled
def below(seed: Any, number: int) -> Any:
    """A number from 0 to below `number`, which is less than 2**31."""
    return np.int64(((draw(seed) >> np.uint64(33)) * np.uint64(number)) >> np.uint64(31))


@compiled
def share(seed: Any) -> Any:
    """A number between 0 and 1, neither of them."""
    return (np.float64(draw(seed) >> np.uint64(11)) + 0.5) * (1.0 / 9007199254740992.0)
