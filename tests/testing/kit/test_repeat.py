"""The same story is told in the same lines, life after life."""

from __future__ import annotations

import pytest

from tests.testing.kit.repeat import all_at_once, differences, lost_between, shared_secret


@pytest.mark.long
def test_twenty_lives_of_a_story_are_told_in_the_same_lines() -> None:
    assert differences(shared_secret, 20) == []


@pytest.mark.long
@pytest.mark.parametrize("order", [0, 7])
def test_lives_with_halts_and_kills_are_told_in_the_same_lines_in_every_order(order: int) -> None:
    assert differences(lost_between, 4, order) == []


@pytest.mark.long
def test_lives_in_which_all_wait_at_one_instant_are_told_in_the_same_lines() -> None:
    assert differences(all_at_once, 3, 5) == []
