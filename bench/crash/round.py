"""What a seed and a number make of one round of a campaign."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, Final, Literal

Kind = Literal["place", "detach", "delete", "move"]
KINDS: Final[tuple[Kind, ...]] = ("place", "detach", "delete")
MOVE: Final[Kind] = "move"
_MIB: Final = 1024**2


@dataclass(frozen=True, slots=True)
class Round:
    """What a seed and a number make of a round: what is asked for, by how many, and when they die."""

    seed: int
    name: str
    """A number; or `KIND@N`: one worker dies at the N-th boundary of that kind of plan."""
    faulty: bool
    volumes: int | None = None
    """None: from 1 to 4."""
    moves: bool = False
    """A pool is drained; and but for boundaries, volumes beside it are placed, detached and deleted."""

    @property
    def boundary(self) -> int:
        return int(self.name.partition("@")[2] or 0)

    @property
    def random(self) -> Random:
        """The same draws again, whatever was drawn before."""
        named = self.name.partition("@")[0] if self.boundary else self.name
        return Random(f"{self.seed}/{named}")  # noqa: S311  reproducible, not a secret

    @property
    def kind(self) -> Kind:
        if self.boundary:
            return next(kind for kind in (*KINDS, MOVE) if self.name.startswith(kind))
        if self.moves:
            return MOVE
        return self.random.choices(KINDS, (4, 1, 2))[0]

    def requests(self) -> list[dict[str, Any]]:
        """Volumes of one or two VMs, some of which go to no host."""
        random, label = self.random, self.name.replace("@", "-")
        found: list[dict[str, Any]] = []
        for number in range(self.volumes or random.randint(1, 4)):
            request: dict[str, Any] = {"name": f"r{label}-{number}", "size": random.randint(1, 8) * _MIB}
            vm = "a" if self.volumes else random.choice(("a", "a", "b", ""))
            if vm:
                request |= {"vm": f"r{label}-{vm}", "offering": "silver"}
            found.append(request)
        return found

    def beside(self) -> list[dict[str, Any]]:
        """What is placed while a pool is drained."""
        name = f"b{self.name}"
        return [] if self.boundary else [{"name": name, "vm": name, "offering": "silver", "size": 2 * _MIB}]
