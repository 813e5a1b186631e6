"""`tenure run`: an action of a charm, run by a unit's agent; its results on stdout."""

from __future__ import annotations

from collections.abc import Sequence

import click

from tenure.cli.main import complain
from tenure.cli.show.action import cuts, text_of
from tenure.cli.show.output import show
from tenure.cli.show.text import plain
from tenure.cli.words import options
from tenure.cli.words.durations import duration
from tenure.cli.words.lookup import units_named
from tenure.cli.words.options import check_unit_may_come, operator_of, with_folder
from tenure.cli.words.pairs import pair
from tenure.cli.words.params import Params, from_file, from_words, over
from tenure.client.agent import NotRun, run_action
from tenure.errors import Refused
from tenure.names import LEADER
from tenure.statefolder import StateFolder
from tenure.wire.exec import ActionDone, RunAction, encode_ask

WORDS = "tenure.words"
"""Of the parameters as they were typed, in the command's `meta`."""

MAX_HINT = 40
"""Characters of a value that is repeated in an error."""


def _words(ctx: click.Context, param: click.Parameter, words: Sequence[str]) -> Params:
    ctx.meta[WORDS] = words
    return from_words(words, as_text=ctx.params["string_args"])


@click.command("run")
@click.argument("target", type=options.target, metavar="UNIT|APP/leader")
@click.argument("action")
@click.argument("said", nargs=-1, callback=_words, metavar="[KEY=VALUE...]")
@click.option(
    "--string-args", is_flag=True, is_eager=True, help="Take each VALUE as text, and not as YAML."
)
@click.option("--params", "file", metavar="FILE", help="Parameters as YAML.")
@click.option("--wait", type=duration, default="60s", show_default=True, help="For its end.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["plain", "yaml", "json"]),
    default="plain",
    help="How to print the answer.",
)
@with_folder
@click.pass_context
def command(
    ctx: click.Context,
    folder: StateFolder,
    target: str,
    action: str,
    string_args: bool,
    said: Params,
    file: str | None,
    wait: float,
    form: str,
) -> int:
    """Run ACTION of a unit's charm; print its results and what it printed. Its log is on stderr.

    APP/leader is whoever leads, and the action runs only if it still does then. Values are YAML;
    `a.b=c` nests. The exit code is 0 if the action completed, 1 if it failed or was not run.
    """
    if wait <= 0:
        raise click.UsageError("--wait is over at once: say more than 0s")
    params = said if file is None else over(from_file(file), said)
    request = encode_ask(RunAction(name=action, params=params, leader=target.endswith(LEADER)))
    folder.check_sockets()
    [unit] = units_named([target], lambda: operator_of(folder).status())
    try:
        outcome = run_action(
            folder.exec_socket(unit),
            unit,
            request,
            check_unit=lambda: check_unit_may_come(folder, unit),
            wait=wait,
            on_log=_log,
        )
    except NotRun as fault:
        if hint := _quotes(fault.wants_text, ctx.meta[WORDS]):
            raise Refused(f"{fault}: {hint}") from fault
        raise
    show(form, outcome, lambda: text_of(outcome))
    for line in cuts(outcome, unit):
        click.echo(line, err=True)
    return _judged(outcome, action, unit)


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


def _log(text: str) -> None:
    for line in text.splitlines():
        click.echo(plain(line), err=True)
