"""One volume that goes to another pool: where it lies, and where it is to lie."""

from __future__ import annotations

from dataclasses import dataclass

from allocator.domain.placement import Volume


@dataclass(frozen=True, slots=True)
class Move:
    """A volume as it is and as it will be: the same request and hosts, another pool, perhaps another alternative."""

    now: Volume
    then: Volume

    @property
    def volume(self) -> str:
        """The name, which stays."""
        return self.now.name

    @property
    def source(self) -> str:
        return self.now.pool

    @property
    def target(self) -> str:
        return self.then.pool

    @property
    def size_bytes(self) -> int:
        """What is copied: the whole volume, however thin it lies."""
        return self.now.request.size_bytes
