"""What operators do in a world: they ask the controller for something, and note what it answers.

They start an agent for each unit that has none, as `tenure up` would.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol

from tenure.errors import TenureError
from tenure.simulation.host import Host
from tenure.simulation.machine import Machine
from tenure.simulation.nature import Nature


class WorldView(Protocol):
    """What operators need of their world."""

    host: Host
    nature: Nature
    machines: list[Machine]
    retired: list[Machine]

    def add_machine(self, unit: str) -> Machine: ...

    def retire(self, machine: Machine) -> None: ...

    def span(self) -> float: ...

    def later(self, seconds: float, do: Callable[[], object]) -> None: ...

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None: ...

    def note(self, text: str) -> None: ...


class Operators:
    """See the module. Who finds no controller that serves gives up at once."""

    def __init__(self, world: WorldView) -> None:
        self._world = world
        self._host = world.host

    def order(self, words: str, path: str, body: Any = None) -> None:
        """Ask for something; whatever is answered is noted."""
        if not self._host.serves:
            return
        note = self._world.note
        note(f"operator: {words}")

        async def ordering() -> None:
            answer = await self._host.ask("POST", path, body)
            note(f"operator: {words}: {answer}")

        self._world.spawn(ordering())

    async def create(self, application: str) -> str:
        """Create it, without units; the answer."""
        return await self._host.ask("POST", "/v1/applications", self._lease_of(application))

    async def create_unit(self, application: str) -> str:
        """One more, whose agent does not run yet; the answer."""
        return await self._host.ask("POST", f"/v1/applications/{application}/units")

    def add_unit(self, application: str) -> None:
        """`tenure add-unit`, and its agent is started."""

        async def adding() -> None:
            answer = await self.create_unit(application)
            self._world.note(f"operator: add-unit {application}: {answer}")
            self.start_agents()

        if self._host.serves:
            self._world.spawn(adding())

    def start_agents(self) -> None:
        """Start one for every unit that has none."""
        machines = [*self._world.machines, *self._world.retired]
        with_machine = {machine.unit for machine in machines}
        for application in self._host.applications():
            for unit, record in application.units.items():
                if unit not in with_machine and not record.removing:
                    self._world.add_machine(unit).start()

    async def unpin_all(self) -> None:
        """`tenure unpin`, for every reason that is ever given."""
        for name in self._world.nature.applications:
            for reason in ("upgrade", "backup"):
                path = f"/v1/applications/{name}/unpin"
                await self._host.ask("POST", path, {"reason": reason})

    # -- removing an application and creating it again

    def recreate(self, application: str) -> None:
        """`tenure remove-application`, and soon the application is there again, with two units."""
        if self._host.controller is None or not self._host.serves or self._host.process is None:
            return
        self._world.note(f"operator: remove-application {application}, and create it again")
        removing = self._host.process.spawn(self._remove(application))
        removing.add_done_callback(lambda task: task.cancelled() or task.exception())
        for again in (0.5, 1.5, 3.0):
            after = again * self._world.nature.duration
            self._world.later(after, partial(self._found_again, application))

    async def _remove(self, application: str) -> None:
        world, controller = self._world, self._host.controller
        assert controller is not None
        applications = controller.model.applications
        try:
            await controller.ask(
                application, lambda now: applications.remove_application(application)
            )
        except TenureError as fault:
            world.note(f"operator: remove-application {application}: refused: {fault}")
            return
        for machine in list(world.machines):
            if machine.unit.startswith(f"{application}/"):
                world.later(world.span(), partial(world.retire, machine))

    def _found_again(self, application: str) -> None:
        """Create it, unless it is there, and give it units, unless it has some."""
        if self._host.controller is None or not self._host.serves:
            return
        found = self._host.application(application)
        if found is None or not found.alive:
            self.order(f"create {application}", "/v1/applications", self._lease_of(application))
        elif len(found.units) < 2:
            self.add_unit(application)

    def _lease_of(self, name: str) -> dict[str, Any]:
        nature = self._world.nature
        settings = {"name": name, "duration": nature.duration, "guarantee": nature.guarantee}
        if nature.peer_charm is None:
            return settings
        return {**settings, "charm": nature.peer_charm.given(name, nature.update_every)}
