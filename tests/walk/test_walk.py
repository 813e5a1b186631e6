"""Walks: in small worlds, every order of events keeps the promises; and what a fault would show."""

from __future__ import annotations

import pytest

from tests.core import unit_plants
from tests.walk import plants
from tests.walk.__main__ import main
from tests.walk.search import walk
from tests.walk.story import WORDS, told
from tests.walk.world import LIMITS, Bounds, Nature, Setting
from tests.walk.worlds import SMALL, WIDE

MOST = 30_000
"""Worlds. None of the small ones has as many: should one not end, states that behave alike are not
told to be so any more."""


@pytest.mark.long
@pytest.mark.parametrize("name", SMALL)
def test_every_order_of_events_in_a_small_world_keeps_the_promises(name: str) -> None:
    """G1, G3, G5, G6, G7, G8, L2, L3, L5, L7, L8, L9, U1, U4, H5"""
    outcome = walk(SMALL[name], most=MOST)
    story = "\n".join(told(outcome.story, Nature(SMALL[name]).names))
    assert not outcome.wrong, f"{outcome.wrong}\n{story}"
    assert outcome.ended, f"{outcome.worlds} worlds, and no end"


@pytest.mark.parametrize("plant", plants.FOUND, ids=lambda plant: plant.__name__)
def test_a_fault_is_found_in_its_small_world(
    plant: plants.Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G3, G5, G6, G7, G8, L2, L5, L7, L9, U1, U4, H5: and its story is told"""
    setting, clauses = plants.FOUND[plant]
    plant(monkeypatch)
    outcome = walk(setting, most=MOST)
    named = outcome.wrong.partition(":")[0].split(", ")
    assert set(named) & set(clauses), outcome.wrong or f"not found in {outcome.worlds} worlds"
    assert len(told(outcome.story, Nature(setting).names)) == outcome.depth


def test_faults_that_no_walk_finds_are_not_among_those_that_are_found() -> None:
    found = {plant.__name__ for plant in plants.FOUND}
    assert not found & set(plants.NOT_FOUND)


def test_every_kind_of_trouble_is_in_a_world_of_the_tests_and_in_one_of_make_walk() -> None:
    for worlds in (SMALL, WIDE):
        used = {name for each in worlds.values() for name in LIMITS if getattr(each.bounds, name)}
        assert used == set(LIMITS)
    assert set(SMALL) == set(WIDE)


def test_the_shortest_story_is_the_one_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """L5"""
    unit_plants.term_kept_while_stepping_down(monkeypatch)
    setting = Setting(bounds=Bounds(ticks=1, elects=1))
    outcome = walk(setting)
    assert told(outcome.story, Nature(setting).names) == [
        "an operator elects web/1",
        "web/0 hears what the controller says",
    ]


def test_every_move_has_its_words() -> None:
    for setting in SMALL.values():
        nature = Nature(setting)
        seen = [nature.first()]
        for world in seen:
            for move, after in nature.moves(world):
                assert move[0] in WORDS
                if len(seen) < 8:
                    seen.append(after)


def test_the_command_tells_how_many_worlds_there_were(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--ticks", "1"]) == 0
    line = capsys.readouterr().out
    assert line.startswith("your own: ") and "worlds" in line and "to the end" in line


def test_the_command_tells_the_story_of_a_broken_promise(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """L5"""
    unit_plants.term_kept_while_stepping_down(monkeypatch)
    assert main(["--ticks", "1", "--elects", "1"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "a promise is broken" in lines[0]
    assert lines[1] == "  L5: web/0 gives up a term that is on its disk. The shortest story of it:"
    assert lines[2] == "    1. an operator elects web/1"


def test_the_command_names_the_worlds_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["nowhere"])
    assert "hand-over" in capsys.readouterr().err
