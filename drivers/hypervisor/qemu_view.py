"""What a QEMU holds, asked of its monitor: nodes, objects, exports and jobs, by name."""

from __future__ import annotations

from drivers.hypervisor.qmp import Qmp, rows


class View:
    """Questions that change nothing. Each raises DriverError UNAVAILABLE where QEMU does not answer."""

    def __init__(self, qmp: Qmp) -> None:
        self._qmp = qmp

    async def nodes(self) -> dict[str, str]:
        """Block nodes, each with its driver."""
        answer = rows(await self._qmp.ask("query-named-block-nodes", flat=True))
        return {str(row.get("node-name")): str(row.get("drv")) for row in answer}

    async def objects(self) -> dict[str, str]:
        """Names and types; a daemon that never had an object lacks the container too."""
        return await self.below("/objects") if "objects" in await self.below("/") else {}

    async def below(self, path: str) -> dict[str, str]:
        """What lies below a path of QEMU's objects, with types."""
        answer = rows(await self._qmp.ask("qom-list", path=path))
        return {str(row.get("name")): str(row.get("type")) for row in answer}

    async def exports(self) -> dict[str, bool]:
        """Whether each export is shutting down."""
        answer = rows(await self._qmp.ask("query-block-exports"))
        return {str(row.get("id")): row.get("shutting-down") is True for row in answer}

    async def jobs(self) -> list[dict[str, object]]:
        """Every job that runs, or has ended and was not dismissed."""
        return rows(await self._qmp.ask("query-jobs"))
