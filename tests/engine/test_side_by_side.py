"""Two engines in one process: with two ledgers they do not see each other, with one they sell what there is once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url

from allocator import Allocator
from tests.engine.fleets import ARRAY, gold, written

DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}


@pytest.fixture
def lent(ledger_url: str) -> Iterator[Engine]:
    """The engine of the program that embeds both."""
    url = make_url(ledger_url)
    engine = create_engine(url.set(drivername=DRIVERS[url.get_backend_name()]))
    yield engine
    engine.dispose()


def names(allocator: Allocator) -> list[str]:
    return sorted(allocator.inventory.volumes)


def test_R06_two_prefixes_in_one_database_are_two_fleets(tmp_path: Path, lent: Engine) -> None:
    """Each sells 15,000 IOPS, three volumes, whatever the other has sold; and each tells its own story."""
    documents = written(tmp_path, ARRAY)
    with (
        Allocator.open(*documents, ledger="one", engine=lent, prefix="one_", actor="first") as one,
        Allocator.open(*documents, ledger="two", engine=lent, prefix="two_", actor="second") as two,
    ):
        assert len(one.place(gold(1, count=4)).placed) == 3
        assert names(two) == []
        assert len(two.place(gold(1, count=2)).placed) == 2
        assert (names(one), names(two)) == (["gold-1", "gold-2", "gold-3"], ["gold-1", "gold-2"])
        actors = [each.why("gold-1").lives[0][0].event.actor for each in (one, two)]
        assert actors == ["first", "second"]


def test_R06_two_engines_with_two_ledgers_are_two_fleets(tmp_path: Path) -> None:
    documents = written(tmp_path, ARRAY)
    urls = [f"sqlite:///{tmp_path}/{name}.db" for name in ("one", "two")]
    with Allocator.open(*documents, ledger=urls[0]) as one, Allocator.open(*documents, ledger=urls[1]) as two:
        assert len(one.place(gold(1, count=4)).placed) == 3
        assert (names(one), names(two)) == (["gold-1", "gold-2", "gold-3"], [])
        assert len(two.place(gold(5, count=4)).placed) == 3


def test_R06_two_engines_with_one_ledger_sell_it_once(tmp_path: Path, lent: Engine, ledger_url: str) -> None:
    """One by URL, the other in the engine that was lent: what one reserves, the other sees at its next call."""
    documents = written(tmp_path, ARRAY)
    joined = "&" if "?" in ledger_url else "?"
    with (
        Allocator.open(*documents, ledger="lent", engine=lent, prefix="shared_") as one,
        Allocator.open(*documents, ledger=f"{ledger_url}{joined}prefix=shared_", make=False) as two,
    ):
        assert len(one.place(gold(1, count=2)).placed) == 2
        assert len(two.place(gold(5, count=2)).placed) == 1
        assert names(one) == names(two) == ["gold-1", "gold-2", "gold-5"]
