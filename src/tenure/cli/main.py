"""What stands between commands and people: whatever happens, one line and a documented code.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | refused or failed |
| 2 | the words of the command are wrong |
| 3 | no controller reachable |
| 4 | the outcome is unknown |
| 5 | what was waited for did not come about in time |

A reader that went away (`| head`) and Ctrl-C end a command without a word. `tenure exec` gives its
command's code instead. With TENURE_DEBUG=1 the traceback is shown, for those who mend Tenure.
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress

import click

from tenure.cli.group import tenure
from tenure.cli.show.text import one_line
from tenure.errors import TenureError
from tenure.names import as_text, is_text

FAILED, USAGE, INTERRUPTED = 1, 2, 130

_TOO_LONG = re.compile(r"(\S{100})\S{900,}")

NEEDS = "tenure needs Linux: it lives on CLOCK_BOOTTIME, /proc and UNIX sockets"


def run(args: Sequence[str], platform: str = sys.platform) -> int:
    """Run one command and return its exit code. Prints; never raises."""
    _fill_streams()
    if platform != "linux":
        complain(NEEDS)
        return FAILED
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _call(list(args))
        sys.stdout.flush()
        return code
    except BaseException as fault:
        return _told(fault)


def _fill_streams() -> None:
    """What the caller closed (`>&-`) leads nowhere.

    Else a file or socket of ours would get its number. Python opens files close-on-exec, so what
    `tenure exec` runs still finds closed what was closed.
    """
    with suppress(OSError):
        while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(handle)
        # Python has no stream for what was closed, whatever the types say.
        sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
        sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115


def _call(args: list[str]) -> int:
    if args[:1] != ["exec"]:  # because what it runs may have any words, and it knows which
        check_text(args)
    # Click's own `main` has words for Ctrl-C and broken pipes; it is for shell completion only.
    if "_TENURE_COMPLETE" in os.environ:
        tenure.main(args, prog_name="tenure")
    with tenure.make_context("tenure", args) as context:
        code = tenure.invoke(context)
    return code if isinstance(code, int) else 0


def check_text(words: Sequence[str]) -> None:
    """Raises UsageError for a word that is not UTF-8: no name, path or value here can hold it."""
    for number, word in enumerate(words, 1):
        if not is_text(word):
            # because the rest may be a secret, and an error ends in somebody's log
            name, equals, _ = word.partition("=")
            raise click.UsageError(
                f"word {number} of the command ({as_text(name)}{equals and '=...'}) is not text in "
                "UTF-8: write it anew, or rename what it names"
            )


def complain(message: str) -> None:
    """One line on stderr. Words of a length that nobody reads are cut."""
    line = _TOO_LONG.sub(r"\1...", one_line(message))
    try:
        print(f"ERROR {line}", file=sys.stderr, flush=True)
    except OSError:
        _abandon(sys.stderr.fileno())


def _told(fault: BaseException) -> int:
    if os.environ.get("TENURE_DEBUG") == "1":
        traceback.print_exception(fault)
    match fault:
        case click.exceptions.Exit():
            return fault.exit_code
        case SystemExit():
            return fault.code if isinstance(fault.code, int) else FAILED
        case BrokenPipeError():
            _abandon(sys.stdout.fileno())
            return FAILED
        case KeyboardInterrupt() | click.Abort():
            return INTERRUPTED
        case click.UsageError():
            complain(usage(fault))
            return USAGE
        case TenureError():
            complain(str(fault))
            return fault.exit_code
        case OSError():
            _abandon_if_full(fault)
            complain(_of_the_system(fault))
            return FAILED
        case _:
            complain(
                f"something unexpected happened: {type(fault).__name__}: {fault}: "
                "run it again with TENURE_DEBUG=1 and report what it prints"
            )
            return FAILED


def usage(fault: click.UsageError) -> str:
    """What is wrong with the words of a command, and where to read which are right."""
    message = _without_option(fault) or fault.format_message().strip().removesuffix(".")
    path = fault.ctx.command_path if fault.ctx is not None else "tenure"
    return f"{message[:1].lower()}{message[1:]}: see `{path} --help`"


def _without_option(fault: click.UsageError) -> str:
    """What to say of an option that there is not; "" for any other fault."""
    if not isinstance(fault, click.NoSuchOption):
        return ""
    from tenure.cli.words import suggest  # because it is seldom needed

    if fault.ctx is not None and fault.ctx.command is tenure:
        said = suggest.for_first_option(fault.option_name)
    else:
        params = fault.ctx.command.params if fault.ctx is not None else []
        said = suggest.for_option(
            fault.option_name, [name for each in params for name in each.opts]
        )
    return f"no such option {fault.option_name!r}{said and f': {said}'}"


def _of_the_system(fault: OSError) -> str:
    reason = fault.strerror or str(fault)
    return f"{fault.filename}: {reason}" if fault.filename is not None else reason


def _abandon_if_full(fault: OSError) -> None:
    """What stdout still holds cannot be written; it must not be tried again at exit."""
    if fault.filename is None:
        _abandon(sys.stdout.fileno())


def _abandon(handle: int) -> None:
    """Let the interpreter's last flush go nowhere instead of complaining."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, handle)
    os.close(nowhere)
