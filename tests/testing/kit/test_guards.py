"""The rules of a stage, each tested by taking it away: then a named test must fail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tenure.testing.kit import engine
from tenure.testing.kit.halts import Hold
from tenure.testing.kit.turns import TurnHook, Turns
from tenure.testing.time import real
from tests.testing.kit import test_ending, test_halts, test_turns
from tests.testing.time import test_real

Patch = pytest.MonkeyPatch


def time_passes_while_a_hook_works(patch: Patch) -> None:
    patch.setattr(Turns, "real_time_left", lambda self: None)


def two_hooks_at_once(patch: Patch) -> None:
    one = Turns.begin_next

    def all_of_them(self: Turns) -> bool:
        begun = False
        while one(self):
            begun = True
        return begun

    patch.setattr(Turns, "begin_next", all_of_them)


def two_hooks_go_on_at_once(patch: Patch) -> None:
    patch.setattr(Turns, "go_on", lambda self, hook, do: do())


def a_call_that_fails_does_not(patch: Patch) -> None:
    let_go = Hold.let_go
    patch.setattr(Hold, "let_go", lambda self, *, fails=False: let_go(self))


def a_halt_is_let_go_twice(patch: Patch) -> None:
    patch.setattr(Hold, "holds", property(lambda self: self.run is not None))


def processes_are_left_behind(patch: Patch) -> None:
    patch.setattr(engine, "end_processes", lambda sockets: None)


def no_hook_is_ever_at_work(patch: Patch) -> None:
    patch.setattr(TurnHook, "is_at_work", property(lambda self: False))


def what_is_real_is_taken_while_something_is_ready(patch: Patch) -> None:
    patch.setattr(real, "MANY_TURNS", 0)


PLANTS = [
    (time_passes_while_a_hook_works, test_turns.test_time_stands_still_while_a_hook_works),
    (no_hook_is_ever_at_work, test_turns.test_time_stands_still_while_a_hook_works),
    (two_hooks_at_once,
     test_turns.test_hooks_that_fall_due_at_one_instant_work_one_at_a_time),
    (two_hooks_go_on_at_once,
     test_turns.test_hooks_that_waited_for_one_instant_go_on_one_at_a_time),
    (a_call_that_fails_does_not,
     test_halts.test_a_held_call_that_fails_ends_as_with_no_controller_and_the_next_one_does_not),
    (a_halt_is_let_go_twice, test_halts.test_a_halt_is_let_go_once),
    (processes_are_left_behind,
     test_ending.test_what_hooks_left_behind_is_ended_also_in_a_session_of_its_own),
]  # fmt: skip


@pytest.mark.parametrize(("plant", "check"), PLANTS, ids=[plant.__name__ for plant, _ in PLANTS])
def test_a_rule_of_the_stage_that_is_taken_away_is_missed(
    plant: Callable[[Patch], None], check: Callable[[Path], None], monkeypatch: Patch,
    tmp_path: Path,
) -> None:  # fmt: skip
    plant(monkeypatch)
    with pytest.raises((AssertionError, ValueError)):
        check(tmp_path)


def test_real_events_that_are_taken_while_something_is_ready_are_noticed(
    monkeypatch: Patch,
) -> None:
    what_is_real_is_taken_while_something_is_ready(monkeypatch)
    with pytest.raises(AssertionError):
        test_real.test_what_is_real_is_looked_at_only_when_nothing_is_ready()
