"""The command `tenure`: one file for each sub-command, loaded when it is called.

A command says what it wants of the controller and shows the answer; nothing is decided here. All
errors pass `main.py`, where each becomes one line and a documented exit code.

To load all that takes a tenth of a second, in which Ctrl-C may come. Nothing has been begun then,
so the process ends on the spot: an exception could come out anywhere in somebody else's imports,
with a traceback, or be swallowed there.
"""

from __future__ import annotations

import os
import signal
import sys

__all__ = ["main"]

INTERRUPTED = 130


def main() -> None:
    """Run the command that `sys.argv` names, and exit with its code."""
    heeded = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not under `nohup`
    if heeded:
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    from tenure.cli.main import run

    try:
        if heeded:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)
