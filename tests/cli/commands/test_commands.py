"""Each command: what it asks of the controller, and its whole stdout, stderr and exit code."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from msgspec import Struct

from tenure.wire.operators import (
    ApplicationStatus,
    CharmStatus,
    ControllerStatus,
    HandOver,
    History,
    HistoryEntry,
    HookState,
    LeaseStatus,
    Ok,
    PinStatus,
    Settings,
    Status,
    UnitAdded,
    UnitStatus,
    Why,
    WorkloadStatus,
)
from tests.cli.conftest import Asked, Desk, Result, call

WEB = "/v1/applications/web"
CONTROLLER = ControllerStatus(pid=1, version="1", seat=1, started="", store="/s")


def application(leader: str | None = None, **other: object) -> ApplicationStatus:
    words: dict[str, object] = {
        "leader": leader,
        "term": 3,
        "since": "2026-11-23T12:00:00.123Z",
        "lease": LeaseStatus(duration=60, guarantee=30, left=None if leader is None else 47.2),
        "revision": 1,
        "settings_bytes": 5,
    }
    return ApplicationStatus(**(words | other))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("args", "answer", "asked", "out"),
    [
        (
            ["step-down", "web"],
            HandOver(application="web", unit_from="web/0", unit_to="web/1", term=4,
                     stepping_down_for=0.0123, taking_over_for=0.0021, note="web/2 was first"),
            Asked("POST", f"{WEB}/step-down", {}),
            "web/1 leads web, term 4\n  web/0 stepped down in 12.3 ms\n"
            "  web/1 took over in 2.1 ms\n  web/2 was first\n",
        ),
        (
            ["elect", "web/1"],
            HandOver(application="web", unit_from="web/1", unit_to="web/1", term=4,
                     stepping_down_for=0, taking_over_for=0, note="web/1 leads already"),
            Asked("POST", f"{WEB}/elect", {"unit": "web/1"}),
            "web/1 leads web already, term 4\n",
        ),
        (
            ["step-down", "web"],
            HandOver(application="web", unit_from="web/0", unit_to="web/0", term=5,
                     stepping_down_for=0.001, taking_over_for=0.002),
            Asked("POST", f"{WEB}/step-down", {}),
            "web/0 leads web, term 5\n  web/0 stepped down in 1.0 ms\n"
            "  web/0 took over in 2.0 ms\n",
        ),
        (
            ["pin", "web", "--reason", "upgrade of disks", "--for", "1h30m"],
            Ok(),
            Asked("POST", f"{WEB}/pin", {"reason": "upgrade of disks", "seconds": 5400.0}),
            "web is pinned for 1h30m (upgrade of disks)\n",
        ),
        (
            ["unpin", "web", "--reason", "R"],
            Ok(note="web was not pinned for R"),
            Asked("POST", f"{WEB}/unpin", {"reason": "R"}),
            "web was not pinned for R\n",
        ),
        (
            ["revoke", "web", "--yes"],
            Ok(),
            Asked("POST", f"{WEB}/revoke", {}),
            "the lease of web is revoked\n",
        ),
        (
            ["resolve", "web/1"],
            Ok(),
            Asked("POST", "/v1/units/web/1/resolve", {"retry": True}),
            "the failed hook of web/1 is retried\n",
        ),
        (
            ["resolve", "web/1", "--no-retry"],
            Ok(),
            Asked("POST", "/v1/units/web/1/resolve", {"retry": False}),
            "the failed hook of web/1 is skipped\n",
        ),
        (
            ["kill-hook", "web/1"],
            Ok(note="web/1 was told to end start, which has failed then: see `tenure status`"),
            Asked("POST", "/v1/units/web/1/kill-hook", {}),
            "web/1 was told to end start, which has failed then: see `tenure status`\n",
        ),
        (
            ["add-unit", "web"],
            UnitAdded(unit="web/3"),
            Asked("POST", f"{WEB}/units", {}),
            "web/3\n",
        ),
        (
            ["remove-unit", "web/1", "--force"],
            Ok(),
            Asked("POST", "/v1/units/web/1/remove", {"force": True}),
            "web/1 is dropped\n",
        ),
        (
            ["lease", "web", "--duration", "20s"],
            Ok(),
            Asked("POST", f"{WEB}/lease", {"duration": 20.0, "guarantee": None}),
            "the lease of web is changed\n",
        ),
        (
            ["why", "web/1"],
            Why(subject="web/1", answer="it waits", next="nothing"),
            Asked("GET", "/v1/units/web/1/why", None),
            "it waits\nnext: nothing\n",
        ),
        (
            ["why", "web"],
            Why(subject="web", answer="web/0 leads"),
            Asked("GET", f"{WEB}/why", None),
            "web/0 leads\n",
        ),
        (
            ["settings", "web"],
            Settings(revision=3, settings={"b": "true", "a": "x: y", "é": "1"}),
            Asked("GET", f"{WEB}/settings", None),
            "a: 'x: y'\nb: \"true\"\né: \"1\"\n",
        ),
        (
            ["history", "web", "--limit", "2", "--wide"],
            History(application="web", entries=(
                HistoryEntry(at="2026-11-23T12:00:00Z", kind="released", cause="web/0 left",
                             unit_from="web/0", term=3),
                HistoryEntry(at="2026-11-23T12:00:01Z", kind="granted", cause="first in line",
                             unit_to="web/1", term=4, leaderless_for=1.0, detail="offered"),
            )),
            Asked("GET", f"{WEB}/history?limit=2", None),
            "TIME (UTC)           WHAT      FROM   TO     TERM  CAUSE                    "
            "LEADERLESS\n"
            "2026-11-23 12:00:00  released  web/0  -      3     web/0 left               -\n"
            "2026-11-23 12:00:01  granted   -      web/1  4     first in line (offered)  1s\n",
        ),
    ],
)  # fmt: skip
def test_a_command_asks_one_thing_and_says_what_came_of_it(
    desk: Desk, args: list[str], answer: Struct, asked: Asked, out: str
) -> None:
    """O1, O2, O4, O5"""
    desk.controller.knows(Status(controller=CONTROLLER, applications={"web": application()}))
    desk.controller.says(answer)
    assert desk.call(*args) == Result(0, out, "")
    assert desk.controller.asked == [asked]


def test_an_elect_after_which_another_or_nobody_leads_has_failed(desk: Desk) -> None:
    """O1"""
    desk.controller.knows(Status(controller=CONTROLLER, applications={}))
    done = HandOver(
        application="web",
        unit_from="web/0",
        unit_to=None,
        term=4,
        stepping_down_for=0.5,
        taking_over_for=0,
    )
    desk.controller.says(done)
    said = "nobody leads web now\n  web/0 stepped down in 500.0 ms\n"
    assert desk.call("elect", "web/1") == Result(1, said, "")
    assert desk.controller.asked == [Asked("POST", f"{WEB}/elect", {"unit": "web/1"})]


@pytest.mark.parametrize(
    ("args", "answer"),
    [
        (["status"], Status(controller=CONTROLLER, applications={"web": application()})),
        (["remove-application", "web"], Ok(note="n")),
        (["history", "web"], History(application="web", entries=())),
        (["why", "web"], Why(subject="web", answer="a")),
        (["settings", "web"], Settings(revision=1, settings={"k": "v"})),
        (["add-unit", "web"], UnitAdded(unit="web/0")),
        (["pin", "web", "--reason", "R", "--for", "5m"], Ok(note="n")),
    ],
)
def test_whatever_people_see_programs_see_as_json(
    desk: Desk, args: list[str], answer: Struct
) -> None:
    """O6"""
    desk.controller.knows(Status(controller=CONTROLLER, applications={"web": application()}))
    desk.controller.says(answer)
    done = desk.call(*args, "--format", "json")
    assert (done.code, done.err) == (0, "")
    assert msgspec.json.decode(done.out, type=type(answer)) == answer


def test_status_shows_who_leads_with_term_lease_pins_hooks_and_workload(desk: Desk) -> None:
    """O3"""
    web = application(
        "web/0",
        pins=(PinStatus(reason="upgrade", left=5400.0),),
        status=WorkloadStatus(current="active", message="all well"),
        units={
            "web/10": UnitStatus(leader=False, agent="waiting"),
            "web/1": UnitStatus(
                leader=False,
                agent="lost",
                silent_for=100.0,
                hook=HookState(last="start", error='hook failed: "start"', retry_in=20.0),
                refused="web/1 runs elsewhere",
            ),
            "web/0": UnitStatus(
                leader=True,
                agent="silent",
                silent_for=17.4,
                pid=4321,
                address="127.4.5.6",
                hook=HookState(running="update-status"),
                status=WorkloadStatus(current="active", message="\x1b[2Jready"),
            ),
        },
    )
    desk.controller.says(Status(controller=CONTROLLER, applications={"web": web}))
    assert desk.call("status", "--wide").out.splitlines() == [
        "APPLICATION  LEADER  TERM  SINCE (UTC)          LEASE LEFT  PINNED           STATUS",
        "web          web/0   3     2026-11-23 12:00:00  47s of 1m   upgrade (1h30m)  "
        "active: all well",
        "",
        "UNIT    AGENT                   PID   HOOK                          ADDRESS    STATUS",
        "web/0*  silent for 17 s         4321  running update-status         127.4.5.6  "
        "active: \\x1b[2Jready",
        "web/1   lost, silent for 100 s  -     ! start failed, again in 20s  -          unknown",
        "web/10  waiting                 -     -                             -          unknown",
        "",
        "web/1: another instance was refused: web/1 runs elsewhere",
    ]


def test_a_wide_status_says_since_when_each_status_is_so(desk: Desk) -> None:
    """P4"""
    said = WorkloadStatus(current="active", since="2026-11-23T12:30:00.000Z")
    web = application("web/0", status=said, units={
        "web/1": UnitStatus(leader=False, agent="connected"),
        "web/0": UnitStatus(leader=True, agent="connected", status=said),
    })  # fmt: skip
    desk.controller.says(Status(controller=CONTROLLER, applications={"web": web}))
    lines = desk.call("status", "--wide").out.splitlines()
    assert lines[0].endswith("STATUS  STATUS SINCE (UTC)")
    assert lines[3].endswith("STATUS   STATUS SINCE (UTC)")
    assert lines[1].endswith("active  2026-11-23 12:30:00")
    assert lines[4].startswith("web/0*") and lines[4].endswith("active   2026-11-23 12:30:00")
    assert lines[5].startswith("web/1") and lines[5].endswith("unknown  -")
    assert "STATUS SINCE" not in desk.call("status").out


def test_status_has_columns_for_charms_versions_and_ports_only_if_there_are_any(
    desk: Desk,
) -> None:
    """O3"""
    charm = CharmStatus(source="/c", revision=3)
    units = {
        "web/0": UnitStatus(
            leader=True, agent="connected", pid=1, ports=("80/tcp", "icmp"), charm_revision=3
        ),
        "web/1": UnitStatus(leader=False, agent="connected", pid=2, charm_revision=2),
    }
    web = application("web/0", charm=charm, version="1.\n", units=units)
    bare = {"db/0": UnitStatus(leader=False, agent="waiting")}
    db = application(removing=True, units=bare)
    desk.controller.says(Status(controller=CONTROLLER, applications={"web": web, "db": db}))
    assert desk.call("status", "--wide").out.splitlines() == [
        "APPLICATION  LEADER  TERM  SINCE (UTC)          LEASE LEFT  PINNED  VERSION  REV  STATUS",
        "db           -       3     2026-11-23 12:00:00  free        -       -        -    unknown",
        "web          web/0   3     2026-11-23 12:00:00  47s of 1m   -       "
        "1.\\n     3    unknown",
        "",
        "UNIT    AGENT      PID  HOOK  PORTS         STATUS",
        "db/0    waiting    -    -     -             unknown",
        "web/0*  connected  1    -     80/tcp, icmp  unknown",
        "web/1   connected  2    -     -             unknown",
        "",
        "db is being removed: it goes with the last of its units",
        "web/1 still runs revision 2 of its charm",
    ]


def test_status_works_when_nobody_leads_and_when_there_is_nothing(desk: Desk) -> None:
    """O3"""
    desk.controller.says(Status(controller=CONTROLLER, applications={"web": application()}))
    done = desk.call("status")
    assert done.code == 0
    assert done.out.splitlines()[1] == (
        "web          -       3     2026-11-23 12:00:00  free        -       unknown"
    )
    desk.controller.says(Status(controller=CONTROLLER, applications={}))
    assert desk.call("status") == Result(0, "no applications yet\n", "")


def test_revoke_asks_for_yes_and_says_what_may_break(desk: Desk) -> None:
    """O2, L5"""
    done = desk.call("revoke", "web")
    assert (done.code, done.out, desk.controller.asked) == (2, "", [])
    assert done.err.startswith("ERROR revoking the lease of web may break its guarantee")
    assert "--yes" in done.err and "tenure step-down web" in done.err


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [("not-found", 1), ("refused", 1), ("bad-request", 2), ("unsure", 4), ("from-the-future", 1)],
)
def test_what_the_controller_refuses_is_one_line_and_an_exit_code(
    desk: Desk, code: str, exit_code: int
) -> None:
    desk.controller.refuses(code, "web/1 is not connected:\nwait")
    assert desk.call("elect", "web/1") == Result(
        exit_code, "", "ERROR web/1 is not connected: wait\n"
    )


@pytest.mark.parametrize(
    "args",
    [
        [], ["nonsense"], ["status", "--nonsense"], ["status", "Extra"], ["elect"],
        ["elect", "web"], ["elect", "Web/0"], ["elect", "web/../../x"], ["step-down", "web/0"],
        ["why", "web/x"], ["pin", "web", "--reason", "R"], ["pin", "web", "--for", "2h"],
        ["pin", "web", "--reason", "R", "--for", "60"], ["lease", "web"],
        ["lease", "web", "--duration", "1 minute"], ["history", "web", "--limit", "0"],
        ["status", "--format", "xml"], ["log", "Web"], ["up", "--units", "2"],
        ["up", "x", "--units", "0"], ["up", "--config", "a=b"], ["up", "--name", "web"],
        ["up", "--no-allow-host-changes"], ["up", "--juju-version", "3.6"],
        ["up", "--juju-version", "3.6.x"], ["up", "x", "--config", "a"],
        ["up", "x", "--resource", "=f"], ["up", "x", "--config", "a=1", "--config", "a=2"],
        ["deploy"], ["deploy", "x", "web/0"], ["deploy", "x", "--units", "-1"], ["deploy", ""],
        ["deploy", "x", "--update-status-interval", "25h"], ["refresh"], ["refresh", "web/0"],
        ["scale", "web"], ["scale", "web", "-1"], ["scale", "web", "1001"], ["scale", "web", "x"],
        ["remove-application", "web/0"], ["config"], ["config", "web", "a", "b"],
        ["config", "web", "a", "b=c"], ["config", "web", "=c"], ["config", "web", "--reset", ""],
        ["config", "web", "a=b", "--reset", "a"], ["config", "web", "a=1", "a=2"],
        ["config", "web", "--format", "text"], ["run", "web/0"], ["run", "web", "backup"],
        ["up", "x", "--name", "X"], ["log", "-n", "-1"], ["up", ""], ["up", "x", "--state", ""],
        ["status", "--state", ""],
    ],
)  # fmt: skip
def test_wrong_words_are_one_line_and_exit_code_2(desk: Desk, args: list[str]) -> None:
    done = desk.call(*args) if args else desk.call("--")
    assert (done.code, done.out, desk.controller.asked) == (2, "", [])
    assert done.err.startswith("ERROR ") and done.err.count("\n") == 1


def test_exec_without_a_unit_says_where_to_read_how_and_starts_nothing(desk: Desk) -> None:
    assert desk.call("exec", "--", "true") == Result(
        125,
        "",
        "ERROR missing argument 'UNIT|APP/leader -- CMD [ARGS]...': see `tenure exec --help`\n",
    )


def test_a_charm_whose_name_is_no_applications_is_told_how_to_name_one(
    desk: Desk, tmp_path: Path
) -> None:
    (tmp_path / "dispatch").touch(mode=0o755)
    (tmp_path / "metadata.yaml").write_text("name: 99-_")
    assert desk.call("up", str(tmp_path)) == Result(
        2,
        "",
        "ERROR '99-_' gives no application name: name the application yourself, with --name NAME\n",
    )


def test_down_on_a_folder_that_cannot_be_read_says_what_to_do() -> None:
    # A name that is too long cannot be looked at either, also not by root.
    state = f"/{'x' * 300}"
    assert call("down", "--state", state) == Result(
        1,
        "",
        f"ERROR cannot open {state}/up.lock: File name too long: "
        "mend it, or choose another --state\n",
    )


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (["scale", "web", "x"], "'UNITS': 'x' is not a number from 0 to 1000"),
        (["scale", "web", "1001"], "'UNITS': '1001' is not a number from 0 to 1000"),
        (["up", "/c", "--units", "0"], "'--units': '0' is not a number from 1 to 1000"),
        (["deploy", "/c", "--units", "1.5"], "'--units': '1.5' is not a number from 0 to 1000"),
        (["history", "web", "--limit", "0"], "'--limit': '0' is not a number from 1 to 1000"),
        (["log", "-n", "-1"], "'-n' / '--lines': '-1' is not a number of 0 or more"),
    ],
)
def test_a_number_that_is_none_is_told_which_ones_there_are(
    desk: Desk, args: list[str], error: str
) -> None:
    assert desk.call(*args) == Result(
        2, "", f"ERROR invalid value for {error}: see `tenure {args[0]} --help`\n"
    )
    assert desk.controller.asked == []


def test_a_connected_unit_is_not_dropped_and_the_steps_that_are_there_are_named(
    desk: Desk,
) -> None:
    """U4"""
    unit = UnitStatus(leader=False, agent="connected")
    web = application(units={"web/1": unit})
    desk.controller.knows(Status(controller=CONTROLLER, applications={"web": web}))
    desk.controller.refuses("refused", "web/1 is connected")
    assert desk.call("remove-unit", "web/1", "--force") == Result(
        1,
        "",
        "ERROR web/1 is connected: remove it without --force; if it does not go, `tenure why "
        "web/1` says which hook it waits for, and `tenure resolve web/1 --no-retry` skips one that "
        "fails\n",
    )


def test_another_reason_not_to_drop_a_unit_is_told_as_it_is(desk: Desk) -> None:
    web = application(units={"web/1": UnitStatus(leader=False, agent="lost")})
    desk.controller.knows(Status(controller=CONTROLLER, applications={"web": web}))
    for code in ("refused", "not-found"):
        desk.controller.refuses(code, "for a reason")
        assert desk.call("remove-unit", "web/1", "--force") == Result(1, "", "ERROR for a reason\n")
