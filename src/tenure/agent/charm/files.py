"""The charm's side of a unit's folder: its copy, what it keeps, its resources."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import stat
import threading
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from tenure.agent.charm.copy import is_copied, refresh_copy
from tenure.agent.charm.damage import Damage
from tenure.agent.tools.base import NotFoundHere
from tenure.charms.doubts import doubtful_hooks, is_bare
from tenure.charms.facts import Facts, read_facts
from tenure.charms.fault import CharmError, reason_of
from tenure.charms.folder import find_action, find_hook
from tenure.charms.holding import held_source
from tenure.charms.hooks import programs_without_bit
from tenure.core.effects import CharmChanged
from tenure.leadership.statefile import StateFile, StateUnusable

MADE_TO_RUN = "the unit's copy of it is; `chmod +x` it in the charm"


class CharmState(Struct, frozen=True):
    """What a charm kept with state-set."""

    values: Mapping[str, str] = {}


class Charm(Protocol):
    """What a unit needs of its charm, but to find hooks."""

    def facts(self) -> Facts:
        """What the copy says of itself; nothing, and a line in the log, if it cannot be read."""
        ...

    def doubts(self) -> tuple[str, ...]:
        """Lines about hooks of the copy that will never run, as far as its facts were read."""
        ...

    def find_action(self, name: str) -> tuple[str, ...] | None:
        """What to run for an action. Raises CharmError."""
        ...

    async def refresh(self, source: str) -> None:
        """Bring the copy up to date, beside the loop.

        Raises CharmError, StateUnusable, StateNotSaved.
        """
        ...

    def damage(self) -> str:
        """What is wrong with the copy: no hook may run from it then. "" if nothing is."""
        ...

    def interrupt(self) -> None:
        """End a refresh that is under way, soon; the next one goes on from there."""
        ...

    def values(self) -> Mapping[str, str]:
        """What the charm kept. Raises StateUnusable."""
        ...

    def keep(self, values: Mapping[str, str]) -> None:
        """Keep this instead, durably. Raises StateNotSaved."""
        ...

    async def resource(self, name: str, given: CharmChanged | None) -> str:
        """The path of the unit's own copy of a resource. Raises NotFoundHere."""
        ...


class NoCharm:
    """A charm of which nothing is known but its hooks, for tests and simulations."""

    def __init__(self) -> None:
        self._values: Mapping[str, str] = {}

    def facts(self) -> Facts:
        return Facts()

    def doubts(self) -> tuple[str, ...]:
        return ()

    def find_action(self, name: str) -> tuple[str, ...] | None:
        return None

    async def refresh(self, source: str) -> None:
        pass

    def damage(self) -> str:
        return ""

    def interrupt(self) -> None:
        pass

    def values(self) -> Mapping[str, str]:
        return self._values

    def keep(self, values: Mapping[str, str]) -> None:
        self._values = values

    async def resource(self, name: str, given: CharmChanged | None) -> str:
        raise NotFoundHere(f'resource "{name}" not found')


class CharmFiles:
    """See `Charm`. `folder` is the unit's; `log` takes lines for people; `place` says where a
    charm is that the controller knows by a source."""

    def __init__(
        self,
        folder: Path,
        log: Callable[[str, str], None],
        place: Callable[[str], Path] = Path,
    ) -> None:
        self.copy = folder / "charm"
        self.manifest = folder / "charm.manifest"
        self._resources = folder / "resources"
        self._log = log
        self._place = place
        self._file = StateFile(folder / "charm-state.json", CharmState)
        self._values: Mapping[str, str] | None = None
        self._facts: Facts | None = None
        self._doubts: tuple[str, ...] = ()
        self._bare = False
        self._interrupted = threading.Event()
        self._damage = Damage(self.copy, self.manifest)
        self.find_action = partial(find_action, self.copy)

    def facts(self) -> Facts:
        if self._facts is None:
            self._facts = self._read()
        return self._facts

    def find_hook(self, hook: str) -> tuple[str, ...] | None:
        """What to run for a hook. Raises CharmError."""
        return find_hook(self.copy, hook, self.facts().hooks)

    def _read(self) -> Facts:
        try:
            facts = read_facts(self.copy)
        except CharmError as fault:
            self._log("ERROR", f"the charm's own files cannot be used: {fault}")
            return Facts()
        self._doubts = doubtful_hooks(self.copy, facts, bare=self._bare)
        for line in self._doubts:
            self._log("WARNING", line)
        return facts

    def doubts(self) -> tuple[str, ...]:
        return self._doubts

    def is_whole(self) -> bool:
        """Whether a copy was made, none was interrupted since, and it is there.

        Raises StateUnusable.
        """
        return is_copied(self.manifest) and not self.damage()

    def damage(self) -> str:
        try:
            return self._damage.look()
        except StateUnusable as fault:  # because it must not run from what is not known to be whole
            return str(fault)

    async def refresh(self, source: str) -> None:
        await asyncio.to_thread(self.refresh_now, source)

    def refresh_now(self, source: str) -> None:
        """The same, in this thread. Facts are read here, too: a large file of them takes long."""
        folder = self._place(source)
        try:
            with held_source(folder):
                for line in refresh_copy(folder, self.copy, self.manifest, go_on=self._goes_on):
                    self._log("INFO", line)
                lacking = programs_without_bit(folder)
                self._bare = is_bare(lacking)
                for name in lacking:
                    self._log("WARNING", f"{name} is not executable in the charm: {MADE_TO_RUN}")
        except OSError as fault:
            raise CharmError(f'cannot read the charm "{folder}": {reason_of(fault)}') from fault
        finally:
            self.read_again()

    def read_again(self) -> None:
        """Read what the copy says of itself anew: it may have changed."""
        self._facts = self._read()
        self._damage.forget()

    def _goes_on(self) -> bool:
        return not self._interrupted.is_set()

    def interrupt(self) -> None:
        self._interrupted.set()

    def values(self) -> Mapping[str, str]:
        if self._values is None:
            self._values = (self._file.load() or CharmState()).values
        return self._values

    def keep(self, values: Mapping[str, str]) -> None:
        self._file.save(CharmState(values))
        self._values = values

    async def resource(self, name: str, given: CharmChanged | None) -> str:
        source = given.resources.get(name) if given is not None else None
        declared = self.facts().resources
        if source is None:
            raise NotFoundHere(_no_file(name, declared))
        spec = declared.get(name)
        target = self._resources / Path(name).name / Path(spec.filename if spec else source).name
        try:
            await asyncio.to_thread(_copy_newer, Path(source), target)
        except OSError as fault:
            raise NotFoundHere(f"{source}: {fault.strerror or fault}") from fault
        return str(target)


def _no_file(name: str, declared: Collection[str]) -> str:
    """Why a resource has no file, and the next step if there is one."""
    if name in declared:
        return (
            f"no file was given for {name}: "
            f"hand it in with `tenure refresh APP --resource {name}=FILE`"
        )
    known = ", ".join(sorted(declared)) or "none"
    return f'the charm declares no resource "{name}": it has {known}'


def _copy_newer(source: Path, target: Path) -> None:
    """Copy unless it was copied since the source last changed; whole or not at all."""
    there = source.stat()
    if not stat.S_ISREG(there.st_mode):
        raise OSError(errno.EINVAL, "it is not a file")
    if target.exists():
        here = target.stat()
        if (here.st_size, here.st_mtime_ns) == (there.st_size, there.st_mtime_ns):
            return
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = target.with_name(f".{target.name}.new")
    shutil.copyfile(source, new)
    os.utime(new, ns=(there.st_atime_ns, there.st_mtime_ns))
    new.replace(target)
