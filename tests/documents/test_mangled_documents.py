"""Whatever stands where, a document is read or refused in one line; nothing else is ever raised."""

from __future__ import annotations

import random
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from allocator.documents import DocumentError, build, load
from allocator.domain.policy import Policy

FLEET: dict[str, Any] = {
    "version": 1,
    "drivers": {"sf": {"driver": "solidfire", "config": {"a": {"b": [1]}}, "manifest": {"size": {"most": "1TB"}}}},
    "agents": {"q": {"agent": "qemu", "config": {"password": {"env": "ALLOCATOR_SECRET_Q"}}}},
    "tenants": [{"name": "t", "quota": [{"tag": "ssd", "capacity": "1TiB"}]}],
    "pools": [
        {
            "name": "p",
            "driver": "sf",
            "zone": "z",
            "tags": ["ssd"],
            "capacity": {"total": "1TiB", "overcommit": "1.5", "reserved": "5%"},
            "iops": 1000,
            "resources": {"lun": {"total": 4}},
            "domains": {"rack": "r1"},
            "default_qos": {"min_iops": 50},
            "details": {"path": "/x"},
        }
    ],
    "hosts": [
        {
            "name": "h",
            "zone": "z",
            "cluster": "c",
            "agent": "q",
            "endpoints": [{"iqn": "iqn.2020-01.a:b", "chap": {"user": "u", "secret": {"file": "/f"}}}],
            "bandwidth": {"total": "1GiB/s"},
        }
    ],
    "offerings": [{"name": "o", "qos": [{"provisioned": {"min_iops_per_gib": 3}}]}],
    "vms": [{"name": "vm", "resources": {"vcpu": 4}, "priority": 5}],
    "requests": [
        {
            "name": "r",
            "size": "5GiB",
            "offering": "o",
            "vm": "vm",
            "tenant": "t",
            "qos": {"limit": {"total_iops": 5}},
            "apart": {"group": "g", "over": "rack"},
            "near": {"group": "n", "over": "zone"},
            "details": {"solidfire": {"enable512e": True}},
        }
    ],
    "volumes": [{"name": "v", "pool": "p", "size": 5, "hosts": ["h"], "qos": [], "alternative": 0, "pinned": {}}],
}

STRANGE: list[Any] = [
    None,
    True,
    0,
    -1,
    2**63,
    -(2**70),
    10**5000,
    Decimal("1.5"),
    Decimal("1e999"),
    Decimal("NaN"),
    1.5,
    "",
    "../x",
    "nil",
    "1" * 5000,
    "\ud800",
    "\x1b[31m\n",
    "100%",
    "5GiB",
    "e" * 100_000,
    [],
    [[]],
    [None],
    ["x", "x"],
    {},
    {"name": "x"},
    {"total": {}},
    {"env": "HOME"},
    {"": ""},
    {"\x00": {"\x00": 1}},
    {1: 2},
]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in plain data."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    found = [(value, key) for key in keys]
    return found + [place for key in keys for place in places(value[key])]


def refusal(call: Callable[[], object]) -> DocumentError | None:
    try:
        call()
    except DocumentError as error:
        return error
    return None


def test_the_fleet_itself_is_good() -> None:
    assert [request.name for request in build(FLEET, Policy()).requests] == ["r"]


@pytest.mark.parametrize("strange", range(len(STRANGE)))
def test_a_strange_value_anywhere_is_read_or_refused_in_one_line(strange: int) -> None:
    refused = 0
    for number in range(len(places(FLEET))):
        data = deepcopy(FLEET)
        container, key = places(data)[number]
        container[key] = deepcopy(STRANGE[strange])
        error = refusal(partial(build, data, Policy()))
        said = "Fine. Maybe." if error is None else str(error)
        assert " Maybe" in said
        assert said.isprintable()
        assert len(said) < 1000
        refused += error is not None
    assert refused > 10


@pytest.mark.parametrize("seed", range(4))
def test_mangled_text_is_read_or_refused_in_one_line(seed: int) -> None:
    dice = random.Random(seed)
    text = str(FLEET).replace("True", "true")
    assert load([], Policy(), {"fleet.yaml": text}).requests
    refused = 0
    for _ in range(300):
        letters = list(text)
        for _ in range(dice.choice([1, 1, 2, 5])):
            letters[dice.randrange(len(letters))] = dice.choice("{}[]:,'\"&*!|>%@`# \n\t\x00-?0aé\ufffe")
        error = refusal(partial(load, [], Policy(), {"fleet.yaml": "".join(letters)}))
        said = "fleet.yaml: Fine. Maybe." if error is None else str(error)
        assert said.startswith("fleet.yaml:")
        assert " Maybe" in said
        assert said.isprintable()
        refused += error is not None
    assert 10 < refused < 300
