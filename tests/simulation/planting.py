"""What planted bugs are registered with, and how worlds are searched for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count, islice

import pytest

from tenure.simulation.judge import Violation
from tenure.simulation.peer_charm import drawn
from tenure.simulation.simulate import live

Patch = pytest.MonkeyPatch
Plant = Callable[[Patch], None]

PLANTS: dict[Plant, tuple[str, ...]] = {}
"""Each bug, and the checkers that may be the first to find it."""

OF_PEERS: set[Plant] = set()
"""Those that only worlds with peer relations can find."""

SEARCHED = 200

FOUND_IN: dict[str, int] = {
    "answered_before_the_sync": 2,
    "application_bag_not_fenced": 53,
    "application_s_bag_told_again_after_a_restart": 17,
    "bags_committed_one_by_one": 7,
    "bags_read_from_an_older_context": 17,
    "belief_half_a_lease_too_long": 11,
    "belief_not_recorded": 14,
    "cache_trusted_after_a_failed_sync": 30,
    "clock_margin_skipped": 22,
    "configuration_forgotten_on_restart": 17,
    "configuration_names_the_leader": 1,
    "configuration_read_before_it_was_heard": 53,
    "copy_recorded_although_it_failed": 27,
    "counter_kept_in_memory": 4,
    "epoch_ignored": 83,
    "files_that_a_hook_changed_kept_at_a_refresh": 27,
    "ghosts_not_ended": 50,
    "half_a_write_kept": 1,
    "hooks_run_from_a_half_copied_charm": 180,
    "interrupted_event_counted_as_told": 17,
    "leader_not_told_of_what_it_wrote": 5,
    "leases_count_from_before_they_were_loaded": 82,
    "longest_lowered_at_once": 8,
    "members_forgotten_on_restart": 17,
    "newest_configuration_paid_at_the_end": 17,
    "nobody_told_of_who_left": 164,
    "not_extended_on_restart": 3,
    "not_looked_at_again_before_leader_elected": 57,
    "not_reloaded_after_doubt": 1,
    "offer_begins_when_it_is_decided": 25,
    "offer_told_before_its_turn_is_over": 7700015,
    "offered_to_all": 1,
    "offers_never_lapse": 11,
    "other_instance_accepted": 11,
    "own_writing_counted_as_told": 17,
    "paid_for_what_is_known_at_the_end": 4,
    "pins_ignored": 78,
    "promise_counted_from_the_reply": 4,
    "promises_while_stepping_down": 8,
    "refusal_names_the_leader": 177,
    "refused_commit_counted_as_done": 7,
    "released_before_promises_lapse": 6,
    "reservation_ignored": 2,
    "roll_back_forgotten": 4,
    "seat_ignored": 40,
    "session_lost_with_a_rolled_back_removal": 82,
    "settings_read_from_an_older_context": 1,
    "status_lost_when_leadership_moves": 0,
    "status_lost_with_the_controller": 7,
    "term_kept_on_a_regrant": 4,
    "timer_counted_from_after_the_clock_was_read": 353,
    "tombstone_forgotten": 2,
    "true_without_the_guarantee": 6,
    "version_known_at_the_end_paid": 37,
    "write_not_fenced": 34,
    "writes_fenced_by_the_unit_alone": 212,
}
"""The first world that finds each bug, if it is not world 0. It is lived before the others, which
find nothing; should it not find the bug any more, all are searched.
"""


def found_by(*checkers: str, of_peers: bool = False) -> Callable[[Plant], Plant]:
    """Registers a bug."""

    def register(plant: Plant) -> Plant:
        PLANTS[plant] = checkers
        if of_peers:
            OF_PEERS.add(plant)
        return plant

    return register


def worlds(plant: Plant) -> list[int]:
    """The worlds that are searched for a bug: the one that found it, and the first that can."""
    able = (seed for seed in count() if plant not in OF_PEERS or drawn(seed))
    return [FOUND_IN.get(plant.__name__, 0), *islice(able, SEARCHED)]


def found(seeds: Iterable[int]) -> tuple[int, tuple[Violation, ...]] | None:
    """The first of these worlds that breaks a promise, and what was found in it."""
    for seed in seeds:
        outcome = live(seed)
        if outcome.violations:
            return seed, outcome.violations
    return None
