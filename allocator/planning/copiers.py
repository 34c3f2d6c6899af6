"""Which host copies a volume that moves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from allocator.documents import volume_document
from allocator.domain.inventory import Inventory
from allocator.domain.move import Move
from allocator.domain.placement import Volume
from allocator.domain.plan import Plan
from allocator.planning.replay import begun
from allocator.planning.steps import moving_steps
from allocator.rule import Rule
from allocator.verify import worsened


def moving_plan(moves: Iterable[Move], inventory: Inventory, rules: Sequence[Rule]) -> Plan:
    """The plan that carries out the moves of one wave, side by side. Raises LookupError as `copiers_of`."""
    volumes = [begun(move) for move in moves]
    copiers = copiers_of(volumes, inventory, rules)
    return Plan.of(moving_steps(volumes, copiers), [volume_document(volume) for volume in volumes])


def copiers_of(volumes: Iterable[Volume], inventory: Inventory, rules: Sequence[Rule]) -> dict[str, str]:
    """For each volume on the move the host that copies it, by the volume's name.

    The one that it is attached to, since only that can mirror it while it is in use; else the first by name that has an
    agent and may have both volumes attached, by every rule. Raises LookupError where there is none.
    """
    known: dict[tuple[object, ...], str | None] = {}
    found: dict[str, str] = {}
    for volume in volumes:
        key = volume.pool, volume.moving_to and volume.moving_to.pool, volume.hosts, volume.request.shape
        if key not in known:
            known[key] = _copier(volume, inventory, rules)
        copier = known[key]
        if copier is None:
            raise LookupError(
                f"No host with an agent copies volume {volume.name} from {volume.pool}: it must reach both pools, and "
                "be the only one that the volume is attached to. Maybe detach it, or give its host an agent."
            )
        found[volume.name] = copier
    return found


def _copier(volume: Volume, inventory: Inventory, rules: Sequence[Rule]) -> str | None:
    return next((name for name in inventory.hosts if may_copy(name, volume, inventory, rules)), None)


def may_copy(name: str, volume: Volume, inventory: Inventory, rules: Sequence[Rule]) -> bool:
    """Whether a host has an agent, reaches both pools by every rule, and is the only one the volume is attached to."""
    host = inventory.hosts.get(name)
    if host is None or host.agent is None or host.state == "down" or volume.hosts not in ((), (name,)):
        return False
    there = [replace(form, moving_to=None, hosts=(host.name,)) for form in volume.forms]
    links = [rule for rule in rules if type(rule).links is not Rule.links]
    return not any(worsened(inventory, links, [form]) for form in there)
