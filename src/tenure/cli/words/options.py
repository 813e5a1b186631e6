"""The words that many commands share, and what they become: a state folder, a client, a name."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import click

from tenure.cli.words.lookup import check_unit
from tenure.client.operator import Operator
from tenure.client.transport import UnixHttp
from tenure.errors import BadName, Unreachable
from tenure.names import LEADER, check_application, split_unit
from tenure.statefolder import StateFolder
from tenure.up.lock import running

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def operator_of(folder: StateFolder) -> Operator:
    """Who speaks to the controller of a state folder. Raises StateFolderUnusable."""
    folder.check_sockets()
    return Operator(UnixHttp(folder.controller_socket, partial(_next_step, folder)))


def _next_step(folder: StateFolder) -> str:
    """What to do where no controller listens. Raises StateFolderUnusable."""
    pid = running(folder)
    if pid is None:
        return "start one with `tenure up CHARM`"
    return (
        f"`tenure up` (pid {pid}) runs there, so its socket was removed, or its controller is "
        f"starting: it listens again in some seconds; if not, see {folder.controller_log}"
    )


def check_unit_may_come(folder: StateFolder, unit: str) -> None:
    """Raises NotFound if there is no such unit, Unreachable if no `up` runs that could begin it,
    StateFolderUnusable."""
    try:
        check_unit(operator_of(folder).status(), unit)
    except Unreachable:  # because the agent may be there before its controller is
        if running(folder) is None:
            raise


def application(value: str) -> str:
    """An application's name on the command line; whoever names a unit of it is told which."""
    name = _led(value)
    try:
        if name or ("/" in value and (name := split_unit(value)[0])):
            raise click.BadParameter(f"{value!r} is a unit: name its application, {name}")
        return check_application(value)
    except BadName as fault:
        raise click.BadParameter(str(fault)) from fault


def _led(value: str) -> str:
    """The application of `web/leader`; "" for another word."""
    try:
        return check_application(value.removesuffix(LEADER)) if value.endswith(LEADER) else ""
    except BadName as fault:
        raise click.BadParameter(str(fault)) from fault


def unit(value: str) -> str:
    """A unit's name on the command line, where whoever leads cannot be meant."""
    if name := _led(value):
        raise click.BadParameter(f"{value!r} leads already: name a unit, as in {name}/1")
    return _unit(value, "")


def target(value: str) -> str:
    """A unit's name, or APP/leader, on the command line."""
    return value if _led(value) else _unit(value, f", or {value}{LEADER}")


def _unit(value: str, other: str) -> str:
    """`other` is what may be named, too, where an application was."""
    if "/" not in value:
        name = application(value)
        said = f"{name!r} is an application: name a unit of it, as in {name}/0{other}"
        raise click.BadParameter(said)
    try:
        split_unit(value)
    except BadName as fault:
        raise click.BadParameter(str(fault)) from fault
    return value


def subject_or_leader(value: str) -> str:
    """An application's name on the command line, or a unit's, or `web/leader`."""
    return target(value) if "/" in value else application(value)


def number(least: int, most: int | None = None) -> Callable[[str], int]:
    """The type of a whole number on the command line, from `least` to `most`."""
    span = f"from {least} to {most}" if most is not None else f"of {least} or more"

    def parsed(value: str) -> int:
        found = min(int(value), _HUGE) if _DIGITS.fullmatch(str(value)) else -1
        if found < least or (most is not None and found > most):
            raise click.BadParameter(f"{str(value)[:40]!r} is not a number {span}")
        return found

    return parsed


_DIGITS = re.compile("[0-9]{1,40}")
_HUGE = 10**9


def _folder(ctx: click.Context, param: click.Parameter, value: str | None) -> StateFolder:
    if value == "":
        raise click.BadParameter("it is empty: name a folder")
    folder = StateFolder.at(value, os.environ)
    folder.check_is_folder()
    return folder


def _operator(ctx: click.Context, param: click.Parameter, value: str | None) -> Operator:
    return operator_of(_folder(ctx, param, value))


_STATE_HELP = "The state folder [default: $TENURE_STATE, else ~/.local/state/tenure]."

with_folder: Decorator = click.option(
    "--state", "folder", metavar="DIR", callback=_folder, help=_STATE_HELP
)
"""Adds `--state`; the command gets `folder`."""

with_operator: Decorator = click.option(
    "--state", "operator", metavar="DIR", callback=_operator, help=_STATE_HELP
)
"""Adds `--state`; the command gets `operator`."""

with_format: Decorator = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="How to print the answer.",
)
"""Adds `--format`; the command gets `form`."""

with_wide: Decorator = click.option(
    "--wide", is_flag=True, help="Cut no line to 80 columns where there is no terminal."
)
"""Adds `--wide`; the command gets `wide`."""
