"""The guards of `up`, each tested by taking it away: then a named test must fail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tenure.statefolder import StateFolder
from tenure.up.cleaning import Cleaner
from tenure.wire.operators import Status

from . import test_cleaning

Patch = pytest.MonkeyPatch
Plant = Callable[[Patch], None]
Check = Callable[[StateFolder], None]


def unsure_taken_for_known(patch: Patch) -> None:
    """G7, G8"""
    patch.setattr(Status, "unsure", None)


def absent_taken_for_removed(patch: Patch) -> None:
    """G8"""

    def take_up(self: Cleaner) -> None:
        self._removed |= set(self._folder.known_units())

    patch.setattr(Cleaner, "_take_up", take_up)


def nothing_goes(folder: StateFolder) -> None:
    test_cleaning.test_nothing_goes_while_the_controller_is_unsure(
        folder, test_cleaning.DOUBTS["another application"]
    )


@pytest.mark.parametrize(
    ("plant", "check"),
    [
        (unsure_taken_for_known, nothing_goes),
        (
            unsure_taken_for_known,
            test_cleaning.test_no_unit_goes_while_the_controller_is_unsure_also_where_no_charm_was_prepared,
        ),
        (
            absent_taken_for_removed,
            test_cleaning.test_a_unit_that_an_older_copy_of_the_store_does_not_know_keeps_its_folder,
        ),
    ],
)
def test_a_guard_of_up_that_is_taken_away_is_missed(
    plant: Plant, check: Check, monkeypatch: Patch, tmp_path: Path
) -> None:
    """G7, G8: each guard is needed"""
    folder = StateFolder(tmp_path / "s")
    folder.ensure()
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        check(folder)
