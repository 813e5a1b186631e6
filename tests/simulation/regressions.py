"""Worlds that once broke a promise, each with the sentence that it taught.

They are lived again in every run of the tests, as they are and with the fault planted again. A
world changes when what is drawn in it changes; then the seed that finds the planted fault stands
here.
"""

from __future__ import annotations

REGRESSIONS: list[tuple[int, str, str]] = [
    (7700015, "offer_told_before_its_turn_is_over",
     "An offer that is taken back in the turn that made it is not told: its unit had fallen "
     "silent, and another was granted the lease while it still seemed to be on offer."),
    (25, "offer_begins_when_it_is_decided",
     "An offer's time begins when it is told: with commits slower than an offer is long, it lapsed "
     "before anybody heard of it, and then two units heard at once."),
    (82, "session_lost_with_a_rolled_back_removal",
     "A removal that is rolled back has ended its units' sessions: they must say Hello anew, or "
     "they claim in vain and are told of nothing."),
    (353, "timer_counted_from_after_the_clock_was_read",
     "A timer counts from before the clock was read: an agent that lost its turn between the two "
     "slept on for up to a second while its lease was to be given up."),
]  # fmt: skip
"""The seed, the bug of `plants.py` that it finds, and what it taught."""
