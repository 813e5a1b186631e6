"""`tenure log`: what hooks wrote and agents did, of all units by time (H11)."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Sequence

import click
import msgspec

from tenure.cli.show.logs import UnitLogs, parse_line
from tenure.cli.show.text import local_instant
from tenure.cli.words import options
from tenure.cli.words.lookup import units_named
from tenure.cli.words.options import operator_of, with_folder, with_format
from tenure.names import LEADER
from tenure.statefolder import StateFolder

POLL = 0.1
"""Seconds between two looks at the logs."""

FIRST_LINES = 10
"""How many old lines `--follow` begins with."""


@click.command("log")
@click.argument(
    "words", type=options.subject_or_leader, nargs=-1, metavar="[APP|UNIT|APP/leader]..."
)
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
    folder: StateFolder, words: Sequence[str], follow: bool, lines: int | None, form: str
) -> None:
    """Show the log of each UNIT, or of all units, by time.

    Times are those of this machine's zone, with their offset; JSON has UTC. Needs no controller,
    but to know who APP/leader is.
    """
    folder.check_exists()
    log = UnitLogs(folder, _named(folder, words))
    wanted = FIRST_LINES if follow and lines is None else lines
    _print(log.lines() if wanted is None else deque(log.lines(), wanted), form)
    while follow:
        time.sleep(POLL)
        _print(log.lines(), form)


def _named(folder: StateFolder, words: Sequence[str]) -> list[str]:
    """Applications and units. Raises NotFound, Refused, Unreachable."""
    leaders = [word for word in words if word.endswith(LEADER)]
    rest = [word for word in words if word not in leaders]
    return rest + (units_named(leaders, operator_of(folder).status) if leaders else [])


def _print(lines: Iterable[str], form: str) -> None:
    for line in lines:
        click.echo(_json(line) if form == "json" else _text(line))


def _json(line: str) -> str:
    return msgspec.json.encode(parse_line(line)).decode()


def _text(line: str) -> str:
    at, space, rest = line.partition(" ")
    return f"{local_instant(at)}{space}{rest}"
