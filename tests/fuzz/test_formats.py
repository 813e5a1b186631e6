"""Whatever a bucket holds, each format reads back as that; slow ways of printing it are faults."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from functools import partial

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tenure.agent.tools import run_tool
from tenure.core.bucket import MAX_BUCKET, size_of
from tenure.jujuyaml.reader import MAX_NUMBER, read
from tenure.wire.tools import Call
from tests.fuzz import rules
from tests.support.tool_world import BucketContext

steady = partial(settings, deadline=None, derandomize=True, database=None)

CHARS = st.characters(exclude_categories=["Cs"])
BYTES = st.binary(max_size=20).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
CONTROLS = st.text(" \n\t\r\0\x07\x1b\x7f\x85\u2028\ufeff\ufffe'\"\\:#-?<>&{}[]~", max_size=20)
LONG = st.builds(lambda text, times: text * times, st.text(CHARS, min_size=1, max_size=4),
                 st.integers(20, 2000))  # fmt: skip
NUMBERS = st.from_regex(r"\A[-+]?(0[xbo]?)?[0-9_.:eE-]{1,12}\Z") | st.integers(0, 9).map(
    lambda digit: str(digit) * 6000
)
TEXTS = st.text(CHARS, max_size=20) | CONTROLS | BYTES | LONG | NUMBERS
BUCKETS = st.dictionaries(TEXTS.filter(bool), TEXTS.filter(bool), max_size=6)


async def _no_stdin(path: str = "") -> bytes:
    return b""


def get(bucket: Mapping[str, str], *args: str) -> bytes:
    """What leader-get prints."""
    call = Call(context_id="1", tool="leader-get", args=args, cwd="/charm")
    context = BucketContext(leader=False, bucket=dict(bucket))
    reply = asyncio.run(run_tool(context, call, _no_stdin))
    assert (reply.exit_code, reply.stderr) == (0, b""), reply.stderr
    return reply.stdout


def as_go(text: str) -> str:
    """With U+FFFD for each byte that is no UTF-8."""
    return rules.utf8(text.encode("utf-8", "surrogateescape"))


def distinct(bucket: Mapping[str, str]) -> dict[str, str]:
    """The bucket as printed; of keys that look alike then, one is left."""
    return {as_go(key): as_go(value) for key, value in bucket.items()}


@steady(max_examples=300)
@given(BUCKETS)
@example({"\udcff": "1", "\U0001f600": "2", "\uffff": "3", "é": "</script>"})
def test_json_reads_back_and_its_keys_are_in_the_order_of_their_bytes(
    bucket: dict[str, str],
) -> None:
    """T4"""
    printed = get(bucket, "--format", "json")
    found = json.loads(printed, object_pairs_hook=list)
    pairs = [[as_go(key), as_go(bucket[key])] for key in sorted(bucket, key=_bytes)]
    assert [list(pair) for pair in found] == pairs
    assert printed.endswith(b"}\n") and printed.count(b"\n") == 1
    assert not set(b"<>&") & set(printed) and b"\xe2\x80\xa8" not in printed


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@steady(max_examples=250)
@given(BUCKETS)
@example({"k": "1" * 5000})
@example({"1" * 5000: "a", "2" * 5000: "b"})
def test_yaml_reads_back_as_the_same_strings(bucket: dict[str, str]) -> None:
    """T4"""
    bucket = {k: v for k, v in distinct(bucket).items() if not _chomped(k) and not _chomped(v)}
    printed = get(bucket, "--format", "yaml").decode()
    assert yaml.load(printed, yaml.BaseLoader) == bucket
    if not any(len(text) > MAX_NUMBER for text in (*bucket, *bucket.values())):
        assert read(printed) == bucket


def _chomped(text: str) -> bool:
    """A literal whose end Juju itself writes wrong: kept to the byte, and so not read back."""
    return "\n" in text and (text[-1] in "\n\u2028\u2029" or not text.strip("\n\u2028\u2029"))


@steady(max_examples=200)
@given(TEXTS.filter(bool))
def test_smart_prints_a_string_as_it_is_and_a_map_as_yaml_does(value: str) -> None:
    """T4"""
    assert get({"k": value}, "k") == value.encode("utf-8", "surrogateescape") + b"\n"
    assert get({"k": value}) == get({"k": value}, "--format", "yaml")
    assert get({"k": value}, "none") == b""
    assert get({"k": value}, "--format", "json", "none") == b"null\n"


FULL = {
    "one long number": {"k": "7" * (MAX_BUCKET - 1)},
    "long numbers as keys": {str(n) * (MAX_BUCKET // 8 - 1): "v" for n in range(1, 8)},
    "many keys": {f"key-{n:05}": "v" for n in range(95_000)},
    "spaces": {"k": "a b " * (MAX_BUCKET // 4 - 1)},
    "lines": {"k": "a\n" * (MAX_BUCKET // 2 - 1)},
    "escapes": {"k": "\x01 " * (MAX_BUCKET // 2 - 1)},
    "wide": {"k": "\U0001f600" * (MAX_BUCKET // 4 - 1)},
}


@pytest.mark.parametrize("name", FULL)
@pytest.mark.parametrize("format", ["json", "smart"])
def test_a_full_bucket_is_printed_while_others_hardly_wait(name: str, format: str) -> None:
    """T4, B6: printing holds the agent's loop, and with it every renewal"""
    assert size_of(FULL[name]) <= MAX_BUCKET
    began = time.process_time()
    printed = get(FULL[name], "--format", format)
    # no measure: whatever grew with the square of the size would take this long, anywhere
    assert time.process_time() - began < 20.0
    assert len(printed) > MAX_BUCKET // 2
