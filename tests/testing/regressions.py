"""Worlds that once broke a promise, each with the sentence that it taught.

They are lived again in every run of the tests. A world changes when what is drawn in it changes:
then its seed says nothing any more. So each fault has a test of its own beside the code, and is
planted again in `plants.py`; when worlds change, the seed that finds the planted one stands here.
"""

from __future__ import annotations

REGRESSIONS: list[tuple[int, str]] = [
    (11, "An offer's time begins when it is told: with commits slower than an offer is long, it "
         "lapsed before anybody heard of it, and then two units heard at once."),
    (30, "A removal that is rolled back has ended its units' sessions: they must say Hello anew, "
         "or they claim in vain and are told of nothing."),
]  # fmt: skip
