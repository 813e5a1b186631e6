"""`tenure revoke`: free a lease at once, the one act that may break the guarantee (O2, L5)."""

from __future__ import annotations

import click

from tenure.cli.show.output import say_done
from tenure.cli.words import options
from tenure.cli.words.options import with_format, with_operator
from tenure.client.operator import Operator


@click.command("revoke")
@click.argument("application", type=options.application)
@click.option("--yes", is_flag=True, help="I know that two units may act as leader for a while.")
@with_operator
@with_format
def command(operator: Operator, application: str, yes: bool, form: str) -> None:
    """Free the lease of APPLICATION at once, without asking its leader (unsafe)."""
    if not yes:
        raise click.UsageError(
            f"revoking the lease of {application} may break its guarantee: the old leader may go "
            "on acting as leader beside the new one until its own lease ends (its writes of "
            f"settings are refused); say --yes to do it, or use `tenure step-down {application}`"
        )
    say_done(form, operator.revoke(application), f"the lease of {application} is revoked")
