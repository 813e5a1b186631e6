"""Which hook runs next, and what is owed after it. Pure.

**The theory.** Two snapshots are compared: what is recorded as done (`LocalState`, durable), and
what is so now (`Snapshot`). The difference is owed; `next_hook` picks one, or none. Nothing is
queued: a hook that was interrupted is still owed because nobody recorded that it was paid (H4, H5).
A hook is paid in one write after it ended well (`paid`), under the term and the revision that were
recorded before it began, never those that happen to be known when it ends.

Leadership's hooks:
- `leader-elected` is owed once per term, and runs only with the guarantee in hand (H2).
- `leader-settings-changed` is owed by a minion that starts, that was deposed, or for which another
  unit wrote; never by the leader, never by a unit that is leaving (H3).
- A deposition is owed from the write that forgets the term on; leading again drops it (H3).
- An optional `leader-deposed` goes first (H10).

Everything else waits for them, but for what makes the charm fit to run them: `install`,
`upgrade-charm`, and `-relation-created` of its peer relations, in Juju's order. What peer relations
owe stands in `relations.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from tenure.core import relations
from tenure.core.relations import Relation, RelationEvent, Told
from tenure.core.tracker import Standing

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
    application_status: tuple[str, str] | None = None
    config_seen: int = 0
    charm_revision: int = 0
    """The revision of the charm that the hooks have taken up; 0 before it is known."""
    charm_copied: int = 0
    """The revision that the unit's copy of the charm was last brought up to; 0 if not known."""
    relations: Mapping[int, Told] = {}
    workload_version: str = ""
    ports: tuple[str, ...] = ()


_LAST_EVENTS = (relations.DEPARTED, relations.BROKEN)


class Surety(Enum):
    """Whether the guarantee is in hand for a `leader-elected` that is due (G3, H2)."""

    IN_HAND = auto()
    ASKING = auto()
    """A renewal is under way: wait for it."""
    UNKNOWN = auto()
    """It cannot be had now: postponed, other hooks go on."""


class Snapshot(Struct, frozen=True, kw_only=True):
    """What is so now, as the shell sees it."""

    standing: Standing
    term: int | None = None
    surety: Surety = Surety.UNKNOWN
    revision: int = 0
    leaving: bool = False
    may_retry: bool = False
    """The failed hook's time to be tried again has come, or an operator said so."""
    update_due: bool = False
    heard: bool = True
    """The controller has spoken since the agent began."""
    relations: tuple[Relation, ...] = ()
    entering: bool = False
    """The controller was asked to let the unit into its peer relations: it will answer soon."""
    config_revision: int = 0
    charm_revision: int = 0


def next_hook(state: LocalState, known: Snapshot) -> RunHook | None:
    """The next hook to run, if any. A unit in error runs none but the failed one, again (H7)."""
    if state.failure is None:
        return _owed(state, known)
    if not known.may_retry or state.failure.skip or is_moot(state, known):
        return None
    hook = state.failure.hook
    if hook in (ELECTED, DEPOSED, SETTINGS) and known.standing is Standing.WAITING:
        return None
    if hook == ELECTED and known.surety is not Surety.IN_HAND:
        return None
    if hook == UPGRADE and known.standing is Standing.STEPPING_DOWN:
        return None  # because it would not begin, and to come back here at once is to spin (U4)
    if hook == UPGRADE and known.charm_revision <= state.charm_revision:
        return None  # because an agent that starts does not know yet which charm it is
    if not known.heard and (hook == CONFIG or state.failure.event is not None):
        return None
    return failed_plan(state, known)


def failed_plan(state: LocalState, known: Snapshot) -> RunHook:
    """The failed hook as it is owed now: to run it again, or to pay it when it is skipped (H7)."""
    assert state.failure is not None
    hook = state.failure.hook
    if hook == ELECTED:
        return RunHook(hook=hook, reason="elected", term=known.term)
    if hook == DEPOSED:
        return _deposed(state) or RunHook(hook=hook, reason="deposed")
    if hook == SETTINGS:
        return _settings(state, known) or RunHook(hook=hook, reason="settings")
    if state.failure.event is not None:
        return _about(relations.again(state.failure.event, known.relations))
    return _config(state, known) if hook == CONFIG else _of_the_charm(hook, known)


def _of_the_charm(hook: str, known: Snapshot) -> RunHook:
    return RunHook(
        hook=hook,
        reason="started" if hook in (INSTALL, CONFIG, START) else "",
        config_revision=known.config_revision if hook == CONFIG else 0,
        charm_revision=known.charm_revision if hook == UPGRADE else 0,
    )


def _config(state: LocalState, known: Snapshot) -> RunHook:
    """Only the first one, and the one after an upgrade, run because the charm was started."""
    plan = _of_the_charm(CONFIG, known)
    return plan if not state.configured else replace(plan, reason="")


def _about(event: RelationEvent) -> RunHook:
    return RunHook(hook=event.hook, event=event)


def _owed(state: LocalState, known: Snapshot) -> RunHook | None:
    if known.leaving:
        return _last_hooks(state, known)
    if not state.installed:
        return _of_the_charm(INSTALL, known)
    stepping_down = known.standing is Standing.STEPPING_DOWN
    plan = None if stepping_down else _before_leadership(state, known)
    if plan is not None or (known.entering and not stepping_down):
        return plan
    plan = _leadership(state, known)
    if plan is not None or stepping_down:
        return plan
    if not state.told_once or _elected_soon(state, known):
        return None
    return _after_leadership(state, known)


def _before_leadership(state: LocalState, known: Snapshot) -> RunHook | None:
    if 0 < state.charm_revision < known.charm_revision:
        return _of_the_charm(UPGRADE, known)
    event = relations.to_create(state.relations, known.relations)
    return _about(event) if event is not None else None


def _after_leadership(state: LocalState, known: Snapshot) -> RunHook | None:
    if not known.heard:
        return None  # what is owed is not known yet, nor the configuration
    if not state.started and to_enter(state, known.relations):
        return None
    if not state.configured or state.config_seen < known.config_revision:
        return _config(state, known)
    if not state.started:
        return _of_the_charm(START, known)
    event = relations.next_event(state.relations, known.relations)
    if event is not None:
        return _about(event)
    return RunHook(hook=UPDATE) if known.update_due else None


def _leadership(state: LocalState, known: Snapshot) -> RunHook | None:
    if known.standing is Standing.WAITING:
        return None
    if known.standing is Standing.LEADER:
        due = state.elected_for != known.term and known.surety is Surety.IN_HAND
        return RunHook(hook=ELECTED, reason="elected", term=known.term) if due else None
    return _deposed(state) or _settings(state, known)


def _elected_soon(state: LocalState, known: Snapshot) -> bool:
    return (
        known.standing is Standing.LEADER
        and state.elected_for != known.term
        and known.surety is Surety.ASKING
    )


def _deposed(state: LocalState) -> RunHook | None:
    owed = state.deposition
    if owed is None or owed.told:
        return None
    return RunHook(hook=DEPOSED, reason="deposed", deposition=owed.term)


def _settings(state: LocalState, known: Snapshot) -> RunHook | None:
    reason: Reason
    if state.deposition is not None:
        reason = "deposed"
    elif not state.told_once:
        reason = "started"
    elif state.seen_revision < known.revision:
        reason = "settings"
    else:
        return None
    return RunHook(
        hook=SETTINGS,
        reason=reason,
        target_revision=known.revision,
        deposition=state.deposition.term if state.deposition else None,
    )


def _last_hooks(state: LocalState, known: Snapshot) -> RunHook | None:
    """Demote, then `stop` and `remove`; a unit that never was installed has nothing to undo."""
    if known.standing in (Standing.LEADER, Standing.WAITING):
        return None
    if not state.installed:
        return None
    deposed = _deposed(state)
    if deposed is not None:
        return deposed
    if known.standing is Standing.STEPPING_DOWN:
        return None
    event = None if state.stopped else relations.last_event(state.relations)
    if event is not None:
        return _about(event)
    if not state.stopped:
        return RunHook(hook=STOP)
    return None if state.removed else RunHook(hook=REMOVE)


def has_left(state: LocalState, known: Snapshot) -> bool:
    """Whether a leaving unit has run all it had to."""
    minion = known.standing is Standing.MINION
    return known.leaving and minion and (state.removed or not state.installed)


def demotion_is_over(state: LocalState, known: Snapshot) -> bool:
    """Whether the hooks of a deposition have run, or cannot run now (U4)."""
    if state.failure is not None or not state.installed:
        return True
    deposition = state.deposition
    return deposition is None or (known.leaving and deposition.told)


def is_moot(state: LocalState, known: Snapshot) -> bool:
    """Whether the failed hook is not owed any more: its term is gone, or it leads now (H2, H3)."""
    if state.failure is None or known.standing is Standing.WAITING:
        return False
    hook = state.failure.hook
    if hook == ELECTED:
        gone = state.failure.term not in (None, known.term)
        return gone or known.standing is not Standing.LEADER or state.elected_for == known.term
    if hook in (SETTINGS, DEPOSED):
        leads = known.standing is Standing.LEADER
        return leads or (hook == SETTINGS and known.leaving)
    if state.failure.event is not None:
        return known.leaving and state.failure.event.kind not in _LAST_EVENTS
    if hook == UPGRADE and known.heard and known.charm_revision <= state.charm_revision:
        return True  # an older copy of the store was put back: there is no such charm any more
    return known.leaving and hook in (INSTALL, CONFIG, START, UPDATE, UPGRADE)


# -- what is written, in one write each (H5)


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
) -> LocalState:
    """The hook failed; the unit is in error until it is retried or skipped (H7)."""
    failure = Failure(hook=hook, detail=detail, term=term, event=event)
    before = state.failure
    if before is not None and before.hook == hook and before.term == term:
        failure = replace(failure, attempts=before.attempts + 1)
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
    return replace(state, charm_copied=max(state.charm_copied, revision))


def with_charm(state: LocalState, revision: int) -> LocalState:
    """The hooks have taken up this revision of the charm."""
    return replace(state, charm_revision=max(state.charm_revision, revision))


def with_peers(state: LocalState, known: tuple[Relation, ...]) -> LocalState:
    """The unit takes part in all of these peer relations."""
    return replace(state, relations=relations.entered(state.relations, known))


def having_written(
    state: LocalState, bags: Mapping[int, int], event: RelationEvent | None = None
) -> LocalState:
    """The unit itself brought applications' bags to these versions, in a hook for this event."""
    return replace(state, relations=relations.wrote(state.relations, bags, event))


def to_enter(state: LocalState, known: tuple[Relation, ...]) -> bool:
    """Whether the unit is to take part in a relation, and does not yet."""
    if not state.installed or state.stopped:
        return False
    return any(not state.relations.get(each.number, Told()).entered for each in known)


def to_leave(state: LocalState) -> bool:
    """Whether a leaving unit has run all hooks of its relations, and still takes part."""
    takes_part = any(each.entered for each in state.relations.values())
    return takes_part and relations.last_event(state.relations) is None


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
