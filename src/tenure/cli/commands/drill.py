"""`tenure drill`: tests of charms, as files of commands, in virtual time."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import BinaryIO

import click

from tenure.cli.main import complain
from tenure.cli.words import options

FAILED, NOTHING_RUN = 1, 2
MOST_ORDERS = 10_000
MOST_JOBS = 256


@click.command("drill")
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option("--lines", is_flag=True, help="Read commands from stdin, and answer each in JSON.")
@click.option("--junit", metavar="FILE", help="Write the results to FILE, too, as JUnit's XML.")
@click.option(
    "--orders",
    type=options.number(1, MOST_ORDERS),
    default=1,
    metavar="N",
    help="Run each drill N times, with hooks in other orders.",
)
@click.option(
    "--jobs",
    type=options.number(1, MOST_JOBS),
    default=1,
    metavar="N",
    help="Run so many drills side by side.",
)
@click.option("--keep", is_flag=True, help="Keep the stages' folders, and name them.")
def command(
    paths: Sequence[str], lines: bool, junit: str | None, orders: int, jobs: int, keep: bool
) -> int:
    """Run drill files, or all `*.drill` below a folder, each on a stage of its own.

    Hooks are real processes, and time is virtual. The output is TAP 14. The exit code is 0 if all
    passed, 1 if some failed, and 2 if nothing was run, because a file has a wrong line.
    """
    if lines:
        if paths or junit or orders > 1 or jobs > 1 or keep:
            raise click.UsageError("--lines takes no paths and no other options")
        return _answer_lines()
    if not paths:
        raise click.UsageError("say which files, or folders with files named like NAME.drill")
    return _run(paths, junit, orders, jobs, keep)


def _answer_lines() -> int:
    from tenure.testing.drill.lines import answer_lines  # because each start of a command is felt

    answer_lines(sys.stdin.buffer, lambda line: print(line, flush=True))
    return 0


def _run(paths: Sequence[str], junit: str | None, orders: int, jobs: int, keep: bool) -> int:
    from tenure.testing.drill import report, several  # because each start of a command is felt

    drills, faults = several.find(paths)
    for fault in faults:
        complain(str(fault))
    if faults:
        return NOTHING_RUN
    file = _opened(junit) if junit is not None else None
    results = []
    click.echo(report.plan(len(drills) * orders))
    for result in several.run_all(drills, orders=orders, jobs=jobs, keep=keep):
        results.append(result)
        click.echo(report.point(len(results), result))
    if file is not None:
        from tenure.testing.drill.junit import as_xml

        with file:
            file.write(as_xml(results))
    return FAILED if any(each.failure is not None for each in results) else 0


def _opened(junit: str) -> BinaryIO:
    """Before anything runs. Raises UsageError."""
    try:
        return open(junit, "wb")
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        raise click.UsageError(f"cannot write {junit!r}: {reason}") from None
