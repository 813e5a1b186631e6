"""Two worlds that differ only in which other unit leads: a third one is shown the same in both."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tenure.controller.agents import Agents
from tenure.core.status import Said
from tenure.testing.machine import Machine
from tenure.testing.time.waiting import in_virtual_time
from tests.support.charmstage import busy, charmed, end, is_calm, said
from tests.support.stage import Stage

ASKED = (
    ("is-leader",), ("leader-get",), ("goal-state",), ("status-get", "--include-data"),
    ("status-get", "--application"), ("relation-ids", "peers"), ("relation-list", "-r", "0"),
    ("relation-get", "-r", "0", "-", "web/0"), ("relation-get", "-r", "0", "-", "web/1"),
    ("relation-get", "-r", "0", "--app", "-", "web"), ("relation-set", "-r", "0", "--app", "a=1"),
    ("leader-set", "a=1"), ("status-set", "--application", "active"), ("network-get", "peers"),
    ("config-get",), ("opened-ports",), ("unit-get", "private-address"),
)  # fmt: skip
"""What the third unit's hook asks."""

OWN = ("JUJU_CONTEXT_ID", "JUJU_CHARM_DIR", "CHARM_DIR", "JUJU_AGENT_SOCKET_ADDRESS", "PATH")
"""Variables that hold a random number or the world's folder."""

Shown = list[tuple[object, ...]]


async def calm(stage: Stage, machine: Machine, units: int) -> None:
    await stage.until(partial(is_calm, machine, units), "it is calm")


@in_virtual_time
async def live(folder: Path, leader: int, shown: Shown) -> None:
    """What the third unit's charm is shown in the world in which this one leads."""
    stage = await charmed(folder, units=3)
    *pair, third = stage.machines
    pair[leader].start()
    await stage.until(lambda: pair[leader].leads)
    pair[1 - leader].start()
    for machine in pair:
        await calm(stage, machine, 2)
    third.start()
    for machine in stage.machines:
        await calm(stage, machine, 3)
    await busy(stage, pair[leader])
    await said(pair[leader], "relation-set", "-r", "0", "--app", "a=1")
    await said(pair[leader], "leader-set", "b=2")
    await said(pair[leader], "status-set", "--application", "blocked", "no space")
    await end(pair[leader])
    await stage.pass_time(5.0)
    await busy(stage, third)
    for tool, *args in ASKED:
        reply = await third.tool(tool, *args)
        shown.append((tool, *args, reply.exit_code, _timeless(reply.stdout), reply.stderr))
    await end(third)
    for ran in third.ran:
        shown.append((ran.hook, {k: v for k, v in ran.env.items() if k not in OWN}))


def _timeless(text: bytes) -> bytes:
    """Without since when: how long it took to begin says nothing."""
    return b"\n".join(line for line in text.splitlines() if b"since:" not in line)


def differs(folder: Path) -> bool:
    """Whether the charm can tell the two worlds apart."""
    shown: tuple[Shown, Shown] = ([], [])
    for leader, seen in enumerate(shown):
        live(folder / str(leader), leader, seen)
    return shown[0] != shown[1]


def test_a_charm_is_shown_the_same_whichever_other_unit_leads(tmp_path: Path) -> None:
    """G10: by every tool, and in the environment of every hook"""
    assert not differs(tmp_path)


def test_a_goal_that_names_the_leader_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G10: a planted bug"""
    real = Agents.said_of

    def said_of(self: Agents, unit: str) -> Said:
        holder = self._model.living("web").lease.holder
        leads = holder is not None and holder.unit == unit
        return Said("active") if leads else real(self, unit)

    monkeypatch.setattr(Agents, "said_of", said_of)
    assert differs(tmp_path)
