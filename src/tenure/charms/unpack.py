"""A `.charm` file, made a folder: a zip whose content is trusted with nothing.

No path leads out of the folder, also not by way of links: they are made last, and each is looked at
once all are there. Modes are kept; the owner may always read and write.

Content is stored or deflated, as charmcraft packs it and Juju takes it. The other ways that Python
knows unfold without a bound: a megabyte of theirs may fill the memory in one step.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from tenure.charms.fault import CharmError
from tenure.charms.folder import fault_of
from tenure.charms.paths import check_path

MAX_FILES = 100_000
MAX_BYTES = 2 * 1024**3
"""Of a whole charm, unpacked."""

_KNOWN = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_DAMAGED = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    zlib.error,
    ValueError,
    struct.error,
)
"""What zipfile raises for files that it cannot read: there is no one class for it."""

_CHUNK = 1024 * 1024
_MAX_LINK = 4096


def unpack(file: Path, folder: Path) -> None:
    """Unpack into an empty folder.

    Raises CharmError if the file is no zip, holds what it may not, or holds no charm; OSError if
    the folder cannot be written.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            _Unpacking(file, folder, archive).run()
    except _DAMAGED as error:
        raise CharmError(f'"{file}" cannot be unpacked: {str(error).lower()}') from error
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        twice = Path(error.filename2 or error.filename).relative_to(folder)
        raise CharmError(f'"{file}" holds "{twice}" twice: pack it anew') from error
    if fault_of(folder) is not None:
        raise CharmError(
            f'"{file}" holds no charm: neither an executable "dispatch" nor one in "hooks"'
        )


class _Unpacking:
    def __init__(self, file: Path, folder: Path, archive: zipfile.ZipFile) -> None:
        self._file = file
        self._folder = folder
        self._archive = archive
        self._left = MAX_BYTES

    def run(self) -> None:
        members = self._archive.infolist()
        if len(members) > MAX_FILES:
            raise CharmError(f'"{self._file}" holds more than {MAX_FILES} files')
        links = [member for member in members if stat.S_ISLNK(_mode(member))]
        if odd := next((each for each in members if each.compress_type not in _KNOWN), None):
            raise CharmError(
                f'"{self._file}" holds "{odd.filename}" neither stored nor deflated: '
                "pack it with charmcraft"
            )
        for member in members:
            path = self._path(member)
            parent = path if member.is_dir() else path.parent
            parent.mkdir(parents=True, exist_ok=True)
            if not member.is_dir() and not stat.S_ISLNK(_mode(member)):
                self._write(member, path)
        for member in links:
            self._path(member).symlink_to(self._target(member))
        for member in links:
            self._check_inside(member)

    def _path(self, member: zipfile.ZipInfo) -> Path:
        check_path(self._file, member.filename)
        name = PurePosixPath(member.filename)
        if not member.filename:
            raise CharmError(f'"{self._file}" holds a file without a name: pack it anew')
        if name.is_absolute() or ".." in name.parts:
            raise self._escape(member)
        return self._folder / name

    def _write(self, member: zipfile.ZipInfo, path: Path) -> None:
        with self._archive.open(member) as packed, open(path, "xb") as file:
            while chunk := packed.read(_CHUNK):
                self._left -= len(chunk)
                if self._left < 0:
                    raise CharmError(f'"{self._file}" holds more than {MAX_BYTES >> 30} GiB')
                file.write(chunk)
        path.chmod((_mode(member) or 0o644) & 0o777 | 0o600)

    def _target(self, member: zipfile.ZipInfo) -> str:
        with self._archive.open(member) as packed:
            target = os.fsdecode(packed.read(_MAX_LINK))
        if not target or "\0" in target or target.startswith("/"):
            raise self._escape(member)
        return target

    def _check_inside(self, member: zipfile.ZipInfo) -> None:
        top = os.path.realpath(self._folder)
        if not Path(os.path.realpath(self._path(member))).is_relative_to(top):
            raise self._escape(member)

    def _escape(self, member: zipfile.ZipInfo) -> CharmError:
        return CharmError(f'"{self._file}" is not safe: "{member.filename}" leads out of the charm')


def _mode(member: zipfile.ZipInfo) -> int:
    return member.external_attr >> 16
