"""Each unit's own copy of its charm.

A charm is what an operator names: a folder with `hooks/` or an executable `dispatch`. A unit never
runs it in place. It has one private copy, which lasts as long as the unit and which its hooks may
write to (H9): virtual environments, caches and flags live there.

A refresh writes the charm's files whole, as Juju does (P3). Two lists say which paths are the
charm's: what the source has now, and the manifest, which is what it had when it was last copied.

| the path | what happens |
|---|---|
| is in the source | the copy has it as the source does, whatever a hook made of it |
| was in the source, and is no more | it goes; a folder goes if nothing else is in it |
| never was in the source | it stays: a hook made it |

Each file is replaced whole. What a refresh is about to touch is noted first, so one that was
interrupted (by a crash, or because it was told not to go on) is finished by the next, and what it
put is known to be the charm's. Nothing is ever written or removed through a symbolic link: a link
that stands where the charm has a folder makes room for it.

A charm without a `revision` file is given one, as Juju does: it is part of the source as far as the
table is concerned, and no operator is told of it. A hook that cannot be run because it lacks its
executable bit gets it (`charms/hooks.py`).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from tenure.charms.fault import reason_of
from tenure.charms.folder import CharmError, check_charm, default_name, find_action, find_hook
from tenure.charms.hooks import RUN_BITS, programs_without_bit
from tenure.charms.paths import NOT_COPIED, check_link, walk
from tenure.files import remove_tree, sync, sync_file_system
from tenure.leadership.statefile import StateFile

__all__ = [
    "CharmError", "CopyInterrupted", "Entry", "Manifest", "always", "check_charm", "default_name",
    "find_action", "find_hook", "is_copied", "refresh_copy",
]  # fmt: skip

REVISION = "revision"

_NEW = ".tenure-new"
_NOT_OURS = NOT_COPIED | {_NEW}
_OWNERS = {"file": 0o600, "folder": 0o700, "link": 0}
"""What the owner may always do."""

_MANY = 16
"""Files of which each would wait for the disk by itself: a virtual environment has hundreds."""


class Entry(Struct, frozen=True):
    """One path: its kind and all that counts of it.

    `content` is a file's hash or a link's target. `blocked`: the path leads through something that
    is no folder, so it is not the refresh's to touch.
    """

    kind: str
    mode: int = 0
    content: str = ""


_BLOCKED = Entry("blocked")


class Manifest(Struct, frozen=True):
    """What the last finished refresh put, and what an unfinished one was about to touch."""

    entries: Mapping[str, Entry] = {}
    started: tuple[str, ...] = ()


class CopyInterrupted(CharmError):
    """The copy is neither the old charm nor the new one; the next refresh finishes it."""


def always() -> bool:
    """Go on, whatever happens."""
    return True


def is_copied(manifest: Path) -> bool:
    """Whether a refresh was ever finished: before that, a hook that is not there is not missing.

    Raises StateUnusable.
    """
    known = StateFile(manifest, Manifest).load()
    return known is not None and bool(known.entries)


def refresh_copy(
    source: Path,
    copy: Path,
    manifest: Path,
    revision: int = 0,
    go_on: Callable[[], bool] = always,
) -> list[str]:
    """Make or refresh a unit's copy of its charm (H9); no hook may run meanwhile.

    `.git`, and what is neither file, folder nor link, is not copied. Modes are kept, but the owner
    may always read and write, and hooks can be run. `revision` is what the copy's file of that name
    holds, if the charm brings none: charmhelpers reads it. `go_on` is asked before each file that
    is read, put, removed or waited for; once it says no, CopyInterrupted is raised. Returns lines
    for people, [] if there was nothing to do. Raises CharmError, StateUnusable or StateNotSaved;
    the next refresh goes on from there.
    """
    if _resolved(copy).is_relative_to(_resolved(source)):
        raise CharmError(f'cannot copy the charm "{source}" into itself: move the charm elsewhere')
    try:
        return _Refresh(source, copy, manifest, revision, go_on).run()
    except OSError as error:
        raise CharmError(
            f'cannot copy the charm "{source}" to "{copy}": {reason_of(error)}: "{error.filename}"'
        ) from error


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (RuntimeError, ValueError) as error:
        reason = "its path has a NUL in it" if "\0" in str(path) else "it is a loop of links"
        raise CharmError(f"cannot copy the charm from or to {str(path)!r}: {reason}") from error


class _Refresh:
    """One refresh: look at everything, note what will be touched, do it, note what was put."""

    def __init__(
        self, source: Path, copy: Path, manifest: Path, revision: int, go_on: Callable[[], bool]
    ) -> None:
        self._source = source
        self._go_on = go_on
        self._revision = f"{revision}\n".encode()
        self._copy = copy
        self._file = StateFile(manifest, Manifest)
        loaded = self._file.load()
        self._first = loaded is None
        self._before = loaded or Manifest()
        self._started = frozenset(self._before.started)
        self._gives_revision = False
        self._after: dict[str, Entry] = {}
        self._lines: list[str] = []

    def run(self) -> list[str]:
        self._copy.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._copy / _NEW).unlink(missing_ok=True)
        wanted = self._wanted()
        known = self._before.entries.keys() | self._started
        gone = sorted(known - wanted.keys(), reverse=True)  # what is in a folder before the folder
        differing = self._differing(wanted)
        touched = {*gone, *differing}
        if not touched and not self._started and self._before.entries == wanted:
            return []
        self._file.save(Manifest(self._before.entries, tuple(sorted(touched | self._started))))
        for name in self._each(gone):
            self._remove(name)
        for name in self._each(wanted):
            self._put(name, wanted[name], differing)
        # one that was interrupted may not have waited for what it put
        self._sync({*differing, *(self._started & wanted.keys())})
        self._file.save(Manifest(self._after))
        return self._report(len(differing))

    def _each(self, names: Iterable[str]) -> Iterator[str]:
        """These names, as long as the refresh may go on."""
        for name in names:
            if not self._go_on():
                raise CopyInterrupted(
                    f'copying the charm "{self._source}" was interrupted at {name}: '
                    "the next refresh goes on"
                )
            yield name

    def _wanted(self) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        for name in self._each(walk(self._source, _NOT_OURS)):
            entry = _look(self._source, name)
            if entry is None or entry == _BLOCKED:
                continue
            check_link(self._source, name, entry.content)
            found[name] = replace(entry, mode=_OWNERS[entry.kind] | entry.mode)
        for name in programs_without_bit(self._source):
            if name in found:
                found[name] = replace(found[name], mode=found[name].mode | RUN_BITS)
        self._gives_revision = REVISION not in found
        if self._gives_revision:
            found[REVISION] = Entry("file", 0o644, hashlib.sha256(self._revision).hexdigest())
        return dict(sorted(found.items()))

    def _report(self, count: int) -> list[str]:
        if not self._first:
            return self._lines
        count -= self._gives_revision
        return [f'copied {count} files and folders from "{self._source}"']

    def _differing(self, wanted: Mapping[str, Entry]) -> dict[str, Entry | None]:
        """What is to be put, and what stands there now."""
        found = ((name, _look(self._copy, name)) for name in self._each(wanted))
        return {name: have for name, have in found if have != wanted[name]}

    def _put(self, name: str, want: Entry, differing: Mapping[str, Entry | None]) -> None:
        """Bring one path up to date, if it is not."""
        self._after[name] = want
        if name not in differing:
            return
        have = differing[name]
        _make_room(self._copy / name, want)
        self._after[name] = self._write(name, want)
        if name == REVISION and self._gives_revision:
            return  # ours to fill: the charm does not bring it
        known, was = name in self._before.entries, self._before.entries.get(name)
        changed = known and have is not None and have != was and name not in self._started
        told = ", which a hook had changed" if changed else ""
        self._lines.append(f"{'added' if have is None else 'updated'} {name}{told}")

    def _write(self, name: str, want: Entry) -> Entry:
        """Put one path, whole; returns what was put, since the source may just have changed."""
        path, new = self._copy / name, self._copy / _NEW
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if want.kind == "folder":
            path.mkdir(exist_ok=True)
            path.chmod(want.mode)
            return want
        if want.kind == "link":
            new.symlink_to(want.content)
        else:
            if name == REVISION and self._gives_revision:
                new.write_bytes(self._revision)
            else:
                shutil.copyfile(self._source / name, new, follow_symlinks=False)
            new.chmod(want.mode)
        put = _look(self._copy, _NEW)
        new.rename(path)
        return put or want

    def _remove(self, name: str) -> None:
        have = _look(self._copy, name)
        path = self._copy / name
        if have is None or not _is_reachable(self._copy, name):
            return
        if not path.is_symlink() and path.is_dir():
            if not _remove_folder(path):  # because what is not the charm's is in it
                return
        else:
            path.unlink()
        self._lines.append(f"removed {name}")

    def _sync(self, put: Collection[str]) -> None:
        """Wait for the disk once all is written: only then is the manifest true (power loss)."""
        folders = {self._copy, *((self._copy / name).parent for name in put)}
        files = {self._copy / name for name in put if self._after[name].kind == "file"}
        if len(files) > _MANY:
            sync_file_system(self._copy)  # in one go; the loop is left to hear of errors
        for path in self._each(map(str, [*sorted(files), *sorted(folders)])):
            sync(Path(path), follow=False)


def _make_room(path: Path, want: Entry) -> None:
    """Remove what cannot be renamed over, or is no folder where one is to be."""
    try:
        is_folder = stat.S_ISDIR(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return
    if want.kind == "folder" and not is_folder:
        path.unlink()
    elif want.kind != "folder" and is_folder:
        remove_tree(path)


def _look(top: Path, name: str) -> Entry | None:
    """What is at a path, following no link; None if nothing is, or nothing that may be read."""
    if not _is_reachable(top, name):
        return _BLOCKED
    path = os.path.join(top, name)  # noqa: PTH118  a third of a refresh would be pathlib's time
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISLNK(mode):
        return Entry("link", content=os.readlink(path))  # noqa: PTH115
    if stat.S_ISDIR(mode):
        return Entry("folder", mode=mode & 0o777)
    if not stat.S_ISREG(mode):
        return _BLOCKED
    with open(path, "rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    return Entry("file", mode & 0o777, content)


def _is_reachable(top: Path, name: str) -> bool:
    """Whether only folders lead there, as far as anything does."""
    while name := name.rpartition("/")[0]:
        try:
            if not stat.S_ISDIR(os.lstat(os.path.join(top, name)).st_mode):  # noqa: PTH118
                return False
        except (FileNotFoundError, NotADirectoryError):
            pass
    return True


def _remove_folder(path: Path) -> bool:
    """Remove a folder if nothing is in it."""
    try:
        path.rmdir()
    except OSError:
        return False
    return True
