"""`tenure history`: each change of an application's leadership, with its cause (O4)."""

from __future__ import annotations

import click

from tenure.cli.show.table import Table, without_empty
from tenure.cli.show.tables import Tables, show_tables
from tenure.cli.show.text import local_time, plain, zone_of
from tenure.cli.words import options
from tenure.cli.words.options import with_format, with_operator, with_wide
from tenure.client.operator import Operator
from tenure.defaults import MOST_HISTORY
from tenure.durations import format_duration
from tenure.wire.operators import History, HistoryEntry

HEADERS = ("WHAT", "FROM", "TO", "TERM", "CAUSE", "LEADERLESS")
OPTIONAL = {"LEADERLESS": ("-", "0s")}
"""Left out while nothing but this stands in it."""


@click.command("history")
@click.argument("application", type=options.application)
@click.option(
    "--limit",
    type=options.number(1, MOST_HISTORY.value),
    default=100,
    show_default=True,
    metavar="N",
    help="How many entries, the newest.",
)
@with_wide
@with_operator
@with_format
def command(operator: Operator, application: str, limit: int, wide: bool, form: str) -> None:
    """Show each change of APPLICATION, the oldest first."""
    found = operator.history(application, limit)
    show_tables(form, found, wide, lambda tables: _text(found, tables))


def _text(found: History, tables: Tables) -> str:
    headers = (f"TIME ({zone_of(entry.at for entry in found.entries)})", *HEADERS)
    rows = [_row(entry) for entry in found.entries]
    return tables.draw(without_empty(Table(headers, rows, free=("CAUSE",)), OPTIONAL))


def _row(entry: HistoryEntry) -> tuple[str, ...]:
    cause = f"{entry.cause} ({entry.detail})" if entry.detail else entry.cause
    gap = entry.leaderless_for
    return (
        local_time(entry.at),
        plain(entry.kind),
        entry.unit_from or "-",
        entry.unit_to or "-",
        "-" if entry.term is None else str(entry.term),
        plain(cause),
        "-" if gap is None else format_duration(gap),
    )
