"""`tenure up`: a controller and all agents on one machine, until Ctrl-C or `tenure down`."""

from __future__ import annotations

import asyncio
import importlib
import os
import re
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import click
from msgspec.structs import replace

from tenure import children
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
from tenure.cli.words.durations import duration
from tenure.cli.words.options import operator_of, with_folder
from tenure.cli.words.starting import Start, check_words, with_timeout, with_wait
from tenure.clock import SystemClock
from tenure.core.applications import check_lease
from tenure.defaults import HOOK_TIMEOUT, JUJU_VERSION, MOST_UNITS, SHORTEST_INTERVAL
from tenure.errors import Refused
from tenure.statefolder import StateFolder
from tenure.up.detach import detach
from tenure.up.lock import held
from tenure.up.plan import Plan, first_lease
from tenure.up.screen import Screen
from tenure.up.supervisor import Supervisor
from tenure.uprecord import UpRecord
from tenure.wire.operators import Charm

ABOUT_CHARM = {
    "units",
    "name",
    "config",
    "resources",
    "lease",
    "guarantee",
    "interval",
    "allow_host_changes",
}
"""The options that say something of a charm."""

NO_SCREEN = ("", "dumb", "unknown")
"""Values of TERM for terminals whose cursor cannot be moved."""

_VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}\Z")


def _juju_version(value: str) -> str:
    # Strict, because charms' libraries crash on what is not a version.
    if not _VERSION.match(value):
        raise click.BadParameter(
            f"{value!r} is not a version of Juju: write it like {JUJU_VERSION.said}"
        )
    return value


def _hook_timeout(value: str) -> float:
    seconds = 0.0 if value == HOOK_TIMEOUT.said else duration(value)
    if value != HOOK_TIMEOUT.said and seconds < SHORTEST_INTERVAL.value:
        raise click.BadParameter(
            f"{value!r} is too short: say {SHORTEST_INTERVAL.said} or more, or {HOOK_TIMEOUT.said}"
        )
    return seconds


@click.command("up")
@click.argument("charm", type=charm_path, required=False)
@click.option(
    "--units",
    type=options.number(1, MOST_UNITS.value),
    metavar="N",
    help="How many units [default: as before].",
)
@click.option("--name", type=options.application, help="The application [default: the charm's].")
@with_words
@click.option(
    "--juju-version",
    type=_juju_version,
    metavar="X.Y.Z",
    help=f"JUJU_VERSION for hooks [default: as before, at first {JUJU_VERSION.said}].",
)
@click.option(
    "--juju-paths/--no-juju-paths",
    default=None,
    help="Whether hooks see Juju's folders, for old charms [default: as before, at first not].",
)
@click.option(
    "--hook-timeout",
    type=_hook_timeout,
    metavar="DURATION|off",
    help="When a hook counts as hung, and is ended [default: as before, at first off].",
)
@click.option(
    "--new-addresses", is_flag=True, help="Give all units other addresses: another has theirs."
)
@click.option("--no-restart", is_flag=True, help="Do not start again what ended.")
@click.option("--plain", is_flag=True, help="A line for each event, also on a terminal.")
@click.option("--detach", "detached", is_flag=True, help="Return once every agent is ready.")
@with_wait
@with_timeout
@with_folder
@click.pass_context
def command(
    ctx: click.Context,
    folder: StateFolder,
    charm: Path | None,
    units: int | None,
    name: str | None,
    words: Words,
    juju_version: str | None,
    juju_paths: bool | None,
    hook_timeout: float | None,
    new_addresses: bool,
    no_restart: bool,
    plain: bool,
    detached: bool,
    wait: bool,
    timeout: float | None,
) -> None:
    """Run CHARM, or what ran before: one controller, and one agent for each unit.

    The state folder makes the next `up` carry on. Ctrl-C stops everything cleanly.
    """
    _check_said(ctx, charm, words)
    folder.check_path()
    record = folder.read()
    _check_juju_paths(record, juju_paths)
    application = ready = None
    if charm is not None:
        ready = make_ready(folder, charm)
        name = name or name_of(ready, charm, "with --name NAME")
        application = wanted(ready, words, name, charm, units)
    folder.ensure()
    plan = Plan(
        folder=folder,
        wanted=application,
        inherited=_inherited(folder, record),
        juju_version=juju_version,
        juju_paths=juju_paths,
        hook_timeout=hook_timeout,
        restart=not no_restart,
        new_addresses=new_addresses,
    )
    on_planned = ready.release if ready is not None else None
    if detached:
        _run_apart(plan, on_planned, wait=wait, timeout=timeout)
    else:
        _run(plan, on_planned, None, plain=plain)


def _run_apart(
    plan: Plan, on_planned: Callable[[], None] | None, *, wait: bool, timeout: float | None
) -> None:
    """Run it in a process of its own; returns in this one once every agent is ready, or idle."""
    pid = detach(plan.folder, partial(_run, plan, on_planned, plain=True))
    if pid is None:
        return
    click.echo(f"tenure is up (pid {pid}): see `tenure status`, end it with `tenure down`")
    start = Start(plan.folder, operator_of(plan.folder), None)
    start.wait(timeout) if wait else start.glance()


def _check_said(ctx: click.Context, charm: Path | None, words: Words) -> None:
    """Raises UsageError for options that do not fit each other, Refused for a lease that cannot be.

    None may say something of a charm that is not named.
    """
    check_words(ctx.params["wait"], ctx.params["timeout"])
    if ctx.params["wait"] and not ctx.params["detached"]:
        raise click.UsageError("--wait is for --detach: without it, `up` shows all there is")
    if charm is None:
        _check_nothing_said(ctx)
    if words.lease is not None or words.guarantee is None:
        check_lease(*first_lease(words.lease, words.guarantee))


def _check_nothing_said(ctx: click.Context) -> None:
    for param in ctx.command.params:
        if param.name in ABOUT_CHARM and ctx.params[param.name] not in (None, {}):
            raise click.UsageError(f"{param.opts[0]} is about a charm: name it, or leave that out")


def _check_juju_paths(record: UpRecord | None, said: bool | None) -> None:
    """Raises Refused if hooks are to see Juju's folders and that cannot be."""
    if not (record.juju_paths if said is None and record else said):
        return
    from tenure.agent.host.jujupaths import why_not

    if (reason := why_not()) is not None:
        kept = "" if said else "; an earlier `tenure up` was told so: say --no-juju-paths"
        raise Refused(f"{reason}{kept}")


def _inherited(folder: StateFolder, record: UpRecord | None) -> dict[str, Charm]:
    """The charms that an earlier version kept in the state folder."""
    found = {}
    for name, home in (record.applications if record else {}).items():
        ready = make_ready(folder, folder.charm_folder(home.charm))
        charm = charm_of(ready, Words())
        ready.release()
        found[name] = replace(charm, update_status_interval=home.update_status_interval)
    return found


def _run(
    plan: Plan,
    on_planned: Callable[[], None] | None,
    on_ready: Callable[[], None] | None,
    *,
    plain: bool,
) -> None:
    children.block_nothing()  # Else `tenure down` would speak to deaf ears, here and in all below.
    # A stop that comes before the loop listens for it is as clean as one that comes later.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), held(plan.folder) as lock:
        screen = _screen(plain=plain)
        try:
            asyncio.run(
                Supervisor(
                    plan, lock, screen, SystemClock(), on_planned=on_planned, on_ready=on_ready
                ).run()
            )
        finally:
            screen.close()


def _screen(*, plain: bool) -> Screen:
    if plain or not sys.stdout.isatty() or os.environ.get("TERM", "") in NO_SCREEN:
        return PlainScreen(sys.stdout.fileno())
    live: Screen = importlib.import_module("tenure.cli.show.live").LiveScreen()
    return live
