"""`tenure wait`: until an application or a unit is as it is wanted, or time is over."""

from __future__ import annotations

from collections.abc import Sequence

import click
from msgspec import Struct

from tenure.cli.show.output import show
from tenure.cli.show.text import plain
from tenure.cli.words import options
from tenure.cli.words.durations import duration
from tenure.cli.words.options import operator_of, with_folder, with_format
from tenure.client.conditions import CONDITIONS, GONE, IDLE, what_is_missing
from tenure.client.operator import Operator
from tenure.client.watching import CLOCK, NotInTime, until
from tenure.durations import format_duration
from tenure.errors import Unreachable
from tenure.statefolder import StateFolder


class Waited(Struct, frozen=True, kw_only=True):
    """What was waited for. `missing` is what was not so when time was over; `seconds` it took."""

    subjects: tuple[str, ...]
    wanted: tuple[str, ...]
    reached: bool
    seconds: float
    missing: tuple[str, ...] = ()


@click.command("wait")
@click.argument(
    "subjects",
    type=options.subject_or_leader,
    nargs=-1,
    required=True,
    metavar="APP|UNIT...",
)
@click.option(
    "--for",
    "wanted",
    type=click.Choice(CONDITIONS),
    multiple=True,
    default=(IDLE,),
    show_default=True,
    help="What is waited for; all of them, if there are several.",
)
@click.option(
    "--timeout", type=duration, default="60s", show_default=True, help="How long at most."
)
@with_folder
@with_format
def command(
    folder: StateFolder,
    subjects: Sequence[str],
    wanted: Sequence[str],
    timeout: float,
    form: str,
) -> None:
    """Wait until each APP or UNIT is as wanted. What is not there yet is waited for, too.

    A failed hook does not end the wait, as it is tried again. The exit code is 5 if it did not come
    about in time; what is missing is told then.
    """
    if GONE in wanted and len(set(wanted)) > 1:
        raise click.UsageError("what is gone is nothing else: say --for gone alone")
    wait = _Wait(operator_of(folder), subjects, wanted)
    begun_at = CLOCK.now()
    reached = until(folder.controller_socket, wait.look, timeout)
    done = Waited(
        subjects=tuple(subjects),
        wanted=tuple(wanted),
        reached=reached,
        seconds=round(CLOCK.now() - begun_at, 3),
        missing=tuple(wait.missing),
    )
    show(form, done, lambda: _text(done))
    if not reached:
        raise NotInTime(_why(done, timeout))


class _Wait:
    """What is still missing, as far as is known."""

    def __init__(self, operator: Operator, subjects: Sequence[str], wanted: Sequence[str]) -> None:
        self._operator = operator
        self._subjects = subjects
        self._wanted = wanted
        self.missing: list[str] = []

    def look(self) -> bool:
        try:
            status = self._operator.status()
        except Unreachable as fault:
            self.missing = [str(fault)]
            return False
        found = [
            what_is_missing(status, subject, wanted)
            for subject in self._subjects
            for wanted in self._wanted
        ]
        self.missing = list(dict.fromkeys(filter(None, found)))
        return not self.missing


def _text(done: Waited) -> str:
    """Nothing if it was not reached: the error says it."""
    how = ", ".join(done.wanted)
    return "\n".join(f"{each}: {how}" for each in done.subjects) if done.reached else ""


def _why(done: Waited, timeout: float) -> str:
    missing = "; ".join(map(plain, done.missing))
    first = done.subjects[0]
    return f"not so after {format_duration(timeout)}: {missing}: see `tenure why {first}`"
