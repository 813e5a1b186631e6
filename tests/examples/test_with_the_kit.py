"""The examples in virtual time, several units each: nothing of them is replaced."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tenure.testing import App, Stage

from .running import EXAMPLES


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


def deployed(stage: Stage, example: str, units: int = 3) -> App:
    return stage.deploy(EXAMPLES / example, "web", units=units)


def test_the_secret_outlives_leaders_that_are_killed_cut_off_and_frozen(stage: Stage) -> None:
    """G5, G8, examples/shared-secret"""
    web = deployed(stage, "shared-secret")
    secret = web.settings["secret"]
    assert len(secret) == 64 and [unit.leads for unit in web] == [True, False, False]
    web[0].kill()
    stage.pass_time("61s")
    leader = web.leader
    assert leader in (web[1], web[2]) and leader.hooks.names[-1] == "leader-elected"
    leader.cut_off()
    web[0].start()
    stage.pass_time("61s")
    assert web.leader not in (leader, None) and not leader.leads
    leader.reconnect()
    assert web.leader is not None
    web.leader.freeze("70s")
    stage.pass_time("80s")
    assert web.settings["secret"] == secret and web.term == 4
    assert {unit.status.message for unit in web} == {web[0].status.message}
    assert [unit.error for unit in web] == ["", "", ""]


def test_all_units_say_who_leads_after_each_move(stage: Stage) -> None:
    """P2, examples/who-is-who"""
    web = deployed(stage, "who-is-who")
    for leader in (web[2], web[1]):
        web.elect(leader)
        for unit in web:
            assert unit.status.current == "active"
            assert unit.status.message.startswith(f"{leader.name} leads since ")
        assert web.bag("peers")["roster"] == "web/0 web/1 web/2"
        assert [unit.bag("peers")["leads"] for unit in web] == [str(unit is leader) for unit in web]
    web.add_unit()
    assert web.bag("peers")["roster"] == "web/0 web/1 web/2 web/3"
    web[3].remove()
    assert web.bag("peers")["roster"] == "web/0 web/1 web/2"


@pytest.mark.skipif(shutil.which("perl") is None, reason="there is no perl")
def test_whoever_leads_all_listen_on_the_port_that_was_chosen_once(stage: Stage) -> None:
    """examples/helper-in-perl"""
    web = deployed(stage, "helper-in-perl")
    port = web.settings["port"]
    web.step_down()
    assert web.leader is not web[0] and web.settings["port"] == port
    for unit in web:
        assert f"port={port}\n" in (unit.charm / "app.conf").read_text()
        assert unit.status.message.endswith(f"on port {port}")


def test_only_the_leader_does_the_job_and_never_two_units_at_once() -> None:
    """G1, examples/once-a-minute: in fifty orders of hooks, while leadership moves"""
    for order in range(50):
        with Stage(order=order) as stage:
            web = deployed(stage, "once-a-minute", units=2)
            for leader in web:
                web.elect(leader)
                web[0].update_status()
                web[1].update_status()
            jobs = web.spans("the job begins", "the job ends")
            assert not jobs.overlaps()
            assert {job.unit for job in jobs} == {"web/0", "web/1"}, f"order {order}"


def test_a_leader_that_is_held_in_its_job_is_not_joined_by_another(stage: Stage) -> None:
    """G3, examples/once-a-minute: the job is within the guarantee, or another may begin"""
    web = deployed(stage, "once-a-minute", units=2)
    stage.pass_time("7m")
    halt = web[0].halt("update-status", "juju-log", when="after")
    web[0].update_status()
    halt.reached()
    web.elect(web[1], wait=False)
    stage.pass_time("25s")
    web[1].update_status()
    assert not web[1].leads
    assert [job.unit for job in web.spans("the job begins", "the job ends")][-1] == "web/0"
    halt.go_on()
    assert not web.spans("the job begins", "the job ends").overlaps()
