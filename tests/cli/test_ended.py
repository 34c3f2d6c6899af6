"""SIGTERM ends a command as Ctrl-C does: what was done is on record, the plan is given back, nothing is made twice."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import Allocator
from tests.cli.site import Site
from tests.drivers.tgtadm import targets
from tests.drivers.tgtd import Tgtd

VOLUMES = 30
FLEET = """\
version: 1
drivers: {{san: {{driver: tgt, config: {{control: {control}, portal: "{portal}"}}}}}}
pools: [{{name: p1, driver: san, zone: z1, capacity: 1GiB, details: {{path: {path}/p1}}}}]
hosts: [{{name: h1, zone: z1, endpoints: [{{iqn: "iqn.2026-01.org.allocator.test:h1"}}]}}]
requests:
{requests}
"""


@pytest.fixture
def tgtd() -> Iterator[Tgtd]:
    with Tgtd() as running:
        yield running


@pytest.fixture
def given(tmp_path: Path, tgtd: Tgtd) -> list[str]:
    """Options for 30 volumes, each on a host, that tgtd makes one call after the other."""
    requests = "\n".join(f"- {{name: v{n}, vm: m{n}, size: 1MiB}}" for n in range(VOLUMES))
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(FLEET.format(control=tgtd.control, portal=tgtd.portal, path=tmp_path, requests=requests))
    return ["-f", str(fleet), "--ledger", f"sqlite:///{tmp_path}/ledger.db"]


def ended(words: list[str], after: str) -> tuple[int, str]:
    """The command in a process of its own, ended by SIGTERM once it has said something; what it says then."""
    command = [sys.executable, "-m", "allocator.cli", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        for line in run.stderr:
            if after in line:
                break
        run.terminate()
        out, err = run.communicate(timeout=60)
    assert out == ""
    return run.returncode, err


def test_sigterm_gives_the_plan_back_and_the_next_goes_on(
    given: list[str], tmp_path: Path, tgtd: Tgtd, allocator: Allocator
) -> None:
    """R18-R19: ended twice, in `apply` and in `plan resume`; then each of the 30 LUNs is there once, for its host."""
    made = allocator("place", "-o", tmp_path / "plan.json", *given)
    assert made.code == 0, made.err
    plan = json.loads((tmp_path / "plan.json").read_text())["plan"]["id"]
    done = -1
    for words in (["apply", str(tmp_path / "plan.json")], ["plan", "resume", plan]):
        code, err = ended([*words, *given], "create")
        assert code == 130, err
        assert err.splitlines()[-1].startswith("Stopped; what was done is on record.")
        assert "Traceback" not in err
        told = json.loads(allocator("plan", "show", plan, "--json", *given[2:]).out)
        assert (told["state"], told["owner"], told["lease_seconds"]) == ("running", None, 0)
        before, done = done, sum(step["state"] == "done" for step in told["steps"])
        assert before < done < len(told["steps"])
    resumed = allocator("plan", "resume", plan, *given)
    assert resumed.code == 0, (resumed.out, resumed.err)
    shown = targets(tgtd)
    assert len(re.findall(r"^Target \d+: ", shown, re.MULTILINE)) == VOLUMES
    assert shown.count("iqn.2026-01.org.allocator.test:h1\n") == VOLUMES
    assert len([path for path in (tmp_path / "p1").rglob("vol-*") if path.is_file()]) == VOLUMES
    assert allocator("reconcile", *given).code == 0


def test_it_is_heard_where_ctrl_c_is_not(given: list[str], tmp_path: Path, allocator: Allocator) -> None:
    """A shell without job control starts what has an `&` behind it with SIGINT ignored; that stays so."""
    assert allocator("place", "-o", tmp_path / "plan.json", *given).code == 0
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code, err = ended(["apply", str(tmp_path / "plan.json"), *given], "create")
    finally:
        signal.signal(signal.SIGINT, before)
    assert (code, "Traceback" in err) == (130, False), err
    (told,) = json.loads(allocator("plan", "list", "--json", *given[2:]).out)["plans"]
    assert (told["owner"], told["lease_seconds"]) == (None, 0)


STUCK = """
import sys, time
from allocator.rebalance import job
def rebalance(*given, **more):
    print("at work", file=sys.stderr, flush=True)
    time.sleep(600)
job.rebalance = rebalance
from allocator.cli import main
sys.exit(main())
"""


def test_sigterm_ends_a_rebalance_and_the_next_may_begin(site: Site) -> None:
    """R27: one runs at a time, and one that was ended keeps nobody waiting; no plan is written."""
    words = ["rebalance", "-f", str(site.fleet), "--ledger", site.url, "-o", str(site.plan)]
    with subprocess.Popen([sys.executable, "-c", STUCK, *words], stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        assert run.stderr.readline() == "at work\n"
        busy = site.run("rebalance")
        assert busy.code == 2, busy
        os.kill(run.pid, signal.SIGTERM)
        _, err = run.communicate(timeout=60)
    assert (run.returncode, err.strip()) == (130, "Stopped.")
    assert not site.plan.exists()
    assert site.run("rebalance").code == 0


def test_whoever_calls_it_in_a_program_keeps_its_own_way_with_sigterm(site: Site) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert site.run("list", "pools").code == 0
    assert signal.getsignal(signal.SIGTERM) is before
