"""What is recorded of a unit, and the single writes that change it. Pure.

`LocalState` is all that an agent keeps of a unit on disk. Each function below is one write (H5): it
takes the state as it is and returns the one that is to become durable. Which write is due is for
`resolver` to say, and when it must be on disk for whoever acts on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from tenure.core import relations
from tenure.core.relations import Relation, RelationEvent, Told

Reason = Literal["started", "elected", "deposed", "settings", ""]
INSTALL = "install"
ELECTED = "leader-elected"
DEPOSED = "leader-deposed"
SETTINGS = "leader-settings-changed"
CONFIG = "config-changed"
START = "start"
UPDATE = "update-status"
UPGRADE = "upgrade-charm"
STOP = "stop"
REMOVE = "remove"
ACTIONS = "actions/"


class Deposition(Struct, frozen=True):
    """The unit lost `term` and its charm was not told yet; `told`: leader-deposed ran (H10)."""

    term: int
    told: bool = False


class RunHook(Struct, frozen=True, kw_only=True):
    """A hook to run, and what it pays if it ends well (H5)."""

    hook: str
    reason: Reason = ""
    term: int | None = None
    target_revision: int = 0
    deposition: int | None = None
    event: RelationEvent | None = None
    config_revision: int = 0
    charm_revision: int = 0

    @property
    def is_action(self) -> bool:
        """Whether it is an operator's action: nothing is owed for it, and nothing paid."""
        return self.hook.startswith(ACTIONS)


class Running(Struct, frozen=True, kw_only=True):
    """A hook that was about to run or runs: recorded before it begins (H5)."""

    plan: RunHook
    context_id: str
    boot_id: str
    pid: int | None = None


class Failure(Struct, frozen=True, kw_only=True):
    """A failed hook that waits to be tried again (H7).

    `term` is the one that it ran for. `skip`: an operator skipped it while it was being tried:
    however that run ends, what it ran for is paid.
    """

    hook: str
    detail: str
    attempts: int = 1
    skip: bool = False
    term: int | None = None
    event: RelationEvent | None = None
    since: float | None = None
    """When it failed first, in seconds of wall time."""


class LocalState(Struct, frozen=True, kw_only=True):
    """All that an agent keeps of a unit (H5). `sure_until` is of the boot `boot_id`."""

    unit: str
    version: int = 1
    boot_id: str = ""
    term: int | None = None
    sure_until: float = 0.0
    seen_term: int = 0
    runs: int = 0
    elected_for: int = 0
    seen_revision: int = 0
    told_once: bool = False
    deposition: Deposition | None = None
    installed: bool = False
    configured: bool = False
    started: bool = False
    stopped: bool = False
    removed: bool = False
    running: Running | None = None
    failure: Failure | None = None
    last_hook: str | None = None
    status: tuple[str, str] = ("unknown", "")
    status_since: float | None = None
    """Of what the charm says of its unit, in seconds of wall time."""
    config_seen: int = 0
    charm_revision: int = 0
    """The revision of the charm that the hooks have taken up; 0 before it is known."""
    charm_copied: int = 0
    """The revision that the unit's copy of the charm was last brought up to; 0 if not known."""
    relations: Mapping[int, Told] = {}
    address: str = ""
    """The unit's own, as the controller said last; "" before it said so."""
    workload_version: str = ""
    ports: tuple[str, ...] = ()
    port_endpoints: Mapping[str, tuple[str, ...]] = {}
    """Of the ports that are not open for all of the charm's endpoints: for which they are."""


def with_belief(state: LocalState, term: int, boot_id: str, sure_until: float) -> LocalState:
    """Before believing: the term held. A new one drops what a deposition still owed (H3)."""
    deposition = state.deposition if term == state.term else None
    return replace(
        state, term=term, boot_id=boot_id, sure_until=sure_until, deposition=deposition,
        seen_term=max(state.seen_term, term),
    )  # fmt: skip


def without_belief(state: LocalState) -> LocalState:
    """When belief ends, or stepping down begins: term forgotten and deposition owed, at once."""
    if state.term is None:
        return state
    return replace(state, term=None, sure_until=0.0, deposition=Deposition(state.term))


def never_believed(state: LocalState, before: LocalState) -> LocalState:
    """When a grant was saved too late: nothing is owed for a term that nobody believed in. What the
    unit believed `before`, if anything, is over by that time."""
    return replace(without_belief(before), seen_term=state.seen_term)


def begun(state: LocalState, plan: RunHook, context_id: str, boot_id: str) -> LocalState:
    """Before a hook: the hook, its term, its target revision."""
    return replace(state, running=Running(plan=plan, context_id=context_id, boot_id=boot_id))


def cleared(state: LocalState) -> LocalState:
    """The hook did not run, or was interrupted: it is owed as before."""
    return replace(state, running=None)


def is_skipped(state: LocalState, plan: RunHook) -> bool:
    """Whether an operator skipped this hook while it ran (H7)."""
    failure = state.failure
    return failure is not None and failure.skip and failure.hook == plan.hook


def failed(
    state: LocalState,
    hook: str,
    detail: str,
    term: int | None = None,
    event: RelationEvent | None = None,
    wall: float | None = None,
) -> LocalState:
    """The hook failed; the unit is in error until it is retried or skipped (H7)."""
    failure = Failure(hook=hook, detail=detail, term=term, event=event, since=wall)
    before = state.failure
    if before is not None and before.hook == hook and before.term == term:
        failure = replace(failure, attempts=before.attempts + 1, since=before.since)
    return replace(state, running=None, failure=failure, last_hook=hook)


def paid(state: LocalState, plan: RunHook) -> LocalState:
    """After a hook that ended well, or was skipped by an operator: what it paid."""
    state = replace(state, running=None, failure=None, last_hook=plan.hook)
    hook = plan.hook
    if hook == ELECTED:
        if plan.term is None:
            return state  # skipped while no term was known: it pays for none
        return replace(state, elected_for=plan.term, told_once=True)
    if hook == DEPOSED and state.deposition == Deposition(plan.deposition or 0):
        return replace(state, deposition=Deposition(state.deposition.term, told=True))
    if hook == SETTINGS:
        return _settings_paid(state, plan)
    if plan.event is not None:
        return replace(state, relations=relations.paid(state.relations, plan.event))
    return _step_paid(state, plan)


def _settings_paid(state: LocalState, plan: RunHook) -> LocalState:
    deposition = state.deposition
    if deposition is not None and deposition.term == plan.deposition:
        deposition = None
    return replace(
        state,
        seen_revision=max(state.seen_revision, plan.target_revision),
        told_once=True,
        deposition=deposition,
    )


def _step_paid(state: LocalState, plan: RunHook) -> LocalState:
    hook = plan.hook
    if hook == UPGRADE:
        # because Juju runs config-changed after it
        return replace(with_charm(state, plan.charm_revision), configured=False)
    if hook == CONFIG:
        state = replace(state, config_seen=max(state.config_seen, plan.config_revision))
    field = {
        INSTALL: "installed", CONFIG: "configured", START: "started", STOP: "stopped",
        REMOVE: "removed",
    }.get(hook)  # fmt: skip
    return replace(state, **{field: True}) if field else state


def with_copy(state: LocalState, revision: int) -> LocalState:
    """The unit's copy of the charm is of this revision."""
    return replace(state, charm_copied=revision or state.charm_copied)


def with_charm(state: LocalState, revision: int) -> LocalState:
    """The hooks have taken up this revision of the charm."""
    return replace(state, charm_revision=revision or state.charm_revision)


def with_peers(state: LocalState, known: tuple[Relation, ...]) -> LocalState:
    """The unit takes part in all of these peer relations."""
    return replace(state, relations=relations.entered(state.relations, known))


def as_entered(state: LocalState, numbers: frozenset[int]) -> LocalState:
    """In which relations the unit takes part is for the controller to say."""
    told = {
        number: replace(each, entered=number in numbers) for number, each in state.relations.items()
    }
    return state if told == state.relations else replace(state, relations=told)


def without_peers(state: LocalState) -> LocalState:
    """The unit takes part in no relation any more."""
    told = {number: replace(each, entered=False) for number, each in state.relations.items()}
    return replace(state, relations=told)
