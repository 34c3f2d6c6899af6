"""The JSON Schema that editors use knows every key that is read."""

from __future__ import annotations

import json
from typing import Any

from allocator.documents import json_schema
from allocator.documents.qos_keys import RANGE_KEYS, RATE_KEYS


def entry(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json_schema()["$defs"][name]
    return found


def test_it_is_json_and_refuses_unknown_keys_everywhere() -> None:
    schema = json.loads(json.dumps(json_schema()))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["required"] == ["version"]
    assert list(schema["properties"]) == [
        "version",
        "drivers",
        "agents",
        "tenants",
        "pools",
        "hosts",
        "offerings",
        "vms",
        "requests",
        "volumes",
    ]
    objects = [found for found in schema["$defs"].values() if "properties" in found]
    assert all(found["additionalProperties"] is False for found in [schema, *objects])


def test_it_knows_all_figures_and_describes_them() -> None:
    assert set(entry("Range")["properties"]) == {*RANGE_KEYS, "burst_seconds", "io_size"}
    assert set(entry("Rate")["properties"]) == {*RATE_KEYS, "burst_seconds", "io_size"}
    assert len(RANGE_KEYS) == 27
    assert len(RATE_KEYS) == 18
    assert entry("PoolEntry")["properties"]["managed"]["description"].startswith("One LUN per volume")


def test_a_bare_total_and_one_mapping_of_qos_are_allowed_for() -> None:
    capacity = json.dumps(entry("PoolEntry")["properties"]["capacity"])
    assert "CapacityEntry" in capacity
    assert "number" in capacity
    qos = json.dumps(entry("OfferingEntry")["properties"]["qos"])
    assert "QosEntry" in qos
    assert "array" in qos
