"""What every hypervisor agent promises, as tests that an agent's author inherits.

Subclass `AgentContract` in a test module, under a name that begins with `Test`, and override `make_agent`,
`granted`, `other` and `ungranted`; the limits have defaults that suit most agents:

    class TestMine(AgentContract):
        def make_agent(self) -> HypervisorAgent:
            return MyAgent({"address": "10.0.0.5"})

        def granted(self) -> Attachment:
            return Attachment("vol-1", Access("nbd://10.0.0.7:10809/one"), managed=True)

Each test calls `make_agent` anew, as another process would: an agent observes its hypervisor and
remembers nothing.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import replace

from allocator.agent import Attachment, ErrorCode, HypervisorAgent
from allocator.domain.qos import Band, Bands, Qos
from allocator.testing.refusing import refused


async def shown(agent: HypervisorAgent) -> dict[str, Qos]:
    """Every device with its limits."""
    return {observed.device: observed.throttle async for observed in agent.list_devices()}


class AgentContract(ABC):
    """The promises of `allocator.agent`, one test each. Requirement R21."""

    limits = Qos(iops=Bands(total=Band(ceiling=1000)))
    """Limits that the agent can keep, spelled as it shows them."""
    lower = Qos(iops=Bands(total=Band(ceiling=200)))
    """Others."""
    beyond = Qos(iops=Bands(total=Band(floor=100, ceiling=1000)))
    """Limits that the agent cannot keep."""

    @abstractmethod
    def make_agent(self) -> HypervisorAgent:
        """A new agent of a hypervisor that lasts for one test, and on which nothing is attached at first."""

    @abstractmethod
    def granted(self) -> Attachment:
        """A volume that this hypervisor may reach, unthrottled."""

    @abstractmethod
    def other(self) -> Attachment:
        """Another, on a device of its own."""

    @abstractmethod
    def ungranted(self) -> Attachment:
        """A volume that the storage keeps from this hypervisor, on a third device."""

    def run(self, scenario: Callable[[HypervisorAgent], Awaitable[None]]) -> None:
        """Run a scenario with an agent whose devices are gone and which is closed after it."""

        async def whole() -> None:
            agent = self.make_agent()
            try:
                await scenario(agent)
            finally:
                for attachment in (self.granted(), self.other(), self.ungranted()):
                    await agent.detach(attachment.device)
                await agent.close()

        asyncio.run(whole())

    def test_the_same_attachment_twice_is_one_device(self) -> None:
        """R21: attach repeated after a crash changes nothing."""

        async def scenario(agent: HypervisorAgent) -> None:
            name = await agent.attach(self.granted())
            assert name
            assert await agent.attach(self.granted()) == name
            assert await shown(agent) == {self.granted().device: Qos()}

        self.run(scenario)

    def test_another_agent_finds_what_the_last_one_left(self) -> None:
        """R21: what is attached is what the hypervisor says."""
        attachment = replace(self.granted(), throttle=self.limits)

        async def scenario(agent: HypervisorAgent) -> None:
            name = await agent.attach(attachment)
            await agent.close()
            successor = self.make_agent()
            assert await shown(successor) == {attachment.device: self.limits}
            assert await successor.attach(attachment) == name
            await successor.detach(attachment.device)
            assert await shown(successor) == {}
            await successor.close()

        self.run(scenario)

    def test_another_source_conflicts(self) -> None:
        """R21: a device that is used twice is an error, and stays as it was."""
        device = self.granted().device

        async def scenario(agent: HypervisorAgent) -> None:
            await agent.attach(replace(self.granted(), throttle=self.limits))
            stranger = replace(self.other(), device=device, throttle=self.lower)
            error = await refused(agent.attach(stranger), ErrorCode.CONFLICT)
            assert device in str(error)
            assert await shown(agent) == {device: self.limits}

        self.run(scenario)

    def test_limits_are_set_changed_lifted_and_shown(self) -> None:
        """R21: throttling is applied on attach, and replaced while the device is in use."""
        device = self.granted().device

        async def scenario(agent: HypervisorAgent) -> None:
            await agent.attach(replace(self.granted(), throttle=self.limits))
            assert await shown(agent) == {device: self.limits}
            for limits in (self.lower, Qos(), self.limits):
                await agent.throttle(device, limits)
                assert await shown(agent) == {device: limits}
            await agent.attach(replace(self.granted(), throttle=self.lower))
            assert await shown(agent) == {device: self.lower}

        self.run(scenario)

    def test_each_device_has_its_own_limits(self) -> None:
        async def scenario(agent: HypervisorAgent) -> None:
            await agent.attach(replace(self.granted(), throttle=self.limits))
            await agent.attach(self.other())
            await agent.throttle(self.other().device, self.lower)
            assert await shown(agent) == {self.granted().device: self.limits, self.other().device: self.lower}

        self.run(scenario)

    def test_limits_that_it_cannot_keep_are_refused(self) -> None:
        """R02: a promise that cannot be kept is refused, never ignored."""
        device = self.granted().device
        codes = (ErrorCode.UNSUPPORTED, ErrorCode.OUT_OF_RANGE, ErrorCode.INVALID)

        async def scenario(agent: HypervisorAgent) -> None:
            await refused(agent.attach(replace(self.granted(), throttle=self.beyond)), *codes)
            assert await shown(agent) == {}
            await agent.attach(replace(self.granted(), throttle=self.limits))
            await refused(agent.throttle(device, self.beyond), *codes)
            assert await shown(agent) == {device: self.limits}

        self.run(scenario)

    def test_throttling_what_is_absent_is_not_found(self) -> None:
        async def scenario(agent: HypervisorAgent) -> None:
            error = await refused(agent.throttle(self.granted().device, self.limits), ErrorCode.NOT_FOUND)
            assert self.granted().device in str(error)

        self.run(scenario)

    def test_a_volume_that_is_not_granted_leaves_nothing(self) -> None:
        """R19, R21: attach before the grant is refused in words, without the secret, and can be undone."""
        attachment = self.ungranted()
        codes = (ErrorCode.DENIED, ErrorCode.UNAVAILABLE, ErrorCode.NOT_FOUND)

        async def scenario(agent: HypervisorAgent) -> None:
            error = await refused(agent.attach(attachment), *codes)
            assert attachment.device in str(error)
            assert not any(secret in f"{error!r} {error}" for secret in attachment.access.secrets.values())
            assert await shown(agent) == {}

        self.run(scenario)

    def test_detach_takes_one_device_and_may_be_repeated(self) -> None:
        """R20, R21: detach removes what attach made; to detach what is absent is success."""
        both = {self.granted().device: Qos(), self.other().device: Qos()}

        async def scenario(agent: HypervisorAgent) -> None:
            await agent.detach(self.granted().device)
            await agent.attach(self.granted())
            await agent.attach(self.other())
            assert await shown(agent) == both
            for _ in range(2):
                await agent.detach(self.granted().device)
                assert await shown(agent) == {self.other().device: Qos()}
            await agent.attach(self.granted())
            assert await shown(agent) == both

        self.run(scenario)

    def test_calls_at_once_do_not_disturb_each_other(self) -> None:
        """R21: the engine attaches many volumes of one host at the same time."""
        first, second = self.granted(), self.other()

        async def scenario(agent: HypervisorAgent) -> None:
            names = await asyncio.gather(*(agent.attach(each) for each in (first, second, first)))
            assert names[0] == names[2] != names[1]
            await asyncio.gather(agent.throttle(first.device, self.lower), agent.detach(second.device))
            assert await shown(agent) == {first.device: self.lower}

        self.run(scenario)
