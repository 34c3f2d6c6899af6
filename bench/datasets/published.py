"""The vector packing archive: its instances, and what has been published about each."""

from __future__ import annotations

import csv
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from random import Random


@dataclass(frozen=True, slots=True)
class Published:
    """What is known of an instance: a lower bound, the optimum (None: open), the best of all published heuristics."""

    bound: int
    optimum: int | None
    heuristic: int


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance: the family and name tell it apart, `text` is its file."""

    family: str
    name: str
    text: str
    published: Published | None = None

    @property
    def label(self) -> str:
        return f"{self.family}-{self.name}" if self.family else self.name


def sample(folder: Path, number: int, seed: int) -> list[Instance]:
    """That many instances of the archives in a folder, drawn without bias by a seed, in the order of their names.

    ValueError where the folder holds fewer.
    """
    members = [(archive, member) for archive in sorted(folder.glob("*.tar.gz")) for member in _members(archive)]
    if number > len(members):
        raise ValueError(f"{folder} holds {len(members)} instances in archives (*.tar.gz), {number} asked for.")
    drawn = Random(seed).sample(members, number)  # noqa: S311  a reproducible sample, not a secret
    known = {archive: _summary(folder, archive.name) for archive, _ in drawn}
    found = []
    for archive, member in sorted(drawn):
        name = PurePosixPath(member).stem
        found.append(Instance(_family(archive.name), name, _text(archive, member), known[archive].get(name)))
    return found


def single(path: Path, folder: Path | None) -> Instance:
    """An instance in a file of its own; what is known of it where a summary's family is part of its path."""
    tables = sorted((folder or path.parent).glob("*_summary_known.csv"))
    families = [_family(table.name) for table in tables if any(_family(table.name) in part for part in path.parts)]
    published = _summary(folder or path.parent, families[0]).get(path.stem) if families else None
    return Instance(families[0] if families else "", path.stem, path.read_text(), published)


def _members(archive: Path) -> Iterator[str]:
    with tarfile.open(archive) as opened:
        yield from sorted(name for name in opened.getnames() if name.endswith(".vbp"))


def _text(archive: Path, member: str) -> str:
    with tarfile.open(archive) as opened:
        file = opened.extractfile(member)
        assert file is not None
        return file.read().decode()


def _family(name: str) -> str:
    """`New_classes_1_to_3.tar.gz` and `New_classes_1_to_3_summary_known.csv` are of the family `New`."""
    return name.partition("_")[0]


def _summary(folder: Path, name: str) -> dict[str, Published]:
    """The table of a family; LB, OPT (-1: open) and best_overall of each instance."""
    found: dict[str, Published] = {}
    for table in sorted(folder.glob(f"{_family(name)}*_summary_known.csv")):
        with table.open(newline="") as lines:
            for row in csv.DictReader(lines, delimiter="\t"):
                optimum = int(row["OPT"])
                found[row["instance_name"]] = Published(
                    int(row["LB"]), optimum if optimum > 0 else None, int(row["best_overall"])
                )
    return found
