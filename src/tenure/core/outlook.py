"""What a unit has before it, for those who watch: which hook comes next, and whether any may. Pure.

Who does something about it is `resolver.next_operation`; nothing is decided here.
"""

from __future__ import annotations

from msgspec.structs import replace

from tenure.core.localstate import LocalState, paid
from tenure.core.operations import Snapshot, Surety
from tenure.core.resolver import is_moot, next_hook, to_enter
from tenure.core.tracker import Standing


def owed(state: LocalState, known: Snapshot) -> str | None:
    """The hook that is owed beside the one that runs: the failed one, if one failed (H7). An
    `update-status` is not owed, it comes by itself."""
    running, failure = state.running, state.failure
    if running is not None and not running.plan.is_action:
        state = paid(state, running.plan)
    elif failure is not None and not is_moot(state, known):
        return failure.hook
    soon = replace(known, surety=Surety.IN_HAND, update_due=False)
    hook = next_hook(replace(state, failure=None), soon)
    return None if hook is None else hook.hook


def is_settled(state: LocalState, known: Snapshot) -> bool:
    """Whether nothing is owed, and nothing is awaited that may owe something."""
    awaits = (
        not known.heard
        or known.standing is Standing.WAITING
        or known.entering
        or known.wanted
        or known.leaving
        or to_enter(state, known.relations)
    )
    return not awaits and owed(state, known) is None
