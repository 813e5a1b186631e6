"""What each command does and each subject shows, on a stage."""

from __future__ import annotations

import pytest

from tenure.testing.drill.runner import NEVER_REACHED

from .conftest import Ran

DEPLOY = "deploy job web units=3"


def test_the_story_of_a_leader_that_is_lost_between_question_and_write(ran: Ran) -> None:
    """G2, G6"""
    assert not ran(
        DEPLOY,
        "halt web/1 leader-elected leader-set",
        "elect web/1 --no-wait",
        "reached",
        "cut-off web/1",
        "pass 61s",
        "expect leader web = web/0",
        "go-on",
        "expect call web/1 leader-set code = 1",
        "expect call web/1 leader-set stderr ~ not the leader",
        "expect settings web = owner=web/0 term=3",
        "! elect web/9",
        "expect answer starts there is no unit web/9",
        "! elect web/1",
        "reconnect web/1",
        "elect web/1",
        "expect leader web = web/1",
    )


def test_subjects_show_what_is_durable_and_what_a_unit_did(ran: Ran) -> None:
    assert not ran(
        "deploy job web units=2 leader=1 config=colour=blue",
        "expect answer = web",
        "expect leader web = web/1",
        "expect leads web/1 = True",
        "expect leads web/0 = False",
        "expect term web = 1",
        "expect setting web owner = web/1",
        'expect setting web nothing = ""',
        "expect config web = colour=blue size=1",
        "expect config web colour = blue",
        "expect app-bag web peers boss = web/1",
        "expect app-bag web peers = boss=web/1",
        "expect bag web/0 peers name = web/0",
        "expect status web/0 = active",
        "expect message web/0 = is blue",
        'expect error web/0 = ""',
        "expect hooks web/0 = config-changed start",
        "expect count web/1 leader-elected = 1",
        "expect count web/1 leader-elected leader-set = 1",
        "expect count web/0 leader-elected = 0",
        "expect call web/1 leader-set args starts owner=web/1",
        "expect call web/1 leader-set hook = leader-elected",
        "expect log web/0 ~ colour blue",
        "expect log web/0 !~ colour red",
        "expect file web/0 started = started",
        "expect story ends start: ended well",
    )


def test_orders_are_those_of_the_commands(ran: Ran) -> None:
    assert not ran(
        "deploy job web units=2",
        "config web colour=green size=3",
        "expect config web = colour=green size=3",
        "config web --reset=size",
        "expect config web size = 1",
        "! config web shape=round",
        "add-unit web",
        "expect answer = web/2",
        "step-down web",
        "expect leader web != web/0",
        "revoke web",
        "refresh web",
        "refresh web job",
        "expect hooks web/0 ends upgrade-charm config-changed",
        "remove-unit web/2",
        "! elect web/2",
        "remove-application web",
        "! elect web/0",
        "expect answer starts there is no application web",
    )


def test_commands_and_actions_answer_what_they_print(ran: Ran) -> None:
    assert not ran(
        "deploy job web",
        "exec web/0 leader-get owner",
        "expect answer = web/0",
        "exec web/0 -- sh -c 'echo $JUJU_UNIT_NAME --no-wait'",
        "expect answer = web/0 --no-wait",
        "! exec web/0 sh -c 'echo oh >&2; exit 3'",
        "expect answer = it ended with 3: oh",
        "run web/0 greet whom=world",
        "expect answer = said=hello world",
        "! run web/0 break",
        "expect answer ~ it is broken",
        "! run web/0 nothing",
        "! run web/0 greet whom=[",
    )


def test_the_shell_has_the_units_folders(ran: Ran) -> None:
    assert not ran(
        "deploy job web units=2",
        "deploy job big-db",
        "let who = leader web",
        "sh 'test -e $TENURE_UNIT_1/started && test -e $TENURE_UNIT_BIG_DB_0/started'",
        "sh 'cat $TENURE_UNIT_WEB_0/started'",
        "expect answer = started",
        'sh echo "it is $who"',
        "expect answer = it is web/0",
        "! sh exit 3",
        "sh 'test ! -e \"$TENURE_UNIT_2\" && pwd && test -d job'",
    )


def test_faults_befall_units_and_the_controller(ran: Ran) -> None:
    assert not ran(
        DEPLOY,
        "kill web/0",
        "! kill web/0",
        "until leader web != web/0 within=2m",
        "start web/0",
        "stop web/1",
        "start web/1",
        "freeze web/2 20s",
        "pass 30s",
        "controller kill",
        "! elect web/1",
        "! controller kill",
        "controller start",
        "settle",
    )


def test_a_failed_hook_is_resolved(ran: Ran) -> None:
    """H7"""
    assert not ran(
        "deploy job web",
        "sh 'touch $TENURE_UNIT_0/broken'",
        "! update-status web/0",
        "expect answer ~ web/0 owes update-status, which failed: exit status 3",
        'expect error web/0 = "hook failed: \\"update-status\\""',
        "resolve web/0 --no-retry",
        'expect error web/0 = ""',
        "! resolve web/0",
    )


def test_halts_have_names_and_fail_one_call(ran: Ran) -> None:
    """T7: and one that was never reached fails the drill"""
    failure = ran(
        DEPLOY,
        "halt one: web/1 leader-elected is-leader",
        "halt web/1 leader-elected leader-set after",
        "elect web/1 --no-wait",
        "reached one",
        "! go-on",
        "fail one",
        "expect count web/1 leader-elected leader-set = 0",
        "! go-on one",
        "halt one: web/2 leader-elected begin",
        "elect web/2 --no-wait",
        "reached one",
        "go-on one",
        "expect leader web = web/2",
    )
    assert failure is not None and (failure.line, failure.found) == (3, NEVER_REACHED)


def test_a_halt_that_is_waited_for_is_not_replaced(ran: Ran) -> None:
    failure = ran(DEPLOY, "halt web/1 start begin", "halt web/2 start begin")
    assert failure is not None and failure.line == 3
    assert failure.found.startswith("the halt of line 2 is not over: let it go on, or give")


def test_a_halt_whose_hook_was_killed_is_over(ran: Ran) -> None:
    assert not ran(
        DEPLOY,
        "halt web/1 leader-elected is-leader",
        "elect web/1 --no-wait",
        "reached",
        "kill web/1",
        "! go-on",
        "halt web/2 leader-elected is-leader",
        "elect web/2 --no-wait",
        "reached",
        "go-on",
    )


def test_what_must_never_be_fails_the_drill_when_it_is(ran: Ran) -> None:
    failure = ran("never leader web = web/1", DEPLOY, "elect web/2", "elect web/1", "settle")
    assert failure is not None and failure.line == 4
    assert failure.found.startswith("never leader web = web/1: so it was at ")


def test_even_a_line_that_wants_a_refusal_fails_for_what_must_never_be(ran: Ran) -> None:
    failure = ran(DEPLOY, "never leader web = web/1", "! elect web/1")
    assert failure is not None and failure.line == 3


def test_until_tells_how_it_is_when_it_does_not_come(ran: Ran) -> None:
    failure = ran(DEPLOY, "until leader web = web/1 within=10s")
    assert failure is not None
    assert "within 10 s of virtual time: " in failure.found
    assert failure.found.endswith(": it is 'web/0'")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("elect web/9", "there is no unit web/9: there are web/0, web/1, web/2"),
        ("expect leader db = x", "there is no application db: there are web"),
        ("expect leader web = web/1", "web/0"),
        ("expect call web/0 status-get code = 0", "web/0 has not called status-get"),
        ("expect bag web/0 cluster = x", "web has no peer relation 'cluster': it has peers"),
        ("expect file web/0 nothing = x", "no such file or directory"),
        ("! settle", "it was not refused"),
        ("deploy nowhere", "does not exist: name the folder of a charm"),
        ("deploy job web", "web"),
        ("deploy job db leader=1", "of 1 units number 1 cannot lead"),
        ("config web", "say what to set; `expect config web` looks at it"),
        ("config web colour=a colour=b", "colour is given twice"),
        ("sh 'echo a; echo b >&2; exit 4'", "it ended with 4: b"),
        ("reconnect web/0", "web/0 is not cut off"),
    ],
)
def test_a_line_that_is_refused_fails_in_one_line(ran: Ran, line: str, found: str) -> None:
    failure = ran(DEPLOY, line, "settle")
    assert failure is not None
    assert (failure.line, failure.said) == (2, line)
    assert found in failure.found and "\n" not in failure.found


def test_a_value_that_fits_no_unit_is_refused_when_it_is_known(ran: Ran) -> None:
    failure = ran(DEPLOY, "let x = term web", "elect $x")
    assert failure is not None and "'1' is not a unit name" in failure.found


def test_a_drill_that_ends_with_a_hook_held_fails(ran: Ran) -> None:
    failure = ran(DEPLOY, "halt web/1 leader-elected is-leader", "elect web/1 --no-wait", "reached")
    assert failure is not None and failure.line == 2
    assert "still holds its hook" in failure.found
