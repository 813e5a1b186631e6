"""What `up` removes of its state folder, once it is of no use to anybody.

| what | when it goes |
|---|---|
| a charm that was unpacked or built | no application has it, and nobody prepares or copies one |
| what pip installed for a built charm | beyond the `MOST_VENVS` that were used last |
| a removed unit's folder | the controller knows of no such unit, and its agent has ended |
| a removed unit's log | beyond the last `MOST_LOGS`, or `MOST_LOG_BYTES` of them |

A unit's folder goes only if the unit is known to have been removed: its agent left a mark, or the
controller said so when it was durable. That a status does not have it is not enough: a controller
whose store was put back from an older copy may not know of a unit that lives, and its folder is all
that there is of it. Nothing goes while the controller itself is unsure of anything.

Everything is renamed first and removed then, so a crash leaves what the next cleaning ends.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

from tenure.charms.holding import alone
from tenure.files import open_lock, remove_tree, try_lock
from tenure.names import application_of
from tenure.statefolder import StateFolder
from tenure.wire.operators import Event, Status

MOST_VENVS = 3
MOST_LOGS = 20
MOST_LOG_BYTES = 64 * 1024 * 1024
MAX_LOG = 10 * 1024 * 1024
"""Bytes of a process's log before it is put aside, while the process goes on writing."""

_PREPARED = re.compile(r"[0-9a-f]{32}\Z")
_GOING = ".going-"


class Cleaner:
    """Cleans one state folder. Blocking; not at the same time as itself."""

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder
        self._heard: SimpleQueue[Event] = SimpleQueue()
        self._removed: set[str] = set()

    def heard(self, event: Event) -> None:
        """The controller says that this is durable. Does not block, also while it cleans."""
        if event.kind in ("unit-removed", "removed"):
            self._heard.put(event)

    def clean(self, look: Callable[[], Status]) -> bool:
        """Remove what is of no use. `look` asks the controller what is.

        Whether all of it is removed: else somebody is at it still, or the controller is unsure.
        Raises what `look` raises.
        """
        self._take_up()
        charms = self._folder.charms_folder
        if not charms.is_dir():
            status = look()
            return not status.unsure and self._clean_units(status)
        with alone(charms) as may_clean:
            status = look()  # now, because nobody can hand in another charm before we are done
            if status.unsure:
                return False
            if may_clean:
                self._put_charms_away(status)
        _remove_going(charms)
        _remove_going(charms / "venvs")
        return self._clean_units(status) and may_clean

    # -- charms

    def _put_charms_away(self, status: Status) -> None:
        charms = self._folder.charms_folder
        given = [each.charm for each in status.applications.values() if each.charm is not None]
        used = {self._folder.charm_folder(charm.source) for charm in given}
        for path in charms.iterdir():
            if _PREPARED.match(path.name) and path not in used:
                _put_away(path)
            elif path.suffix == ".json" and path.stem not in status.applications:
                path.unlink()
        venvs = [path for path in charms.glob("venvs/*") if _PREPARED.match(path.name)]
        venvs.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for path in venvs[MOST_VENVS if status.applications else 0 :]:
            _put_away(path)

    # -- units

    def _take_up(self) -> None:
        """What was heard, before the status is looked at: that shows which units came after it."""
        while not self._heard.empty():
            event = self._heard.get()
            if event.kind == "unit-removed" and event.unit is not None:
                self._removed.add(event.unit)
            elif event.kind == "removed":
                known = self._folder.known_units()
                self._removed |= {each for each in known if _is_of(each, event.application)}

    def _clean_units(self, status: Status) -> bool:
        units = {unit for each in status.applications.values() for unit in each.units}
        self._removed -= units
        done = True
        for unit in self._folder.known_units():
            folder = self._folder.unit_folder(unit)
            left = unit in self._removed or self._folder.left_mark(unit).exists()
            if left and unit not in units:
                done &= self._remove_unit(unit, folder)
        _remove_going(self._folder.units_folder)
        self._clean_logs()
        return done

    def _remove_unit(self, unit: str, folder: Path) -> bool:
        """False if its agent is there still."""
        handle = open_lock(folder / "lock")
        try:
            if not try_lock(handle):
                return False
            self._keep_log(unit)
            _put_away(folder)
            return True
        finally:
            os.close(handle)

    def _keep_log(self, unit: str) -> None:
        kept = self._folder.removed_log(unit)
        kept.parent.mkdir(mode=0o700, exist_ok=True)
        for suffix in ("", ".1"):
            log = self._folder.unit_log(unit)
            with suppress(FileNotFoundError):
                log.with_name(f"{log.name}{suffix}").rename(kept.with_name(f"{kept.name}{suffix}"))

    def _clean_logs(self) -> None:
        left, number = MOST_LOG_BYTES, MOST_LOGS
        for logs in self._removed_logs():
            left, number = left - sum(log.stat().st_size for log in logs), number - 1
            if left < 0 or number < 0:
                for log in logs:
                    log.unlink()

    def _removed_logs(self) -> list[list[Path]]:
        """Both files of each unit's, the latest first."""
        of_units: dict[str, list[Path]] = {}
        for path in self._folder.removed_folder.glob("*.log*"):
            of_units.setdefault(path.name.removesuffix(".1"), []).append(path)
        return sorted(of_units.values(), key=_last_written, reverse=True)


def _is_of(unit: str, application: str) -> bool:
    return application_of(unit) == application


def _last_written(logs: Collection[Path]) -> float:
    return max(log.stat().st_mtime for log in logs)


def _put_away(path: Path) -> None:
    """The path is free at once; `_remove_going` removes what was there."""
    path.rename(path.with_name(f"{_GOING}{path.name}"))


def _remove_going(folder: Path) -> None:
    for path in folder.glob(f"{_GOING}*"):
        with suppress(OSError):
            remove_tree(path)


def shorten(log: Path) -> None:
    """Put a log aside that has grown too long, its last MAX_LOG bytes, while it is written to.

    It keeps its file, so whoever appends to it goes on at its beginning. What is written in between
    is lost, and so is the old part where the disk is full. Nothing is raised.
    """
    with suppress(OSError), open(log, "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        if size <= MAX_LOG:
            return
        file.seek(size - MAX_LOG)
        kept = log.with_name(f"{log.name}.1")
        with suppress(OSError), open(os.open(kept, _NEW_FILE, 0o600), "wb") as aside:
            aside.write(file.read(MAX_LOG))
        file.truncate(0)


_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
