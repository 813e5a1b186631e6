"""Worlds: one number each. What the promises say holds in all of them, and their stories repeat."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tenure.simulation import simulate
from tenure.simulation.simulate import live
from tests.simulation import peer_plants, plants
from tests.simulation.regressions import REGRESSIONS

SEEDS = 200
SHARE = 20


@pytest.mark.parametrize("first", range(0, SEEDS, SHARE))
def test_every_promise_is_kept_in_a_world_where_everything_goes_wrong(first: int) -> None:
    """G1, G3, G4, G5, G6, G7, G8, G10, G11, L4, L6, L8, L9, U1, U4, B4, B5, T4, H2, H3, H4, H5"""
    for seed in range(first, first + SHARE):
        outcome = live(seed)
        assert not outcome.violations, f"make sim SEED={seed}: {outcome.violations[0]}"


@pytest.mark.parametrize(("seed", "plant", "sentence"), REGRESSIONS)
def test_what_was_found_once_stays_mended(
    seed: int, plant: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """L4, B5, G7, G11: and its world would find it again"""
    assert not live(seed).violations, sentence
    getattr(peer_plants if hasattr(peer_plants, plant) else plants, plant)(monkeypatch)
    assert live(seed).violations, f"world {seed} does not find it any more: name one that does"


@pytest.mark.parametrize("plant", plants.PLANTS, ids=lambda plant: plant.__name__)
def test_a_guard_taken_away_is_found_by_the_checker_of_its_promise(
    plant: plants.Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G1, G3, G6, G7, G8, G10, G11, L4, L6, L8, U4, B4, B5, T4, H2, H3, H4, H5, H7"""
    plant(monkeypatch)
    what = plants.found(plants.worlds(plant))
    assert what is not None, "no world found it"
    seed, violations = what
    assert violations[0].checker in plants.PLANTS[plant], f"world {seed}: {violations[0]}"


def test_worlds_are_as_wild_as_they_should_be() -> None:
    """G1: a world in which nothing happens proves nothing"""
    happened: dict[str, int] = {}
    for seed in range(20):
        for kind, number in live(seed).counts.items():
            happened[kind] = happened.get(kind, 0) + number
    at_least = {
        "Believed": 60, "Led": 60, "SaidTrue": 200, "Wrote": 100, "ReadEnded": 300,
        "AgentEnded": 60, "ControllerEnded": 20, "HookBegan": 1000, "Offered": 20, "Revoked": 2,
        "HookAims": 40, "BagSet": 10, "BagWrote": 15, "BagRead": 5, "ConfigWrote": 3,
    }  # fmt: skip
    assert {k: n for k, n in at_least.items() if happened.get(k, 0) < n} == {}


def story(seed: int, hash_seed: int) -> str:
    """A world's story, told by a process of its own."""
    run = subprocess.run(
        [sys.executable, "-m", "tenure.simulation", "--seed", str(seed)],
        capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": str(SOURCE)},
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr
    return run.stdout


SOURCE = Path(__file__).parent.parent.parent / "src"


@pytest.mark.parametrize("seed", [1, 8, 17])
def test_the_same_seed_tells_the_same_story_byte_for_byte(seed: int) -> None:
    assert story(seed, 1) == story(seed, 2)


def test_the_story_is_the_same_whether_it_is_kept_or_not() -> None:
    kept, not_kept = live(4, keep=True), live(4)
    assert kept.counts == not_kept.counts and kept.virtual == not_kept.virtual
    assert kept.story and not not_kept.story


# -- the command


def test_the_last_line_of_the_command_sums_up() -> None:
    out = io.StringIO()
    assert simulate.main(["--seeds", "3", "--first", "5", "--jobs", "1"], out) == 0
    last = out.getvalue().splitlines()[-1]
    assert last.startswith("3 worlds, ") and last.endswith("every promise was kept")


def test_a_broken_promise_is_told_with_the_command_that_replays_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """G1"""
    plants.belief_half_a_lease_too_long(monkeypatch)
    what = plants.found(range(200))
    assert what is not None
    out = io.StringIO()
    assert simulate.main(["--seeds", "1", "--first", str(what[0]), "--jobs", "1"], out) == 1
    lines = out.getvalue().splitlines()
    assert lines[0] == f"world {what[0]} broke a promise: make sim SEED={what[0]}"
    assert any("every fault is over" in line for line in lines)
    assert "1 broke a promise" in lines[-1]
