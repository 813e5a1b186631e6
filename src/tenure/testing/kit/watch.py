"""What is looked at after each event on a stage: promises, what a test forbade, what it awaits."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tenure.testing.kit.errors import Forbidden, KitError, one_line
from tenure.testing.kit.machine import RealMachine


class Watch:
    """Looks, and raises what ends the stage. `now` is in virtual seconds since it began."""

    def __init__(self, machines: Mapping[str, RealMachine], now: Callable[[], float]) -> None:
        self.revoked: dict[str, int] = {}
        """The last term of each application that an operator revoked."""
        self.looks: list[Callable[[], None]] = []
        """What is called besides."""
        self._machines = machines
        self._now = now
        self._never: list[tuple[Callable[[], object], str]] = []
        self._faults: list[Exception] = []
        self._is_looking = False

    def fail(self, fault: Exception) -> None:
        """The stage cannot go on for this reason: it is raised at the next look."""
        self._faults.append(fault)

    def forbid(self, condition: Callable[[], object], why: str) -> None:
        """From now on it must not be so."""
        self._never.append((condition, why))

    def look(self) -> None:
        """After an event. Raises Forbidden, KitError."""
        if self._is_looking:
            return
        self._is_looking = True
        try:
            if self._faults:
                raise self._faults.pop(0)
            self._look_at_beliefs()
            for condition, why in self._never:
                self._check(condition, why)
            for look in list(self.looks):
                look()
        finally:
            self._is_looking = False

    def _look_at_beliefs(self) -> None:
        believers: dict[str, str] = {}
        for machine in self._machines.values():
            if not machine.leads:
                continue
            application = machine.name.partition("/")[0]
            # because of a lease that an operator revoked nothing is promised any more (L5)
            if (machine.term or 0) <= self.revoked.get(application, 0):
                continue
            if application in believers:
                raise Forbidden(
                    f"G1: {believers[application]} and {machine.name} both believe to lead "
                    f"at {self._now():.3f} s: see the story"
                )
            believers[application] = machine.name

    def _check(self, condition: Callable[[], object], why: str) -> None:
        try:
            so = condition()
        except Exception as fault:
            raise KitError(f"the condition of never({why!r}) raised {one_line(fault)}") from fault
        if so:
            raise Forbidden(f"{why}: so it was at {self._now():.3f} s: see the story")
