"""The settings that operators meet: one table, and what is told of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tenure.core.applications import check_lease
from tenure.defaults import (
    GUARANTEE,
    KIB,
    LEASE,
    LONGEST_INTERVAL,
    LONGEST_LEASE,
    MIB,
    SETTINGS,
    SHORTEST_INTERVAL,
    SHORTEST_LEASE,
    UPDATE_STATUS,
    Setting,
)
from tenure.durations import parse_duration

PAGE = Path(__file__).parent.parent / "docs" / "commands.md"

UNITS = {"KiB": KIB, "MiB": MIB}


def row(setting: Setting[float] | Setting[int] | Setting[str]) -> str:
    """The setting's line in the documentation."""
    return f"| {setting.name} | {setting.said} | {setting.meaning} | {setting.where or '-'} |"


def test_the_documentation_has_the_table() -> None:
    section = PAGE.read_text().partition("\n## Settings\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    assert rows[1:] == [row(setting) for setting in SETTINGS]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_what_people_read_is_the_value(setting: Setting[float] | Setting[int]) -> None:
    number, _, unit = setting.said.partition(" ")
    if isinstance(setting.value, float):
        said = 0.0 if setting.said == "off" else parse_duration(setting.said)
        assert said == setting.value
    elif isinstance(setting.value, int):
        assert int(number) * UNITS.get(unit, 1) == setting.value
    else:
        assert setting.said == setting.value


def test_the_defaults_are_within_the_limits() -> None:
    check_lease(LEASE.value, GUARANTEE.value)
    assert SHORTEST_LEASE.value <= LEASE.value <= LONGEST_LEASE.value
    assert SHORTEST_INTERVAL.value <= UPDATE_STATUS.value <= LONGEST_INTERVAL.value
