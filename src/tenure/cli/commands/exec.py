"""`tenure exec`: a command in a fresh hook context.

The command is this process's child and has its stdin, stdout and stderr as they are. A signal that
somebody sends to `tenure exec` is passed on; one that the terminal sends (Ctrl-C) is not, because
the terminal sends it to the whole group, the command included, and twice is not the same as once.

If hooks see Juju's folders (`up --juju-paths`), so does this process, in a view of its own.

The connection to the agent is the context. It is closed when the command has ended, and the agent
has kept what a successful one left pending; when the agent closes it, the context is over and the
command must not go on.
"""

from __future__ import annotations

import errno
import math
import os
import select
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from tenure import children
from tenure.cli.main import check_text, complain, usage
from tenure.cli.words import options
from tenure.cli.words.durations import duration
from tenure.cli.words.lookup import units_named, why_late
from tenure.cli.words.options import check_unit_may_come, operator_of, with_folder
from tenure.client.agent import PATIENCE, CannotRun, open_context, tell_end
from tenure.clock import SystemClock
from tenure.errors import TenureError
from tenure.names import split_unit
from tenure.statefolder import StateFolder
from tenure.wire.exec import ContextOpened

TOO_LATE, CANNOT_RUN, NOT_EXECUTABLE, NOT_FOUND = 124, 125, 126, 127

CLOCK = SystemClock()

GRACE = 5.0
"""Seconds that a command has between being told to end and being killed."""

PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class ExecCommand(click.Command):
    """Everything behind `--` is the command's, untouched."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ours, theirs = _split(args)
        if not theirs and not {"-h", "--help"}.intersection(ours):
            raise CannotRun("say what to run behind `--`, as in: tenure exec web/0 -- leader-get")
        ctx.meta["tenure.command"] = theirs
        with _nothing_started():
            check_text(["exec", *ours])
            return super().parse_args(ctx, ours)

    def invoke(self, ctx: click.Context) -> int:
        with _nothing_started():
            code: int = super().invoke(ctx)
        return code


@contextmanager
def _nothing_started() -> Iterator[None]:
    """Every reason for not starting the command has the one exit code that means just that."""
    try:
        yield
    except click.UsageError as fault:
        raise CannotRun(usage(fault)) from fault
    except CannotRun:
        raise
    except TenureError as fault:
        raise CannotRun(str(fault)) from fault


def _split(args: list[str]) -> tuple[list[str], list[str]]:
    if "--" not in args:
        return args, []
    at = args.index("--")
    return args[:at], args[at + 1 :]


@click.command("exec", cls=ExecCommand, options_metavar="[OPTIONS]")
@click.argument("target", type=options.target, metavar="UNIT|APP/leader -- CMD [ARGS]...")
@click.option("--wait", type=duration, help="For CMD's turn and for its end.")
@with_folder
@click.pass_context
def command(ctx: click.Context, folder: StateFolder, target: str, wait: float | None) -> int:
    """Run CMD in a fresh hook context of UNIT, with its environment, in its charm's folder.

    APP/leader is whoever leads when it is asked. Waits up to 10 s for a running hook to end, and
    for CMD as long as it takes; with --wait, that long for both, and CMD is ended then. The exit
    code is CMD's; 128+n if signal n ended it; 124 if --wait was over; 125 if there is no context to
    run it in, or what it set may be lost; 126 if it is not executable, 127 if it is not found.
    """
    if wait is not None and wait <= 0:
        raise click.UsageError("--wait is over at once: say more than 0s")
    folder.check_sockets()
    [unit] = units_named([target], lambda: operator_of(folder).status())
    return run_in_context(folder, unit, ctx.meta["tenure.command"], wait)


def run_in_context(
    folder: StateFolder, unit: str, argv: Sequence[str], wait: float | None = None
) -> int:
    """The exit code to pass on; `wait`: seconds in all, if there is a bound.

    Raises CannotRun, Unreachable, NotFound, StateFolderUnusable, BadName.
    """
    path = folder.exec_socket(unit)
    until = CLOCK.now() + (math.inf if wait is None else wait)
    patience = PATIENCE if wait is None else wait
    _see_what_hooks_see(folder, unit)
    connection, world = open_context(
        path,
        unit,
        lambda: check_unit_may_come(folder, unit),
        lambda: _why_late(folder, unit, patience),
        patience,
    )
    with connection:
        return _run(connection, world, argv, unit, until)


def _why_late(folder: StateFolder, unit: str, patience: float) -> str:
    """Why the unit's agent took the request and has not answered, as far as is known."""
    status = None
    with suppress(TenureError):
        status = operator_of(folder).status()
    return why_late(status, unit, patience)


def _see_what_hooks_see(folder: StateFolder, unit: str) -> None:
    """Have this process, and what it starts, see Juju's folders if hooks do. No way back.

    Before the context is opened, and any thread. Raises CannotRun, StateFolderUnusable.
    """
    record = folder.read()
    if record is None or not record.juju_paths:
        return
    from tenure.agent.host.jujupaths import enter

    try:
        enter(split_unit(unit)[1], record.juju_version)
    except TenureError as fault:
        raise CannotRun(f"the command would not see the paths that hooks see: {fault}") from fault


def _run(
    connection: socket.socket, world: ContextOpened, argv: Sequence[str], unit: str, until: float
) -> int:
    """Run it to its end, or to the context's, or until that instant."""
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
    child = _spawn(find_program(argv[0], world), world, argv)
    handle = os.pidfd_open(child.pid)
    told = threading.Event()
    threading.Thread(target=_pass_on, args=(handle, told), daemon=True).start()
    ready, _, _ = select.select([handle, connection.fileno()], [], [], _left(until))
    if not ready:
        return _too_late(connection, world, child, handle, unit)
    if handle not in ready:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        child.wait()
        _end_what_it_started(world.context)
        complain(f"the context of {unit} is over: its agent ended it, and the command with it")
        return CANNOT_RUN
    code = child.wait()
    if told.is_set():  # Who ends a command means all of it.
        _end_what_it_started(world.context)
    return _settled(connection, 128 - code if code < 0 else code, unit)


def _end_what_it_started(context_id: str) -> None:
    """What of the command is left in this session: its context is over."""
    from tenure.agent.hooks.leftovers import LeftoverStuck, end_command

    with suppress(LeftoverStuck):
        end_command(os.getsid(0), context_id)


def _left(until: float) -> float | None:
    """Seconds; None for ever."""
    return None if math.isinf(until) else max(until - CLOCK.now(), 0.0)


def _too_late(
    connection: socket.socket,
    world: ContextOpened,
    child: subprocess.Popen[bytes],
    handle: int,
    unit: str,
) -> int:
    """End the command and what it started: it is told to end, and killed if it does not."""
    signal.pidfd_send_signal(handle, signal.SIGTERM)
    if not select.select([handle], [], [], GRACE)[0]:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    child.wait()
    _end_what_it_started(world.context)
    tell_end(connection, unit, TOO_LATE)
    complain("the command was ended: --wait was over: what it set and left pending is dropped")
    return TOO_LATE


def _settled(connection: socket.socket, code: int, unit: str) -> int:
    """The exit code to pass on, once what the command left pending is kept or dropped."""
    lost = tell_end(connection, unit, code)
    if lost:
        complain(f"what the command set on {unit} may be lost: {lost}: see `tenure log {unit}`")
        return CANNOT_RUN
    return code


def _pass_on(handle: int, told: threading.Event) -> None:
    """Hand on what another process sends here; `told`: one of that was."""
    while True:
        sent = signal.sigwaitinfo(PASSED_ON)
        if sent.si_code <= 0:  # Sent by a process. The kernel's, above 0, come from the terminal.
            told.set()
            try:
                signal.pidfd_send_signal(handle, sent.si_signo)
            except ProcessLookupError:
                return


def find_program(name: str, world: ContextOpened) -> Path:
    """The file that `name` means in that world, as `sh` finds it. Raises CannotRun."""
    denied = False
    for candidate in _candidates(name, world.env, world.cwd):
        if candidate.is_file():
            if os.access(candidate, os.X_OK):
                return candidate
            denied = True
        elif "/" in name and candidate.exists():
            denied = True
    if denied:
        raise CannotRun(f"{name}: not executable", NOT_EXECUTABLE)
    raise CannotRun(f"{name}: not found", NOT_FOUND)


def _candidates(name: str, env: Mapping[str, str], cwd: str) -> list[Path]:
    if not name:
        return []
    if "/" in name:
        return [Path(cwd, name)]
    return [Path(cwd, folder, name) for folder in env.get("PATH", os.defpath).split(":")]


def _spawn(program: Path, world: ContextOpened, argv: Sequence[str]) -> subprocess.Popen[bytes]:
    try:
        return _start(program, argv, world)
    except OSError as fault:
        if fault.errno == errno.ENOEXEC:  # A script without `#!` is the shell's, as in execvp(3).
            return _start(Path("/bin/sh"), ["sh", str(program), *argv[1:]], world)
        reason = f"{argv[0]}: {fault.strerror or fault}"
        if fault.filename == world.cwd:
            raise CannotRun(f"{world.cwd}: {fault.strerror}") from fault
        missing = fault.errno == errno.ENOENT  # Its interpreter is.
        raise CannotRun(reason, NOT_FOUND if missing else NOT_EXECUTABLE) from fault


def _start(program: Path, argv: Sequence[str], world: ContextOpened) -> subprocess.Popen[bytes]:
    return children.start(argv, executable=program, env=world.env, cwd=world.cwd)
