"""A charm's source, made the folder that charmcraft's packing would make of it.

The result is a copy of the source with the files that Juju reads, a `venv` and a `dispatch`. Not
copied are what belongs to its developer: the list is `_LEFT_OUT`.

Links are copied as links. So whatever is written or changed after that is looked at first: nothing
is written through a link, and the entry point is a file of the charm's own.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from tenure.charms import locked, pip
from tenure.charms.cache import Cache
from tenure.charms.fault import CharmError
from tenure.charms.paths import check_path
from tenure.charms.recipe import (
    DISPATCH,
    LOCKED,
    MADE,
    REQUIREMENTS,
    Recipe,
    write_metadata,
    write_new,
)
from tenure.charms.unpack import MAX_BYTES, MAX_FILES

_FORMAT = "1"
"""Part of the hash: another one, and what was packed before is packed anew."""

_LEFT_OUT = frozenset(
    {".git", ".tox", ".venv", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
)
_IMPORTS_OPS = re.compile(rb"^\s*(?:import|from)[ \t]+ops\b", re.MULTILINE)


class Entry(Struct, frozen=True):
    """One path of the source, relative to it: kind is "folder", "link" or "file"."""

    name: str
    kind: str
    mode: int
    size: int


class Source:
    """The folder to pack, as far as it is packed.

    `built` is where the results are; neither it nor the folder that it is in are part of a source
    that they happen to lie in, or each build would contain the last one, and state besides.
    """

    def __init__(self, folder: Path, recipe: Recipe, built: Path) -> None:
        self.folder = folder
        self.recipe = recipe
        self._built = built
        self._apart = (built.resolve(), built.resolve().parent)
        self._keeps_venv = not recipe.installs and not (folder / "venv/pyvenv.cfg").exists()
        self.entries = sorted(self._bounded(), key=lambda entry: entry.name)

    def key(self) -> str:
        """The hash of all that decides what packing makes: paths, modes, contents, interpreter."""
        whole = hashlib.sha256(
            repr((_FORMAT, sys.implementation.cache_tag, platform.machine())).encode()
        )
        for entry in self.entries:
            digest = self._digest(entry)
            whole.update(repr((entry.name, entry.kind, entry.mode & 0o111, digest)).encode())
        return whole.hexdigest()[:32]

    def build(self, folder: Path) -> None:
        """Pack into an empty folder. Raises CharmError, OSError."""
        for entry in self.entries:
            self._copy(entry, folder / entry.name)
        brings_dispatch = (folder / DISPATCH).exists()
        if not brings_dispatch:
            _check_links(folder, self.recipe.entry_point)
        write_metadata(folder)
        if self.recipe.installs:
            self._install(folder)
        if not brings_dispatch:
            _check_ops(folder, self.recipe)
            _write_dispatch(folder, self.recipe)

    def _install(self, folder: Path) -> None:
        """Fill `venv`. It is kept by what is required, so a charm that is edited is packed soon."""
        recipe = self._unlocked(folder)
        key = pip.key_of(recipe, folder)
        if key is None:
            pip.install(recipe, folder)
            (folder / LOCKED).unlink(missing_ok=True)
            return

        def fill(new: Path) -> None:
            for name in (*recipe.requirements, *recipe.constraints):
                (new / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(folder / name, new / name)
            pip.install(recipe, new)

        kept, _ = Cache(self._built / "venvs").get(key, fill)
        # Links to the same files, which nobody writes to: what runs are copies of the whole charm.
        shutil.copytree(kept / "venv", folder / "venv", symlinks=True, copy_function=_link)
        (folder / LOCKED).unlink(missing_ok=True)

    def _unlocked(self, folder: Path) -> Recipe:
        """The recipe in pip's words: what a lock stands for is in a file of requirements."""
        recipe = self.recipe
        if recipe.lock is None:
            return recipe
        locked.unlock(recipe.lock, folder, self._built / "tools")
        return replace(recipe, requirements=(LOCKED,))

    def _digest(self, entry: Entry) -> str:
        path = self.folder / entry.name
        if entry.kind == "link":
            return str(path.readlink())
        if entry.kind == "folder":
            return ""
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _copy(self, entry: Entry, path: Path) -> None:
        if entry.kind == "folder":
            path.mkdir()
        elif entry.kind == "link":
            path.symlink_to((self.folder / entry.name).readlink())
        else:
            shutil.copyfile(self.folder / entry.name, path)
            path.chmod(entry.mode & 0o777 | 0o600)

    def _bounded(self) -> Iterator[Entry]:
        files, size = 0, 0
        for entry in self._walk(""):
            files, size = files + 1, size + entry.size
            if files > MAX_FILES or size > MAX_BYTES:
                raise CharmError(
                    f'"{self.folder}" is larger than {MAX_FILES} files or {MAX_BYTES >> 30} GiB: '
                    "is it the folder of a charm?"
                )
            yield entry

    def _walk(self, below: str) -> Iterator[Entry]:
        with os.scandir(self.folder / below) as children:
            found = [child for child in children if not self._is_left_out(below, child)]
        for child in found:
            entry = _entry(f"{below}/{child.name}" if below else child.name, child)
            if entry is None:
                continue
            check_path(self.folder, entry.name)
            yield entry
            if entry.kind == "folder":
                yield from self._walk(entry.name)

    def _is_left_out(self, below: str, child: os.DirEntry[str]) -> bool:
        if child.name in _LEFT_OUT:
            return True
        if not below and (child.name.endswith(".charm") or child.name == "venv"):
            return child.name != "venv" or not self._keeps_venv
        return child.is_dir(follow_symlinks=False) and Path(child.path).resolve() in self._apart


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links, or with too many
        shutil.copy2(source, target)


def _entry(name: str, child: os.DirEntry[str]) -> Entry | None:
    """None for what is neither file, folder nor link."""
    status = child.stat(follow_symlinks=False)
    mode = status.st_mode
    for kind, test in (("link", stat.S_ISLNK), ("folder", stat.S_ISDIR), ("file", stat.S_ISREG)):
        if test(mode):
            return Entry(name, kind, mode, status.st_size if kind == "file" else 0)
    return None


def _check_links(folder: Path, entry_point: str) -> None:
    """Raises CharmError if packing would write or change what is not in the folder."""
    for name in MADE:
        if (folder / name).is_symlink() and not (folder / name).exists():
            raise CharmError(
                f'"{name}" is a link that leads nowhere: remove it, or put a file there'
            )
    entry = folder / entry_point
    if not Path(os.path.realpath(entry)).is_relative_to(os.path.realpath(folder)):
        raise CharmError(f"{entry_point} leads out of the charm: put the file itself there")
    if not entry.is_file():
        raise CharmError(f"{entry_point} leads to what is not packed: put the file itself there")


def _check_ops(folder: Path, recipe: Recipe) -> None:
    """An import that fails in every hook is better found now; only that of ops is looked for."""
    entry = folder / recipe.entry_point
    if not _IMPORTS_OPS.search(entry.read_bytes()):
        return
    for place in (entry.parent, folder / "lib", folder / recipe.site):
        if (place / "ops/__init__.py").exists() or (place / "ops.py").exists():
            return
    if pip.ask_python("import ops") is None:
        raise CharmError(_without_ops(recipe))


def _without_ops(recipe: Recipe) -> str:
    what = f"{recipe.entry_point} imports ops, and"
    if recipe.installs:
        return f"{what} {recipe.wanted} does not bring it"
    return (
        f"{what} there is neither {REQUIREMENTS} nor a venv or lib folder with it: write a line "
        f"`ops` into {REQUIREMENTS}"
    )


def _write_dispatch(folder: Path, recipe: Recipe) -> None:
    entry = folder / recipe.entry_point
    entry.chmod(entry.stat().st_mode & 0o777 | 0o755)
    with open(entry, "rb") as file:
        python = "" if file.read(2) == b"#!" else "python3 "
    head, places = "", ["lib", "venv"]
    if recipe.site != "venv":  # as charmcraft: also for programs that run elsewhere, and with `src`
        head = 'here=$(CDPATH= cd -- "${0%/*}" && pwd)\n'
        places = ["$here/lib", "$here/src", f"$here/{recipe.site}"]
    write_new(
        folder / DISPATCH,
        f"#!/bin/sh\n{head}"
        'JUJU_DISPATCH_PATH="${JUJU_DISPATCH_PATH:-$0}" '
        f'PYTHONPATH="{":".join(places)}" exec {python}./{recipe.entry_point}\n',
        0o755,
    )
