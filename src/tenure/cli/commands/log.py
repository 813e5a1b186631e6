"""`tenure log`: what hooks wrote and agents did, of all units by time (H11)."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable

import click
import msgspec

from tenure.cli.show.logs import UnitLogs, parse_line
from tenure.cli.words import options
from tenure.cli.words.options import with_folder, with_format
from tenure.statefolder import StateFolder

POLL = 0.1
"""Seconds between two looks at the logs."""

FIRST_LINES = 10
"""How many old lines `--follow` begins with."""


@click.command("log")
@click.argument("unit", type=options.unit, required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines, until Ctrl-C.")
@click.option(
    "-n",
    "--lines",
    type=options.number(0),
    help=f"Only the last N lines [default: all; {FIRST_LINES} with --follow].",
    metavar="N",
)
@with_folder
@with_format
def command(
    folder: StateFolder, unit: str | None, follow: bool, lines: int | None, form: str
) -> None:
    """Show the log of UNIT, or of all units by time. Needs no controller."""
    folder.check_exists()
    log = UnitLogs(folder, unit)
    wanted = FIRST_LINES if follow and lines is None else lines
    _print(log.lines() if wanted is None else deque(log.lines(), wanted), form)
    while follow:
        time.sleep(POLL)
        _print(log.lines(), form)


def _print(lines: Iterable[str], form: str) -> None:
    for line in lines:
        click.echo(msgspec.json.encode(parse_line(line)).decode() if form == "json" else line)
