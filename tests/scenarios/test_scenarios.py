"""Every scenario in this folder, placed through the public API; and what must hold of any answer whatever."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from allocator import Allocator, Outcome
from allocator.documents import DocumentError
from allocator.domain.outcome import Placed, Reason, Refusal
from allocator.explain import outcome_json, refusal_lines
from tests.scenarios.scenario import Expected, No, Spot, Trial, Turn, spots, trials

HERE = Path(__file__).parent
POLICIES = HERE.parents[1] / "policies"
ALL = tuple(trials(HERE))


@dataclass
class Fleet:
    """Documents in files of their own, in the order in which they are given."""

    folder: Path
    policy: Mapping[str, Any]
    files: list[Path] = field(default_factory=list)

    @classmethod
    def of(cls, trial: Trial, folder: Path) -> Fleet:
        named = trial.policy if isinstance(trial.policy, str) else "default"
        policy = yaml.safe_load((POLICIES / f"{named}.yaml").read_text())
        fleet = cls(folder, policy | trial.policy if isinstance(trial.policy, dict) else policy)
        for document in trial.documents:
            fleet.add(document)
        return fleet

    def add(self, document: Mapping[str, Any]) -> None:
        self.files.append(self._write(f"documents-{len(self.files)}", document))

    def with_volumes(self, outcome: Outcome) -> Fleet:
        """The fleet once what was placed lies where it was placed."""
        later = Fleet(self.folder, self.policy, list(self.files))
        later.add({"version": 1, "volumes": [dict(volume) for volume in outcome.plan.volumes]})
        return later

    def changed(self, change: Mapping[str, Any]) -> Fleet:
        later = Fleet(self.folder, self.policy, list(self.files))
        later.add(change)
        return later

    def with_rules(self, names: Iterable[str]) -> Fleet:
        return Fleet(self.folder, {**self.policy, "rules": list(names)}, self.files)

    def open(self) -> Allocator:
        return Allocator.open(*self.files, policy=str(self._write("policy", self.policy)))

    def _write(self, name: str, document: Mapping[str, Any]) -> Path:
        path = self.folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        return path


@pytest.mark.parametrize("trial", ALL, ids=[trial.name for trial in ALL])
def test_scenario(trial: Trial, tmp_path: Path) -> None:
    """R01-R14, R16, R17, R22, R23, R27, R28: each file names those it shows."""
    fleet = Fleet.of(trial, tmp_path)
    for turn in trial.turns:
        ask, expected = (turn.ask, turn.expect) if isinstance(turn, Turn) else (None, turn)
        if expected.error is not None:
            with pytest.raises(DocumentError) as error:
                fleet.open().place(ask)
            for fragment in _several(expected.error):
                assert fragment in str(error.value)
            return
        outcome = fleet.open().place(ask)
        check_answer(outcome, expected)
        check_claims(fleet, ask, outcome)
        check_findings(fleet.open().check(), expected.check)
        fleet = fleet.with_volumes(outcome)
        check_findings(fleet.open().audit(), expected.audit)


def test_no_scenario_is_left_out() -> None:
    """Each file has cases or an expectation of its own, and names are told apart."""
    assert {trial.name.partition(":")[0] for trial in ALL} == {path.stem for path in HERE.glob("*.yaml")}
    assert len({trial.name for trial in ALL}) == len(ALL)


def check_answer(outcome: Outcome, expected: Expected) -> None:
    """The answer is the one expected, request by request."""
    placed = {one.request: one for one in outcome.placed}
    refused = {one.request: one for one in outcome.refused}
    assert sorted(refused) == sorted(expected.refused), outcome_json(outcome)
    wanted = [spots(expected.placed | answer) for answer in expected.any_of or [{}]]
    assert all(sorted(placed) == sorted(answer) for answer in wanted), outcome_json(outcome)
    assert any(_lies(placed, answer) for answer in wanted), outcome_json(outcome)["placed"]
    for name, no in expected.refused.items():
        check_refusal(refused[name], no)


def check_refusal(refusal: Refusal, no: No) -> None:
    text = "\n".join(refusal_lines(refusal))
    assert str(refusal.kind) == no.kind, text
    assert no.because is None or set(refusal.because) == set(no.because), text
    assert no.together is None or set(refusal.together) == set(no.together), text
    for fragment in _several(no.text):
        assert fragment in text


def check_findings(found: Sequence[Reason], expected: Sequence[str] | None) -> None:
    """As many findings as expected, in any order; None: whatever they are."""
    if expected is not None:
        texts = [finding.text for finding in found]
        assert len(texts) == len(expected), texts
        assert all(any(fragment in text for text in texts) for fragment in expected), texts


def check_claims(fleet: Fleet, ask: Sequence[Mapping[str, object]] | None, outcome: Outcome) -> None:
    """What holds of every answer: it breaks nothing, and what a refusal claims is so when it is tried."""
    before = {(finding.rule, finding.subject) for finding in fleet.open().audit()}
    after = {(finding.rule, finding.subject) for finding in fleet.with_volumes(outcome).open().audit()}
    assert after <= before
    for refusal in outcome.refused:
        for over in ("pools", "hosts"):
            closed = sum(getattr(count, over) for count in refusal.histogram)
            assert closed <= len(getattr(fleet.open().inventory, over))
        assert refusal.because or refusal.pools == 0
        if refusal.kind != "together":
            check_because(fleet, ask, refusal)
        for remedy in refusal.remedies:
            assert remedy.verified
            assert _placed(fleet.changed(remedy.change), ask) > len(outcome.placed), remedy.text


def check_because(fleet: Fleet, ask: Sequence[Mapping[str, object]] | None, refusal: Refusal) -> None:
    """The rules named refuse the VM by themselves, and without any one of them they do not."""
    named = refusal.because
    for kept in (named, *([rule for rule in named if rule != dropped] for dropped in named)):
        allocator = fleet.with_rules(kept).open()
        asked = allocator.world.ask(ask, allocator.inventory)
        (vm,) = {request.vm or request.name for request in asked if request.name == refusal.request}
        outcome = allocator.place([request for request in asked if vm in (request.vm, request.name)], explain=False)
        assert bool(outcome.refused) == (kept is named), f"{', '.join(kept)} alone"


def _placed(fleet: Fleet, ask: Sequence[Mapping[str, object]] | None) -> int:
    return len(fleet.open().place(ask, explain=False).placed)


def _lies(placed: Mapping[str, Placed], answer: Mapping[str, Spot]) -> bool:
    return all(
        wanted in (None, got)
        for name, spot in answer.items()
        for wanted, got in (
            (spot.pool, placed[name].pool), (spot.host, placed[name].host), (spot.qos, placed[name].qos)
        )
    )  # fmt: skip


def _several(texts: Iterable[str] | str) -> Iterable[str]:
    return [texts] if isinstance(texts, str) else texts
