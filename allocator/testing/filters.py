"""What the rules' filters say of a world, in a form that can be compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allocator.domain.placement import Volume
from allocator.fleet import Ask
from allocator.screen import Screen
from allocator.testing.trial import Trial

NOTHING: frozenset[str] = frozenset()


def asks_of(trial: Trial) -> list[Ask]:
    """Every ask of every request of a trial."""
    screen = trial.screen()
    return [ask for request in trial.world.requests for ask in screen.asks(request)]


def closing(screen: Screen, option: Sequence[Volume], coming: frozenset[str] = NOTHING) -> list[str]:
    """The rules that close a VM's placement: a pool to one volume, the host to all of them, or the way between."""
    fleet = screen.fleet
    asks = [Ask(volume.request, volume.alternative, volume.asked, coming) for volume in option]
    rows = [fleet.pool_row[volume.pool] for volume in option]
    hosts = [fleet.host_row[name] for name in option[0].hosts]
    found = []
    for rule in screen.rules:
        for ask, row in zip(asks, rows, strict=True):
            mask = rule.open_pools(ask, fleet)
            if mask is not None and not mask[row]:
                found.append(rule.name)
        mask = rule.open_hosts(asks, fleet) if hosts else None
        if mask is not None and not mask[hosts].all():
            found.append(rule.name)
    return found if linked(screen, option) else [*found, "links"]


def linked(screen: Screen, option: Sequence[Volume]) -> bool:
    """Whether the hosts of a VM reach the pools of its volumes, as the rules' relation has it."""
    fleet, links = screen.fleet, screen.links
    for volume in option:
        row = fleet.pool_row[volume.pool]
        only_host = links.only_host[row]
        for host in map(fleet.host_row.__getitem__, volume.hosts):
            if not (
                only_host == host if only_host >= 0 else links.table[links.pool_group[row], links.host_group[host]]
            ):
                return False
    return True


def closed_rows(screen: Screen, trial: Trial) -> dict[tuple[str, str, int, str], list[int]]:
    """What every rule closes to every ask: (rule, request, alternative, pool or host) -> rows."""
    closed = {}
    for request in trial.world.requests:
        for number, ask in enumerate(screen.asks(request)):
            for rule in screen.rules:
                masks = {"pool": rule.open_pools(ask, screen.fleet), "host": rule.open_hosts((ask,), screen.fleet)}
                for over, mask in masks.items():
                    if mask is not None and not mask.all():
                        closed[rule.name, request.name, number, over] = np.flatnonzero(~mask).tolist()
    return closed
