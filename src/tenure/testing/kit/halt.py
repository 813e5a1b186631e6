"""A halt, as a test handles it."""

from __future__ import annotations

from types import TracebackType

from tenure.testing.kit.engine import Engine
from tenure.testing.kit.errors import KitError
from tenure.testing.kit.halts import BEGIN, END, Hold
from tenure.testing.kit.machine import RealMachine
from tenure.testing.kit.records import HookRun

REACHED_WITHIN = 600.0


class Halt:
    """A point at which a hook is held. As a context manager it goes on at the end.

    While the hook is held, time may pass, and hooks of other units run.
    """

    def __init__(self, engine: Engine, machine: RealMachine, hold: Hold) -> None:
        self._engine = engine
        self._machine = machine
        self._hold = hold
        self._since = len(machine.hooks) - bool(self._under_way(machine.hooks[-1:]))

    @property
    def is_reached(self) -> bool:
        """Whether it holds its hook now."""
        return self._hold.holds

    def reached(self) -> Halt:
        """Run the stage until it holds its hook. Raises KitError if that does not come."""
        if not self._hold.holds:
            self._engine.run(self._reached())
        return self

    async def _reached(self) -> None:
        hold, what = self._hold, self._what()
        if hold.over:
            raise KitError(f"{what} holds nothing any more, {self._why()}: make another halt")
        if hold.nth > 1:  # because later runs of the hook count as well
            await self._engine.until(lambda: hold.holds, REACHED_WITHIN, what)
            return
        await self._engine.until(lambda: hold.holds or self._missed, REACHED_WITHIN, what)
        if not hold.holds:
            calls = ", ".join(call.tool for run in self._runs for call in run.calls) or "none"
            raise KitError(
                f"{what} did not come, because {hold.hook or 'the command'} has ended; "
                f"its calls: {calls}: name one of them"
            )

    @property
    def _runs(self) -> list[HookRun]:
        """Those of its hook that could have reached it."""
        return [run for run in self._machine.hooks[self._since :] if run.hook == self._hold.hook]

    @property
    def _missed(self) -> bool:
        runs = self._runs
        return bool(runs) and not self._under_way(runs)

    @staticmethod
    def _under_way(runs: list[HookRun]) -> list[HookRun]:
        return [run for run in runs if run.ended is None]

    def _why(self) -> str:
        return "because its hook was killed" if self._hold.died else "because it was let go"

    def go_on(self) -> None:
        """Let the hook go on. The stage settles."""
        self._let_go(fails=False)

    def fail(self) -> None:
        """Let the call end as it does when the controller does not answer (T7), and the hook go on
        with that; the connection stays. The stage settles."""
        if self._hold.tool in (BEGIN, END) or self._hold.when == "after":
            raise KitError("only a call that was held before it is decided can fail: see halt()")
        self._let_go(fails=True)

    def _let_go(self, *, fails: bool) -> None:
        hold = self._hold
        if not hold.holds:
            if not hold.over:
                raise KitError(f"{self._what()} holds nothing yet: call reached() first")
            raise KitError(f"{self._what()} holds nothing any more, {self._why()}")
        how = "fails" if fails else "goes on"
        self._engine.tell(f"{self._machine.name} {hold.hook}: {hold.tool} {how}")
        self._engine.run(self._gone_on(fails))

    async def _gone_on(self, fails: bool) -> None:
        self._hold.let_go(fails=fails)
        await self._engine.settle()

    def _what(self) -> str:
        hold = self._hold
        nth = f" number {hold.nth}" if hold.nth > 1 else ""
        when = "" if hold.tool in (BEGIN, END) else f"{hold.when} "
        return f"the halt of {self._machine.name} {hold.hook} {when}{hold.tool}{nth}"

    def __enter__(self) -> Halt:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        if self._hold.holds and fault is None:
            self.go_on()
        else:
            self._hold.let_go()
