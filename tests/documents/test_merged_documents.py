"""Several documents merge by name: later ones override deeply, null takes away, errors find their file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from allocator.documents import DocumentError, build, load, merge
from allocator.domain.policy import Policy

FLEET = """\
version: 1
drivers: {d: {driver: tgt}}
pools:
- {name: a, driver: d, zone: z1, tags: [ssd], iops: 100000, resources: {lun: 64}}
- {name: b, driver: d, zone: z1}
"""


def test_a_fragment_without_version_raises_the_overcommit_of_a_pool_with_a_bare_total() -> None:
    fragment = "pools: [{name: a, iops: {overcommit: '1.52'}, resources: {lun: {overcommit: 2}}}]\n"
    pool = load([], Policy(), {"fleet.yaml": FLEET, "remedy.yaml": fragment}).inventory.pools["a"]
    assert (pool.iops.total, pool.iops.overcommit, pool.iops.sellable) == (100_000, Fraction(38, 25), 152_000)
    assert (pool.resources["lun"].total, pool.resources["lun"].sellable) == (64, 128)
    assert pool.tags == {"ssd"}


def test_a_bare_total_leaves_the_factor_of_an_earlier_file() -> None:
    first = {"pools": [{"name": "a", "iops": {"total": 5, "overcommit": 2}}]}
    second = {"pools": [{"name": "a", "iops": 7}]}
    assert merge(first, second)["pools"] == [{"name": "a", "iops": {"total": 7, "overcommit": 2}}]


def test_null_takes_a_key_away_and_a_section_of_null_says_nothing() -> None:
    first: dict[str, Any] = {"pools": [{"name": "a", "zone": "z1"}], "vms": [{"name": "v"}]}
    second: dict[str, Any] = {"pools": [{"name": "a", "zone": None, "cluster": "c1"}], "vms": None}
    assert merge(first, second) == {"pools": [{"name": "a", "cluster": "c1"}], "vms": [{"name": "v"}]}
    assert first["pools"] == [{"name": "a", "zone": "z1"}]


def test_lists_within_an_entry_are_replaced_as_a_whole_and_new_entries_come_last() -> None:
    first = {"pools": [{"name": "a", "tags": ["x", "y"]}, {"name": "b"}]}
    second = {"pools": [{"name": "c"}, {"name": "a", "tags": ["z"]}]}
    assert merge(first, second)["pools"] == [{"name": "a", "tags": ["z"]}, {"name": "b"}, {"name": "c"}]


def test_drivers_merge_by_their_keys() -> None:
    first = {"drivers": {"d": {"driver": "tgt", "config": {"portal": "x"}}}}
    second = {"drivers": {"d": {"config": {"threads": 2}}}}
    assert merge(first, second)["drivers"]["d"] == {"driver": "tgt", "config": {"portal": "x", "threads": 2}}


def test_versions_that_differ_do_not_merge() -> None:
    with pytest.raises(DocumentError, match=r"version: It differs from 2\. Maybe version: 1\."):
        merge({"version": 2}, {"version": 1})


def test_a_name_twice_in_plain_data_is_refused() -> None:
    with pytest.raises(DocumentError, match=r"^pools\[a\].name: The name is given twice\. Maybe"):
        build({"version": 1, "pools": [{"name": "a"}, {"name": "b"}, {"name": "a"}]}, Policy())


def test_an_error_is_told_for_the_file_that_gave_the_value(tmp_path: Path) -> None:
    fleet, change = tmp_path / "fleet.yaml", tmp_path / "change.yaml"
    fleet.write_text(FLEET)
    change.write_text("pools:\n- name: b\n  state: upp\n")
    with pytest.raises(DocumentError) as caught:
        load([fleet, change], Policy())
    assert str(caught.value).startswith(f"{change}:3: pools[b].state: 'upp' is none of")

    change.write_text("pools:\n- name: b\n  tags: [ssd]\n")
    fleet.write_text(FLEET.replace("iops: 100000", "iops: -1"))
    with pytest.raises(DocumentError) as caught:
        load([fleet, change], Policy())
    assert str(caught.value).startswith(f"{fleet}:4: pools[a].iops.total: -1 is below the least, 0.")


def test_what_is_missing_is_told_for_the_last_file_with_the_entry() -> None:
    with pytest.raises(DocumentError) as caught:
        load([], Policy(), {"fleet.yaml": FLEET, "more.yaml": "\npools:\n- {name: c, zone: z1}\n"})
    assert str(caught.value) == "more.yaml:3: pools[c].driver: It is missing. Maybe add `driver: ...`."


def test_plain_data_has_no_file_in_its_errors() -> None:
    with pytest.raises(DocumentError) as caught:
        build({"version": 1, "hosts": [{"name": "h", "zone": 5}]}, Policy())
    assert str(caught.value) == "hosts[h].zone: 5 is not text. Maybe put it in quotes."
    assert (caught.value.file, caught.value.line) == (None, None)
