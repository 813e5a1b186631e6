"""The agent's side of the warden: keeps one running, and tells it of every hook.

The pipe to the warden is all that ties the two, so two things about it are vital. No hook may
inherit its write end, or the warden would not notice that the agent is gone: it is close-on-exec.
And the end of a warden must be noticed: another is started at once and told of all that is alive.

A hook's group may outlive the hook (a child left in the background). It stays registered until it
is gone, which no event tells: a look now and then does, only while there is such a group.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tenure.agent.hooks import warden
from tenure.errors import TenureError

_log = logging.getLogger("tenure.agent")

PIPE_SIZE = 1024 * 1024
"""Bytes the pipe holds while a new warden starts: thousands of hooks."""

RESTART_AFTER = 1.0
"""Seconds from the start of a warden that ended to the start of the next, at least."""

LOOK_AFTER = 1.0
"""Seconds to the first look at a group that outlived its hook; doubles up to a minute."""

STOP_WITHIN = 2.0
"""Seconds a warden gets to end after its pipe was closed."""


class WardenFailed(TenureError):
    """The warden could not be started."""

    code = "warden-failed"


class Warden:
    """Sees to it that registered hooks die with this process, however it dies (H8)."""

    def __init__(self) -> None:
        self._hooks: dict[str, tuple[int, int]] = {}
        self._lingering: set[str] = set()
        self._looking: asyncio.TimerHandle | None = None
        self._restarting: asyncio.TimerHandle | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._pipe = self._watch = -1
        self._started_at = float("-inf")
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The warden's pid while one runs."""
        return self._child.pid if self._child is not None else None

    @property
    def registered(self) -> frozenset[str]:
        """The context ids of all that would die with this process."""
        return frozenset(self._hooks)

    def start(self) -> None:
        """Start the warden, in a running loop's thread. Raises WardenFailed."""
        self._started_at = asyncio.get_running_loop().time()
        try:
            self._spawn()
        except OSError as error:
            raise WardenFailed(f"cannot start the warden of hooks: {error}") from error

    def expect(self, context_id: str) -> None:
        """A hook with this context id is about to be started."""
        assert len(context_id.split()) == 1, context_id
        self._hooks[context_id] = (0, 0)
        self._lingering.discard(context_id)
        self._send(f"+{context_id}")

    def spawned(self, context_id: str, pid: int) -> None:
        """The hook has this pid. To be called before anybody reaps it: its start time is read."""
        stat = warden.read_stat(pid)
        self._hooks[context_id] = (pid, stat.start if stat else 0)
        self._send(f"={context_id} {pid} {stat.start if stat else 0}")

    def ended(self, context_id: str) -> None:
        """The hook was reaped, or never started. It is forgotten once its group is gone."""
        leader, _ = self._hooks.get(context_id, (0, 0))
        if leader and group_lives(leader):
            self._lingering.add(context_id)
            self._look_later(LOOK_AFTER)
        else:
            self._forget(context_id)

    async def close(self) -> None:
        """End the warden, and with it what is still registered, as at the agent's own end."""
        self._closed = True
        for timer in (self._looking, self._restarting):
            if timer is not None:
                timer.cancel()
        if self._child is None:
            return
        asyncio.get_running_loop().remove_reader(self._watch)
        os.close(self._pipe)
        self._pipe = -1
        with suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(self._child.wait, STOP_WITHIN)
        self._discard()

    def _forget(self, context_id: str) -> None:
        self._lingering.discard(context_id)
        if self._hooks.pop(context_id, None) is not None:
            self._send(f"-{context_id}")

    def _look_later(self, after: float) -> None:
        if self._looking is None and not self._closed:
            loop = asyncio.get_running_loop()
            self._looking = loop.call_later(after, self._look, after)

    def _look(self, waited: float) -> None:
        self._looking = None
        for context_id in sorted(self._lingering):
            if not group_lives(self._hooks[context_id][0]):
                self._forget(context_id)
        if self._lingering:
            self._look_later(min(waited * 2, 60.0))

    def _spawn(self) -> None:
        read, write = os.pipe()
        try:
            os.set_blocking(write, False)
            with suppress(OSError):
                fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
            for line in self._alive():  # told first: from its first moment it knows them all
                os.write(write, line)
            self._child, self._watch = _start_process(read)
        except OSError:
            os.close(write)
            raise
        finally:
            os.close(read)
        self._pipe = write
        asyncio.get_running_loop().add_reader(self._watch, self._on_end)

    def _alive(self) -> list[bytes]:
        return [
            f"={context_id} {leader} {start}\n".encode() if leader else f"+{context_id}\n".encode()
            for context_id, (leader, start) in self._hooks.items()
        ]

    def _send(self, line: str) -> None:
        """One line; shorter than PIPE_BUF, so it arrives whole or not at all."""
        if self._child is None or self._closed:
            return
        try:
            os.write(self._pipe, f"{line}\n".encode())
        except OSError as error:  # ended, or stopped for so long that the pipe is full
            _log.warning("the warden of hooks does not listen (%s): starting another", error)
            self._replace()

    def _on_end(self) -> None:
        _log.warning("the warden of hooks has ended: starting another")
        self._replace()

    def _replace(self) -> None:
        self._discard()
        if self._closed or self._restarting is not None:
            return
        loop = asyncio.get_running_loop()
        at = max(self._started_at + RESTART_AFTER, loop.time())
        self._restarting = loop.call_at(at, self._restart)

    def _restart(self) -> None:
        self._restarting = None
        try:
            self.start()
        except WardenFailed as error:
            _log.error("%s; trying again", error)
            self._replace()

    def _discard(self) -> None:
        """Let go of the warden we had. Killed *before* its pipe closes: it would end our hooks."""
        child, self._child = self._child, None
        if child is None:
            return
        asyncio.get_running_loop().remove_reader(self._watch)
        os.close(self._watch)
        child.kill()
        child.wait()
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1


def _start_process(stdin: int) -> tuple[subprocess.Popen[bytes], int]:
    """A warden that listens at `stdin`, and its pidfd."""
    child = subprocess.Popen(
        [sys.executable, "-IS", str(Path(warden.__file__).resolve())],
        stdin=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        cwd="/", env=_without_context(), start_new_session=True,
    )  # fmt: skip
    try:
        return child, os.pidfd_open(child.pid)
    except OSError:
        child.kill()
        child.wait()
        raise


def group_lives(leader: int) -> bool:
    """Whether a group that was led by `leader`, which was reaped, has members that can run."""
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    if warden.read_stat(leader) is not None:
        return False  # a process has that pid again, which it could not while the group was there
    return any(process.of_group(leader) for process in warden.living())


def signal_group(leader: int, number: signal.Signals) -> None:
    """Send a signal to the group, if it is still there and we may."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def _without_context() -> dict[str, str]:
    """The agent's own environment, less what would make the warden look like a hook's process."""
    return {name: value for name, value in os.environ.items() if name != "JUJU_CONTEXT_ID"}
