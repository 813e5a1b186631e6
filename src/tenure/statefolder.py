"""The state folder of one machine's Tenure, and every path in it.

What must outlive the controller and the agents lies here, so that the next `tenure up` carries on:

    up.json                  what `up` was told, beyond charms and applications (UpRecord)
    up.lock                  held by the one `up` that runs; holds its pid
    controller/              the store and the controller's log
    charms/                  what was unpacked or built of charms that do not run as they are
    units/web-0/             one unit's charm, state and log
    removed/web-0.log        the logs of units that were removed
    run/                     the sockets, while their paths are short enough

A socket's path may be 107 bytes long and no more, so with a long state folder the sockets move to a
private folder under /tmp whose name follows from the state folder. Nobody looks anything up: all
paths follow from the state folder alone, for `up`, for the agents and for the commands.

Hooks find their tools through PATH, which has no way to write a colon. So no `up` begins in a path
with one, nor with a control character, which a log or an error could not show.

A folder under /tmp can be made by anybody first, so a socket folder is used only if it is a real
folder that belongs to this user and is closed to others.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from tenure import uprecord
from tenure.errors import StateFolderUnusable
from tenure.files import write_whole
from tenure.names import file_name, split_unit, unit_of_file
from tenure.uprecord import NamedCharm, UpRecord

LONGEST_SOCKET_PATH = 100
"""Bytes. Linux takes 107; what is left is for temporary names."""

LONGEST_SOCKET_NAME = 32
"""Bytes of the longest file name that a socket gets."""

_IN_NO_LIST = re.compile("[\x00-\x1f\x7f-\x9f]")
_PREPARED = re.compile(r"(?:\A|/)charms/[0-9a-f]{32}\Z")
"""A charm that was unpacked or built, as the controller knows it."""


class StateFolder(Struct, frozen=True):
    """The paths in one state folder. `state` is absolute and free of symbolic links."""

    state: Path

    @classmethod
    def at(cls, option: str | None, environ: Mapping[str, str]) -> StateFolder:
        """The folder that the option `--state` or else the environment names.

        Raises StateFolderUnusable if nothing names one, or its path is not UTF-8.
        """
        path = os.path.realpath(_named_state(option, environ))
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        if shown != path:
            raise StateFolderUnusable(
                f"the state folder {shown} cannot be used: its path is not UTF-8: "
                "rename it, or choose another with --state"
            )
        return cls(Path(path))

    @property
    def up_lock(self) -> Path:
        """Locked while an `up` runs here; holds its pid."""
        return self.state / "up.lock"

    @property
    def up_log(self) -> Path:
        """What `up --detach` has to say."""
        return self.state / "up.log"

    @property
    def record_file(self) -> Path:
        """The file of the UpRecord."""
        return self.state / "up.json"

    def _former_record_file(self) -> Path:
        return self.state / uprecord.FORMER_RECORD

    @property
    def controller_folder(self) -> Path:
        """The controller's own."""
        return self.state / "controller"

    @property
    def store_file(self) -> Path:
        """The store's database."""
        return self.controller_folder / "controller.db"

    @property
    def controller_log(self) -> Path:
        """What the controller wrote to stderr."""
        return self.controller_folder / "controller.log"

    @property
    def charms_folder(self) -> Path:
        """What was unpacked or built of charms."""
        return self.state / "charms"

    @property
    def units_folder(self) -> Path:
        """The folder of all units' folders."""
        return self.state / "units"

    def unit_folder(self, unit: str) -> Path:
        """Everything that one unit keeps. Raises BadName."""
        return self.units_folder / file_name(unit)

    def charm_source(self, folder: Path) -> str:
        """How a charm's folder is told to the controller: one of this state folder relative to it,
        because that may be moved."""
        inside = folder.parent == self.charms_folder
        return str(folder.relative_to(self.state) if inside else folder)

    def charm_folder(self, source: str) -> Path:
        """The folder of a charm that the controller knows by `source`.

        Earlier versions told it absolute paths: one in a state folder that was moved is here now.
        """
        path = Path(source)
        own = self.charms_folder / path.name
        if _PREPARED.search(source) and (not path.is_absolute() or _is_dir(own)):
            return own
        return self.state / path

    def left_mark(self, unit: str) -> Path:
        """There once the unit has left for ever: nobody needs its folder. Raises BadName."""
        return self.unit_folder(unit) / "left"

    @property
    def removed_folder(self) -> Path:
        """What is kept of units that were removed."""
        return self.state / "removed"

    def removed_log(self, unit: str) -> Path:
        """The log of a unit that was removed. Raises BadName."""
        return self.removed_folder / f"{file_name(unit)}.log"

    def unit_log(self, unit: str) -> Path:
        """What the unit's hooks wrote, and what the agent did (H11). Raises BadName."""
        return self.unit_folder(unit) / "log"

    def agent_log(self, unit: str) -> Path:
        """What the unit's agent process wrote to stderr. Raises BadName."""
        return self.unit_folder(unit) / "agent.log"

    @property
    def socket_folder(self) -> Path:
        """Where the sockets are; the same for everyone who knows the state folder."""
        beside = self.state / "run"
        if len(os.fsencode(beside)) + 1 + LONGEST_SOCKET_NAME <= LONGEST_SOCKET_PATH:
            return beside
        digest = hashlib.sha256(os.fsencode(self.state)).hexdigest()[:16]
        return Path(f"/tmp/tenure-{os.getuid()}-{digest}")

    @property
    def controller_socket(self) -> Path:
        """Where the controller listens."""
        return self.socket_folder / "controller.sock"

    def tool_socket(self, unit: str) -> Path:
        """Where the unit's hook tools are answered. Raises BadName."""
        return self.socket_folder / f"{_short_name(unit)}.tool"

    def exec_socket(self, unit: str) -> Path:
        """Where `tenure exec` asks for a hook context. Raises BadName."""
        return self.socket_folder / f"{_short_name(unit)}.exec"

    def known_units(self) -> list[str]:
        """The units that have a folder here, removed ones among them, in order.

        Raises StateFolderUnusable.
        """
        with _translated(self.state):
            found = [unit_of_file(path.name) for path in self.units_folder.glob("*")]
        return sorted((unit for unit in found if unit is not None), key=split_unit)

    def check_path(self) -> None:
        """Make sure that hooks can find what lies here. Raises StateFolderUnusable."""
        shown = _IN_NO_LIST.sub(lambda found: f"\\x{ord(found[0]):02x}", str(self.state))
        if ":" in shown:
            reason = "there is a colon in its path, and no folder with one can be on a hook's PATH"
        elif shown != str(self.state):
            reason = "there is a control character in its path"
        else:
            return
        raise StateFolderUnusable(
            f"the state folder {shown} cannot be used: {reason}: "
            "rename it, or choose another with --state"
        )

    def ensure(self) -> None:
        """Create the folders, closed to other users. Raises StateFolderUnusable."""
        self.check_path()
        with _translated(self.state):
            self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not os.access(self.state, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError(0, "it cannot be read and written")
            for folder in (self.controller_folder, self.units_folder, self.socket_folder):
                folder.mkdir(mode=0o700, exist_ok=True)
        self.check_sockets()
        self._check_socket_names()

    def _check_socket_names(self) -> None:
        """A socket replaces a stale one of its name, but no folder. Raises StateFolderUnusable."""
        with _translated(self.state):
            sockets = [self.controller_socket]
            for kind in ("*.tool", "*.exec"):
                sockets += sorted(self.socket_folder.glob(kind))
            folder = next(filter(Path.is_dir, sockets), None)
        if folder is not None:
            raise StateFolderUnusable(
                f"cannot listen on {folder}: it is a folder: "
                "remove it, or choose another state folder with --state"
            )

    def leave(self) -> None:
        """Nothing runs here any more: a socket folder elsewhere goes if it is empty."""
        if self.socket_folder.parent != self.state:
            with suppress(OSError):
                self.socket_folder.rmdir()

    def check_is_folder(self) -> None:
        """Raises StateFolderUnusable if something else has its name."""
        is_other = False
        with suppress(OSError):  # because whoever uses it has more to say of that
            is_other = self.state.exists() and not self.state.is_dir()
        if is_other:
            raise StateFolderUnusable(
                f"{self.state} is a file and no state folder: name another with --state"
            )

    def check_sockets(self) -> None:
        """Make sure that the socket folder, if it is there, is this user's alone.

        Raises StateFolderUnusable.
        """
        folder = self.socket_folder
        with _translated(self.state):
            try:
                found = folder.lstat()
            except (FileNotFoundError, NotADirectoryError):
                return
        if (
            not stat.S_ISDIR(found.st_mode)
            or found.st_uid != os.getuid()
            or stat.S_IMODE(found.st_mode) & 0o077
        ):
            raise StateFolderUnusable(
                f"{folder} is not a folder of yours that is closed to others: "
                "see who made it and remove it, or choose another state folder with --state"
            )

    def check_exists(self) -> None:
        """Make sure that an `up` ran here once. Raises StateFolderUnusable."""
        with _translated(self.state):
            found = self.record_file.exists() or self._former_record_file().exists()
        if not found:
            raise StateFolderUnusable(
                f"nothing was started in {self.state} yet: "
                "name another state folder with --state, or begin with `tenure up CHARM`"
            )

    def read(self) -> UpRecord | None:
        """What earlier `up`s were told; None if there was none. Raises StateFolderUnusable."""
        for path in (self.record_file, self._former_record_file()):
            with _translated(self.state), suppress(FileNotFoundError):
                return uprecord.decoded(path, path.read_bytes())
        return None

    def write(self, record: UpRecord) -> None:
        """Keep the record, durably and whole or not at all. Raises StateFolderUnusable."""
        with _translated(self.state):
            write_whole(self.record_file, uprecord.encoded(record))
            if self._former_record_file().exists():
                write_whole(self._former_record_file(), uprecord.warning(record))

    def note_charm(self, application: str, charm: NamedCharm) -> None:
        """Keep what an operator named when the application was given this folder to run.

        Raises StateFolderUnusable.
        """
        if charm.folder != charm.named:
            with _translated(self.state):
                self.charms_folder.mkdir(mode=0o700, exist_ok=True)
                write_whole(self._charm_note(application), msgspec.json.encode(charm) + b"\n")

    def named_charm(self, application: str, folder: str) -> str:
        """What an operator named when the application was given this folder to run: the folder
        itself, as far as is known."""
        with suppress(OSError, msgspec.DecodeError, UnicodeError):
            content = self._charm_note(application).read_bytes()
            charm = msgspec.json.decode(content, type=NamedCharm)
            if self.charm_folder(charm.folder) == self.charm_folder(folder):
                return charm.named
        return folder

    def _charm_note(self, application: str) -> Path:
        return self.charms_folder / f"{application}.json"


def _named_state(option: str | None, environ: Mapping[str, str]) -> str:
    if option is not None and not option:
        raise StateFolderUnusable("the state folder has no name: say --state DIR")
    named = option or environ.get("TENURE_STATE")
    if named:
        return named
    base = environ.get("XDG_STATE_HOME", "")
    if base.startswith("/"):  # The specification of XDG has relative ones ignored.
        return f"{base}/tenure"
    home = environ.get("HOME", "")
    if not home.startswith("/"):
        raise StateFolderUnusable("no state folder is known as $HOME is not set: say --state DIR")
    return f"{home}/.local/state/tenure"


def _is_dir(path: Path) -> bool:
    """False as well where that cannot be found out."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _short_name(unit: str) -> str:
    name = file_name(unit)
    if len(name) <= LONGEST_SOCKET_NAME - len(".tool"):
        return name
    return f"{name[:10]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"


@contextmanager
def _translated(state: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        reason = fault.strerror or str(fault)
        if fault.filename is not None and str(fault.filename) != str(state):
            reason = f"{fault.filename}: {reason}"
        raise StateFolderUnusable(
            f"cannot use the state folder {state}: {reason}: "
            "mend it, or choose another with --state"
        ) from fault
