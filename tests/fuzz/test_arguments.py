"""Any arguments at all, against the rules written down a second time (`rules.py`)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tenure.agent.tools import REFUSED, SUPPORTED, run_tool
from tenure.agent.tools.base import Context, WriteRefused
from tenure.core.bucket import MAX_BUCKET, merge
from tenure.core.changes import Bucket
from tenure.errors import BucketFull
from tenure.wire.tools import Call, ToolReply
from tests.fuzz import rules
from tests.support.tool_world import BucketContext

steady = partial(settings, deadline=None, derandomize=True, database=None)


@dataclass
class LimitedContext(BucketContext):
    """A leader's context whose bucket is the real one, with its limit."""

    kept: Bucket = field(default_factory=Bucket)

    async def settings(self) -> Mapping[str, str]:
        return self.kept.settings

    async def write_settings(self, changes: Mapping[str, str]) -> None:
        try:
            self.kept = merge(self.kept, changes, "web")
        except BucketFull as full:
            raise WriteRefused(str(full)) from None


async def _no_stdin(path: str = "") -> bytes:
    return b""


def run(context: Context, tool: str, *args: bytes) -> ToolReply:
    """One call, with its arguments as a process would have them."""
    texts = tuple(map(os.fsdecode, args))
    call = Call(context_id="1", tool=tool, args=texts, cwd="/charm")
    return asyncio.run(run_tool(context, call, _no_stdin))


# --- what arguments are made of

NO_NUL = st.binary(max_size=12).map(lambda raw: raw.replace(b"\0", b"."))
WORDS = st.sampled_from(
    [b"--", b"-", b"", b"k", b"a=b", b"json", b"yaml", b"smart", b"-h", b"--help", b"-\xff", b"=",
     b"--=", b"--=x", b"---", b"--format", b"--format=json", b"--format=", b"-o", b"-ox", b"-o=x",
     b"-o=", b"--o=x", b"--output", b"--output=x", b"--outpu", b"--debug", b"--debug=no", b"-hx",
     b"--debug=T", b"--debugging", b"-l", b"-lINFO", b"-l=INFO", b"--log-level", b"--application",
     b"--application=1", b"--include-data=false", b"--include-data=maybe", "-é".encode(), b"active",
     "--é=1".encode(), b"-x", b"-xy", b"--x", b"\xe2\x80\xa8", b"\x1b[2J", b"blocked", b"--h=1",
     b"-r", b"-r0", b"-r=0", b"--relation=peers:0", b"0", b"peers:1", b"-r9", b"--app", b"--all=0",
     b"web/1", b"web", b"peers", b"80/tcp", b"9-8", b"icmp", b"--endpoints", b"--strict", b"a.b=c"]
)  # fmt: skip
FLAGGISH = st.builds(
    lambda dashes, name, equals, value: (dashes + name + equals + value).replace(b"\n", b""),
    st.sampled_from([b"-", b"--"]),
    st.sampled_from([b"format", b"o", b"output", b"debug", b"l", b"h", b"x"]) | NO_NUL,
    st.sampled_from([b"", b"=", b"=="]),
    st.sampled_from([b"json", b"true", b"x"]) | NO_NUL,
)
ARGS = st.lists(WORDS | FLAGGISH | NO_NUL.map(lambda raw: raw.replace(b"\n", b"_")), max_size=6)
TOOL = st.sampled_from(sorted(SUPPORTED))


# --- flags and exit codes


@steady(max_examples=600)
@given(TOOL, ARGS)
@example("is-leader", [b"-o=x", b"--", b"--help"])
@example("leader-get", [b"--format", b"--", b"k"])
def test_flags_are_sorted_from_arguments_as_gnuflag_does(tool: str, args: list[bytes]) -> None:
    """T0, T1: wrong arguments are found before leadership is asked"""
    reply = run(BucketContext(leader=False, unknown="not asked"), tool, *args)
    try:
        rules.parse(rules.FLAGS[tool], args)
    except rules.Help:
        assert (reply.exit_code, reply.stderr) == (0, b"")
        assert reply.stdout.startswith(b"Usage: " + tool.encode())
    except rules.Wrong as wrong:
        assert reply == ToolReply(exit_code=2, stderr=b"ERROR " + wrong.words + b"\n")
    else:
        assert b"option" not in reply.stderr or tool == "juju-log"


@steady(max_examples=100)
@given(st.sampled_from(REFUSED), ARGS)
def test_what_there_is_not_says_so_whatever_its_arguments(tool: str, args: list[bytes]) -> None:
    """T2"""
    reply = run(BucketContext(), tool, *args)
    check_reply(reply)
    if reply.exit_code == 1:
        assert tool.encode() + b" is not supported by Tenure: " in reply.stderr
    else:
        assert {b"-h", b"--help"} & set(args)


@steady(max_examples=400)
@given(st.sampled_from(["is-leader", "leader-get"]), ARGS)
def test_what_is_no_flag_is_counted_and_a_file_is_the_callers(tool: str, args: list[bytes]) -> None:
    """T1, T7"""
    try:
        parsed = rules.parse(rules.OUTPUT, args)
    except (rules.Help, rules.Wrong):
        return
    reply = run(BucketContext(bucket={"k": "v"}), tool, *args)
    taken = 0 if tool == "is-leader" else 1
    rest = parsed.rest
    if taken and rest and b"=" in rest[0]:
        words = b"invalid key " + rules.quoted(rest[0])
        assert reply == ToolReply(exit_code=2, stderr=b"ERROR " + words + b"\n")
    elif len(rest) > taken:
        words = b"unrecognized args: [" + b" ".join(map(rules.quoted, rest[taken:])) + b"]"
        assert reply == ToolReply(exit_code=2, stderr=b"ERROR " + words + b"\n")
    else:
        assert (reply.exit_code, reply.stderr) == (0, b"")
        assert (reply.out_path is None) == (not parsed.values.get(b"output"))


@steady(max_examples=600)
@given(TOOL, ARGS, st.booleans())
@example("leader-get", [b"-o", b"~\xff/x"], True)
def test_no_arguments_make_a_traceback_or_a_second_line(
    tool: str, args: list[bytes], leader: bool
) -> None:
    """T2"""
    check_reply(run(BucketContext(leader=leader), tool, *args))


LINES = st.lists(
    st.text("-=a\n\r\x1b\x85\u2028:", max_size=8).map(str.encode), min_size=1, max_size=3
)


@steady(max_examples=200)
@given(TOOL, LINES)
@example("leader-set", [b"--a\nERROR b"])
def test_an_error_is_one_line_also_where_an_argument_has_several(
    tool: str, args: list[bytes]
) -> None:
    """T2"""
    check_reply(run(BucketContext(), tool, *args))


@pytest.mark.parametrize("path", ["~\0", "a\0b", "~" + "x" * 5000, "/" * 5000, "\ud800"])
def test_no_name_of_a_file_is_an_internal_fault(path: str) -> None:
    """T2, T7: what no process could pass may still come through the socket"""
    call = Call(context_id="1", tool="is-leader", args=("-o", path), cwd="/charm")
    reply = asyncio.run(run_tool(BucketContext(), call, _no_stdin))
    assert b"internal fault" not in reply.stderr


def check_reply(reply: ToolReply) -> None:
    """T2: exit 0, 1 or 2; errors are one line that is ours; nothing unforeseen happened."""
    assert reply.exit_code in (0, 1, 2)
    if reply.stderr and not reply.stderr.startswith(b"--format flag deprecated for command "):
        assert reply.exit_code in (1, 2)
        assert reply.stderr.startswith(b"ERROR ") and reply.stderr.endswith(b"\n")
        assert reply.stderr.count(b"\n") == 1
    assert b"internal fault" not in reply.stderr and b"Traceback" not in reply.stderr


# --- leader-set

SPACE = st.text(st.sampled_from(rules.SPACES + "\x1c\x1f\u200b"), max_size=2).map(str.encode)
KEYS = st.sampled_from([b"a", b"b", b"a.b", b"$x", "é".encode(), b"", b"\xff", b"\xfe"]) | NO_NUL
VALUES = st.sampled_from([b"", b"1", b"x=y", b"=", b"--x"]) | NO_NUL
LARGE = st.integers(1, 9).map(lambda n: b"x" * (n * MAX_BUCKET // 8)) | st.integers(-2, 2).map(
    lambda n: b"y" * (MAX_BUCKET + n)
)
PAIR = st.builds(lambda *parts: b"".join(parts), SPACE, KEYS, SPACE, st.just(b"="), SPACE, VALUES)
SETS = st.lists(st.lists(PAIR | NO_NUL | st.just(b""), max_size=4), min_size=1, max_size=6)
LARGE_PAIR = st.builds(lambda key, value: key + b"=" + value, st.sampled_from([b"a", b"b"]), LARGE)
LARGE_SETS = st.lists(st.lists(PAIR | LARGE_PAIR, max_size=2), min_size=1, max_size=4)


@steady(max_examples=400)
@given(SETS)
@example([[b"a= \xe2\x80\xa8 1", b"a=2"], [b" a = b = c "], [b"\xff=1", b"\xfe=2"]])
def test_what_is_set_is_what_a_dict_would_hold(calls: list[list[bytes]]) -> None:
    """T5, B3"""
    check_against_dict(calls)


@steady(max_examples=25)
@given(LARGE_SETS)
@example([[b"k=" + b"y" * (MAX_BUCKET - 1)], [b"k=" + b"y" * MAX_BUCKET], [b"k="]])
def test_a_bucket_that_would_be_too_large_stays_as_it_was(calls: list[list[bytes]]) -> None:
    """B6, G7"""
    check_against_dict(calls)


def check_against_dict(calls: list[list[bytes]]) -> None:
    """Each call does to the bucket what it does to a dict, or is refused in the right words."""
    context, model = LimitedContext(), dict[str, str]()
    for args in calls:
        reply = run(context, "leader-set", b"--", *args)
        expected = after_setting(model, args)
        if isinstance(expected, bytes):
            assert reply.stderr.startswith(expected), reply.stderr[:200]
            assert reply.exit_code == (1 if b" would take " in expected else 2)
        else:
            assert reply == ToolReply()
            model = expected
        assert context.kept.settings == model


def after_setting(model: dict[str, str], args: list[bytes]) -> dict[str, str] | bytes:
    """What the bucket holds after the call, or how its error begins."""
    try:
        asked = rules.pairs(args)
    except rules.Wrong as wrong:
        return b"ERROR " + wrong.words + b"\n"
    after = {key: value for key, value in {**model, **asked}.items() if value}
    size = sum(len(key.encode()) + len(value.encode()) for key, value in after.items())
    if size > MAX_BUCKET and after != model:
        return (
            b"ERROR cannot write leadership settings: cannot write settings: settings of "
            b'"web" would take %d bytes, more than the limit of %d' % (size, MAX_BUCKET)
        )
    return after


SECRET = b"hunter2-of-web"


@steady(max_examples=300)
@given(st.lists(PAIR | WORDS | FLAGGISH, max_size=5), st.integers(0, 5), st.booleans())
def test_no_error_repeats_the_value_of_a_setting(args: list[bytes], at: int, leader: bool) -> None:
    """T10"""
    context = BucketContext(leader=leader)
    args.insert(min(at, len(args)), b"password=" + SECRET)
    reply = run(context, "leader-set", *args)
    assert SECRET not in reply.stderr
    assert not any(SECRET.decode() in line for _, line in context.logged)
