"""A short torture: each fault once, on four state folders, so that they can run side by side."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tenure.simulation.checkers import real_checkers
from tenure.simulation.facts import Fact, HookEnded, SaidTrue
from tenure.simulation.judge import judge
from tests.support.preload import compiler
from tests.torture.figures import Figures
from tests.torture.run import Ended, torture
from tests.torture.shim import NO_COMPILER
from tests.torture.table import FAULTS
from tests.torture.watch import carriers

SEED = 5
LONGEST = 120.0
"""Seconds after which a run begins no further fault, on a machine that is very busy."""


long = pytest.mark.long


def tortured(group: str) -> Ended:
    """The run of one group's faults, printed; nothing of it is left."""
    kinds = [kind for kind, fault in FAULTS.items() if fault.group == group]
    told: list[str] = []
    ended = torture(SEED, kinds, seconds=LONGEST, count=len(kinds), say=told.append)
    print("\n".join([*told, *ended.figures.lines()]))
    assert ended.figures.faults_found == []
    assert set(ended.figures.faults) | set(ended.figures.skipped) == set(kinds)
    assert not list(carriers(str(ended.folder)))
    assert not ended.folder.exists()
    return ended


def something_happened(figures: Figures) -> bool:
    return bool(figures.promises and figures.writes["done"] and figures.reads)


@long
def test_agents_and_hooks_are_killed_and_no_promise_is_broken() -> None:
    """G1, G3, G6, H4, H5, U1: judged by the checkers of the simulation"""
    ended = tortured("agents")
    assert something_happened(ended.figures)
    assert ended.figures.kills["leader's agent"] and ended.figures.kills["hook tool"]
    assert ended.figures.fail_overs > 0


@long
def test_belief_survives_no_pause_no_clone_and_no_order_too_long() -> None:
    """G1, G3, G5, L9, U4, O1"""
    ended = tortured("belief")
    assert something_happened(ended.figures)
    assert ended.figures.kills["clone"] == 1
    assert ended.figures.fail_overs > 0
    planted = with_a_second_promise(ended.facts)
    assert "OnePromise" in {each.checker for each in judge(planted, real_checkers())}


@long
def test_the_controller_is_killed_and_stopped_and_nothing_acknowledged_is_lost() -> None:
    """G6, G8, G9, L8"""
    ended = tortured("controller")
    assert something_happened(ended.figures)
    assert ended.figures.kills["controller"] >= 4
    assert ended.figures.kills["all of Tenure"] >= 2


@long
def test_a_failing_disk_loses_nothing_acknowledged_and_needs_no_restart() -> None:
    """G6, G7, L7, L8"""
    if compiler() is None:
        pytest.skip(NO_COMPILER)
    ended = tortured("disks")
    assert something_happened(ended.figures)
    assert ended.figures.skipped == {}
    assert ended.figures.writes["refused"] > 0


def test_a_full_file_system_without_a_compiler_is_the_kernels_limit() -> None:
    """G7: this much can be tortured anywhere"""
    assert [kind for kind, fault in FAULTS.items() if fault.group == "disks" and not fault.by_shim]


def with_a_second_promise(facts: list[Fact]) -> list[Fact]:
    """The facts, and another unit that was told True while the first promise held."""
    ends = {fact.context: fact.at for fact in facts if isinstance(fact, HookEnded)}
    for number, fact in enumerate(facts):
        if isinstance(fact, SaidTrue) and ends[fact.context] > fact.at + 0.02:
            liar = replace(fact, at=fact.at + 0.001, unit="web/9", agent="web/9 x", context="liar")
            return [*facts[: number + 1], liar, *facts[number + 1 :]]
    raise AssertionError("no promise lasted")
