"""All or nothing, with the reason in the exception (R02)."""

from __future__ import annotations

from pathlib import Path

import pytest

from allocator import Unsatisfiable
from tests.engine.fleets import ARRAY, FILES, gold, opened


def test_R02_an_unsatisfiable_request_raises_with_what_was_asked_and_why_each_pool_failed(tmp_path: Path) -> None:
    """Of three pools one lacks the tag and no driver keeps a minimum; each pool is counted once, under its reason."""
    with pytest.raises(Unsatisfiable) as raised:
        opened(tmp_path, FILES).place_or_raise(gold(1))
    text = str(raised.value)
    assert "gold-1 is refused: not even an empty fleet could take it." in text
    assert "0 of 3 pools fit" in text
    assert "3 offer no minimum IOPS (driver nfs) (2), offer no minimum IOPS (driver local) (1)" in text
    assert "because of: features" in text
    (refusal,) = raised.value.outcome.refused
    assert (refusal.request, refusal.pools, refusal.because) == ("gold-1", 3, ("features",))


def test_R02_each_pool_is_told_under_its_own_reason(tmp_path: Path) -> None:
    """One pool is too small, one lacks the tag, the host's disk is being emptied."""
    change = "version: 1\npools: [{name: nfs-2, capacity: 1TiB}, {name: disk-1, state: draining}]"
    with pytest.raises(Unsatisfiable) as raised:
        opened(tmp_path, FILES, change).place_or_raise([{"name": "r", "vm": "v", "tags": ["ssd"], "size": "2TiB"}])
    text = str(raised.value)
    assert "1 has < 2 TiB of space left, most on nfs-2: 1 TiB" in text
    assert "1 lacks tag ssd" in text
    assert "1 takes nothing new (state not up)" in text


def test_R02_a_refused_vm_leaves_nothing_reserved(tmp_path: Path) -> None:
    """Three of four fit; together they do not, so none is held."""
    with opened(tmp_path, ARRAY, ledger=True) as allocator:
        with pytest.raises(Unsatisfiable, match="it fits alone, but not together with the others"):
            allocator.place_or_raise(gold(1, count=4))
        assert allocator.ledger is not None
        assert allocator.ledger.volumes() == []
        assert allocator.ledger.unfinished() == []
        outcome = allocator.place_or_raise(gold(1, count=3))
        assert [placed.pool for placed in outcome.placed] == ["sf-1", "sf-1", "sf-1"]
        assert len(allocator.ledger.volumes()) == 3


def test_a_batch_with_a_refusal_is_no_exception(tmp_path: Path) -> None:
    outcome = opened(tmp_path, ARRAY).place(gold(1, count=4))
    assert len(outcome.placed) == 3
    assert [str(refusal.kind) for refusal in outcome.refused] == ["together"]
