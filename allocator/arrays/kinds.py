"""Places grouped by what a rule sees of them, so that places which look alike are asked once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FEW: Final = 20
"""Where a kind in so many fits, its places are written one kind at a time."""


@dataclass(frozen=True, eq=False)
class Kinds:
    """Places that look alike: `codes[row]` is the row's kind, `examples[kind]` one place of it."""

    codes: NDArray[np.int64]
    examples: tuple[Any, ...]

    def where(self, fits: NDArray[np.bool_], only: NDArray[np.int64] | None = None) -> NDArray[np.bool_]:
        """What holds of each kind, of every place."""
        if only is not None:
            return fits.take(self.codes.take(only))
        fitting = np.flatnonzero(fits)
        if len(fitting) * FEW > len(fits):
            return fits.take(self.codes)
        mask = np.zeros(len(self.codes), dtype=np.bool_)
        for kind in fitting:
            mask[self._rows[kind]] = True
        return mask

    @cached_property
    def _rows(self) -> list[NDArray[np.int64]]:
        """The places of each kind."""
        order = np.argsort(self.codes, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.codes, minlength=len(self.examples)))[:-1])

    def each(self, value: Callable[[Any], int]) -> NDArray[np.int64]:
        """`value` of every place, worked out once per kind."""
        return np.array([value(place) for place in self.examples], dtype=np.int64)[self.codes]
