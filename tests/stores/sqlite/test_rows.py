"""Changes folded into rows: how many, and how large."""

from __future__ import annotations

import msgspec
import pytest

from tenure.core.changes import (
    BagDropped,
    BagPut,
    Change,
    CharmCleared,
    CharmPut,
    CharmRecord,
    ConfigPut,
    HistoryAdded,
    PinDropped,
    PinPut,
    SettingsCleared,
    SettingsMerged,
    StatusPut,
    StatusRecord,
    UnitDropped,
)
from tenure.stores.sqlite.rows import fold
from tests.stores.samples import bag, config, led

HISTORY = HistoryAdded(application="web", at=1.0, kind="settings", cause="abc", detail="de")
CHARM = CharmRecord(application="web", source="/srv")

SIZES: list[tuple[list[Change], int, int]] = [
    ([], 0, 0),
    ([led(1), led(2)], 1, 0),
    ([UnitDropped("web/0"), UnitDropped("web/1")], 2, 0),
    ([SettingsMerged("web", 1, {"ab": "cde"}, ("f",))], 3, 6),
    ([SettingsMerged("old", 1, {"ab": "cde"}), SettingsCleared("old")], 2, 0),
    ([PinPut("web", "a", 1.0), PinDropped("web", "b")], 2, 0),
    ([HISTORY, HISTORY], 2, 10),
    ([CharmCleared("web"), CharmCleared("db")], 8, 0),
    ([CharmPut(CHARM)], 1, len(msgspec.json.encode(CHARM))),
    ([ConfigPut(config(a="b"))], 1, len('{"a":"b"}')),
    ([BagPut(bag(0, "web/0", settings={"a": "b"})), BagDropped("web", 1, "web")], 2, 9),
    ([StatusPut(StatusRecord(application="web", current="active", message="abc"))], 1, 3),
]
"""Changes, the rows that they touch, and the characters that they bring."""


@pytest.mark.parametrize(("changes", "rows", "letters"), SIZES)
def test_a_commit_s_size_is_known_before_it_is_written(
    changes: list[Change], rows: int, letters: int
) -> None:
    """G7: four bytes to a character, 256 to a row"""
    folded = fold(changes)
    assert (folded.rows(), folded.bytes()) == (rows, 4 * letters + 256 * rows)


def test_the_size_of_many_changes_is_the_sum_of_theirs() -> None:
    """G7"""
    folded = fold(change for changes, _, _ in SIZES for change in changes)
    rows, letters = sum(rows for _, rows, _ in SIZES), sum(letters for _, _, letters in SIZES)
    assert (folded.rows(), folded.bytes()) == (rows, 4 * letters + 256 * rows)
