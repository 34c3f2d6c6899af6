"""Fleets for tests of the engine: documents in files, opened as a control plane would."""

from __future__ import annotations

from pathlib import Path

from allocator import Allocator

ARRAY = """
version: 1
drivers: {sf: {driver: solidfire}}
pools:
  - name: sf-1
    driver: sf
    zone: z1
    capacity: 100TiB
    iops: {total: 10000, overcommit: 1.5}
    default_qos: {min_iops: 100, max_iops: 15000}
    details: {rack_unit: 12}
hosts:
  - {name: h1, zone: z1, iops: 100000}
  - {name: h2, zone: z1, iops: 100000}
offerings:
  - name: gold
    qos: {provisioned: {min_iops: 5000, max_iops: 10000}}
    details: {solidfire: {enable512e: true}}
  - {name: plain}
"""
"""Sells 15,000 guaranteed IOPS: three volumes of offering gold."""

FILES = """
version: 1
drivers: {files: {driver: nfs}, disk: {driver: local}}
pools:
  - {name: nfs-1, driver: files, managed: false, zone: z1, capacity: 10TiB, tags: [cold]}
  - {name: nfs-2, driver: files, managed: false, zone: z1, capacity: 10TiB, tags: [ssd]}
  - {name: disk-1, driver: disk, host: h1, capacity: 1TiB, tags: [ssd]}
hosts:
  - {name: h1, zone: z1, iops: 100000}
offerings:
  - {name: gold, tags: [ssd], qos: {provisioned: {min_iops: 5000, max_iops: 10000}}}
"""
"""Promises nothing to anybody."""


def written(folder: Path, *texts: str) -> list[Path]:
    """Documents as files, in the order in which they override each other."""
    paths = []
    for text in texts:
        path = folder / f"documents-{len(list(folder.glob('documents-*')))}.yaml"
        path.write_text(text)
        paths.append(path)
    return paths


def opened(folder: Path, *texts: str, ledger: bool | str = False, policy: str = "default") -> Allocator:
    """An allocator on documents; with a ledger at that URL, or on the one of the folder, made where there is none."""
    url = f"sqlite:///{folder}/ledger.db" if ledger is True else ledger or None
    return Allocator.open(*written(folder, *texts), policy=policy, ledger=url)


def gold(number: int, count: int = 1) -> list[dict[str, object]]:
    """Requests of `count` VMs with one volume of 5,000 guaranteed IOPS each."""
    return [
        {"name": f"gold-{n}", "vm": f"vm-{n}", "offering": "gold", "size": "100GiB"}
        for n in range(number, number + count)
    ]
