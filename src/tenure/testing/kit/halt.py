"""A halt, as a test handles it."""

from __future__ import annotations

from types import TracebackType

from tenure.testing.kit.engine import Engine
from tenure.testing.kit.errors import KitError
from tenure.testing.kit.halts import BEGIN, END, Hold
from tenure.testing.kit.machine import RealMachine

REACHED_WITHIN = 600.0


class Halt:
    """A point at which a hook is held. As a context manager it goes on at the end.

    While the hook is held, time may pass, and hooks of other units run.
    """

    def __init__(self, engine: Engine, machine: RealMachine, hold: Hold) -> None:
        self._engine = engine
        self._machine = machine
        self._hold = hold

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
            raise KitError(f"{what} was let go already: make another halt")
        runs, before = self._machine.hooks, len(self._machine.hooks)
        started = [run for run in runs if run.hook == hold.hook and run.ended is None]

        def ended() -> bool:
            new = [run for run in [*started, *runs[before:]] if run.hook == hold.hook]
            return bool(new) and all(run.ended is not None for run in new)

        await self._engine.until(lambda: hold.holds or ended(), REACHED_WITHIN, what)
        if not hold.holds:
            last = next(run for run in reversed(runs) if run.hook == hold.hook)
            calls = ", ".join(call.tool for call in last.calls) or "none"
            raise KitError(f"{what} did not come: {hold.hook} has ended; its calls: {calls}")

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
            why = "it was let go already" if hold.over else "it was not reached: call reached()"
            raise KitError(f"{self._what()} holds nothing: {why}")
        how = "fails" if fails else "goes on"
        self._engine.tell(f"{self._machine.name} {hold.hook}: {hold.tool} {how}")
        self._engine.run(self._gone_on(fails))

    async def _gone_on(self, fails: bool) -> None:
        self._hold.let_go(fails=fails)
        await self._engine.quiet()
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
