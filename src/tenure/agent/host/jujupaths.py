"""`/var/lib/juju/tools/machine-N/jujud` for hooks, though no Juju is on the machine.

Old charms run the first `jujud` they find there, with `version`. A private mount namespace shows
one to this process and to all that it starts, and to nobody else: nothing on the machine changes.

The deepest folder of the path that exists is covered with a small file system of our own, in which
all that was in it is bound back, and the rest of the path is made. That cover is read-only: what a
hook made in it would be gone with the agent, and an error is better than a loss. So with
`/var/lib/juju` on the machine nothing is missing; without it hooks cannot make *new* entries of
`/var/lib` itself, and do not see those that others make there later. Whoever minds makes the
folder once: `mkdir /var/lib/juju`.

Who is not root needs a user namespace too. In it a process is itself and nobody else: `sudo`, other
users' files and changes of owner do not work for hooks then.
"""

from __future__ import annotations

import errno
import os
import platform
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tenure.errors import TenureError

TOOLS = Path("/var/lib/juju/tools")

_NEWNS, _NEWUSER = 0x00020000, 0x10000000
_RDONLY, _REMOUNT, _BIND, _REC, _PRIVATE = 1, 32, 4096, 16384, 1 << 18
_ARCH = {
    "x86_64": "amd64", "aarch64": "arm64", "ppc64le": "ppc64el", "s390x": "s390x",
    "riscv64": "riscv64",
}  # fmt: skip


def enter(unit_number: int, version: str, *, tools: Path = TOOLS) -> None:
    """Give this process a `jujud` that answers `version` with e.g. `3.6.12-ubuntu-amd64`.

    `version` is what JUJU_VERSION says; `tools` is another place for tests. To be called at the
    very start: a thread that is there already would keep its old view. There is no way back.
    Raises TenureError where the kernel does not allow it; then this process must end.
    """
    assert len(os.listdir("/proc/self/task")) == 1, "threads keep the view they have"  # noqa: PTH208
    try:
        _private()
        _show(tools / f"machine-{unit_number}", version)
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        raise TenureError(
            f"cannot give hooks {tools.parent}: {what}{(error.strerror or str(error)).lower()}: "
            "start without --juju-paths"
        ) from error


def why_not() -> str | None:
    """Why `enter` would fail here; None if it works. Tried in a process of its own."""
    try:
        tried = subprocess.run(
            [sys.executable, "-m", "tenure.agent.host.jujupaths"], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        return f"cannot give hooks {TOOLS.parent}: {error}: start without --juju-paths"
    if tried.returncode == 0:
        return None
    lines = tried.stderr.strip().splitlines() or [f"exit code {tried.returncode}"]
    return lines[-1]


def main() -> int:
    """Try it, for `why_not`; the reason goes to stderr."""
    try:
        enter(0, "3.6.0")
        answer = subprocess.check_output([TOOLS / "machine-0/jujud", "version"], text=True)
        assert answer.startswith("3.6.0-"), answer
    except (TenureError, OSError, subprocess.SubprocessError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _private() -> None:
    """A mount namespace of our own, from which nothing gets out."""
    user, group = os.geteuid(), os.getegid()
    if user != 0 or not _works(lambda: _unshare(_NEWNS)):
        _unshare(_NEWNS | _NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    _mount(None, Path("/"), None, _REC | _PRIVATE)


def _works(attempt: Callable[[], None]) -> bool:
    try:
        attempt()
    except PermissionError:  # root of a container, without the capability
        return False
    return True


def _show(machine: Path, version: str) -> None:
    top = next(folder for folder in machine.parents if folder.is_dir())
    _cover(top, without=machine.relative_to(top).parts[0])
    machine.mkdir(mode=0o755, parents=True)
    jujud = machine / "jujud"
    arch = _ARCH.get(platform.machine(), platform.machine())
    jujud.write_text(
        f'#!/bin/sh\nif [ "$1" = version ]; then echo {version}-ubuntu-{arch}; exit; fi\n'
        f'echo "jujud: there is no Juju here, only its version" >&2\nexit 2\n'
    )
    jujud.chmod(0o755)
    _mount(None, top, None, _REMOUNT | _BIND | _RDONLY)


def _cover(top: Path, without: str) -> None:
    """Cover a folder, and bind back what was in it, but for one name."""
    mode = stat.S_IMODE(top.stat().st_mode)
    covered = os.open(top, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        names = sorted(os.listdir(top))  # noqa: PTH208
        _mount("tenure", top, "tmpfs", 0, f"mode={mode:o},size=4m")
        for name in names:
            if name != without:
                _bind_back(Path(f"/proc/self/fd/{covered}") / name, top / name)
    finally:
        os.close(covered)


def _bind_back(entry: Path, place: Path) -> None:
    try:
        if entry.is_symlink():
            place.symlink_to(entry.readlink())
            return
        if entry.is_dir():
            place.mkdir()
        else:
            place.touch()
        _mount(str(entry), place, None, _BIND | _REC)
    except FileNotFoundError:
        return  # it went meanwhile


def _unshare(flags: int) -> None:
    _call("unshare", "unshare", flags)


def _mount(source: str | None, target: Path, kind: str | None, flags: int, data: str = "") -> None:
    _call(str(target), "mount", source, str(target), kind, flags, data)


def _call(what: str, function: str, *words: str | int | None) -> None:
    """One of the C library's functions. Raises OSError, with `what` as its file name."""
    import ctypes  # costs 10 ms, and most agents never come here

    libc = ctypes.CDLL(None, use_errno=True)
    made = [
        ctypes.c_ulong(word) if isinstance(word, int) else os.fsencode(word) if word else None
        for word in words
    ]
    if getattr(libc, function)(*made) == 0:
        return
    number = ctypes.get_errno()
    # because the kernel calls it a full disk when no more namespaces may be made (user.max_*)
    full = function == "unshare" and number == errno.ENOSPC
    raise OSError(number, "no more namespaces are allowed" if full else os.strerror(number), what)


if __name__ == "__main__":
    sys.exit(main())
