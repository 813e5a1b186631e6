"""The charm's side of a unit's folder: its copy, what it keeps, its resources."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from tenure.agent.charm import refresh_copy
from tenure.agent.state import StateFile
from tenure.agent.tools.base import NotFoundHere
from tenure.charms.facts import Facts, read_facts
from tenure.charms.folder import CharmError, find_action
from tenure.core.effects import CharmGiven


class CharmState(Struct, frozen=True):
    """What a charm kept with state-set."""

    values: Mapping[str, str] = {}


class Charm(Protocol):
    """What a unit needs of its charm, but to find hooks."""

    def facts(self) -> Facts:
        """What the copy says of itself; nothing, and a line in the log, if it cannot be read."""
        ...

    def find_action(self, name: str) -> tuple[str, ...] | None:
        """What to run for an action. Raises CharmError."""
        ...

    async def refresh(self, source: str) -> None:
        """Bring the copy up to date, beside the loop.

        Raises CharmError, StateUnusable, StateNotSaved.
        """
        ...

    def values(self) -> Mapping[str, str]:
        """What the charm kept. Raises StateUnusable."""
        ...

    def keep(self, values: Mapping[str, str]) -> None:
        """Keep this instead, durably. Raises StateNotSaved."""
        ...

    def resource(self, name: str, given: CharmGiven | None) -> str:
        """The path of the unit's own copy of a resource. Raises NotFoundHere."""
        ...


class NoCharm:
    """A charm of which nothing is known but its hooks, for tests and simulations."""

    def __init__(self) -> None:
        self._values: Mapping[str, str] = {}

    def facts(self) -> Facts:
        return Facts()

    def find_action(self, name: str) -> tuple[str, ...] | None:
        return None

    async def refresh(self, source: str) -> None:
        pass

    def values(self) -> Mapping[str, str]:
        return self._values

    def keep(self, values: Mapping[str, str]) -> None:
        self._values = values

    def resource(self, name: str, given: CharmGiven | None) -> str:
        raise NotFoundHere(f'resource "{name}" not found')


class CharmFiles:
    """See `Charm`. `folder` is the unit's; `log` takes lines for people."""

    def __init__(self, folder: Path, log: Callable[[str, str], None]) -> None:
        self.copy = folder / "charm"
        self.manifest = folder / "charm.manifest"
        self._resources = folder / "resources"
        self._log = log
        self._file = StateFile(folder / "charm-state.json", CharmState)
        self._values: Mapping[str, str] | None = None
        self._facts: Facts | None = None
        self.find_action = partial(find_action, self.copy)

    def facts(self) -> Facts:
        if self._facts is None:
            try:
                self._facts = read_facts(self.copy)
            except CharmError as fault:
                self._log("ERROR", f"the charm's own files cannot be used: {fault}")
                self._facts = Facts()
        return self._facts

    async def refresh(self, source: str) -> None:
        await asyncio.to_thread(self.refresh_now, source)

    def refresh_now(self, source: str) -> None:
        """The same, and nothing else goes on meanwhile."""
        for line in refresh_copy(Path(source), self.copy, self.manifest):
            self._log("INFO", line)
        self._facts = None

    def values(self) -> Mapping[str, str]:
        if self._values is None:
            self._values = (self._file.load() or CharmState()).values
        return self._values

    def keep(self, values: Mapping[str, str]) -> None:
        self._file.save(CharmState(values))
        self._values = values

    def resource(self, name: str, given: CharmGiven | None) -> str:
        source = given.resources.get(name) if given is not None else None
        if source is None:
            raise NotFoundHere(
                f"could not download resource: no file was given for {name}: "
                f"hand it in with --resource {name}=FILE"
            )
        spec = self.facts().resources.get(name)
        target = self._resources / name / Path(spec.filename if spec else source).name
        try:
            _copy_newer(Path(source), target)
        except OSError as fault:
            raise NotFoundHere(
                f"could not download resource: {source}: {fault.strerror or fault}"
            ) from fault
        return str(target)


def _copy_newer(source: Path, target: Path) -> None:
    """Copy unless it was copied since the source last changed; whole or not at all."""
    there = source.stat()
    if target.exists():
        here = target.stat()
        if (here.st_size, here.st_mtime_ns) == (there.st_size, there.st_mtime_ns):
            return
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = target.with_name(f".{target.name}.new")
    shutil.copyfile(source, new)
    os.utime(new, ns=(there.st_atime_ns, there.st_mtime_ns))
    new.replace(target)
