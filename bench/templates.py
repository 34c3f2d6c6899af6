"""VM templates from a seed, and the VMs that a batch asks for: flavours, disks, priorities, zones and applications."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from allocator.domain.request import Apart, Request
from allocator.domain.sizes import GIB
from bench.offers import OFFERINGS, ways

FLAVOURS: Final = ((1, 2), (2, 4), (2, 8), (4, 8), (4, 16), (8, 16), (8, 32), (2, 16), (4, 32))
"""vCPUs and GiB of memory."""
FLAVOUR_WEIGHTS: Final = (1, 3, 4, 4, 5, 1, 1, 2, 1)
ROOTS: Final = (("gold", 20), ("gold", 40), ("either", 20), ("either", 40), ("capped", 40), ("plain", 20), ("bulk", 40))
DATA: Final = ("gold", "by-size", "by-size", "sealed", "sealed", "either", "either", "capped", "bulk", "bulk", "plain")
DATA_GIB: Final = (50, 100, 100, 200, 200, 400, 800)
PRIORITIES: Final = (0, 0, 0, 0, 0, 0, 1, 1, 2, 5)
DISKS: Final = (1, 1, 1, 1, 2, 2, 2, 2, 3, 4)
GPU_SHARE: Final = 0.03
LOCAL_SHARE: Final = 0.02
APP_SHARE: Final = 0.10
PINNED_SHARE: Final = 0.25


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of VM; disks are (offering, GiB), the root disk first."""

    vcpu: int
    memory_gib: int
    disks: tuple[tuple[str, int], ...]
    priority: int
    gpu: bool = False
    weight: int = 1
    """How often it is asked for, compared with others."""


@dataclass(frozen=True, slots=True)
class Templates:
    """The templates of one fleet: ordinary ones, those that need a GPU host, those with a local disk."""

    general: tuple[Template, ...]
    gpu: tuple[Template, ...]
    local: tuple[Template, ...]

    @classmethod
    def drawn(cls, rng: Random, ordinary: int | None = None) -> Templates:
        """So many ordinary ones (None: 50 to 84), and 10 to 16 of the others."""
        number = rng.randint(50, 84) if ordinary is None else ordinary
        general = tuple(_drawn(rng, rng.choice(ROOTS)) for _ in range(number))
        gpu = tuple(_drawn(rng, rng.choice(ROOTS), gpu=True) for _ in range(rng.randint(5, 8)))
        local = tuple(_drawn(rng, ("scratch", 50)) for _ in range(rng.randint(5, 8)))
        return cls(general, gpu, local)


@dataclass(frozen=True, slots=True)
class Machine:
    """One VM that is asked for."""

    name: str
    template: Template
    zone: str | None = None
    app: str | None = None
    over: str = "pool"
    """What the root disks of its application are apart over."""

    def requests(self) -> Iterator[Request]:
        """Its volumes; the first carries the VM's demands on its host."""
        template = self.template
        host_tags = frozenset({"gpu"}) if template.gpu else frozenset()
        for number, (offering, size_gib) in enumerate(template.disks):
            yield Request(
                name=f"{self.name}-{number}",
                size_bytes=size_gib * GIB,
                alternatives=ways(offering, size_gib),
                offering=offering,
                vm=self.name,
                priority=template.priority,
                tags=OFFERINGS[offering].tags,
                host_tags=host_tags,
                host_resources=_host_resources(template) if number == 0 else (),
                zone=self.zone,
                group=self.app if number < 2 else None,
                apart=self._apart(number),
            )

    def _apart(self, number: int) -> Apart | None:
        """Root disks apart over pools or racks, second disks over hosts: so the VMs lie on different hosts."""
        if self.app is None or number > 1:
            return None
        return Apart(self.over) if number == 0 else Apart("host")


def machines(rng: Random, templates: Templates, number: int, zones: Sequence[str]) -> list[Machine]:
    """A batch in the order of its arrival; applications of 3 to 5 VMs arrive together."""
    replicated = [template for template in templates.general if len(template.disks) > 1]
    made: list[Machine] = []
    while len(made) < number:
        zone = rng.choice(zones) if rng.random() < PINNED_SHARE else None
        at = rng.random()
        if at < APP_SHARE / 4 and number - len(made) >= 3:  # four VMs in the mean
            members = min(rng.randint(3, 5), number - len(made))
            template, over = picked(rng, replicated), rng.choice(("pool", "rack"))
            made += [Machine(f"vm-{len(made) + i}", template, zone, f"app-{len(made)}", over) for i in range(members)]
            continue
        group = templates.general
        if at > 1 - LOCAL_SHARE:
            group = templates.local
        elif at > 1 - LOCAL_SHARE - GPU_SHARE:
            group = templates.gpu
        made.append(Machine(f"vm-{len(made)}", picked(rng, group), zone))
    return made


def picked(rng: Random, templates: Sequence[Template]) -> Template:
    """One of them, the popular ones more often."""
    return rng.choices(templates, [template.weight for template in templates])[0]


def _drawn(rng: Random, root: tuple[str, int], *, gpu: bool = False) -> Template:
    vcpu, memory_gib = rng.choices(FLAVOURS, FLAVOUR_WEIGHTS)[0]
    data = [(rng.choice(DATA), rng.choice(DATA_GIB)) for _ in range(rng.choice(DISKS) - 1)]
    return Template(vcpu, memory_gib, (root, *data), rng.choice(PRIORITIES), gpu, rng.choice((1, 1, 2, 2, 3, 4)))


def _host_resources(template: Template) -> tuple[tuple[str, int], ...]:
    return ("memory", template.memory_gib * GIB), ("vcpu", template.vcpu)
