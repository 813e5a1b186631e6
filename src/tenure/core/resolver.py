"""What a unit does next, and which hooks are owed. Pure.

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

from msgspec.structs import replace

from tenure.core import relations
from tenure.core.localstate import (
    CONFIG,
    DEPOSED,
    ELECTED,
    INSTALL,
    REMOVE,
    SETTINGS,
    START,
    STOP,
    UPDATE,
    UPGRADE,
    LocalState,
    Reason,
    RunHook,
)
from tenure.core.operations import (
    CopyCharm,
    DropFailed,
    EnterRelations,
    GiveContext,
    LeaveRelations,
    Operation,
    PayFailed,
    SayGone,
    Snapshot,
    Surety,
)
from tenure.core.relations import Relation, RelationEvent, Told
from tenure.core.tracker import Standing

_LAST_EVENTS = (relations.DEPARTED, relations.BROKEN)


def next_operation(state: LocalState, known: Snapshot) -> Operation | None:
    """What is to be done next, if anything. Peer relations are entered and left beside hooks, all
    else waits until nothing is under way."""
    if known.may_ask_peers and (told := _of_peers(state, known)) is not None:
        return told
    if known.busy:
        return None
    if known.heard and state.failure is not None and state.failure.skip:
        return PayFailed(failed_hook(state, known))
    if is_moot(state, known):
        return DropFailed()
    if has_left(state, known):
        return SayGone() if known.may_say_gone else None
    if known.wanted and known.standing is not Standing.STEPPING_DOWN and not known.stopping:
        return GiveContext()
    return None if known.held else _hook_or_copy(state, known)


def _of_peers(state: LocalState, known: Snapshot) -> Operation | None:
    """A unit takes part from `install` on, until the last hooks of its relations have run."""
    if known.leaving:
        return LeaveRelations() if to_leave(state) else None
    return EnterRelations(known.relations) if to_enter(state, known.relations) else None


def _hook_or_copy(state: LocalState, known: Snapshot) -> Operation | None:
    if state.failure is not None and _may_copy(state, known):
        return CopyCharm()
    hook = next_hook(state, known)
    if hook is None:
        return CopyCharm() if _may_copy(state, known) else None
    if known.copy_lost:
        waits = _copies_wait(known) or not known.charm_revision
        return None if waits else CopyCharm(hook)
    if hook.hook != UPGRADE:
        return hook
    waits = known.stopping and known.standing is not Standing.STEPPING_DOWN
    return None if waits else CopyCharm(hook)


def _may_copy(state: LocalState, known: Snapshot) -> bool:
    """Whether another charm was handed in than the unit's copy, and may be copied now."""
    return (
        _differ(state.charm_copied, known.charm_revision)
        and not _copies_wait(known)
        and known.may_copy
    )


def _copies_wait(known: Snapshot) -> bool:
    """Whether nothing is copied now: the agent ends, or whoever is to lead next waits (U4)."""
    return known.ending or known.standing is Standing.STEPPING_DOWN


def _differ(revision: int, given: int) -> bool:
    """Whether the controller has another charm than that, both being known. It may have an earlier
    one, from an older copy of its store: the unit follows it."""
    return revision > 0 and given > 0 and revision != given


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
    if hook == UPGRADE and not _differ(state.charm_revision, known.charm_revision):
        return None  # because an agent that starts does not know yet which charm it is
    if not known.heard and (hook == CONFIG or state.failure.event is not None):
        return None
    return failed_hook(state, known)


def failed_hook(state: LocalState, known: Snapshot) -> RunHook:
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
    if _differ(state.charm_revision, known.charm_revision):
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
    if hook == UPGRADE and known.heard and not _differ(state.charm_revision, known.charm_revision):
        return True  # an older copy of the store was put back: there is no such charm any more
    return known.leaving and hook in (INSTALL, CONFIG, START, UPDATE, UPGRADE)


def to_enter(state: LocalState, known: tuple[Relation, ...]) -> bool:
    """Whether the unit is to take part in a relation, and does not yet."""
    if not state.installed or state.stopped:
        return False
    return any(not state.relations.get(each.number, Told()).entered for each in known)


def to_leave(state: LocalState) -> bool:
    """Whether a leaving unit has run all hooks of its relations, and still takes part."""
    takes_part = any(each.entered for each in state.relations.values())
    return takes_part and relations.last_event(state.relations) is None
