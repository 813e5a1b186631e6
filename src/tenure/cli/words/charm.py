"""What the commands that take a charm share: its words, and how it is made ready to be handed in.

A charm is a folder that runs as it is, a source tree that needs packing, or a `.charm` file. The
latter two are made into a folder below the state folder first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import reduce, wraps
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from tenure.charms.digest import digest_of
from tenure.charms.doubts import doubtful_hooks
from tenure.charms.facts import Facts, read_facts
from tenure.charms.folder import default_name
from tenure.charms.holding import Hold
from tenure.charms.hooks import programs_without_bit
from tenure.charms.pack import prepare
from tenure.charms.paths import check_paths
from tenure.charms.recipe import recipe_of
from tenure.cli.show.text import one_line
from tenure.cli.words import pairs
from tenure.cli.words.durations import duration
from tenure.cli.words.options import Decorator
from tenure.defaults import GUARANTEE, LEASE, LONGEST_INTERVAL, SHORTEST_INTERVAL, UPDATE_STATUS
from tenure.errors import BadName, BadRequest, StateFolderUnusable
from tenure.names import as_text, is_text
from tenure.statefolder import StateFolder
from tenure.up.plan import Wanted
from tenure.wire.operators import Charm


class Words(Struct, frozen=True, kw_only=True):
    """What a command says of a charm; what is None was not said. Spans are in seconds."""

    config: Mapping[str, str] = {}
    resources: Mapping[str, str] = {}
    lease: float | None = None
    guarantee: float | None = None
    interval: float | None = None
    allow_host_changes: bool | None = None


def charm_path(value: str) -> Path:
    """A charm on the command line, as an absolute path."""
    if not value:
        raise click.BadParameter("it is empty: name the folder of a charm")
    # Links stay as they are, because "current -> v2" is one charm to its operator.
    path = os.path.abspath(value)  # noqa: PTH100
    if not is_text(path):
        raise click.BadParameter(f"its path, {as_text(path)}, is not UTF-8: rename that folder")
    return Path(path)


def _interval(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    if value is not None and not SHORTEST_INTERVAL.value <= value <= LONGEST_INTERVAL.value:
        raise BadRequest(
            "--update-status-interval is out of range: "
            f"choose {SHORTEST_INTERVAL.said} to {LONGEST_INTERVAL.said}"
        )
    return value


def _config(ctx: click.Context, param: click.Parameter, words: Sequence[str]) -> dict[str, str]:
    return pairs.settings(words)


def _resources(ctx: click.Context, param: click.Parameter, words: Sequence[str]) -> dict[str, str]:
    return pairs.files(words)


with_config: Decorator = click.option(
    "--config",
    multiple=True,
    callback=_config,
    metavar="KEY=VALUE",
    help="An option of the charm; KEY=@FILE takes what FILE holds.",
)
"""Adds `--config`; the command gets `config`."""

with_resources: Decorator = click.option(
    "--resource",
    "resources",
    multiple=True,
    callback=_resources,
    metavar="NAME=FILE",
    help="A file that the charm asks for.",
)
"""Adds `--resource`; the command gets `resources`."""

with_interval: Decorator = click.option(
    "--update-status-interval",
    "interval",
    type=duration,
    callback=_interval,
    help=f"The wait between two update-status hooks [default: {UPDATE_STATUS.said}].",
)
"""Adds `--update-status-interval`; the command gets `interval`."""

with_host_changes: Decorator = click.option(
    "--allow-host-changes/--no-allow-host-changes",
    "allow_host_changes",
    default=None,
    help="Whether hooks may install packages on this machine [default: no].",
)
"""Adds `--allow-host-changes`; the command gets `allow_host_changes`."""


_WITH = (
    with_config,
    with_resources,
    click.option("--lease", type=duration, help=f"How long a lease lasts [default: {LEASE.said}]."),
    click.option(
        "--guarantee", type=duration, help=f"How long True is good [default: {GUARANTEE.said}]."
    ),
    with_interval,
    with_host_changes,
)


def with_words(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds all that can be said of an application's charm; the command gets `words`."""

    @wraps(command)
    def gathered(*args: Any, **said: Any) -> Any:
        words = {name: said.pop(name) for name in Words.__struct_fields__}
        return command(*args, words=Words(**words), **said)

    first: Callable[..., Any] = gathered
    return reduce(lambda done, option: option(done), reversed(_WITH), first)


class Ready(Struct, frozen=True):
    """A charm that can run: the folder, what it says of itself, and how the controller is told of
    it. Once that was done, or was not, `release` lets it be cleaned when it is of no use."""

    folder: Path
    facts: Facts
    source: str
    hold: Hold | None = None

    def release(self) -> None:
        """The controller knows of it now."""
        if self.hold is not None:
            self.hold.release()


def make_ready(folder: StateFolder, source: Path) -> Ready:
    """Pack or unpack it if need be, and say what was done.

    Raises CharmError, StateFolderUnusable.
    """
    hold = None
    if source.suffix == ".charm" or recipe_of(source) is not None:
        folder.ensure()  # because the state folder is closed to others from its first moment on
        hold = _held(folder)
    prepared = prepare(source, folder.charms_folder)
    check_paths(prepared.folder)
    for line in prepared.lines:
        click.echo(one_line(line), err=True)
    facts = read_facts(prepared.folder)
    for line in (*facts.missing, *not_executable(prepared.folder)):
        click.echo(f"note: {one_line(line)}", err=True)
    for line in doubtful_hooks(prepared.folder, facts):
        click.echo(f"warning: {one_line(line)}", err=True)
    return Ready(prepared.folder, facts, folder.charm_source(prepared.folder), hold)


def _held(folder: StateFolder) -> Hold:
    try:
        return Hold(folder.charms_folder)
    except OSError as fault:
        raise StateFolderUnusable(
            f"cannot use {folder.charms_folder}: {fault.strerror or fault}: mend it"
        ) from fault


def not_executable(charm: Path) -> list[str]:
    """A line for people if the charm has programs that only its units' copies make executable."""
    names = programs_without_bit(charm)
    what = "it" if len(names) == 1 else "them"
    return [f"{', '.join(names)}: not executable; each unit's copy has {what} so"] if names else []


def name_of(ready: Ready, source: Path, how: str) -> str:
    """The application's name if none was said; `how` to say one. Raises CharmError, BadName."""
    try:
        return default_name(ready.folder if ready.facts.name else source)
    except BadName as fault:
        found = ready.facts.name or source.name
        raise BadName(
            f"{found!r} gives no application name: name the application yourself, {how}"
        ) from fault


def wanted(ready: Ready, words: Words, name: str, named: Path, units: int | None) -> Wanted:
    """The application as it was asked for. Raises BadRequest."""
    return Wanted(
        application=name,
        charm=charm_of(ready, words),
        named=str(named),
        units=units,
        duration=words.lease,
        guarantee=words.guarantee,
        config=words.config,
    )


def charm_of(ready: Ready, words: Words) -> Charm:
    """What to hand in. Raises BadRequest for a resource that the charm does not have."""
    facts = ready.facts
    for name in words.resources:
        if name not in facts.resources:
            known = ", ".join(sorted(facts.resources)) or "none"
            raise BadRequest(f"the charm has no resource {name!r}: it has {known}")
    return Charm(
        source=ready.source,
        peers=tuple(facts.peers),
        options=facts.options,
        resources=words.resources or None,
        update_status_interval=words.interval,
        allow_host_changes=words.allow_host_changes,
        digest=digest_of(ready.folder),
    )
