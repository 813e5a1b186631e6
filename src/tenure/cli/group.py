"""The table of commands. A command's file is loaded only when that command is called.

`tenure status` must answer in a tenth of a second, so asking for one command must not load what
another one needs; the help texts stand in this table for the same reason.
"""

from __future__ import annotations

import importlib

import click

from tenure import __version__

COMMANDS: dict[str, str] = {
    "up": "Start a controller, and an agent for each unit.",
    "down": "Stop what `tenure up` runs, cleanly.",
    "deploy": "Run one more charm beside those that run.",
    "refresh": "Upgrade an application to its charm as it is now, or to another.",
    "scale": "Set how many units an application has.",
    "remove-application": "Remove an application with all its units.",
    "config": "Show or change an application's configuration.",
    "run": "Run an action of a unit's charm.",
    "wait": "Wait until an application or a unit is as you want it.",
    "status": "Show every application and unit, and who leads.",
    "log": "Show what hooks and agents wrote.",
    "elect": "Hand leadership to a unit.",
    "step-down": "Have an application's leader step down.",
    "pin": "Keep an application's lease from expiring.",
    "unpin": "Let an application's lease expire again.",
    "revoke": "Free an application's lease at once (unsafe).",
    "history": "Show each change of an application's leadership.",
    "why": "Say why an application or a unit is led, or is not.",
    "resolve": "Retry or skip failed hooks.",
    "kill-hook": "End the hook that a unit runs.",
    "settings": "Show an application's leader settings.",
    "add-unit": "Add units to an application.",
    "remove-unit": "Remove units.",
    "exec": "Run a command in a unit's hook context.",
    "lease": "Change an application's lease.",
    "drill": "Test charms: run drill files in virtual time.",
}


class CommandTable(click.Group):
    """A group whose commands are COMMANDS. Without a word it prints its help."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help())
            ctx.exit()
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Raises UsageError for a command that there is not, with the one that was meant."""
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            raise click.UsageError(f"no such command {args[0]!r}{_meant(args[0])}", ctx)
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"tenure.cli.commands.{cmd_name.replace('-', '_')}")
        found: click.Command = module.command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _meant(word: str) -> str:
    from tenure.cli.words.suggest import for_command  # because it is seldom needed

    said = for_command(word, COMMANDS)
    return f": {said}" if said else ""


def _show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"tenure {__version__}")
        ctx.exit()


@click.group(
    cls=CommandTable,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def tenure() -> None:
    """Application leadership, as Juju has it, as software of its own.

    Begin with `tenure up CHARM`. Options stand after the command: `tenure status --state DIR`.
    """
