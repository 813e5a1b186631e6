"""`tenure scale`: how many units an application has."""

from __future__ import annotations

import click
from msgspec import Struct

from tenure.cli.show.output import show
from tenure.cli.show.several import for_each
from tenure.cli.words import options
from tenure.cli.words.lookup import application_in, check_charm
from tenure.cli.words.options import with_format, with_operator
from tenure.client.conditions import units_counted
from tenure.client.operator import Operator
from tenure.defaults import MOST_UNITS
from tenure.names import split_unit
from tenure.wire.operators import ApplicationStatus


class Scaled(Struct, frozen=True, kw_only=True):
    """Which units come and which leave."""

    application: str
    units: int
    added: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()


@click.command("scale")
@click.argument("application", type=options.application)
@click.argument("units", type=options.number(0, MOST_UNITS.value))
@with_operator
@with_format
def command(operator: Operator, application: str, units: int, form: str) -> None:
    """Set how many units APPLICATION has: some are added, or the highest numbers leave.

    A unit that leaves steps down first if it leads. With 0 the application stays, without units.
    """
    done = scaled(operator, application, units)
    show(form, done, lambda: _text(done))


def scaled(operator: Operator, name: str, wanted: int) -> Scaled:
    """Set how many units the application has. What was done before an error is in it.

    Raises NotFound, Refused and what the controller refuses with.
    """
    application = application_in(operator.status(), name)
    there = _staying(application)
    if wanted > len(there):
        check_charm(name, application)
    added = for_each(lambda _: operator.add_unit(name).unit, range(len(there), wanted), "is added")
    leaving = for_each(lambda unit: _remove(operator, unit), reversed(there[wanted:]), "is leaving")
    return Scaled(application=name, units=wanted, added=tuple(added), leaving=tuple(leaving))


def _staying(application: ApplicationStatus) -> list[str]:
    """The units that nobody asked to leave, in order of their numbers."""
    staying = [unit for unit, found in application.units.items() if not found.removing]
    return sorted(staying, key=split_unit)


def _remove(operator: Operator, unit: str) -> str:
    operator.remove_unit(unit)
    return unit


def _text(done: Scaled) -> str:
    lines = [f"{unit} is added" for unit in done.added]
    lines += [f"{unit} is leaving" for unit in done.leaving]
    return "\n".join(lines) or f"{done.application} has {units_counted(done.units)} already"
