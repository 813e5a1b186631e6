"""`tenure deploy`: one more application, beside those that are there."""

from __future__ import annotations

import time
from pathlib import Path

import click
from msgspec import Struct

from tenure.cli.show.output import show
from tenure.cli.words import options
from tenure.cli.words.charm import Words, charm_path, make_ready, name_of, wanted, with_words
from tenure.cli.words.lookup import application_in
from tenure.cli.words.options import operator_of, with_folder, with_format
from tenure.cli.words.starting import Start, check_words, with_timeout, with_wait
from tenure.client.operator import Operator
from tenure.clock import SystemClock
from tenure.core.applications import check_lease
from tenure.defaults import MOST_UNITS
from tenure.errors import Refused, Unreachable
from tenure.names import split_unit
from tenure.statefolder import StateFolder
from tenure.up.lock import running
from tenure.up.plan import Wanted, first_lease, to_create
from tenure.uprecord import NamedCharm
from tenure.wire.operators import Status

CLOCK = SystemClock()
PATIENCE = 10.0
"""Seconds for the controller of an `up` to be there."""

RETRY = 0.05


class Deployed(Struct, frozen=True, kw_only=True):
    """The new application, and the units that start."""

    application: str
    units: tuple[str, ...]


@click.command("deploy")
@click.argument("charm", type=charm_path)
@click.argument("name", type=options.application, required=False)
@click.option(
    "--units",
    type=options.number(0, MOST_UNITS.value),
    default=1,
    show_default=True,
    metavar="N",
    help="How many units.",
)
@with_words
@with_wait
@with_timeout
@with_folder
@with_format
def command(
    folder: StateFolder,
    charm: Path,
    name: str | None,
    units: int,
    words: Words,
    wait: bool,
    timeout: float | None,
    form: str,
) -> None:
    """Run CHARM as the application NAME, beside what `tenure up` runs.

    NAME is the charm's own if it is not given.
    """
    check_words(wait, timeout)
    check_lease(*first_lease(words.lease, words.guarantee))
    operator = operator_of(folder)
    status = _status_of(folder, operator)
    if name is not None:
        _check_new(status, name)
    ready = make_ready(folder, charm)
    name = name or name_of(ready, charm, "as in `tenure deploy CHARM NAME`")
    _check_new(status, name)
    done = _deployed(operator, wanted(ready, words, name, charm, units))
    folder.note_charm(name, NamedCharm(ready.source, str(charm)))
    ready.release()
    show(form, done, lambda: _text(done))
    start = Start(folder, operator, done.units)
    start.wait(timeout) if wait else start.glance()


def _status_of(folder: StateFolder, operator: Operator) -> Status:
    """The status while an `up` runs: without one nobody would start the units.

    An `up` that was only just started gets its time. Raises StateFolderUnusable, Unreachable.
    """
    folder.check_exists()
    deadline = CLOCK.now() + PATIENCE
    while running(folder) is not None:
        try:
            return operator.status()
        except Unreachable:
            if CLOCK.now() > deadline:
                raise
            time.sleep(RETRY)
    raise Unreachable(
        f"no `tenure up` runs on {folder.state}: start it with `tenure up`, and then try again"
    )


def _check_new(status: Status, name: str) -> None:
    if name in status.applications:
        raise Refused(
            f"{name} is there already: `tenure scale {name} N` changes how many units it has, "
            f"`tenure refresh {name} CHARM` what it runs; or deploy it under another NAME"
        )


def _deployed(operator: Operator, request: Wanted) -> Deployed:
    operator.create_application(to_create(request, new=True))
    found = application_in(operator.status(), request.application)
    units = tuple(sorted(found.units, key=split_unit))
    return Deployed(application=request.application, units=units)


def _text(done: Deployed) -> str:
    if not done.units:
        name = done.application
        return f"{name} is deployed without units: `tenure scale {name} 1` adds one"
    return "\n".join(f"{unit} starts" for unit in done.units)
