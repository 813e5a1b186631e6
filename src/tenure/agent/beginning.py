"""What an agent takes up when it begins: the state that an earlier one left on the disk."""

from __future__ import annotations

from msgspec.structs import replace

from tenure.agent.config import UnitConfig
from tenure.agent.hooks.process import Log, Runner
from tenure.clock import Clock
from tenure.core import localstate
from tenure.core.localstate import LocalState
from tenure.leadership.record import Record
from tenure.leadership.statefile import StateFile


def take_up(
    config: UnitConfig, file: StateFile[LocalState], *, runner: Runner, clock: Clock, log: Log
) -> Record:
    """The unit's record, saved once. What is left of an earlier agent's hook is ended; belief is
    kept only within the same boot and before it ran out (H5, U1). Blocking.

    Raises StateUnusable, StateNotSaved, LeftoverStuck.
    """
    state = file.load() or LocalState(unit=config.unit)
    state = _without_leftovers(state, config, runner, log)
    if state.boot_id != config.boot_id or clock.now() >= state.sure_until:
        state = localstate.without_belief(state)
    if not state.installed:
        state = localstate.with_charm(state, config.charm_revision)
    state = replace(state, runs=state.runs + 1)
    file.save(state)
    return Record(state, file, clock.now, lambda fault: log.log("ERROR", fault))


def _without_leftovers(
    state: LocalState, config: UnitConfig, runner: Runner, log: Log
) -> LocalState:
    running = state.running
    if running is None:
        return state
    if running.boot_id == config.boot_id:
        runner.end_leftovers(running.pid, running.context_id)
    hook = running.plan
    if hook.is_action:
        log.log("WARNING", f"{hook.hook} was interrupted: it is not run again")
    elif localstate.is_skipped(state, hook):
        return localstate.paid(state, hook)
    else:
        log.log("WARNING", f"{hook.hook} was interrupted: it is owed again")
    return localstate.cleared(state)
