"""`tenure why`: one plain answer to why it is so, and what to do next (O5)."""

from __future__ import annotations

import click

from tenure.cli.show.output import show
from tenure.cli.show.text import plain
from tenure.cli.words import options
from tenure.cli.words.lookup import unit_in
from tenure.cli.words.options import with_format, with_operator
from tenure.client.operator import Operator
from tenure.names import LEADER
from tenure.wire.operators import Why


@click.command("why")
@click.argument("subject", type=options.subject_or_leader, metavar="APP|UNIT|APP/leader")
@with_operator
@with_format
def command(operator: Operator, subject: str, form: str) -> None:
    """Say why APP has the leader it has or none, or why UNIT leads or does not."""
    if subject.endswith(LEADER):
        subject = unit_in(operator.status(), subject)
    found = operator.why(subject)
    show(form, found, lambda: _text(found))


def _text(found: Why) -> str:
    lines = [found.answer] if not found.next else [found.answer, f"next: {found.next}"]
    return "\n".join(map(plain, lines))
