"""What each tool does with its context, beyond the conformance cases."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.agent.tools import REFUSED, TOOLS, run_tool
from tenure.agent.tools.base import WorkloadStatus, WriteRefused
from tenure.agent.tools.pairs import parse_pairs
from tenure.wire.tools import Call, ToolReply
from tests.support.steady import steady
from tests.support.tool_world import BucketContext


async def no_stdin(path: str = "") -> bytes:
    raise AssertionError("no tool asks for stdin unless it is told to")


async def call(context: BucketContext, tool: str, *args: str) -> ToolReply:
    request = Call(context_id="1", tool=tool, args=args, cwd="/charm")
    return await run_tool(context, request, no_stdin)


def failed(message: str, exit_code: int = 1) -> ToolReply:
    return ToolReply(exit_code=exit_code, stderr=f"ERROR {message}\n".encode())


async def test_unknown_leadership_prints_nothing_and_says_why() -> None:
    """T3"""
    reply = await call(BucketContext(unknown="no answer in 5 s"), "is-leader")
    assert reply == failed("leadership status unknown: no answer in 5 s")


async def test_a_true_that_went_stale_before_printing_is_decided_anew() -> None:
    """G3"""
    context = BucketContext(sure=[False, False, True])
    assert (await call(context, "is-leader")).stdout == b"True\n"
    assert context.sure == []


async def test_a_true_that_never_stays_sure_is_unknown() -> None:
    """G3, T3"""
    reply = await call(BucketContext(sure=[False] * 5), "is-leader")
    assert (reply.exit_code, reply.stdout) == (1, b"")
    assert reply.stderr.startswith(b"ERROR leadership status unknown: ")


async def test_a_false_is_printed_without_looking_again() -> None:
    """G3, T2"""
    context = BucketContext(leader=False, sure=[False])
    assert await call(context, "is-leader") == ToolReply(stdout=b"False\n")
    assert context.sure == [False]


async def test_wrong_arguments_are_found_before_leadership_is_asked() -> None:
    """T0"""
    context = BucketContext(leader=False, unknown="out of reach", unreadable="out of reach")
    for tool, args in [
        ("is-leader", ["x"]),
        ("leader-get", ["a=b"]),
        ("leader-set", ["x"]),
        ("status-set", ["--application", "odd"]),
        ("status-get", ["--application", "odd"]),
    ]:
        assert (await call(context, tool, *args)).exit_code == 2


@pytest.mark.parametrize("args", [(), ("-",), ("",), ("--", "-")])
async def test_no_key_a_dash_and_an_empty_key_mean_all_settings(args: tuple[str, ...]) -> None:
    """T1, T4"""
    context = BucketContext(bucket={"b": "1", "a": "x"})
    reply = await call(context, "leader-get", "--format=json", *args)
    assert reply.stdout == b'{"a":"x","b":"1"}\n'


async def test_unreadable_settings_say_why() -> None:
    """T7"""
    context = BucketContext(unreadable="failed to call leadership api: connection refused")
    reply = await call(context, "leader-get", "k")
    assert reply == failed(
        "cannot read leadership settings: cannot read settings: "
        "failed to call leadership api: connection refused"
    )


class Overtaken(BucketContext):
    """A context whose agent believes, and whose controller knows better."""

    async def write_settings(self, changes: Mapping[str, str]) -> None:
        raise WriteRefused(
            'failed to merge leadership settings: application "web": prerequisites failed: '
            '"web/0" is not leader of "web"'
        )


async def test_a_write_refused_by_the_controller_says_so() -> None:
    """T6"""
    reply = await call(Overtaken(), "leader-set", "a=b")
    assert reply == failed(
        "cannot write leadership settings: cannot write settings: failed to merge leadership "
        'settings: application "web": prerequisites failed: "web/0" is not leader of "web"'
    )


async def test_leader_set_without_pairs_still_asks_for_leadership() -> None:
    """T5"""
    reply = await call(BucketContext(leader=False), "leader-set", "", "")
    assert reply.exit_code == 1
    assert await call(BucketContext(), "leader-set", "") == ToolReply()


SPACES = st.text("\t\n\v\f\r \x85\xa0\u1680\u2003\u2028\u202f\u205f\u3000", max_size=3)
SOLID = st.text("a.$é\x1c\x1f\u200b\ufeff=", min_size=1)


@steady
@given(SPACES, SOLID.filter(lambda key: "=" not in key), SPACES, SOLID, SPACES)
def test_white_space_around_keys_and_values_is_go_s(
    left: str, key: str, middle: str, value: str, right: str
) -> None:
    """T0, T5, B3"""
    arg = f"{left}{key}{middle}={middle}{value}{right}"
    assert parse_pairs((arg,)) == {key: value}


async def test_bytes_that_are_no_utf_8_become_replacement_characters() -> None:
    """B3"""
    context = BucketContext()
    await call(context, "leader-set", "a=\udcff\udce2x")
    assert context.bucket == {"a": "\ufffd\ufffdx"}


@pytest.mark.parametrize(
    ("path", "absolute"),
    [
        ("out", "/charm/out"),
        ("../out", "/out"),
        ("/tmp//a/./b/../c", "/tmp/a/c"),
        ("//x", "/x"),
        ("~nobody-has-this-name/x", "/charm/~nobody-has-this-name/x"),
    ],
)
async def test_an_output_file_is_named_from_the_callers_folder(path: str, absolute: str) -> None:
    """T7"""
    for flag in (("-o", path), (f"-o{path}",), ("--output", path), (f"--output={path}",)):
        reply = await call(BucketContext(), "is-leader", *flag)
        assert reply == ToolReply(stdout=b"True\n", out_path=absolute)
    missing = await call(BucketContext(), "leader-get", "-o", path, "nothing")
    assert missing == ToolReply(out_path=absolute)


async def test_an_empty_output_file_means_stdout() -> None:
    """T1"""
    assert await call(BucketContext(), "is-leader", "-o", "") == ToolReply(stdout=b"True\n")


WITHOUT_FLAGS = (
    "action-fail", "action-log", "action-set", "application-version-set", "leader-set",
    "resource-get", "state-delete",
)  # fmt: skip


@pytest.mark.parametrize("tool", sorted(TOOLS))
@pytest.mark.parametrize("flag", ["--help", "-h"])
async def test_help_goes_to_stdout_with_exit_0(tool: str, flag: str) -> None:
    """T1"""
    reply = await call(BucketContext(leader=False, unknown="x"), tool, flag, "--nonsense")
    help_text = reply.stdout.decode()
    assert (reply.exit_code, reply.stderr) == (0, b"")
    assert help_text.startswith(f"Usage: {tool} ")
    assert "\n\nSummary:\n" in help_text and "\n\nDetails:\n" in help_text
    assert ("\n\nOptions:\n" in help_text) == (tool not in (*WITHOUT_FLAGS, *REFUSED))


async def test_help_of_a_tool_with_all_kinds_of_options() -> None:
    """T1"""
    text = (await call(BucketContext(), "juju-log", "--help")).stdout.decode()
    assert text.startswith(
        "Usage: juju-log [options] <message>\n\nSummary:\nWrite a message to the unit's log.\n\n"
        "Options:\n--debug  (= false)\n    the same as --log-level DEBUG\n"
        '--format (= "")\n    accepted for old charms; it has no effect\n'
        '-l, --log-level (= "INFO")\n    the level to log at\n\nDetails:\n'
    )


@pytest.mark.parametrize(
    ("args", "logged"),
    [
        (("hello", "world"), [("INFO", "hello world")]),
        (("--log-level", "warn", "--", "-x"), [("WARNING", "-x")]),
        (("-lerror", ""), [("ERROR", "")]),
        (("--debug", "-l", "ERROR", "m"), [("DEBUG", "m")]),
        (("-l", "", "m"), [("INFO", "m")]),
        (("-l", "UNSPECIFIED", "m"), []),
        (
            ("-l", "loud", "m"),
            [("WARNING", 'Specified log level of "loud" is not valid'), ("INFO", "m")],
        ),
    ],
)
async def test_juju_log_logs_at_the_level_asked_for(
    args: tuple[str, ...], logged: list[tuple[str, str]]
) -> None:
    """T1"""
    context = BucketContext()
    assert await call(context, "juju-log", *args) == ToolReply()
    assert context.logged == logged


async def test_juju_log_without_message_is_wrong() -> None:
    """T2"""
    for args in ((), ("--",), ("--debug",)):
        reply = await call(BucketContext(), "juju-log", *args)
        assert reply == failed("no message specified", 2)


async def test_juju_log_takes_the_deprecated_format() -> None:
    """T1"""
    reply = await call(BucketContext(), "juju-log", "--format=json", "m")
    assert reply == ToolReply(stderr=b'--format flag deprecated for command "juju-log"')


@pytest.mark.parametrize(
    ("args", "application", "status"),
    [
        (("active",), False, WorkloadStatus("active", "")),
        (
            ("--application=False", "maintenance", "--", "a b"),
            False,
            WorkloadStatus("maintenance", "a b"),
        ),
        (("--application=true", "blocked", "--", ""), True, WorkloadStatus("blocked", "")),
        (("waiting", "--application", "m"), True, WorkloadStatus("waiting", "m")),
    ],
)
async def test_status_set_as_charms_call_it(
    args: tuple[str, ...], application: bool, status: WorkloadStatus
) -> None:
    """T1"""
    context = BucketContext()
    assert await call(context, "status-set", *args) == ToolReply()
    assert context.statuses == {application: status}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "invalid args, require <status> [message]"),
        (
            ("idle",),
            'invalid status "idle", expected one of [maintenance blocked waiting active]',
        ),
        (("active", "a", "b"), 'unrecognized args: ["b"]'),
    ],
)
async def test_status_set_refuses_what_is_no_status(args: tuple[str, ...], message: str) -> None:
    """T2"""
    assert await call(BucketContext(), "status-set", *args) == failed(message, 2)


async def test_only_the_leader_touches_the_applications_status() -> None:
    """B2"""
    minion = BucketContext(leader=False)
    reply = await call(minion, "status-set", "--application", "active")
    assert reply == failed("this unit is not the leader")
    reply = await call(minion, "status-get", "--application")
    assert reply == failed("finding application status: this unit is not the leader")


async def test_status_get_prints_as_charms_read_it() -> None:
    """T1"""
    context = BucketContext(
        statuses={False: WorkloadStatus("active", "all: well"), True: WorkloadStatus("blocked")}
    )
    unit = {"message": "all: well", "status": "active", "status-data": {}}
    application = {"message": "", "status": "blocked", "status-data": {}, "units": {"web/0": unit}}

    async def printed(*args: str) -> str:
        return (await call(context, "status-get", *args)).stdout.decode()

    assert await printed() == "active\n"
    assert await printed("--application") == "blocked\n"
    context.others["web/10"] = WorkloadStatus("waiting", "x")
    listed = await printed("--application", "--format=yaml")
    assert listed == (
        "application-status:\n  status: blocked\n  units:\n    web/0:\n      status: active\n"
        "    web/10:\n      status: waiting\n"
    )
    context.others.clear()
    assert await printed("--format=json") == '{"status":"active"}\n'
    assert await printed("--format", "yaml") == "status: active\n"
    data = await printed("--include-data", "--format=json", "--application=false")
    assert json.loads(data) == unit
    assert await printed("--include-data") == (
        "message: 'all: well'\nstatus: active\nstatus-data: {}\n"
    )
    data = await printed("--application", "--include-data", "--format=json")
    assert json.loads(data) == {"application-status": application}


class Broken(BucketContext):
    """A context with a fault in it that names a setting's value."""

    async def write_settings(self, changes: Mapping[str, str]) -> None:
        raise RuntimeError(f"boom {changes}")


async def test_an_internal_fault_is_one_line_and_names_no_value() -> None:
    """T2, T10"""
    context = Broken()
    reply = await call(context, "leader-set", "a=secret")
    assert reply.exit_code == 1
    assert reply.stderr.startswith(b"ERROR internal fault in leader-set (RuntimeError in ")
    assert reply.stderr.count(b"\n") == 1
    assert [level for level, _ in context.logged] == ["ERROR"]
    assert b"secret" not in reply.stderr + context.logged[0][1].encode()


async def test_a_tool_that_is_none_is_a_bad_request() -> None:
    """T2"""
    assert await call(BucketContext(), "leader-gte") == failed(
        "bad request: unknown command: leader-gte"
    )
