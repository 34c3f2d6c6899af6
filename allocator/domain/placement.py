"""Where a request went, what that takes, and what a change touches."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from allocator.domain.charging import kept
from allocator.domain.places import Place, Pool
from allocator.domain.qos import Alternative, Kind
from allocator.domain.request import Mark, Request

ALL: Final = "all"
"""The one place that holds everything."""


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """A request that has been placed, with the alternative that was chosen for it."""

    request: Request
    pool: str
    hosts: tuple[str, ...] = ()
    alternative: Alternative = Alternative(0, Kind.NONE)
    """As the pool keeps it: what an array always gives is filled in."""
    asked: Alternative = Alternative(0, Kind.NONE)
    """As it was asked for."""
    foreign: bool = False
    """Made outside the engine and found on the device: counted, never touched (R07)."""
    moving_to: Volume | None = None
    """As it will be once the move that is under way is done: until then it holds room by both."""

    @classmethod
    def on(
        cls,
        pool: Pool,
        request: Request,
        asked: Alternative,
        hosts: tuple[str, ...] = (),
        *,
        foreign: bool = False,
    ) -> Volume:
        """A volume by one alternative, as this pool keeps it."""
        return cls(request, pool.name, hosts, kept(asked, pool), asked, foreign)

    @property
    def name(self) -> str:
        return self.request.name

    @property
    def forms(self) -> tuple[Volume, ...]:
        """What it is and, on the move, what it will be: each of them must be right."""
        return (self,) if self.moving_to is None else (self, self.moving_to)


def see_nothing(place: Place) -> None:
    """For charges that are the same everywhere."""


def one_each(request: object, alternative: object, place: object) -> int:
    """The amount of a charge that counts volumes."""
    return 1


@dataclass(frozen=True, slots=True, eq=False)
class Charge:
    """How much one volume takes of something that is summed per place.

    `over` is `pool`, `host`, `all` or a failure domain; the place given to `amount` is the host for `host`
    and the pool for all others, and `amount` reads no more of it than `sees` shows. Of the request it reads the wishes,
    for `host` also what its VM demands of its host. `mark` narrows the sum to the requests that carry it, so that it is
    found among those and need not be kept, and `members` narrows it further, by whatever they read of a request.
    Charges are compared by identity, since totals are kept under them: a rule makes each once.
    """

    name: str
    over: str
    amount: Callable[[Request, Alternative, Any], int]
    sees: Callable[[Any], Hashable] = see_nothing
    mark: Mark | None = None
    members: Callable[[Request], bool] | None = None

    def counts(self, request: Request) -> bool:
        """Whether the sum is about this request at all."""
        if self.mark is not None and self.mark not in request.marks:
            return False
        return self.members is None or self.members(request)

    def of(self, request: Request, alternative: Alternative, place: Place) -> int:
        if (self.mark is not None or self.members is not None) and not self.counts(request):
            return 0
        return self.amount(request, alternative, place)


@dataclass(frozen=True, slots=True)
class Touched:
    """The places and requests that a change has touched, by name: what needs to be checked again."""

    volumes: tuple[str, ...]
    pools: tuple[str, ...]
    hosts: tuple[str, ...]
    requests: tuple[Request, ...]
    places: tuple[tuple[Literal["pool", "host"], str], ...]
    """Pools and hosts, each with its kind."""

    @classmethod
    def by(cls, volumes: Iterable[Volume]) -> Touched:
        changed = [form for volume in volumes for form in volume.forms]
        pools = sorted({volume.pool for volume in changed})
        hosts = sorted({host for volume in changed for host in volume.hosts})
        places: list[tuple[Literal["pool", "host"], str]] = [("pool", name) for name in pools]
        places += [("host", name) for name in hosts]
        names = sorted({volume.request.name for volume in changed})
        requests = [volume.request for volume in changed if volume.moving_to is None]
        return cls(tuple(names), tuple(pools), tuple(hosts), tuple(requests), tuple(places))
