"""What every agent promises that copies volumes, as tests that an agent's author inherits.

Subclass `CopyingContract` in a test module, under a name that begins with `Test`, and override its abstract methods.
Each test calls `make_agent` anew for each step that another process might take, as after a crash.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable

from allocator.agent import Attachment, Copying, CopyingAgent, ErrorCode
from allocator.testing.refusing import refused

Scenario = Callable[[CopyingAgent], Awaitable[None]]


class CopyingContract(ABC):
    """The promises of `CopyingAgent`, one test each."""

    @abstractmethod
    def make_agent(self) -> CopyingAgent:
        """A new agent of a hypervisor that lasts for one test, and on which nothing is attached at first."""

    @abstractmethod
    def copying(self) -> Copying:
        """Two volumes that this hypervisor may reach: the source holds random bytes, the target none at first."""

    @abstractmethod
    def attachment(self) -> Attachment:
        """The source, as the device of `copying`."""

    @abstractmethod
    def bytes_of(self, side: str) -> bytes:
        """All that the `source` or the `target` holds now, as its storage has it."""

    @abstractmethod
    async def write(self, name: str, byte: int) -> None:
        """Write the first 64 KiB of a device through the name that `attach` gave, as its user would."""

    def run(self, *scenarios: Scenario) -> None:
        """Each scenario with an agent of its own; then the device is gone."""

        async def whole() -> None:
            for scenario in (*scenarios, self._detached):
                agent = self.make_agent()
                try:
                    await scenario(agent)
                finally:
                    await agent.close()

        asyncio.run(whole())

    async def _detached(self, agent: CopyingAgent) -> None:
        await agent.detach(self.copying().device)

    def _are_equal(self) -> bool:
        source, target = self.bytes_of("source"), self.bytes_of("target")
        return target[: len(source)] == source and not any(target[len(source) :])

    def test_a_copy_is_equal_and_may_be_repeated(self) -> None:
        async def scenario(agent: CopyingAgent) -> None:
            await refused(agent.compare(self.copying()), ErrorCode.CONFLICT)
            for _ in range(2):
                await agent.copy(self.copying())
                assert self._are_equal()
                await agent.compare(self.copying())

        self.run(scenario)

    def test_a_device_pivots_while_it_is_written(self) -> None:
        """What its user wrote before and while it was copied is on the target; what comes later is there alone."""
        named: list[str] = []

        async def mirrored(agent: CopyingAgent) -> None:
            named.append(await agent.attach(self.attachment()))
            await self.write(named[0], 0x11)
            await agent.mirror(self.copying())
            await self.write(named[0], 0x22)

        async def pivoted(agent: CopyingAgent) -> None:
            await agent.mirror(self.copying())
            assert self._are_equal()
            for _ in range(2):
                await agent.pivot(self.copying())
            await agent.mirror(self.copying())
            await self.write(named[0], 0x33)
            assert self.bytes_of("source")[:1] == b"\x22"
            assert self.bytes_of("target")[:1] == b"\x33"
            await refused(agent.drop(self.copying()), ErrorCode.CONFLICT)
            assert [seen.device async for seen in agent.list_devices()] == [self.copying().device]

        self.run(mirrored, pivoted)

    def test_a_mirror_may_be_given_up(self) -> None:
        """The device goes on with its source, and can be mirrored again."""

        async def scenario(agent: CopyingAgent) -> None:
            name = await agent.attach(self.attachment())
            await agent.drop(self.copying())
            for _ in range(2):
                await agent.mirror(self.copying())
                await agent.drop(self.copying())
            await agent.drop(self.copying())
            await self.write(name, 0x44)
            assert self.bytes_of("source")[:1] == b"\x44"
            assert self.bytes_of("target")[:1] != b"\x44"
            await agent.mirror(self.copying())
            await agent.pivot(self.copying())
            assert self.bytes_of("target")[:1] == b"\x44"

        self.run(scenario)

    def test_what_was_not_mirrored_does_not_pivot(self) -> None:
        async def scenario(agent: CopyingAgent) -> None:
            await refused(agent.mirror(self.copying()), ErrorCode.NOT_FOUND)
            await agent.attach(self.attachment())
            await refused(agent.pivot(self.copying()), ErrorCode.CONFLICT)

        self.run(scenario)
