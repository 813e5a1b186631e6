"""`tenure run`: an action of a charm, run by a unit's agent; its results on stdout."""

from __future__ import annotations

from collections.abc import Sequence

import click

from tenure.cli.main import complain
from tenure.cli.show.output import show
from tenure.cli.show.text import plain
from tenure.cli.words import options
from tenure.cli.words.durations import duration
from tenure.cli.words.lookup import check_unit, leader_in
from tenure.cli.words.options import operator_of, with_folder
from tenure.cli.words.pairs import pair
from tenure.cli.words.params import Params, from_file, from_words, over
from tenure.client.agent import NotRun, run_action
from tenure.errors import Refused
from tenure.jujuyaml.writer import dump
from tenure.statefolder import StateFolder
from tenure.wire.exec import ActionDone, RunAction, encode_ask

LEADER = "/leader"

WORDS = "tenure.words"
"""Of the parameters as they were typed, in the command's `meta`."""

MAX_HINT = 40
"""Characters of a value that is repeated in an error."""


def _target(value: str) -> str:
    if value.endswith(LEADER):
        options.application(value.removesuffix(LEADER))
        return value
    return options.unit(value)


def _words(ctx: click.Context, param: click.Parameter, words: Sequence[str]) -> Params:
    ctx.meta[WORDS] = words
    return from_words(words)


@click.command("run")
@click.argument("target", type=_target, metavar="UNIT|APP/leader")
@click.argument("action")
@click.argument("said", nargs=-1, callback=_words, metavar="[KEY=VALUE...]")
@click.option("--params", "file", metavar="FILE", help="Parameters as YAML.")
@click.option("--wait", type=duration, default="60s", show_default=True, help="For its end.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["yaml", "json"]),
    default="yaml",
    help="How to print the results.",
)
@with_folder
@click.pass_context
def command(
    ctx: click.Context,
    folder: StateFolder,
    target: str,
    action: str,
    said: Params,
    file: str | None,
    wait: float,
    form: str,
) -> int:
    """Run ACTION of a unit's charm and print its results. What it logs goes to stderr.

    APP/leader is whoever leads, and the action runs only if it still does then. Values are YAML;
    `a.b=c` nests. The exit code is 0 if the action completed, 1 if it failed or was not run.
    """
    if wait <= 0:
        raise click.UsageError("--wait is over at once: say more than 0s")
    params = said if file is None else over(from_file(file), said)
    request = encode_ask(RunAction(name=action, params=params, leader=target.endswith(LEADER)))
    unit = _unit(folder, target)
    try:
        outcome = run_action(
            folder.exec_socket(unit),
            unit,
            request,
            check_unit=lambda: check_unit(operator_of(folder).status(), unit),
            wait=wait,
            on_log=_log,
        )
    except NotRun as fault:
        if hint := _quotes(fault.wants_text, ctx.meta[WORDS]):
            raise Refused(f"{fault}: {hint}") from fault
        raise
    show("json" if form == "json" else "text", outcome, lambda: _text(outcome))
    return _judged(outcome, action, unit)


def _unit(folder: StateFolder, target: str) -> str:
    """Raises NotFound, Refused, Unreachable, StateFolderUnusable."""
    folder.check_sockets()
    if not target.endswith(LEADER):
        return target
    return leader_in(operator_of(folder).status(), target.removesuffix(LEADER))


def _quotes(wants_text: str, words: Sequence[str]) -> str:
    """How to write the text that YAML took for something else, if one was refused for that."""
    for key, text in map(pair, words):
        if key == wants_text:
            short = len(text) <= MAX_HINT and text.isprintable() and "'" not in text
            return f"""in quotes it is a text: {key}="'{text if short else "..."}'\""""
    return ""


def _judged(outcome: ActionDone, action: str, unit: str) -> int:
    """The exit code; a failure is told."""
    if outcome.status == "completed":
        return 0
    why = outcome.message or f"exit status {outcome.exit}"
    complain(f"the action {action} failed on {unit}: {why}")
    return 1


def _text(outcome: ActionDone) -> str:
    if not outcome.results:
        return ""
    return dump(dict(outcome.results)).rstrip("\n")


def _log(text: str) -> None:
    for line in text.splitlines():
        click.echo(plain(line), err=True)
