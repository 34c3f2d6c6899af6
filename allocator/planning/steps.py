"""What changes, as ordered steps: one chain per volume, so that volumes can be worked on side by side."""

from __future__ import annotations

from collections.abc import Iterable

from allocator.domain.placement import Volume
from allocator.domain.plan import Step, StepKind


def placement_steps(volumes: Iterable[Volume]) -> tuple[Step, ...]:
    """Reserve, create, and for each host grant and attach (R18, R19, R21)."""
    chains = _Chains()
    for volume in _ordered(volumes):
        reserved = chains.add(volume, "reserve")
        created = chains.add(volume, "create", after=(reserved,))
        for host in volume.hosts:
            granted = chains.add(volume, "grant", host, after=(created,))
            chains.add(volume, "attach", host, after=(granted,))
    return tuple(chains.steps)


def attach_steps(volumes: Iterable[Volume], host: str) -> tuple[Step, ...]:
    """Grant volumes that exist to one more host, and attach them there."""
    chains = _Chains()
    for volume in _ordered(volumes):
        granted = chains.add(volume, "grant", host)
        chains.add(volume, "attach", host, after=(granted,))
    return tuple(chains.steps)


def detach_steps(volumes: Iterable[Volume], host: str) -> tuple[Step, ...]:
    """Detach volumes from one host, and revoke its access (R20)."""
    chains = _Chains()
    for volume in _ordered(volumes):
        chains.add_removal(volume, host)
    return tuple(chains.steps)


def delete_steps(volumes: Iterable[Volume]) -> tuple[Step, ...]:
    """Detach and revoke on every host, then delete the volume and release what it held (R20)."""
    chains = _Chains()
    for volume in _ordered(volumes):
        revoked = tuple(chains.add_removal(volume, host) for host in volume.hosts)
        deleted = chains.add(volume, "delete", after=revoked)
        chains.add(volume, "release", after=(deleted,))
    return tuple(chains.steps)


def _ordered(volumes: Iterable[Volume]) -> list[Volume]:
    return sorted(volumes, key=lambda volume: volume.name)


class _Chains:
    """Steps in the making, numbered from 1."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def add(self, volume: Volume, kind: StepKind, host: str | None = None, after: tuple[int, ...] = ()) -> int:
        number = len(self.steps) + 1
        self.steps.append(Step(number, kind, volume.name, volume.pool, host, after))
        return number

    def add_removal(self, volume: Volume, host: str) -> int:
        detached = self.add(volume, "detach", host)
        return self.add(volume, "revoke", host, after=(detached,))
