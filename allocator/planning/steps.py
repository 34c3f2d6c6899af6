"""What changes, as ordered steps: one chain per volume, so that volumes can be worked on side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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


def moving_steps(volumes: Iterable[Volume], copiers: Mapping[str, str]) -> tuple[Step, ...]:
    """Make volumes that are on the move once more, copy them, switch over and take the old ones away.

    `copiers` names for each the host that copies: the one it is attached to, which mirrors it while it is in use, or
    any that reaches both pools. Every volume is a chain of its own, and all chains may run side by side.
    """
    chains = _Chains()
    for volume in _ordered(volumes):
        chains.add_move(volume, copiers[volume.name])
    return tuple(chains.steps)


def _ordered(volumes: Iterable[Volume]) -> list[Volume]:
    return sorted(volumes, key=lambda volume: volume.name)


class _Chains:
    """Steps in the making, numbered from 1."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def add(
        self,
        volume: Volume,
        kind: StepKind,
        host: str | None = None,
        after: tuple[int, ...] = (),
        pool: str | None = None,
    ) -> int:
        number = len(self.steps) + 1
        self.steps.append(Step(number, kind, volume.name, pool or volume.pool, host, after))
        return number

    def add_move(self, volume: Volume, host: str) -> None:
        assert volume.moving_to is not None, "on the move"
        source, target = volume.pool, volume.moving_to.pool
        last = self.add(volume, "create", pool=target)
        granting = [target] if host in volume.hosts else [source, target]
        copying: tuple[StepKind, ...] = ("mirror",) if host in volume.hosts else ("copy", "verify")
        for pool in granting:
            last = self.add(volume, "grant", host, (last,), pool)
        for kind in (*copying, "switch"):
            last = self.add(volume, kind, host, (last,), target)
        for pool in (source,) if host in volume.hosts else (target, source):
            last = self.add(volume, "revoke", host, (last,), pool)
        self.add(volume, "delete", None, (last,), source)

    def add_removal(self, volume: Volume, host: str) -> int:
        detached = self.add(volume, "detach", host)
        return self.add(volume, "revoke", host, after=(detached,))
