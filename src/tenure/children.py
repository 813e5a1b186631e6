"""What a charm's program finds when it is started: hooks, actions, and the commands of `exec`.

A program inherits more than its environment. Of what the one who started Tenure had (a `nohup`, a
script in the background, a supervisor with a mask of its own) nothing may reach a charm: a hook
whose SIGINT is ignored from birth can never trap it, and hands that on to every daemon it leaves.
So all that is a charm's is started here, and finds

| what | is |
|---|---|
| signals | each as it is by default, none blocked |
| descriptors | its stdin, stdout and stderr, no others |
| umask | 022, as with Juju |

A signal that is *ignored* stays so in what is started; one that is *handled* is as by default
there. So this process handles what it was to ignore, by doing nothing. That holds in the child from
its first moment, without a step between fork and exec, which a process with threads must not have.
Signals 32 and 33 are the C library's own: it lets no program set them, and they stay as they were.
"""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

UMASK = 0o022

Stream = int | None
"""A descriptor, one of subprocess's constants, or None for this process's own."""

_RESTORED = {signal.SIGPIPE, signal.SIGXFSZ}
"""Python ignores these for itself, and `subprocess` sets them back in what it starts."""


def start(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: str,
    executable: Path | None = None,
    stdin: Stream = None,
    stdout: Stream = None,
    stderr: Stream = None,
    own_session: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a charm's program. Raises OSError, ValueError, SubprocessError as Popen does."""
    ignore_nothing()
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    # because preexec_fn is not safe beside threads: who has some blocks nothing
    return subprocess.Popen(
        argv, env=env, cwd=cwd, executable=executable, stdin=stdin, stdout=stdout, stderr=stderr,
        start_new_session=own_session, umask=UMASK, preexec_fn=block_nothing if blocked else None,
    )  # fmt: skip


def ignore_nothing() -> None:
    """Handle every signal that is ignored, by doing nothing: what is started does not inherit that.

    From another thread than the main one it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in signal.valid_signals() - _RESTORED:
        if signal.getsignal(number) is signal.SIG_IGN:
            # because a child's exit status is lost where SIGCHLD is ignored
            chld = number == signal.SIGCHLD
            signal.signal(number, signal.SIG_DFL if chld else _pass_over)


def block_nothing() -> None:
    """Unblock all signals in this thread, and in what it starts."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _pass_over(number: int, frame: object) -> None:
    """What ignoring is, but for children."""
