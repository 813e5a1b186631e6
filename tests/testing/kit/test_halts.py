"""Hooks that are held: where, for how long, and how they go on."""

from __future__ import annotations

from pathlib import Path

from tenure.testing import Stage
from tests.support.bash_charms import JOB, PEERS, bash_charm, said


def test_leadership_is_lost_between_the_question_and_the_write(tmp_path: Path) -> None:
    """G4, G8"""
    with Stage() as stage:
        web = stage.deploy(bash_charm(tmp_path, JOB), units=3)
        halt = web[1].halt("leader-elected", "leader-set")
        web.elect(web[1], wait=False)
        halt.reached()
        web[1].cut_off()
        stage.pass_time("61s")
        assert web.leader is web[0]
        halt.go_on()
        call = web[1].calls[-1]
        assert (call.code, "not the leader" in call.stderr) == (1, True)
        assert web.settings == {"owner": "web/0"}


def test_a_held_call_that_fails_ends_as_with_no_controller_and_the_next_one_does_not(
    tmp_path: Path,
) -> None:
    """T7"""
    hook = "leader-set a=1 || leader-set b=2"
    with Stage() as stage:
        web = stage.deploy(bash_charm(tmp_path, {"leader-elected": hook}), units=2)
        halt = web[1].halt("leader-elected", "leader-set")
        web.elect(web[1], wait=False)
        halt.reached().fail()
        first, second = web[1].calls
        assert (first.code, second.code) == (1, 0)
        assert "failed to call leadership api" in first.stderr
        assert web.settings == {"a": "1", "b": "2"}


def test_a_halt_is_let_go_once(tmp_path: Path) -> None:
    with Stage() as stage:
        web = stage.deploy(bash_charm(tmp_path, JOB), units=2)
        halt = web[1].halt("leader-elected", "is-leader")
        what = "the halt of web/1 leader-elected before is-leader"
        assert said(halt.go_on) == f"{what} holds nothing yet: call reached() first"
        web.elect(web[1], wait=False)
        halt.reached().go_on()
        gone = f"{what} holds nothing any more, because it was let go"
        assert said(halt.go_on) == gone
        assert said(halt.fail) == gone
        assert said(halt.reached) == f"{gone}: make another halt"


def test_a_hook_that_ended_without_that_call_is_told_with_the_calls_that_it_made(
    tmp_path: Path,
) -> None:
    with Stage() as stage:
        web = stage.deploy(bash_charm(tmp_path, JOB), units=2)
        halt = web[1].halt("leader-elected", "leader-get")
        web.elect(web[1])
        assert said(halt.reached) == (
            "the halt of web/1 leader-elected before leader-get did not come, because "
            "leader-elected has ended; its calls: is-leader, leader-set: name one of them"
        )


def test_at_its_end_nothing_of_a_hook_is_committed_yet(tmp_path: Path) -> None:
    hook = 'relation-set -r "$(relation-ids peers)" port=80'
    charm = bash_charm(tmp_path, {"update-status": hook}, PEERS)
    with Stage() as stage:
        web = stage.deploy(charm)
        halt = web[0].halt("update-status", "end")
        web[0].update_status()
        halt.reached()
        assert "port" not in web[0].bag("peers")
        halt.go_on()
        assert web[0].bag("peers")["port"] == "80"


def test_a_hook_that_is_held_at_its_begin_has_no_process_yet(tmp_path: Path) -> None:
    with Stage() as stage:
        web = stage.deploy(bash_charm(tmp_path, JOB), units=2)
        with web[1].halt("leader-elected", "begin") as halt:
            web.elect(web[1])
            halt.reached()
            stage.pass_time("5s")
            assert web[1].hooks.names == []
        assert web[1].hooks.names == ["leader-elected"]
        assert web[1].hooks[0].began == stage.now == 5.0


def test_nth_counts_calls_in_all_runs_and_after_holds_the_answer(tmp_path: Path) -> None:
    with Stage() as stage:
        web = stage.deploy(bash_charm(tmp_path, {"update-status": "is-leader"}))
        halt = web[0].halt("update-status", "is-leader", when="after", nth=2)
        web[0].update_status()
        assert not halt.is_reached
        halt.reached()
        assert len(web[0].hooks) == 2
        assert web[0].calls[-1].code is None
        halt.go_on()
        assert web[0].calls[-1].stdout == "True\n"


def test_a_hook_that_is_killed_while_it_is_held_is_held_no_more(tmp_path: Path) -> None:
    """H8"""
    with Stage() as stage:
        web = stage.deploy(bash_charm(tmp_path, JOB), units=2)
        halt = web[1].halt("leader-elected", "leader-set")
        web.elect(web[1], wait=False)
        halt.reached()
        web[1].kill()
        assert web[1].hooks[-1].result == "killed"
        assert said(halt.go_on).endswith("holds nothing any more, because its hook was killed")
        web[1].start()
        assert web[1].hooks.names == ["leader-elected", "leader-elected"]
        assert web.settings == {"owner": "web/1"}


def test_nothing_else_runs_on_a_unit_whose_hook_is_held(tmp_path: Path) -> None:
    with Stage() as stage:
        web = stage.deploy(bash_charm(tmp_path, JOB), units=2)
        halt = web[1].halt("leader-elected", "end")
        web.elect(web[1], wait=False)
        halt.reached()
        assert said(lambda: web[1].exec("true")) == (
            "web/1 runs leader-elected, which is held: nothing else runs there until go_on()"
        )
        web[1].stop()
        halt.go_on()
        assert web.leader is web[0]
