"""Facts about peer relations and configuration as an agent's machine shows them."""

from __future__ import annotations

from typing import Protocol

from tenure.agent.hooks.process import HookResult
from tenure.core.effects import CharmChanged
from tenure.core.localstate import CONFIG, UPGRADE, LocalState, Running
from tenure.core.relations import DEPARTED, RelationEvent
from tenure.simulation.peer_charm import BY_A_HOOK, CharmDisk
from tenure.simulation.peer_facts import HookAims, HookRunsFrom, HookSettled, PeersTold
from tenure.testing.time.loop import VirtualLoop


class Agent(Protocol):
    """Of whom it is told."""

    unit: str
    instance: str
    loop: VirtualLoop


def aim_of(agent: Agent, running: Running) -> HookAims | None:
    """What the hook is for, if it is one of a relation, or config-changed."""
    plan, at = running.plan, agent.loop.time()
    event = plan.event
    if event is not None:
        return HookAims(
            at=at, unit=agent.unit, agent=agent.instance, context=running.context_id,
            kind=event.kind, relation=event.number, remote=event.remote, version=event.version,
        )  # fmt: skip
    if plan.hook != CONFIG:
        return None
    return HookAims(
        at=at, unit=agent.unit, agent=agent.instance, context=running.context_id,
        kind="config", version=plan.config_revision,
    )  # fmt: skip


def may_name(event: RelationEvent | None) -> tuple[str, ...]:
    """The units that the environment of a hook may name, each as often as it may (G10)."""
    if event is None or not event.remote:
        return ()
    departs = event.kind == DEPARTED and not event.leaving
    return (event.remote, event.remote) if departs else (event.remote,)


def settled_of(agent: Agent, context: str, result: HookResult) -> HookSettled:
    """What the agent makes of a hook's end."""
    return HookSettled(
        at=agent.loop.time(), unit=agent.unit, agent=agent.instance, context=context,
        how=result.kind, said=result.detail,
    )  # fmt: skip


def told_of(agent: Agent, before: LocalState, now: LocalState) -> PeersTold | None:
    """What was durably recorded as told, if that is news."""
    if _recorded(before) == _recorded(now):
        return None
    return PeersTold(
        at=agent.loop.time(), unit=agent.unit, agent=agent.instance, relations=now.relations,
        config=now.config_seen, configured=now.configured,
    )  # fmt: skip


def _recorded(state: LocalState) -> tuple[object, ...]:
    return state.relations, state.config_seen, state.configured


def runs_from(
    agent: Agent, running: Running, given: CharmChanged | None, disk: CharmDisk
) -> HookRunsFrom:
    """What a hook that begins now runs from; config-changed then changes a file of its charm."""
    plan = running.plan
    is_told = given is not None and plan.hook == UPGRADE and plan.charm_revision == given.revision
    fact = HookRunsFrom(
        at=agent.loop.time(), unit=agent.unit, context=running.context_id, hook=plan.hook,
        files={name: source.removesuffix(BY_A_HOOK) for name, source in disk.files.items()},
        unfinished=disk.unfinished, source=given.source if given and is_told else None,
    )  # fmt: skip
    if plan.hook == CONFIG:
        disk.changed()
    return fact
