"""`tenure status`: every application and unit, and who leads (O3).

Programs ask often, so an answer as JSON loads nothing that draws.
"""

from __future__ import annotations

from collections.abc import Sequence

import click

from tenure.cli.show.output import show
from tenure.cli.words import options
from tenure.cli.words.options import with_format, with_operator, with_wide
from tenure.client.operator import Operator
from tenure.wire.operators import Status


@click.command("status")
@click.argument(
    "words", type=options.subject_or_leader, nargs=-1, metavar="[APP|UNIT|APP/leader]..."
)
@with_wide
@with_operator
@with_format
def command(operator: Operator, words: Sequence[str], wide: bool, form: str) -> None:
    """Show every application and unit, or those that are named.

    `*` marks the leader, `!` a hook that failed.
    """
    status = _picked(operator.status(), words)
    if form == "json":
        show(form, status, str)
    else:
        _show_text(status, wide)


def _picked(status: Status, words: Sequence[str]) -> Status:
    if not words:
        return status
    from tenure.cli.words.lookup import picked

    return picked(status, words)


def _show_text(status: Status, wide: bool) -> None:
    from tenure.cli.show.status import status_text
    from tenure.cli.show.tables import show_tables

    show_tables("text", status, wide, lambda tables: status_text(status, tables.draw, wide=wide))
