"""`tenure up`: a whole house on one machine, until Ctrl-C or `tenure down`."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import click

from tenure.agent.charm import check_charm, default_name
from tenure.cli import options
from tenure.cli.durations import duration
from tenure.cli.options import with_house
from tenure.cli.plain_screen import PlainScreen
from tenure.clock import SystemClock
from tenure.core.orders import MAX_UNITS, check_lease
from tenure.errors import BadRequest
from tenure.house import House
from tenure.up.detach import detach
from tenure.up.lock import UpLock, held
from tenure.up.plan import Plan, check_home, to_create
from tenure.up.screen import Screen
from tenure.up.supervisor import Supervisor

SHORTEST_INTERVAL, LONGEST_INTERVAL = 1.0, 86400.0


def _charm(value: str) -> Path:
    if not value:
        raise click.BadParameter("it is empty: name the folder of a charm")
    # Links stay as they are, because "current -> v2" is one charm to its operator.
    return Path(os.path.abspath(value))  # noqa: PTH100


@click.command("up")
@click.argument("charm", type=_charm)
@click.option("--units", type=click.IntRange(1, MAX_UNITS), help="How many [default: as before].")
@click.option("--name", type=options.application, help="The application [default: the charm's].")
@click.option("--lease", "lease", type=duration, help="How long a lease lasts [default: 60s].")
@click.option("--guarantee", type=duration, help="What True promises [default: 30s].")
@click.option("--update-status-interval", "interval", type=duration, help="[default: 5m]")
@click.option("--no-restart", is_flag=True, help="What ended stays ended.")
@click.option("--detach", "detached", is_flag=True, help="Return once the house is ready.")
@with_house
def command(
    house: House,
    charm: Path,
    units: int | None,
    name: str | None,
    lease: float | None,
    guarantee: float | None,
    interval: float | None,
    no_restart: bool,
    detached: bool,
) -> None:
    """Run CHARM: one controller, and one agent for each unit.

    The state folder makes the next `up` carry on. Ctrl-C stops everything cleanly.
    """
    check_charm(charm)
    if interval is not None and not SHORTEST_INTERVAL <= interval <= LONGEST_INTERVAL:
        raise BadRequest("--update-status-interval is out of range: choose 1s to 24h")
    plan = Plan(
        house=house,
        application=name or default_name(charm),
        charm=charm,
        units=units,
        duration=lease,
        guarantee=guarantee,
        update_status_interval=interval,
        restart=not no_restart,
    )
    _check_lease(plan)
    house.ensure()
    check_home(plan, house.read())
    if not detached:
        _run(plan, None)
    elif (pid := detach(house, partial(_run, plan))) is not None:
        click.echo(f"the house is up (pid {pid}): see `tenure status`, end it with `tenure down`")


def _check_lease(plan: Plan) -> None:
    """What can be known before anything is started. Raises BadRequest."""
    if plan.duration is not None or plan.guarantee is None:
        request = to_create(plan)
        check_lease(request.duration, request.guarantee)


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
        live: Screen = importlib.import_module("tenure.cli.live").LiveScreen()
        return live
    return PlainScreen(sys.stdout.fileno())
