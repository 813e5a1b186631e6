"""`tenure refresh`: an application's charm is handed in again, or another; units upgrade."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click
from msgspec.structs import replace

from tenure.cli.show.output import say_done
from tenure.cli.words import options
from tenure.cli.words.charm import (
    Words,
    charm_of,
    charm_path,
    make_ready,
    with_host_changes,
    with_interval,
    with_resources,
)
from tenure.cli.words.lookup import application_in
from tenure.cli.words.options import operator_of, with_folder, with_format
from tenure.errors import Refused
from tenure.statefolder import StateFolder
from tenure.up.plan import with_resources as merged_resources
from tenure.uprecord import NamedCharm
from tenure.wire.operators import CharmStatus


@click.command("refresh")
@click.argument("application", type=options.application)
@click.argument("charm", type=charm_path, required=False)
@with_resources
@with_interval
@with_host_changes
@with_folder
@with_format
def command(
    folder: StateFolder,
    application: str,
    charm: Path | None,
    resources: Mapping[str, str],
    interval: float | None,
    allow_host_changes: bool | None,
    form: str,
) -> None:
    """Upgrade APPLICATION to CHARM, or to the charm that it has as it is now.

    Each unit runs `upgrade-charm`. What is not named stays as it is.
    """
    operator = operator_of(folder)
    before = application_in(operator.status(), application).charm
    source = charm or _same(folder, application, before)
    ready = make_ready(folder, source)
    words = Words(resources=resources, interval=interval, allow_host_changes=allow_host_changes)
    given = charm_of(ready, words)
    all_resources = merged_resources(given.resources, before.resources if before else None)
    answer = operator.give_charm(application, replace(given, resources=all_resources))
    folder.note_charm(application, NamedCharm(given.source, str(source)))
    ready.release()
    say_done(form, answer, f"{application} upgrades to the charm {source}")


def _same(folder: StateFolder, application: str, before: CharmStatus | None) -> Path:
    """The charm as it was named last. Raises Refused if there was none."""
    if before is None:
        raise Refused(
            f"{application} has no charm yet: name one, as in `tenure refresh {application} CHARM`"
        )
    return Path(folder.named_charm(application, before.source))
