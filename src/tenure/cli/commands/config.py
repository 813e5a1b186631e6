"""`tenure config`: an application's configuration, shown and changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click
import msgspec
import yaml

from tenure.cli.show.output import show
from tenure.cli.show.table import Table
from tenure.cli.show.tables import Tables
from tenure.cli.show.text import plain
from tenure.cli.words import options
from tenure.cli.words.options import with_operator, with_wide
from tenure.cli.words.pairs import settings
from tenure.client.operator import Operator
from tenure.errors import NotFound
from tenure.wire.operators import Config, ConfigChange, OptionValue

HEADERS = ("KEY", "VALUE", "DEFAULT", "TYPE")


def _reset(ctx: click.Context, param: click.Parameter, words: Sequence[str]) -> tuple[str, ...]:
    keys = [key.strip() for word in words for key in word.split(",")]
    if not all(keys):
        raise click.BadParameter("a key is empty: write it like --reset colour,size")
    return tuple(dict.fromkeys(keys))


@click.command("config")
@click.argument("application", type=options.application)
@click.argument("words", nargs=-1, metavar="[KEY | KEY=VALUE...]")
@click.option(
    "--reset",
    multiple=True,
    callback=_reset,
    metavar="KEY,...",
    help="Set KEYs back to their defaults.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["plain", "json", "yaml"]),
    default="plain",
    help="How to print the answer.",
)
@with_wide
@with_operator
def command(
    operator: Operator,
    application: str,
    words: tuple[str, ...],
    reset: tuple[str, ...],
    wide: bool,
    form: str,
) -> None:
    """Show all options of APPLICATION, or one, or set some. KEY=@FILE takes what FILE holds."""
    if not words and not reset:
        found = operator.config(application)
        tables = Tables(wide=wide)
        _show(form, found, lambda: _table(found, tables))
        tables.say_if_cut()
    elif len(words) == 1 and "=" not in words[0] and not reset:
        _show_one(form, operator.config(application), words[0])
    else:
        answer = operator.configure(application, _change(words, reset))
        said = answer.note or f"the configuration of {application} is changed"
        _show(form, answer, lambda: plain(said))


def _change(words: Sequence[str], reset: tuple[str, ...]) -> ConfigChange:
    """Raises UsageError, TenureError."""
    reading = [word for word in words if "=" not in word]
    if reading:
        raise click.UsageError(f"{reading[0]!r} is not KEY=VALUE: read one key, or set some")
    put = settings(words)
    both = sorted(put.keys() & set(reset))
    if both:
        raise click.UsageError(f"{both[0]!r} is both set and reset: choose one")
    return ConfigChange(put=put, reset=reset)


def _show_one(form: str, found: Config, key: str) -> None:
    """A value alone is printed as it is: it is meant for `$(...)`."""
    option = found.options.get(key)
    if option is None:
        name = found.application
        raise NotFound(f'{name} has no option "{key}": see `tenure config {name}`')
    _show(form, option, lambda: option.value or "")


def _show(form: str, answer: msgspec.Struct, text: Callable[[], str]) -> None:
    if form == "yaml":
        show("text", answer, lambda: _yaml(answer))
    else:
        show(form, answer, text)


def _yaml(answer: msgspec.Struct) -> str:
    content = msgspec.to_builtins(answer)
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False).rstrip("\n")


def _table(found: Config, tables: Tables) -> str:
    if not found.options:
        return f"{found.application} has no options"
    rows = [_row(key, option) for key, option in sorted(found.options.items())]
    return tables.draw(Table(HEADERS, rows, free=("VALUE", "DEFAULT")))


def _row(key: str, option: OptionValue) -> tuple[str, ...]:
    return (plain(key), _cell(option.value), _cell(option.default), plain(option.type))


def _cell(text: str | None) -> str:
    return "-" if text is None else plain(text)
