"""`kill -9` of processes that carry plans out on a real tgtd and real QEMUs (R18-R21); `bench crash` is the campaign.

`ALLOCATOR_CRASH_KILLS` says how many die at random instants, in each of the two tests that do so.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.crash.campaign import Campaign, Outcome, Round
from bench.crash.site import Site, lacking, site

KILLS = int(os.environ.get("ALLOCATOR_CRASH_KILLS", "5"))
SEED = 1
MOST_BOUNDARIES = 200


@pytest.fixture(scope="module")
def there() -> Iterator[Site]:
    """Servers for all tests here: each round takes away what it made."""
    packages = lacking()
    if packages:
        pytest.skip(f"Maybe `apt-get install {' '.join(packages)}`.")
    # Paths of sockets are bounded, and pytest's are long.
    with tempfile.TemporaryDirectory(prefix="crash-") as directory, site(Path(directory)) as running:
        yield running


def test_at_every_boundary_of_a_placement(there: Site) -> None:
    """Before an intent is written, before the call, before its result is, and after: LUN, ACL, account and device."""
    campaign = Campaign(there, span_seconds=0)
    for boundary in range(1, MOST_BOUNDARIES):
        outcome = campaign.play(Round(SEED, f"place@{boundary}", faulty=False, volumes=1))
        assert outcome.wrong == [], (boundary, campaign.complaints())
        if not outcome.kills:
            break
    # The claim, three calls and the commits between them and after, each with a before and an after, and the end.
    assert boundary - 1 >= 2 * (1 + 3 + 4 + 1)


@pytest.mark.parametrize("faulty", [False, True])
def test_at_random_instants(there: Site, faulty: bool) -> None:
    """Plans of 1 to 4 volumes, up to three workers; and where drivers fail, lose answers or have no space besides."""
    campaign, total = Campaign(there), Outcome()
    for number in range(20 * KILLS):
        outcome = campaign.play(Round(SEED, str(number), faulty))
        total.kills += outcome.kills
        assert outcome.wrong == [], (f"bench crash --seed {SEED} --only {number}", campaign.complaints())
        if total.kills >= KILLS:
            break
    assert total.kills >= KILLS


def test_what_is_left_or_lost_is_seen(there: Site, tmp_path: Path) -> None:
    """The comparison itself: a file that nobody recorded, and a LUN that is gone."""
    campaign = Campaign(there, span_seconds=0)
    stray = there.directory / "san-2" / "volumes" / "vol-0123456789abcdef"
    stray.parent.mkdir(exist_ok=True, mode=0o700)
    stray.touch(0o600)
    try:
        outcome = campaign.play(Round(SEED, "place@999", faulty=False, volumes=1))
    finally:
        stray.unlink()
    assert outcome.wrong[0] == "luns too many: [('san-2', 'vol-0123456789abcdef')]"
