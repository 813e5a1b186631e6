"""Each unit's own copy of its charm.

A charm is what an operator names: a folder with `hooks/` or an executable `dispatch`. A unit never
runs it in place. It has one private copy, which lasts as long as the unit and which its hooks may
write to (H9): virtual environments, caches and flags live there.

So a refresh merges two writers, the source and the charm itself. The manifest remembers what the
source last put there; three looks at a path (source now, manifest, copy now) say who changed it:

| copy against manifest | source against manifest | what happens |
|---|---|---|
| as it was put | changed, new or gone | the copy follows the source |
| changed by the charm, or made by it | any | the charm's is kept; said so when the source changed |

Each file is replaced whole. What a refresh is about to touch is noted first, so one that was
interrupted (by a crash, or because it was told not to go on) is finished by the next: whatever such
a path looks like then is the refresh's own doing. Nothing is ever written or removed through a
symbolic link.

A charm without a `revision` file is given one, as Juju does: it is part of the source as far as the
table is concerned, and no operator is told of it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from tenure.charms.fault import reason_of
from tenure.charms.folder import (
    CharmError,
    check_charm,
    check_path,
    default_name,
    find_action,
    find_hook,
    is_text,
)
from tenure.files import sync, sync_file_system
from tenure.leadership.statefile import StateFile

__all__ = [
    "CharmError", "CopyInterrupted", "Entry", "Manifest", "always", "check_charm", "default_name",
    "find_action", "find_hook", "is_copied", "refresh_copy",
]  # fmt: skip

REVISION = "revision"

_NEW = ".tenure-new"
_NOT_COPIED = frozenset({".git", _NEW})
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
    may always read and write. `revision` is what the copy's file of that name holds, if the charm
    brings none: charmhelpers reads it. `go_on` is asked before each file that is read, put,
    removed or waited for; once it says no, CopyInterrupted is raised. Returns lines for people, []
    if there was nothing to do. Raises CharmError, StateUnusable or StateNotSaved; the next refresh
    goes on from there.
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
        self._to_sync: list[str] = []
        self._lines: list[str] = []

    def run(self) -> list[str]:
        self._copy.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._copy / _NEW).unlink(missing_ok=True)
        wanted = self._wanted()
        known = self._before.entries.keys() | self._started
        gone = sorted(known - wanted.keys(), reverse=True)  # what is in a folder before the folder
        touched = [*gone, *self._touched(wanted)]
        if not touched and not self._started and self._before.entries == wanted:
            return []
        self._file.save(Manifest(self._before.entries, tuple(sorted({*touched, *self._started}))))
        for name in self._each(gone):
            self._remove(name)
        put = [name for name in self._each(wanted) if self._put(name, wanted[name])]
        self._sync([*self._to_sync, *put])
        self._file.save(Manifest(self._after))
        return self._report(put)

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
        for name in self._each(_walk(self._source)):
            entry = _look(self._source, name)
            if entry is None or entry == _BLOCKED:
                continue
            if not is_text(entry.content):
                raise CharmError(
                    f'cannot use the charm "{self._source}": what the link "{name}" leads to is '
                    "not UTF-8: make it anew"
                )
            found[name] = entry
        self._gives_revision = REVISION not in found
        if self._gives_revision:
            found[REVISION] = Entry("file", 0o644, hashlib.sha256(self._revision).hexdigest())
        return dict(sorted(found.items()))

    def _report(self, put: list[str]) -> list[str]:
        if not self._first:
            return self._lines
        kept = [line for line in self._lines if line.startswith("kept")]
        count = len(put) - (self._gives_revision and REVISION in put)
        return [f'copied {count} files and folders from "{self._source}"', *kept]

    def _touched(self, wanted: Mapping[str, Entry]) -> set[str]:
        """What will be put, also below what makes room for a folder first."""
        touched: set[str] = set()
        for name in self._each(wanted):  # a folder comes before what is in it
            want = wanted[name]
            have = _look(self._copy, name)
            if have == want:
                continue
            below = any(str(parent) in touched for parent in Path(name).parents)
            if self._may_replace(name, want, have) or (below and have == _BLOCKED):
                touched.add(name)
        return touched

    def _may_replace(self, name: str, want: Entry, have: Entry | None) -> bool:
        if name in self._started and have != _BLOCKED:
            return True
        was = self._before.entries.get(name)
        return have == was and want != was

    def _put(self, name: str, want: Entry) -> bool:
        """Bring one path up to date; False if there was nothing to do or it is the charm's."""
        self._after[name] = want
        have = _look(self._copy, name)
        if have == want:
            if name in self._started:  # the one that was interrupted may not have waited for it
                self._to_sync.append(name)
            return False
        if not self._may_replace(name, want, have) or not self._make_room(name, want, have):
            if want != self._before.entries.get(name):
                self._lines.append(f"kept {name}: the charm changed it, the new one is not used")
            return False
        self._after[name] = self._write(name, want)
        if not self._is_given(name):
            self._lines.append(f"{'added' if have is None else 'updated'} {name}")
        return True

    def _is_given(self, name: str) -> bool:
        """Whether the path is ours to fill: the charm does not bring it."""
        return name == REVISION and self._gives_revision

    def _make_room(self, name: str, want: Entry, have: Entry | None) -> bool:
        """Whether the path can be replaced: what cannot be renamed over is removed."""
        path = self._copy / name
        if have is None or (want.kind == "folder") == (have.kind == "folder"):
            return True
        if have.kind == "folder":
            return _remove_folder(path)
        path.unlink()
        return True

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
            if self._is_given(name):
                new.write_bytes(self._revision)
            else:
                shutil.copyfile(self._source / name, new, follow_symlinks=False)
            new.chmod(want.mode)
        put = _look(self._copy, _NEW)
        new.rename(path)
        return put or want

    def _remove(self, name: str) -> None:
        have = _look(self._copy, name)
        if have is None:
            return
        if not self._is_ours(name, have):
            self._lines.append(
                f"kept {name}: it has gone from the source, but the charm changed it"
            )
        elif have.kind != "folder":
            (self._copy / name).unlink()
            self._lines.append(f"removed {name}")
        elif _remove_folder(self._copy / name):  # else the charm's own files are in it
            self._lines.append(f"removed {name}")

    def _is_ours(self, name: str, have: Entry) -> bool:
        if have == _BLOCKED:
            return False
        return name in self._started or have == self._before.entries.get(name)

    def _sync(self, put: list[str]) -> None:
        """Wait for the disk once all is written: only then is the manifest true (power loss)."""
        folders = {self._copy, *((self._copy / name).parent for name in put)}
        files = {self._copy / name for name in put if self._after[name].kind == "file"}
        if len(files) > _MANY:
            sync_file_system(self._copy)  # in one go; the loop is left to hear of errors
        for path in self._each(map(str, [*sorted(files), *sorted(folders)])):
            sync(Path(path), follow=False)


def _walk(top: Path) -> Iterator[str]:
    """All paths, a folder before what is in it. Raises CharmError for one that leads too far."""
    folders = [""]
    while folders:
        below = folders.pop()
        with os.scandir(top / below) as children:
            found = [child for child in children if child.name not in _NOT_COPIED]
        for child in found:
            name = f"{below}/{child.name}" if below else child.name
            check_path(top, name)
            yield name
            if child.is_dir(follow_symlinks=False):
                folders.append(name)


def _look(top: Path, name: str) -> Entry | None:
    """What is at a path, following no link; None if nothing is."""
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
        return Entry("folder", mode=mode & 0o777 | 0o700)
    if not stat.S_ISREG(mode):
        return _BLOCKED
    with open(path, "rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    return Entry("file", mode & 0o777 | 0o600, content)


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
