"""An application on a stage, as a test sees it and acts on it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tenure.core.changes import ApplicationRecord, HistoryAdded
from tenure.core.config import counting, text_of
from tenure.errors import TenureError
from tenure.testing.kit import given
from tenure.testing.kit.engine import Engine, option_text
from tenure.testing.kit.errors import KitError
from tenure.testing.kit.records import Call, WorkSpan, WorkSpans
from tenure.testing.kit.unit import Unit


class App:
    """One application. What is read of it is durable; orders are as the commands', and the stage
    settles after each, unless it is said otherwise."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self.name = name
        self._units: dict[int, Unit] = {}
        self._asking: asyncio.Task[Any]  # because the loop keeps no reference of it

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def __getitem__(self, number: int) -> Unit:
        given.number(f"the number of a unit of {self.name}", number, 0, 10**9)
        try:
            return self._units[number]
        except KeyError:
            known = ", ".join(f"{self.name}/{each}" for each in sorted(self._units)) or "none"
            raise KitError(f"there is no unit {self.name}/{number}: there are {known}") from None

    def __iter__(self) -> Iterator[Unit]:
        return iter(self.units)

    def __len__(self) -> int:
        return len(self.units)

    @property
    def units(self) -> list[Unit]:
        """Its units, by number; those that have gone are not among them."""
        there = self._engine.persisted().units
        return [unit for _, unit in sorted(self._units.items()) if unit.name in there]

    # -- what is durable

    @property
    def _record(self) -> ApplicationRecord:
        return self._engine.persisted().applications[self.name]

    @property
    def is_there(self) -> bool:
        """Whether it has not gone, as it does with its last unit after `remove`."""
        record = self._engine.persisted().applications.get(self.name)
        return record is not None and record.alive

    @property
    def leader(self) -> Unit | None:
        """Who holds the lease; None while nobody does."""
        holder = self._record.holder
        return None if holder is None else self._units[int(holder.unit.partition("/")[2])]

    @property
    def term(self) -> int:
        """The term of the lease; it rises with every new leader (G5)."""
        return self._record.term

    @property
    def settings(self) -> Mapping[str, str]:
        """Its bucket."""
        bucket = self._engine.persisted().buckets.get(self.name)
        return {} if bucket is None else dict(bucket.settings)

    @property
    def config(self) -> dict[str, str]:
        """Each option that has a value, set or its default, as text."""
        now = self._engine.persisted()
        record = now.configs.get(self.name)
        given = {} if record is None else record.values
        options = now.charms[self.name].options
        counts = {key: counting(option, given.get(key)) for key, option in options.items()}
        return {key: text_of(value) for key, value in counts.items() if value is not None}

    def bag(self, endpoint: str) -> dict[str, str]:
        """The application's own bag of that peer relation."""
        return self._engine.bag(self.name, endpoint, self.name)

    @property
    def history(self) -> list[HistoryAdded]:
        """What changed, with its cause, oldest first (O4)."""
        return self._engine.disk.history(self.name, 10_000)

    def spans(self, begin: str, end: str) -> WorkSpans:
        """The work that charms logged: from a `juju-log` line with `begin` in it to the next with
        `end` of the same unit, or to the end of its hook."""
        spans = [span for unit in self._units.values() for span in _spans_of(unit, begin, end)]
        return WorkSpans(sorted(spans, key=lambda span: span.first))

    # -- orders

    def elect(self, unit: Unit, *, wait: bool = True) -> None:
        """Hand leadership to that unit (O1). Without `wait` it is only asked, and nothing more
        happens until the stage is run again. Raises KitError if it is refused."""
        if not isinstance(unit, Unit):
            raise KitError(f"elect() takes a unit, as in elect({self.name}[1]), not {unit!r}")
        if unit.name not in self._engine.persisted().units:
            raise KitError(f"{unit.name} was removed, so it cannot lead: elect another")
        if unit.is_cut_off:
            raise KitError(f"{unit.name} is cut off, so it cannot lead: reconnect() it first")
        self._hand_over(f"elects {unit.name}", "elect", {"unit": unit.name}, wait)

    def step_down(self, *, wait: bool = True) -> None:
        """Have the leader hand over (O2). See `elect`."""
        self._hand_over("asks the leader to step down", "step-down", None, wait)

    def _hand_over(self, said: str, order: str, body: Any, wait: bool) -> None:
        self._engine.check()
        self._engine.tell(f"{self.name}: an operator {said}")
        call = self._engine.call("POST", f"/v1/applications/{self.name}/{order}", body)
        self._engine.run(self._waited(call) if wait else self._only_asked(call))

    async def _only_asked(self, call: Any) -> None:
        asking = self._asking = self._engine.loop.create_task(_result(call))
        await self._engine.calm()
        if asking.done() and isinstance(refusal := asking.result(), TenureError):
            raise KitError(str(refusal)) from refusal

    async def _waited(self, call: Any) -> Any:
        answer = await _result(call)
        if isinstance(answer, TenureError):
            raise KitError(str(answer)) from answer
        await self._engine.settle()
        return answer

    def _order(self, said: str, method: str, path: str, body: Any) -> Any:
        self._engine.check()
        self._engine.tell(f"{self.name}: an operator {said}")
        return self._engine.run(self._waited(self._engine.call(method, path, body)))

    def revoke(self) -> None:
        """Free the lease at once, whoever believes (L5): the one act that may break G1."""
        self._order("revokes the lease", "POST", f"/v1/applications/{self.name}/revoke", None)

    def configure(
        self, values: Mapping[str, object] | None = None, reset: Iterable[str] = ()
    ) -> None:
        """Set options, and give others their default back."""
        set_ = given.mapping("configure()", values, "configure({'port': 81})")
        put = {name: option_text(value) for name, value in set_.items()}
        body = {"put": put, "reset": list(reset)}
        self._order("configures it", "POST", f"/v1/applications/{self.name}/config", body)

    def add_unit(self) -> Unit:
        """One more unit, with an agent of its own."""
        path = f"/v1/applications/{self.name}/units"
        self._engine.check()
        self._engine.tell(f"{self.name}: an operator adds a unit")
        return self._engine.run(self._added(path))

    async def _added(self, path: str) -> Unit:
        answer = await _result(self._engine.call("POST", path, None))
        if isinstance(answer, TenureError):
            raise KitError(str(answer)) from answer
        unit = self.take(answer["unit"])
        self._engine.machines[unit.name].start()
        await self._engine.settle()
        return unit

    def refresh(self, charm: str | Path | None = None) -> None:
        """Run this charm from now on, or the same again: all units run `upgrade-charm`."""
        body = self._engine.charm_body(self.name, charm)
        self._order("refreshes it", "POST", f"/v1/applications/{self.name}/charm", body)

    def remove(self) -> None:
        """All its units leave, and it goes with the last."""
        path = f"/v1/applications/{self.name}/remove"
        self._order("removes it", "POST", path, {"force": False})

    def take(self, unit: str) -> Unit:
        """A unit that exists gets a machine."""
        machine = self._engine.add_machine(unit)
        found = self._units[int(unit.partition("/")[2])] = Unit(self._engine, machine)
        return found


async def _result(call: Any) -> Any:
    """The answer, or the error as a value."""
    try:
        return await call
    except TenureError as refusal:
        return refusal


def _spans_of(unit: Unit, begin: str, end: str) -> Iterator[WorkSpan]:
    for run in unit.hooks:
        open_call: Call | None = None
        for call in run.calls:
            said = " ".join(call.args) if call.tool == "juju-log" else ""
            if open_call is None and said and begin in said:
                open_call = call
            elif open_call is not None and said and end in said:
                yield WorkSpan(unit.name, open_call.at, call.at, open_call.number, call.number)
                open_call = None
        if open_call is not None:
            yield WorkSpan(unit.name, open_call.at, run.ended, open_call.number, run.ended_number)
