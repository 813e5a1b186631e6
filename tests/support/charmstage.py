"""Stages whose application has a charm: peers, options, and what tests ask of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tenure.testing.charm import ALL_HOOKS
from tenure.testing.machine import Machine
from tenure.testing.time.waiting import settle
from tests.support.stage import Stage

PEER_HOOKS = tuple(
    f"peers-relation-{kind}" for kind in ("created", "joined", "changed", "departed", "broken")
)
CHARM_HOOKS = (*ALL_HOOKS, "upgrade-charm", *PEER_HOOKS)
CHARM: Mapping[str, Any] = {
    "source": "/charms/web",
    "peers": ["peers"],
    "options": {"size": {"type": "int", "default": "3"}, "motto": {"type": "string"}},
}
CONFIG_YAML = """
options:
  size: {type: int, default: 3}
  motto: {type: string}
"""


async def charmed(
    folder: Path,
    *,
    units: int = 2,
    hooks: tuple[str, ...] = CHARM_HOOKS,
    duration: float = 60.0,
    guarantee: float = 30.0,
) -> Stage:
    """A controller with one application that has a charm, and a machine for each unit."""
    stage = await Stage.open(
        folder, units=units, hooks=hooks, charm=CHARM, duration=duration, guarantee=guarantee
    )
    for machine in stage.machines:
        (machine.folder / "charm" / "config.yaml").write_text(CONFIG_YAML)
    return stage


async def calm(stage: Stage) -> tuple[Machine, ...]:
    """Every agent started, the first unit leads, and no hook is owed to anybody."""
    machines = await stage.led()
    for machine in machines:
        await stage.until(partial(is_calm, machine, len(machines)), "it is calm")
    return machines


def is_calm(machine: Machine, units: int) -> bool:
    """Whether it was told of all its peers and runs no hook."""
    told = machine.unit.state.relations.get(0)
    return (
        told is not None
        and len(told.members) == units - 1
        and all(told.members.values())
        and machine.running is None
    )


async def busy(stage: Stage, machine: Machine) -> None:
    """Its update-status runs, until the test ends it."""
    machine.runner.held.add("update-status")
    machine.unit.schedule.update_after(machine.clock.now(), 0.0)
    machine.agent.wake()
    await stage.until(lambda: machine.running == "update-status", within=2.0)


async def said(machine: Machine, tool: str, *args: str) -> str:
    """What a tool that succeeds prints, in the hook that runs."""
    reply = await machine.tool(tool, *args)
    assert reply.exit_code == 0, reply
    return reply.stdout.decode()


async def refused(machine: Machine, tool: str, *args: str) -> str:
    """What a tool that fails says, without its `ERROR `."""
    reply = await machine.tool(tool, *args)
    assert reply.exit_code == 1, reply
    return reply.stderr.decode().removeprefix("ERROR ").rstrip("\n")


async def end(
    machine: Machine, how: Any = "done", detail: str = "", exit_code: int | None = None
) -> None:
    """The hook that runs ends."""
    machine.hook.end(how, detail, exit_code)
    await settle()


async def give(stage: Stage, source: Path, **fields: Any) -> None:
    """An operator hands the charm in again, from this source."""
    await stage.post("/v1/applications/web/charm", {**CHARM, "source": str(source), **fields})


def source_of(folder: Path) -> Path:
    """A charm's source that answers to everything."""
    source = folder / "source"
    source.mkdir(exist_ok=True)
    (source / "dispatch").touch(mode=0o755)
    (source / "config.yaml").write_text(CONFIG_YAML)
    return source
