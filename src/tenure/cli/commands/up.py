"""`tenure up`: a whole house on one machine, until Ctrl-C or `tenure down`."""

from __future__ import annotations

import asyncio
import importlib
import re
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import click
from msgspec.structs import replace

from tenure.cli.show.plain_screen import PlainScreen
from tenure.cli.words import options
from tenure.cli.words.charm import (
    Words,
    charm_of,
    charm_path,
    make_ready,
    name_of,
    wanted,
    with_words,
)
from tenure.cli.words.options import with_house
from tenure.clock import SystemClock
from tenure.core.orders import MAX_UNITS, check_lease
from tenure.errors import Refused
from tenure.statefolder import HouseRecord, StateFolder
from tenure.up.detach import detach
from tenure.up.lock import UpLock, held
from tenure.up.plan import Plan, first_lease
from tenure.up.screen import Screen
from tenure.up.supervisor import Supervisor
from tenure.wire.operators import Charm

ABOUT_CHARM = {
    "units", "name", "config", "resources", "lease", "guarantee", "interval", "allow_host_changes",
}  # fmt: skip
"""The options that say something of a charm."""

_VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}\Z")


def _juju_version(value: str) -> str:
    # Strict, because charms' libraries crash on what is not a version.
    if not _VERSION.match(value):
        raise click.BadParameter(f"{value!r} is not a version of Juju: write it like 3.6.12")
    return value


@click.command("up")
@click.argument("charm", type=charm_path, required=False)
@click.option(
    "--units", type=options.number(1, MAX_UNITS), metavar="N", help="How many [default: as before]."
)
@click.option("--name", type=options.application, help="The application [default: the charm's].")
@with_words
@click.option(
    "--juju-version",
    type=_juju_version,
    metavar="X.Y.Z",
    help="What hooks are told [default: as before, at first 3.6.12].",
)
@click.option(
    "--juju-paths/--no-juju-paths",
    default=None,
    help="Whether hooks see Juju's folders, for old charms [default: as before, at first not].",
)
@click.option("--no-restart", is_flag=True, help="What ended stays ended.")
@click.option("--detach", "detached", is_flag=True, help="Return once the house is ready.")
@with_house
@click.pass_context
def command(
    ctx: click.Context,
    house: StateFolder,
    charm: Path | None,
    units: int | None,
    name: str | None,
    words: Words,
    juju_version: str | None,
    juju_paths: bool | None,
    no_restart: bool,
    detached: bool,
) -> None:
    """Run CHARM, or what the house has: one controller, and one agent for each unit.

    The state folder makes the next `up` carry on. Ctrl-C stops everything cleanly.
    """
    if charm is None:
        _check_nothing_said(ctx)
    if words.lease is not None or words.guarantee is None:
        check_lease(*first_lease(words.lease, words.guarantee))
    record = house.read()
    _check_juju_paths(record, juju_paths)
    application = None
    if charm is not None:
        ready = make_ready(house, charm)
        name = name or name_of(ready, charm, "with --name NAME")
        application = wanted(ready, words, name, charm, units)
    house.ensure()
    plan = Plan(
        house=house,
        wanted=application,
        inherited=_inherited(house, record),
        juju_version=juju_version,
        juju_paths=juju_paths,
        restart=not no_restart,
    )
    if not detached:
        _run(plan, None)
    elif (pid := detach(house, partial(_run, plan))) is not None:
        click.echo(f"the house is up (pid {pid}): see `tenure status`, end it with `tenure down`")


def _check_nothing_said(ctx: click.Context) -> None:
    """Raises UsageError if an option says something of a charm that is not named."""
    for param in ctx.command.params:
        if param.name in ABOUT_CHARM and ctx.params[param.name] not in (None, {}):
            raise click.UsageError(f"{param.opts[0]} is about a charm: name it, or leave that out")


def _check_juju_paths(record: HouseRecord | None, said: bool | None) -> None:
    """Raises Refused if hooks are to see Juju's folders and that cannot be."""
    if not (record.juju_paths if said is None and record else said):
        return
    from tenure.agent.host.jujupaths import why_not

    if (reason := why_not()) is not None:
        kept = "" if said else "; this house was told so before: say --no-juju-paths"
        raise Refused(f"{reason}{kept}")


def _inherited(house: StateFolder, record: HouseRecord | None) -> dict[str, Charm]:
    """The charms that an earlier version kept in house.json."""
    found = {}
    for name, home in (record.applications if record else {}).items():
        charm = charm_of(make_ready(house, Path(home.charm)), Words())
        found[name] = replace(charm, update_status_interval=home.update_status_interval)
    return found


def _run(plan: Plan, on_ready: Callable[[], None] | None) -> None:
    # A stop that comes before the loop listens for it is as clean as one that comes later.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), held(plan.house) as lock:
        screen = _screen()
        try:
            asyncio.run(_supervise(plan, lock, screen, on_ready))
        finally:
            screen.close()


async def _supervise(
    plan: Plan, lock: UpLock, screen: Screen, on_ready: Callable[[], None] | None
) -> None:
    await Supervisor(plan, lock, screen, SystemClock(), on_ready=on_ready).run()


def _screen() -> Screen:
    if sys.stdout.isatty():
        live: Screen = importlib.import_module("tenure.cli.show.live").LiveScreen()
        return live
    return PlainScreen(sys.stdout.fileno())
