"""What is asked for: offerings, and requests with their offering's wishes filled in."""

from __future__ import annotations

from dataclasses import dataclass, fields
from fractions import Fraction
from operator import attrgetter
from typing import Final, Literal, TypeVar

from allocator.domain.lazily import lazily
from allocator.domain.qos import Alternative, QosWish

Provisioning = Literal["thin", "thick"]
Scalar = str | int | bool
Details = tuple[tuple[str, tuple[tuple[str, Scalar], ...]], ...]
"""Vendor key/values grouped by driver, sorted by name: hashable, so that equal requests can be found."""
MarkKind = Literal["group", "near", "tenant"]
Mark = tuple[MarkKind, str]
"""What some requests have in common: their group, the group that they want to be near, or their tenant."""


@dataclass(frozen=True, slots=True)
class Apart:
    """Volumes of one group that state the same wish use different places.

    `over` is `pool`, `host`, `zone`, `cluster` or any failure domain that pools name.
    """

    over: str
    max_per_domain: int | None = 1
    min_domains: int | None = None


@dataclass(frozen=True, slots=True)
class Near:
    """The volume's domain must also hold a volume of `group`."""

    group: str
    over: str


Wish = TypeVar("Wish", Apart, Near)


@dataclass(frozen=True, slots=True)
class Offering:
    """A named template an administrator defines."""

    name: str
    tags: frozenset[str] = frozenset()
    forbid_tags: frozenset[str] = frozenset()
    preferred_tags: frozenset[str] = frozenset()
    host_tags: frozenset[str] = frozenset()
    qos: tuple[QosWish, ...] = ()
    provisioning: Provisioning | None = None
    encrypted: bool = False
    dedicated: bool = False
    snapshot_reserve: Fraction = Fraction(0)
    details: Details = ()


class Wishes(tuple[object, ...]):
    """Several fields together, whose hash is worked out once: every call looks them up."""

    @lazily
    def _hash(self) -> int:
        return super().__hash__()

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True)
class Request:
    """One volume asked for, its offering's fields merged with its own. Sizes in bytes."""

    name: str
    size_bytes: int
    alternatives: tuple[Alternative, ...]
    offering: str | None = None
    vm: str | None = None
    tenant: str | None = None
    priority: int = 0
    tags: frozenset[str] = frozenset()
    forbid_tags: frozenset[str] = frozenset()
    preferred_tags: frozenset[str] = frozenset()
    host_tags: frozenset[str] = frozenset()
    provisioning: Provisioning | None = None
    """None: thin where the driver can, else thick."""
    encrypted: bool = False
    dedicated: bool = False
    """A LUN of its own, shared with nobody (R16)."""
    snapshot_reserve: Fraction = Fraction(0)
    """Charged beside the size; the LUN is not enlarged."""
    details: Details = ()
    resources: tuple[tuple[str, int], ...] = ()
    """Further dimensions charged to the pool."""
    host_resources: tuple[tuple[str, int], ...] = ()
    """The VM's demands on its host, carried by one of its requests."""
    vm_resources: tuple[tuple[str, int], ...] = ()
    """The same where another carries them: what this one carries once that has left the host."""
    pool: str | None = None
    host: str | None = None
    cluster: str | None = None
    zone: str | None = None
    group: str | None = None
    apart: Apart | None = None
    near: Near | None = None
    also: tuple[Apart | Near, ...] = ()
    """Further wishes of these kinds: apart on pools, say, and over three racks as well."""
    move_cost: int = 0
    """What it costs to move this volume, beside what goal `movement` counts for any."""

    @property
    def attaches(self) -> bool:
        """False for a volume that is placed on a pool only and attached later."""
        return self.vm is not None or self.host is not None

    @lazily
    def shape(self) -> tuple[object, ...]:
        """Everything rules and goals can see of it: all but its name and its VM's name."""
        return self.wishes, self.pins, self.group, self.apart, self.near, self.also, self.host_resources

    @lazily
    def aparts(self) -> tuple[Apart, ...]:
        """All that it wants of where its group lies."""
        return self._stated(Apart, self.apart)

    @lazily
    def nears(self) -> tuple[Near, ...]:
        """All groups that it wants to be near, each over its kind of place."""
        return self._stated(Near, self.near)

    @lazily
    def grouped(self) -> bool:
        """Whether it says anything of groups."""
        return self.group is not None or self.near is not None or bool(self.also)

    def _stated(self, kind: type[Wish], first: Wish | None) -> tuple[Wish, ...]:
        """The wishes of one kind; most requests have none, and every call asks."""
        if first is None and not self.also:
            return ()
        return tuple([wish for wish in (first, *self.also) if isinstance(wish, kind)])

    @lazily
    def wishes(self) -> Wishes:
        """What it wants of any place: of its shape what is left without pins, groups and its VM's demands."""
        return Wishes(_WISHES(self))

    def share_wishes(self, other: Request) -> None:
        """Keep the wishes of another, which are equal: one object for many is soon compared, and kept once."""
        vars(self)["wishes"] = other.wishes

    @lazily
    def pins(self) -> tuple[object, ...]:
        """Where it must go, and whether it is attached."""
        return self.pool, self.host, self.cluster, self.zone, self.attaches

    @lazily
    def marks(self) -> tuple[Mark, ...]:
        """By what it is counted together with few others."""
        found: list[Mark] = [] if self.group is None else [("group", self.group)]
        found += dict.fromkeys(("near", wish.group) for wish in self.nears)
        return tuple(found) if self.tenant is None else (*found, ("tenant", self.tenant))

    @property
    def demands(self) -> tuple[tuple[str, int], ...]:
        """What its VM demands of its host, whichever request carries that."""
        return self.host_resources or self.vm_resources

    def resource(self, name: str) -> int:
        return dict(self.resources).get(name, 0)

    def host_resource(self, name: str) -> int:
        return dict(self.host_resources).get(name, 0) if self.host_resources else 0

    def details_for(self, driver: str) -> dict[str, Scalar]:
        """The vendor keys meant for one driver (R14); other drivers never see them."""
        return dict(dict(self.details).get(driver, ()))


_NOT_WISHES: Final = frozenset(
    {"name", "vm", "pool", "host", "cluster", "zone", "group", "apart", "near", "also", "host_resources"}
    | {"vm_resources"}
)
_READ_AS: Final = {"snapshot_reserve": ("snapshot_reserve.numerator", "snapshot_reserve.denominator")}
"""Whole numbers are hashed sooner than a fraction is."""
_WISHES: Final = attrgetter(
    *(
        part
        for field in fields(Request)
        if field.name not in _NOT_WISHES
        for part in _READ_AS.get(field.name, (field.name,))
    )
)
