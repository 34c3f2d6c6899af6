"""The engine inside another program: what a placement call loads and touches, and that it always answers the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import allocator
from allocator import Allocator, Outcome, Request
from allocator.documents import DocumentError
from allocator.explain import outcome_json
from tests.engine.fleets import ARRAY, gold, opened, written

ROOT = Path(__file__).parents[2]

ONE_VM = """
import sys

from allocator import Allocator

allocator = Allocator.open(sys.argv[1])
root, data = ({"name": name, "vm": "web", "offering": "gold", "size": "10GiB"} for name in ("root", "data"))
assert len(allocator.place([root, data]).placed) == 2
assert allocator.place([]).status == "optimal"
too_many = [{**root, "name": f"r{number}"} for number in range(4)]
refusal = allocator.place(too_many).refused[0]
assert refusal.because == ("iops",) and refusal.remedies, refusal

touched = []
sys.addaudithook(lambda event, arguments: touched.append((event, arguments)) if event in WATCHED else None)
WATCHED = {"open", "import", "socket.connect", "subprocess.Popen", "os.listdir", "sqlite3.connect"}
assert len(allocator.place([root, data]).placed) == 2
assert touched == [], touched

roots = {name.partition(".")[0] for name in sys.modules}
print(*sorted(roots & {"ortools", "pandas", "sqlalchemy", "alembic", "drivers", "asyncio"}))
"""

BATCH = """
import json, sys

from allocator import Allocator
from allocator.explain import outcome_json

allocator = Allocator.open(sys.argv[1])
requests = [
    {"name": f"r{n}", "vm": f"vm{n // 2}", "offering": "gold", "size": f"{n + 1}GiB", "preferred_tags": ["b", "a", "c"]}
    for n in range(8)
]
print(json.dumps(outcome_json(allocator.place(requests)) | {"seconds": 0}))
"""


def ran(code: str, *arguments: object, **environment: str) -> str:
    """The output of a Python of its own, which sees the source checkout and nothing else of this process."""
    words = [sys.executable, "-c", code, *map(str, arguments)]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, env=variables, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_R24_one_vm_is_placed_and_refused_without_solver_pandas_ledger_or_any_driver(tmp_path: Path) -> None:
    """R01 as well: a decision needs manifests and no plug-in. Once the fleet is loaded, a call touches nothing."""
    (path,) = written(tmp_path, ARRAY)
    assert ran(ONE_VM, path) == "\n"


def test_R24_importing_the_package_loads_none_of_it() -> None:
    """What the command line needs for `--help`."""
    loaded = ran(
        "import sys, allocator; print(*sorted(n for n in sys.modules if n.startswith(('allocator.', 'numpy'))))"
    )
    assert loaded == "\n"


def test_the_same_question_has_the_same_answer_byte_for_byte_whatever_the_hash_seed(tmp_path: Path) -> None:
    """Four VMs of two volumes: two have room for 4 of 8 x 5,000 on arrays that sell 15,000 and 8,000."""
    second = "version: 1\npools: [{name: sf-2, driver: sf, zone: z1, capacity: 10TiB, iops: 8000, tags: [a, b, c]}]"
    documents = written(tmp_path, ARRAY, second)
    code = BATCH.replace("sys.argv[1]", "*sys.argv[1:]")
    answers = {ran(code, *documents, PYTHONHASHSEED=seed) for seed in ("0", "1", "77")}
    assert len(answers) == 1
    answer = json.loads(answers.pop())
    assert len(answer["placed"]) == 4
    assert len(answer["refused"]) == 4
    assert answer == _again(opened(tmp_path, ARRAY, second))


def _again(here: Allocator) -> Mapping[str, object]:
    """The same in this process, twice: an allocator that answered before answers as it did."""
    requests: list[dict[str, object]] = [
        {
            "name": f"r{n}",
            "vm": f"vm{n // 2}",
            "offering": "gold",
            "size": f"{n + 1}GiB",
            "preferred_tags": ["c", "b", "a"],
        }
        for n in range(8)
    ]
    first, second = (outcome_json(here.place(requests)) | {"seconds": 0} for _ in range(2))
    assert first == second
    return first


def test_requests_are_taken_as_entries_or_as_requests(tmp_path: Path) -> None:
    """What a control plane built itself, and what it read from somewhere, side by side and in their order."""
    here = opened(tmp_path, ARRAY)
    entries = gold(1, count=3)
    ready = here.world.ask(entries[1:2], here.inventory)[0]
    outcome = here.place([entries[0], ready, entries[2]])
    assert [placed.request for placed in outcome.placed] == ["gold-1", "gold-2", "gold-3"]
    assert outcome.plan == here.place(entries).plan


def test_a_name_given_twice_is_bad_input_however_it_is_given(tmp_path: Path) -> None:
    here = opened(tmp_path, ARRAY)
    (entry,) = gold(1)
    (ready,) = here.world.ask([entry], here.inventory)
    pairs: list[list[Request | Mapping[str, object]]] = [[entry, entry], [entry, ready], [ready, ready]]
    for twice in pairs:
        with pytest.raises(DocumentError, match=r"requests\[gold-1\]\.name: The name is given twice\. Maybe rename"):
            here.place(twice)


def test_a_decision_without_a_ledger_changes_nothing(tmp_path: Path) -> None:
    """The same three volumes fit again and again; none is remembered."""
    here = opened(tmp_path, ARRAY)
    outcomes = [here.place(gold(1, count=3)) for _ in range(3)]
    assert all(isinstance(outcome, Outcome) and len(outcome.placed) == 3 for outcome in outcomes)
    assert here.inventory.volumes == {}
    with pytest.raises(LookupError, match="There is no volume gold-1"):
        here.delete("gold-1")


def test_the_public_names_are_those_that_are_named() -> None:
    assert all(getattr(allocator, name).__name__ == name for name in allocator.__all__)
    with pytest.raises(AttributeError, match=r"no attribute 'Alocator'\. Maybe one of Allocator, "):
        _ = allocator.Alocator
