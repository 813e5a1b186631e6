"""`tenure resolve`: a failed hook is retried at once, or counts as done (O2, H7)."""

from __future__ import annotations

from collections.abc import Sequence

import click

from tenure.cli.show.several import do_each
from tenure.cli.words import options
from tenure.cli.words.lookup import units_meant, units_named
from tenure.cli.words.options import with_format, with_operator
from tenure.client.conditions import failures
from tenure.client.operator import Operator
from tenure.wire.operators import Status


@click.command("resolve")
@click.argument(
    "subjects", type=options.subject_or_leader, nargs=-1, metavar="[UNIT|APP|APP/leader]..."
)
@click.option("--all", "everything", is_flag=True, help="Every unit whose hook failed.")
@click.option("--no-retry", is_flag=True, help="Skip the failed hook: it counts as done.")
@with_operator
@with_format
def command(
    operator: Operator, subjects: Sequence[str], everything: bool, no_retry: bool, form: str
) -> None:
    """Retry the failed hook of each UNIT at once. APP is every unit of it whose hook failed."""
    if everything == bool(subjects):
        raise click.UsageError("name units or applications, or else say --all")
    units = _units(operator, subjects)
    what = "is skipped" if no_retry else "is retried"

    def resolved(unit: str) -> str:
        answer = operator.resolve(unit, retry=not no_retry)
        return answer.note or f"the failed hook of {unit} {what}"

    do_each(form, units, resolved, "no hook failed: there is nothing to resolve")


def _units(operator: Operator, subjects: Sequence[str]) -> list[str]:
    """A unit that is named need not be in error, so that the controller says that it is not."""
    if subjects and all("/" in each for each in subjects):
        return units_named(subjects, operator.status)
    status = operator.status()
    failed = [unit for unit, _ in failures(status)]
    return failed if not subjects else _meant(status, subjects, failed)


def _meant(status: Status, subjects: Sequence[str], failed: Sequence[str]) -> list[str]:
    meant = {
        unit: None
        for each in subjects
        for unit in units_meant(status, [each])
        if "/" in each or unit in failed
    }
    return list(meant)
