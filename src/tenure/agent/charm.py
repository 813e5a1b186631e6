"""A charm's folder, and each unit's own copy of it.

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
interrupted is finished by the next: whatever such a path looks like then is the refresh's own
doing. Nothing is ever written or removed through a symbolic link.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml
from msgspec import Struct

from tenure.agent.state import StateFile
from tenure.errors import BadName, TenureError
from tenure.names import check_application

_NEW = ".tenure-new"
_NOT_COPIED = frozenset({".git", _NEW})


class CharmError(TenureError):
    """The charm is not one, or cannot be read or copied."""

    code = "charm-error"


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


def check_charm(source: Path) -> None:
    """Raises CharmError, naming what is missing and the next step, if this is not a charm."""
    try:
        fault = _fault(source)
    except OSError as error:
        raise CharmError(
            f'cannot read the charm "{source}": {_reason(error)}: "{error.filename}"'
        ) from error
    if fault is not None:
        raise CharmError(fault)


def default_name(source: Path) -> str:
    """The application name a charm suggests: its metadata's, or else its folder's, made valid.

    Raises CharmError if the metadata cannot be read, BadName if nothing valid can be made of it.
    """
    found = next(filter(None, map(_name_in, _metadata(source))), None) or source.resolve().name
    words = [word for word in re.split(r"[^a-z0-9]+", found.lower()) if word]
    while words and not re.search("[a-z]", words[0]):
        del words[0]
    # because Juju wants a letter in every part: web-2 becomes web2
    name = "".join(f"-{word}" if re.search("[a-z]", word) else word for word in words)
    try:
        return check_application(name.lstrip("-0123456789"))
    except BadName as error:
        raise BadName(
            f"{found!r} gives no application name: name the application yourself with --name NAME"
        ) from error


def is_copied(manifest: Path) -> bool:
    """Whether a refresh was ever finished: before that, a hook that is not there is not missing.

    Raises StateUnusable.
    """
    known = StateFile(manifest, Manifest).load()
    return known is not None and bool(known.entries)


def find_hook(copy: Path, hook: str) -> tuple[str, ...] | None:
    """What to run for a hook: `dispatch` if executable, else `hooks/<hook>`; None if missing (H6).

    Raises CharmError for a hook that is there and cannot be run: it fails, it is not missing.
    """
    dispatch, path = copy / "dispatch", copy / "hooks" / hook
    try:
        if _is_executable(dispatch):
            return (str(dispatch),)
        if not path.exists():
            return None
        if _is_executable(path):
            return (str(path),)
        what = "is not executable" if path.is_file() else "is not a file"
    except OSError as error:
        what = f"cannot be read: {_reason(error)}"
    raise CharmError(f"hooks/{hook} {what}")


def refresh_copy(source: Path, copy: Path, manifest: Path) -> list[str]:
    """Make or refresh a unit's copy of its charm (H9); no hook may run meanwhile.

    `.git`, and what is neither file, folder nor link, is not copied. Modes are kept, but the owner
    may always read and write. Returns lines for people, [] if there was nothing to do.
    Raises CharmError, StateUnusable or StateNotSaved; the next refresh goes on from there.
    """
    if copy.resolve().is_relative_to(source.resolve()):
        raise CharmError(f'cannot copy the charm "{source}" into itself: move the charm elsewhere')
    try:
        return _Refresh(source, copy, manifest).run()
    except OSError as error:
        raise CharmError(
            f'cannot copy the charm "{source}" to "{copy}": {_reason(error)}: "{error.filename}"'
        ) from error


class _Refresh:
    """One refresh: look at everything, note what will be touched, do it, note what was put."""

    def __init__(self, source: Path, copy: Path, manifest: Path) -> None:
        self._source = source
        self._copy = copy
        self._file = StateFile(manifest, Manifest)
        loaded = self._file.load()
        self._first = loaded is None
        self._before = loaded or Manifest()
        self._started = frozenset(self._before.started)
        self._after: dict[str, Entry] = {}
        self._lines: list[str] = []

    def run(self) -> list[str]:
        self._copy.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._copy / _NEW).unlink(missing_ok=True)
        wanted = dict(sorted(_walk(self._source)))
        known = self._before.entries.keys() | self._started
        gone = sorted(known - wanted.keys(), reverse=True)  # what is in a folder before the folder
        touched = [*gone, *self._touched(wanted)]
        if not touched and not self._started and self._before.entries == wanted:
            return []
        self._file.save(Manifest(self._before.entries, tuple(sorted({*touched, *self._started}))))
        for name in gone:
            self._remove(name)
        put = [name for name in wanted if self._put(name, wanted[name])]
        self._sync(put)
        self._file.save(Manifest(self._after))
        return self._report(put)

    def _report(self, put: list[str]) -> list[str]:
        if not self._first:
            return self._lines
        kept = [line for line in self._lines if line.startswith("kept")]
        return [f'copied {len(put)} files and folders from "{self._source}"', *kept]

    def _touched(self, wanted: Mapping[str, Entry]) -> set[str]:
        """What will be put, also below what makes room for a folder first."""
        touched: set[str] = set()
        for name, want in wanted.items():  # a folder comes before what is in it
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
            return False
        if not self._may_replace(name, want, have) or not self._make_room(name, want, have):
            if want != self._before.entries.get(name):
                self._lines.append(f"kept {name}: the charm changed it, the new one is not used")
            return False
        self._after[name] = self._write(name, want)
        self._lines.append(f"{'added' if have is None else 'updated'} {name}")
        return True

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
        for path in [*sorted(files), *sorted(folders)]:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _walk(top: Path, below: str = "") -> Iterator[tuple[str, Entry]]:
    with os.scandir(top / below) as children:
        names = [child.name for child in children if child.name not in _NOT_COPIED]
    for child in names:
        name = f"{below}/{child}" if below else child
        entry = _look(top, name)
        if entry is None or entry == _BLOCKED:
            continue
        yield name, entry
        if entry.kind == "folder":
            yield from _walk(top, name)


def _look(top: Path, name: str) -> Entry | None:
    """What is at a path, following no link; None if nothing is."""
    parent = Path(name).parent
    while parent != Path():
        try:
            if not stat.S_ISDIR((top / parent).lstat().st_mode):
                return _BLOCKED
        except (FileNotFoundError, NotADirectoryError):
            pass
        parent = parent.parent
    try:
        mode = (top / name).lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISLNK(mode):
        return Entry("link", content=str((top / name).readlink()))
    if stat.S_ISDIR(mode):
        return Entry("folder", mode=mode & 0o777 | 0o700)
    if not stat.S_ISREG(mode):
        return _BLOCKED
    with open(top / name, "rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    return Entry("file", mode & 0o777 | 0o600, content)


def _fault(source: Path) -> str | None:
    """Why the folder is not a charm and what to do about it, None if it is one."""
    if not source.exists():
        return f'"{source}" does not exist: name the folder of a charm'
    if not source.is_dir():
        return f'"{source}" is not a folder: name the folder of a charm'
    hooks = source / "hooks"
    there = [source / "dispatch", *(sorted(hooks.iterdir()) if hooks.is_dir() else ())]
    if any(map(_is_executable, there)):
        return None
    for path in filter(Path.is_file, there):
        return f'{path.relative_to(source)} is not executable: run chmod +x "{path}"'
    return (
        f'"{source}" is not a charm: put an executable "dispatch" there, or a folder "hooks" with '
        "executable files named like hooks/leader-elected"
    )


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _remove_folder(path: Path) -> bool:
    """Remove a folder if nothing is in it."""
    try:
        path.rmdir()
    except OSError:
        return False
    return True


def _is_executable(path: Path) -> bool:
    return path.is_file() and bool(path.stat().st_mode & 0o111)


def _metadata(source: Path) -> list[Path]:
    return [
        path for name in ("metadata.yaml", "charmcraft.yaml") if (path := source / name).exists()
    ]


def _name_in(path: Path) -> str | None:
    """The `name` in a metadata file, None if it has none. Raises CharmError."""
    try:
        # because BaseLoader makes strings and nothing else: no dates to choke on, no objects
        content = yaml.load(path.read_bytes(), Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        line = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise CharmError(f'"{path}"{line}: {error.problem or "not valid yaml"}') from error
    except (yaml.YAMLError, RecursionError) as error:
        reason = getattr(error, "reason", "it is nested too deeply")
        raise CharmError(f'"{path}" is not yaml: {reason}') from error
    except OSError as error:
        raise CharmError(f'cannot read "{path}": {_reason(error)}') from error
    if content is None or content == "":
        return None
    if not isinstance(content, dict):
        raise CharmError(f'"{path}" line 1: it must hold a mapping, like "name: web"')
    name = content.get("name")
    return name if isinstance(name, str) and name else None
