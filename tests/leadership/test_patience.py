"""How long the answer to a claim is waited for: `leadership/patience.py`."""

from __future__ import annotations

import pytest

from tenure.core.tracker import ClaimSent
from tenure.leadership.patience import waiting

ASKED = ClaimSent(100.0, 0, None)


@pytest.mark.parametrize(
    ("duration", "patience"), [(60.0, 5.0), (20.0, 5.0), (5.0, 1.25), (1.0, 0.5)]
)
def test_silence_is_borne_for_a_quarter_of_a_lease_and_5_s_at_most(
    duration: float, patience: float
) -> None:
    """U2"""
    waits = waiting(ASKED, 0.0, duration)
    assert (waits.doubt_at, waits.silent_at) == (100.0 + patience / 2, 100.0 + patience)


def test_who_gives_signs_of_life_is_waited_for_as_long_as_the_answer_can_be_of_use() -> None:
    """G11, G4"""
    waits = waiting(ASKED, 130.0, 60.0)
    assert waits.silent_at == 135.0
    assert waits.useless_at == pytest.approx(100.0 + 59.4)
