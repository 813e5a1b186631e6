"""Run one hook: start it, read its output, learn how it ended, end it.

A hook leads a session and a process group of its own; its pid is the number of both. Three rules
keep signals from ever reaching a stranger that was given the same number later:

1. The hook itself is watched and signalled through a pidfd, which names a process, not a number.
2. The group is signalled only while the hook has not been reaped, because its zombie keeps the
   number, or when the group is seen to be the old one still.
3. Before it starts, the warden is told, so that the group dies with the agent too (H8).

The end of a hook is the end of its process, not of its output: what it left in the background, a
daemon say, may hold the pipes for as long as it lives. All that is written to them is read for as
long (H11): a pipe that nobody reads would end the daemon with SIGPIPE, or stop it for ever.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal, Protocol

from msgspec import Struct
from msgspec.structs import replace

from tenure import children
from tenure.agent.hooks import warden
from tenure.agent.hooks.leftovers import GONE_WITHIN, end_leftovers
from tenure.agent.hooks.output import Captured, Stream
from tenure.agent.hooks.warden_client import Warden, group_lives, signal_group

MOST_HELD = 32
"""Hooks that have ended and whose output is still read; of more, the oldest is let go."""


class HookCommand(Struct, frozen=True, kw_only=True):
    """One hook to run. `hook` is "" for a command that is no hook; `captured`: its result has what
    it wrote."""

    hook: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str
    context_id: str
    captured: bool = False


class HookResult(Struct, frozen=True):
    """How a hook ended: `failed` is the hook's own doing, `killed` was done to it (H7, H8).

    `detail` is for people. `exit_code` is its process's, if it ended with one. `stdout` and
    `stderr` are what it wrote, if its command said to capture that.
    """

    kind: Literal["done", "failed", "killed"]
    detail: str
    exit_code: int | None = None
    stdout: Captured | None = None
    stderr: Captured | None = None


class Log(Protocol):
    """Where output goes; see `UnitLog`."""

    def log(self, level: str, message: str, source: str = "") -> None: ...


class HookProcess(Protocol):
    """A hook that was started, until it has ended; see `RunningHook`."""

    pid: int | None

    async def wait(self) -> HookResult: ...

    def kill(self) -> None: ...


class Runner(Protocol):
    """What a unit needs to run hooks; see `HookRunner`."""

    def start(self, command: HookCommand) -> HookProcess: ...

    def end_leftovers(self, pid: int | None, context_id: str) -> None: ...


UntilGone = Callable[[int], Awaitable[None]]
"""Waits until a killed group is gone, and not for ever."""


class HookRunner:
    """Starts the hooks of one unit, one after the other."""

    def __init__(self, warden: Warden, log: Log, *, until_gone: UntilGone | None = None) -> None:
        self._warden = warden
        self._log = log
        self._until_gone = until_gone or _until_gone
        self._held: list[RunningHook] = []

    def start(self, command: HookCommand) -> RunningHook:
        """Start a hook; one that cannot be started has failed, with the reason as detail."""
        self._let_go_of_old()
        self._warden.expect(command.context_id)
        try:
            started = _spawn(command)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            self._warden.ended(command.context_id)
            failed = _not_started(command, error)
            return RunningHook(None, (), failed, lambda: None, self._until_gone)
        self._warden.spawned(command.context_id, started.child.pid)
        source = command.hook or "exec"
        stdout, stderr = (Captured(), Captured()) if command.captured else (None, None)
        streams = (
            Stream(started.stdout, lambda text: self._log.log("INFO", text, source), stdout),
            Stream(started.stderr, lambda text: self._log.log("WARNING", text, source), stderr),
        )
        hook = RunningHook(
            started, streams, None, lambda: self._warden.ended(command.context_id), self._until_gone
        )
        self._held.append(hook)
        return hook

    def end_leftovers(self, pid: int | None, context_id: str) -> None:
        """End what is left of a hook of an earlier agent. Blocking. Raises LeftoverStuck."""
        end_leftovers(pid, context_id)

    def close(self) -> None:
        """Let go of all hooks' output, which children in the background may still hold."""
        for hook in self._held:
            hook.let_go()
        self._held.clear()

    def _let_go_of_old(self) -> None:
        self._held = [hook for hook in self._held if hook.is_heard]
        for hook in self._held[: max(0, len(self._held) - MOST_HELD + 1)]:
            hook.let_go()
            self._held.remove(hook)
            self._log.log(
                "WARNING",
                f"what process group {hook.pid} left in the background prints is read no more: "
                f"that of {MOST_HELD} later hooks is; have daemons write to files",
            )


class _Started(Struct, frozen=True):
    child: subprocess.Popen[bytes]
    pidfd: int
    stdout: int
    stderr: int


class RunningHook:
    """A hook that was started, until it has ended."""

    def __init__(
        self,
        started: _Started | None,
        streams: tuple[Stream, ...],
        result: HookResult | None,
        on_end: Callable[[], None],
        until_gone: UntilGone,
    ) -> None:
        self._until_gone = until_gone
        loop = asyncio.get_running_loop()
        self.pid = started.child.pid if started else None
        """The pid, which is the group's and the session's too; None if it could not be started."""
        self._started = started
        self._streams = streams
        self._on_end = on_end
        self._asked_to_end = False
        self._ended: asyncio.Future[HookResult] = loop.create_future()
        if result is not None:
            self._ended.set_result(result)
        if started is not None:
            loop.add_reader(started.pidfd, self._reap, started)

    async def wait(self) -> HookResult:
        """How it ended; once its process did and what it wrote until then is in the log.

        After `killed`, nothing of its group is left (bounded by GONE_WITHIN).
        """
        result = await asyncio.shield(self._ended)
        if result.kind == "killed" and self.pid is not None:
            await self._until_gone(self.pid)
            self._on_end()
        for stream in self._streams:
            await stream.catch_up()
        if not self._streams:
            return result
        stdout, stderr = (stream.captured for stream in self._streams)
        return replace(result, stdout=stdout, stderr=stderr)

    def terminate(self) -> None:
        """SIGTERM to the group, unless the hook has ended."""
        self._asked_to_end = True
        if self.pid is not None and not self._ended.done():
            signal_group(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to the hook and its group, also to what an ended hook left behind in it."""
        self._asked_to_end = True
        if self._started is None:
            return
        if not self._ended.done():
            with suppress(ProcessLookupError, PermissionError):
                signal.pidfd_send_signal(self._started.pidfd, signal.SIGKILL)
            signal_group(self._started.child.pid, signal.SIGKILL)
        elif group_lives(self._started.child.pid):
            signal_group(self._started.child.pid, signal.SIGKILL)

    @property
    def has_ended(self) -> bool:
        """Whether its process has, or could not be started."""
        return self._ended.done()

    def die(self) -> None:
        """End it at once, with its group, though nobody waits for it any more. Blocking."""
        self.kill()
        if self._started is not None and not self._ended.done():
            self._reap(self._started)
        self.let_go()

    @property
    def is_heard(self) -> bool:
        """Whether somebody may still write what is read here."""
        return any(stream.is_open for stream in self._streams)

    def let_go(self) -> None:
        """Stop reading its output."""
        for stream in self._streams:
            stream.close()

    def _reap(self, started: _Started) -> None:
        asyncio.get_running_loop().remove_reader(started.pidfd)
        try:
            seen = os.waitid(os.P_PIDFD, started.pidfd, os.WEXITED | os.WNOWAIT)
            result = _result(seen, self._asked_to_end)
            if result.kind == "killed":  # before it is reaped: the zombie keeps the group's number
                signal_group(started.child.pid, signal.SIGKILL)
            os.waitid(os.P_PIDFD, started.pidfd, os.WEXITED)
        except ChildProcessError:
            result = HookResult("failed", "exit status lost: another part of the agent took it")
        os.close(started.pidfd)
        started.child.returncode = 0  # it is reaped: nobody may wait for this number again
        self._on_end()
        self._ended.set_result(result)


def _spawn(command: HookCommand) -> _Started:
    pipes: list[int] = []
    child: subprocess.Popen[bytes] | None = None
    try:
        pipes += os.pipe()
        pipes += os.pipe()
        child = children.start(
            command.argv, env=command.env, cwd=command.cwd, own_session=True,
            stdin=subprocess.DEVNULL, stdout=pipes[1], stderr=pipes[3],
        )  # fmt: skip
        return _Started(child, os.pidfd_open(child.pid), stdout=pipes[0], stderr=pipes[2])
    except BaseException:
        if child is not None:
            warden.kill_group(child.pid)
            child.wait()
        for pipe in pipes[0::2]:
            os.close(pipe)
        raise
    finally:
        for pipe in pipes[1::2]:
            os.close(pipe)


def _result(ended: os.waitid_result | None, asked_to_end: bool) -> HookResult:
    assert ended is not None  # because without WNOHANG it waits
    status = ended.si_status
    if ended.si_code == os.CLD_EXITED:
        if status == 0:
            return HookResult("done", "", 0)
        kind: Literal["failed", "killed"] = "killed" if asked_to_end else "failed"
        return HookResult(kind, f"exit status {status}", status)
    from_outside = asked_to_end or status in (signal.SIGTERM, signal.SIGKILL)
    name = (signal.strsignal(status) or f"signal {status}").lower()
    return HookResult("killed" if from_outside else "failed", f"signal: {name}")


def _not_started(command: HookCommand, error: Exception) -> HookResult:
    program = command.argv[0] if command.argv else ""
    reason = str(error)
    if isinstance(error, OSError) and error.strerror:
        reason = error.strerror.lower()
        if error.filename == command.cwd and not Path(command.cwd).is_dir():
            reason = f'its folder "{command.cwd}" is not there'
        elif isinstance(error, FileNotFoundError):
            reason = _missing(program) or reason
    return HookResult("failed", f'cannot start "{program}": {reason}')


def _missing(program: str) -> str | None:
    """Why the kernel says "not found" of a program that is there: its interpreter is not."""
    try:
        with open(program, "rb") as file:
            first = file.readline(256)
    except OSError:
        return None
    if not first.startswith(b"#!"):
        return None
    interpreter = first[2:].rstrip(b"\n").strip(b" \t").decode("utf-8", "replace")
    return f"its interpreter {interpreter!r} does not exist"


async def _until_gone(leader: int) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + GONE_WITHIN
    while group_lives(leader) and loop.time() < deadline:  # noqa: ASYNC110 (no event tells)
        await asyncio.sleep(0.005)
