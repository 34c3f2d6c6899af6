"""What a plan says as text, which its id is made of and which the ledger keeps."""

from __future__ import annotations

import hashlib
import json

from allocator.domain.plan import Plan, Step

STEPS = (
    Step(1, "reserve", "ä", "p1"),
    Step(2, "create", "ä", "p1", None, (1,)),
    Step(3, "grant", "ä", "p1", "h", (2,)),
)
VOLUMES = ({"size": 1, "name": "ä", "pool": "p1", "details": {"b": True, "a": None}}, {"name": "w", "tags": []})
WHOLE = (
    '{"steps":[[1,"reserve","\\u00e4","p1",null,[]],[2,"create","\\u00e4","p1",null,[1]],'
    '[3,"grant","\\u00e4","p1","h",[2]]],'
    '"volumes":[{"details":{"a":null,"b":true},"name":"\\u00e4","pool":"p1","size":1},{"name":"w","tags":[]}]}'
)


def test_the_parts_make_the_canonical_whole() -> None:
    plan = Plan.of(STEPS, VOLUMES)
    assert plan.text.whole == WHOLE
    assert json.dumps(json.loads(WHOLE), sort_keys=True, separators=(",", ":")) == WHOLE
    assert plan.id == hashlib.sha256(WHOLE.encode()).hexdigest()[:16]


def test_a_plan_given_an_id_says_what_it_says() -> None:
    """An id that is not its own does not become its own."""
    plan = Plan("0123456789abcdef", STEPS, VOLUMES)
    assert plan.text == Plan.of(STEPS, VOLUMES).text
    assert plan.text.id != plan.id
