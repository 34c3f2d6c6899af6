"""An allocator with a ledger, each call of it told as the command that one would type."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import yaml

from allocator import Allocator, Outcome
from allocator.demo.telling import DemoError, Teller
from allocator.domain.plan import Plan

if TYPE_CHECKING:
    from allocator.execution.report import Progress, Report, VolumeReport

HERE: Final = "here.yaml"
_LEDGER: Final = "ledger.db"


class Session:
    """One shipped document, another that says where things are on this machine, and a ledger beside them."""

    def __init__(self, teller: Teller, directory: Path, shipped: Path, here: Mapping[str, Any]) -> None:
        self._teller = teller
        self._steps: list[str] = []
        written = directory / HERE
        document = yaml.safe_dump({"version": 1, **here}, sort_keys=False, default_flow_style=None, width=200)
        written.write_text(document)
        for file in (shipped, written):
            lines = file.read_text().splitlines()
            teller.written(file.name, lines[lines.index("version: 1") + 1 :])
        teller.typed(f"cd {directory}")
        teller.typed(f"export ALLOCATOR_FILES={shipped.name}:{HERE} ALLOCATOR_LEDGER=sqlite:///{_LEDGER}")
        self.allocator = Allocator.open(shipped, written, ledger=f"sqlite:///{directory / _LEDGER}")

    def place(self) -> Outcome:
        """Place what the documents ask for. Raises Unsatisfiable."""
        self._teller.typed("allocator place -o plan.json")
        outcome = self.allocator.place_or_raise()
        self._teller.decided(outcome)
        return outcome

    def apply(self, plan: Plan) -> Report:
        """Carry out a plan of `place`. Raises DemoError where a step fails."""
        return self.change("apply plan.json", plan)

    def change(self, command: str, plan: Plan) -> Report:
        """Carry out the plan that a command makes. Raises DemoError where a step fails."""
        self._teller.typed(f"allocator {command}")
        self._steps.clear()
        report = asyncio.run(self.allocator.apply(plan, progress=self._note))
        if self._steps:
            self._teller.answered(", ".join(self._steps))
        if report.state != "done":
            errors = [volume.error.text for volume in report.volumes if volume.error is not None]
            raise DemoError(f"plan {plan.id} is {report.state}: {'; '.join(errors)}")
        return report

    def is_empty(self) -> bool:
        """Whether the ledger holds no volume."""
        return not any(self.allocator.inventory.all_volumes())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.allocator.close()

    def _note(self, news: Progress) -> None:
        if news.state != "started":
            self._steps.append(f"{news.kind} {news.volume}{'' if news.state == 'done' else f' ({news.state})'}")


def volume_in(report: Report, name: str) -> VolumeReport:
    """What a report says of one volume."""
    return next(volume for volume in report.volumes if volume.volume == name)


def files_below(directory: Path) -> list[Path]:
    """Every file in a directory and below; none where it does not exist."""
    return [path for path in directory.rglob("*") if not path.is_dir()]
