"""The loop: a fault, healing, the next one; in the end calm, and what is left in the store.

The faults come in rounds, each of them once per round, in an order drawn from the seed. Processes
do not follow a seed, so a run cannot be replayed; but the same seed tries the same things in the
same order, which is often enough.

`tenure up` waits longer and longer before it starts again what ends too often. So that torture goes
on at a good pace, a process that ended three times makes the driver begin a new `up`.

A wait that is in vain is itself a broken promise: with all faults over, somebody must lead (G11).
"""

from __future__ import annotations

import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress

from tenure.client.operator import Operator
from tenure.client.transport import UnixHttp
from tenure.core.localstate import LocalState
from tenure.errors import TenureError
from tenure.leadership.statefile import StateFile
from tenure.simulation.facts import BucketAtEnd, Fact, Healed, UnitAtEnd
from tests.support.patience import HANG
from tests.torture.figures import Figures
from tests.torture.running import APPLICATION, LEASE, RECONNECT_GRACE, NotSo, Torn
from tests.torture.scene import Scene, meddle
from tests.torture.shim import NO_COMPILER
from tests.torture.table import FAULTS
from tests.torture.watch import boottime, read_start

HEAL_WITHIN = 45.0
"""Seconds: the longest restart, the longest lease, and patience with a busy machine."""

SLACK = 10.0
SETTLED_AFTER = 1.5
"""Seconds of quiet at the end, so that nothing is new when it is looked at."""

HOOK_MAY_RUN = 4.0
"""Seconds after which a hook counts as hanging and is killed."""

ENDS_PER_UP = 3
MEDDLED = 0.3
"""The part of the faults during which an operator gives an order, too."""


class Driver:
    """One run over one tenure."""

    def __init__(
        self, tenure: Torn, rng: random.Random, figures: Figures, kinds: Sequence[str]
    ) -> None:
        self.tenure = tenure
        self.figures = figures
        self._rng = rng
        self._scene = Scene(tenure, rng, figures)
        self._kinds = self._possible(kinds)
        self._bag: list[str] = []
        self._lives_before = 0
        self.at_end: list[Fact] = []

    def _possible(self, kinds: Sequence[str]) -> list[str]:
        if self.tenure.shim.works:
            return list(kinds)
        for kind in kinds:
            if FAULTS[kind].by_shim:
                self.figures.skipped[kind] = NO_COMPILER
        return [kind for kind in kinds if not FAULTS[kind].by_shim]

    def run(self, seconds: float, count: int, say: Callable[[str], None]) -> None:
        """So many faults, or as many as fit in so many seconds; `say` is told of each."""
        self.figures.began_at = boottime()
        self._up()
        self._heal("the beginning")
        until = boottime() + seconds
        done = 0
        while self._kinds and boottime() < until and done < count:
            kind = self._next()
            say(f"{done + 1}. {kind}")
            self._one(kind)
            done += 1
        self._finish()

    def _next(self) -> str:
        if not self._bag:
            self._bag = self._rng.sample(self._kinds, len(self._kinds))
        return self._bag.pop()

    def _one(self, kind: str) -> None:
        self.figures.faults[kind] += 1
        fault, before = FAULTS[kind], self.tenure.leader()
        meddled = self._rng.random() < MEDDLED
        with self._meddling() if meddled else nullcontext():
            fault.do(self._scene)
        self._heal(kind)
        after = self.tenure.leader()
        if fault.keeps_leader and not meddled and after != before:
            self.figures.faults_found.append(f"G9 broken: {kind}: {before} led, now {after}")
        if self._ended_too_often():
            self.tenure.end_up(signal.SIGKILL)
            self.figures.kills["all of Tenure"] += 1
            self._up()
            self._heal("a new beginning")

    @contextmanager
    def _meddling(self) -> Iterator[None]:
        """An operator's order at some moment of the fault."""
        scene = Scene(self.tenure, random.Random(self._rng.random()), self.figures)

        def order() -> None:
            scene.moment(1.0)
            meddle(scene)

        meddling = threading.Thread(target=order, daemon=True)
        meddling.start()
        try:
            yield
        finally:
            meddling.join(HANG)

    # -- healing

    def _up(self) -> None:
        self._lives_before = len(self.tenure.watch.lives)
        self.tenure.up()

    def _ended_too_often(self) -> bool:
        lives = self.tenure.watch.lives[self._lives_before :]
        ends = Counter(life.role for life in lives if life.ended_at is not None)
        return max(ends.values(), default=0) >= ENDS_PER_UP

    def _heal(self, fault: str) -> None:
        """Wait until Tenure is healthy, and see how long nobody led. Raises NotSo."""
        self.tenure.shim.heal()
        operator = Operator(UnixHttp(self.tenure.paths.controller_socket))

        def is_healthy() -> bool:
            self._nurse(operator)
            return self.tenure.is_healthy()

        try:
            took = self.tenure.wait(is_healthy, "Tenure to be healthy", HEAL_WITHIN)
        except NotSo as vain:
            raise NotSo(f"{vain} after {fault}: {self.tenure.status()}") from None
        self.figures.healed(took, fault)
        self._look_at_history(fault)

    def _nurse(self, operator: Operator) -> None:
        """What somebody would do who cares: kill what hangs, retry what failed, drop old pins."""
        for unit in self.tenure.units:
            for pid in self.tenure.hooks_of(unit):
                began_at = read_start(pid)
                if began_at is not None and boottime() - began_at > HOOK_MAY_RUN:
                    self.tenure.kill_hook(pid)
                    self.figures.kills["hook that hangs"] += 1
        status = self.tenure.status()
        web = status.applications.get(APPLICATION) if status else None
        if web is None:
            return
        with suppress(TenureError):
            for pin in web.pins:
                operator.unpin(APPLICATION, pin.reason)
            for name, seen in web.units.items():
                if seen.hook.error:
                    operator.resolve(name)

    def _look_at_history(self, fault: str) -> None:
        with suppress(TenureError):
            for entry in self.tenure.operator.history(APPLICATION, 200).entries:
                gap = entry.leaderless_for or 0.0
                if entry.kind == "granted" and entry.unit_from is not None:
                    self.figures.longest_gap = max(self.figures.longest_gap, gap)

    # -- the end

    def _finish(self) -> None:
        """Calm: everything that is owed must be paid now, while nobody writes any more."""
        (self.tenure.trace / "calm").touch()
        self._heal("the last fault")
        healed_at = boottime()
        operator = self.tenure.operator

        def is_quiet() -> bool:
            self._nurse(operator)
            return self.tenure.is_healthy() and self._is_paid()

        self.tenure.wait(is_quiet, "all that is owed to be paid", HEAL_WITHIN)
        self.at_end.append(
            Healed(
                at=healed_at, lead_by=healed_at + max(LEASE, RECONNECT_GRACE) + SLACK,
                quiet_by=boottime(), must_lead=(APPLICATION,),
            )
        )  # fmt: skip
        self.tenure.rest(SETTLED_AFTER)
        self.tenure.wait(is_quiet, "all that is owed to be paid", HEAL_WITHIN)
        self._note_end()

    def _kept(self, unit: str) -> LocalState | None:
        return StateFile(self.tenure.paths.unit_folder(unit) / "state.json", LocalState).load()

    def _is_paid(self) -> bool:
        """Every unit has seen the last revision, or leads and has run leader-elected for it."""
        status = self.tenure.status()
        web = status.applications.get(APPLICATION) if status else None
        if web is None:
            return False
        return all(
            kept is not None
            and kept.failure is None
            and (kept.elected_for == web.term if unit == web.leader else self._is_told(kept))
            for unit in self.tenure.units
            for kept in [self._kept(unit)]
        )

    def _is_told(self, kept: LocalState) -> bool:
        with suppress(TenureError):
            revision = self.tenure.operator.settings(APPLICATION).revision
            writer = self._last_writer(revision)
            told = kept.seen_revision >= revision or writer == kept.unit
            return told and kept.deposition is None and kept.told_once
        return False

    def _last_writer(self, revision: int) -> str | None:
        entries = self.tenure.operator.history(APPLICATION, 1000).entries
        found = [
            entry.unit_to for entry in entries
            if entry.kind == "settings" and f"revision {revision}:" in entry.cause
        ]  # fmt: skip
        return found[-1] if found else None

    def _note_end(self) -> None:
        """How it stands, and then what is in the store after everything was killed at once."""
        status = self.tenure.operator.status()
        web = status.applications[APPLICATION]
        at = boottime()
        for unit in self.tenure.units:
            kept = self._kept(unit)
            assert kept is not None
            leads = unit == web.leader
            self.at_end.append(
                UnitAtEnd(
                    at=at, unit=unit, leads=leads, term=web.term if leads else None,
                    in_error=kept.failure is not None, elected_for=kept.elected_for,
                    seen_revision=kept.seen_revision,
                )
            )  # fmt: skip
        bucket = self.tenure.operator.settings(APPLICATION)
        writer = self._last_writer(bucket.revision)
        self.tenure.end_up(signal.SIGKILL)
        self.at_end.append(self._durable(bucket.revision, writer))

    def _durable(self, revision: int, writer: str | None) -> BucketAtEnd:
        with self.tenure.controller_alone():
            found = self.tenure.operator.settings(APPLICATION)
        if found.revision != revision:
            self.figures.faults_found.append(
                f"G6 broken: revision {revision} became {found.revision} when all was killed"
            )
        return BucketAtEnd(
            at=boottime(), application=APPLICATION, revision=found.revision,
            settings=found.settings, last_writer=writer,
        )  # fmt: skip
