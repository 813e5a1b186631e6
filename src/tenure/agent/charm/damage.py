"""Whether a unit's copy of its charm is still there.

A hook that a charm does not have is done at once (H6). So a copy that was swept away, or removed by
a hook's `rm -rf`, would make a unit that does all its hooks and none. The manifest says what the
copy had: `dispatch`, hooks, actions, and what links among these lead to must be there. The rest is
not looked at, nor what lies beside them and cannot be run: a charm may well remove a file of its
own, and who misses one fails loudly.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from tenure.agent.charm.copy import Entry, Manifest
from tenure.charms.hooks import ACTIONS, DISPATCH, HOOKS, RUN_BITS
from tenure.leadership.statefile import StateFile

_OF_PROGRAMS = HOOKS, ACTIONS


class Damage:
    """Looks at one copy. `forget` has the manifest read again: it has changed."""

    def __init__(self, copy: Path, manifest: Path) -> None:
        self._copy = copy
        self._file = StateFile(manifest, Manifest)
        self._vital: tuple[str, ...] | None = None
        self._unfinished = False

    def forget(self) -> None:
        """What is to be there is another thing now."""
        self._vital = None

    def look(self) -> str:
        """What is wrong with the copy; "" if nothing is, or none was made yet.

        Raises StateUnusable.
        """
        if self._vital is None:
            known = self._file.load() or Manifest()
            self._vital = tuple(sorted(_vital(known.entries)))
            self._unfinished = bool(known.started)
        if self._unfinished:
            return "copying the charm to the unit was interrupted"
        if self._vital and not self._copy.is_dir():
            return "the unit has lost its copy of the charm"
        missing = [name for name in self._vital if not os.path.lexists(self._copy / name)]
        if not missing:
            return ""
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        return f"the unit has lost {missing[0]}{more} of its copy of the charm"


def _vital(entries: Mapping[str, Entry]) -> Iterator[str]:
    for name, entry in entries.items():
        if name == DISPATCH or _is_program(name, entry):
            yield name
            if entry.kind == "link":
                yield from _leads_to(name, entries)


def _is_program(name: str, entry: Entry) -> bool:
    """Whether it stands where hooks and actions do, and can be run or leads elsewhere."""
    can_run = entry.kind == "link" or (entry.kind == "file" and bool(entry.mode & RUN_BITS))
    return can_run and name.rpartition("/")[0] in _OF_PROGRAMS


def _leads_to(name: str, entries: Mapping[str, Entry]) -> Iterator[str]:
    """What of the charm a link leads to; by way of at most as many links as Linux follows."""
    for _ in range(40):
        entry = entries.get(name)
        if entry is None or entry.kind != "link":
            break
        name = os.path.normpath(os.path.join(os.path.dirname(name), entry.content))  # noqa: PTH118, PTH120
        if name in entries:
            yield name
