"""The page of a fleet as it is: what is broken, and how much of each place is sold, the fullest first."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from allocator.domain.sizes import format_dimension
from allocator.report.page import Bar, Cell, Page, table
from allocator.report.told import Told

DIMENSIONS = ("capacity", "iops", "bandwidth", "volumes")


class _Sold(Told):
    sold: int
    sellable: int | None


class _Place(Told):
    name: str
    state: str
    zone: str
    tags: list[str]
    capacity: _Sold | None = None
    iops: _Sold | None = None
    bandwidth: _Sold | None = None
    volumes: _Sold | None = None

    def sold(self) -> Iterator[tuple[str, _Sold]]:
        """What is sold of each dimension; one of which nothing is sold and nothing may be is left out."""
        for dimension in DIMENSIONS:
            found: _Sold | None = getattr(self, dimension)
            if found is not None and (found.sold or found.sellable != 0):
                yield dimension, found

    @property
    def fullness(self) -> Fraction:
        """That of the dimension of which most is sold."""
        shares = [Fraction(one.sold, max(1, one.sellable)) for _, one in self.sold() if one.sellable is not None]
        return max(shares, default=Fraction(0))


class _Finding(Told):
    rule: str
    text: str


class FleetTold(Told):
    """What `allocator report --json` prints."""

    findings: list[_Finding]
    pools: list[_Place]
    hosts: list[_Place]

    def page(self, title: str) -> Page:
        volumes = sum(pool.volumes.sold for pool in self.pools if pool.volumes is not None)
        facts = [
            f"{len(self.pools):,} pools, {len(self.hosts):,} hosts, {volumes:,} volumes",
            f"{len(self.findings):,} findings" if self.findings else "Nothing is broken.",
        ]
        findings = table("What is broken", "RULE WHAT", ([one.rule, one.text] for one in self.findings))
        places = [
            table(heading, "NAME STATE ZONE TAGS CAPACITY IOPS BANDWIDTH VOLUMES", map(_row, _fullest_first(found)))
            for heading, found in (("Pools, the fullest first", self.pools), ("Hosts, the fullest first", self.hosts))
        ]
        return Page(f"Fleet of {title}", facts, [findings, *places])


def _fullest_first(places: list[_Place]) -> list[_Place]:
    return sorted(places, key=lambda place: (-place.fullness, place.name))


def _row(place: _Place) -> list[Cell]:
    sold = dict(place.sold())
    bars = [_bar(dimension, sold[dimension]) if dimension in sold else "" for dimension in DIMENSIONS]
    return [place.name, place.state, place.zone, ", ".join(place.tags), *bars]


def _bar(dimension: str, sold: _Sold) -> Cell:
    words = format_dimension(dimension, sold.sold)
    if sold.sellable is None:
        return words
    return Bar(sold.sold, sold.sold, sold.sellable, f"{words} of {format_dimension(dimension, sold.sellable)}")
