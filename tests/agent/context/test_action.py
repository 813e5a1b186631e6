"""What an action answers: its results, what it printed, and how it ended."""

from __future__ import annotations

import pytest

from tenure.agent.context.action import ActionRun, told
from tenure.agent.hooks.output import MAX_CAPTURED, Captured
from tenure.agent.hooks.process import HookResult


def captured(content: bytes) -> Captured:
    stream = Captured()
    for at in range(0, len(content), 1000):
        stream.add(content[at : at + 1000])
    return stream


def ended(stdout: bytes, stderr: bytes = b"", code: int = 0) -> HookResult:
    kind = "failed" if code else "done"
    return HookResult(kind, "", code, captured(stdout), captured(stderr))  # type: ignore[arg-type]


def run() -> ActionRun:
    return ActionRun("backup", {}, lambda text: None)


def test_what_an_action_printed_is_among_its_results_with_its_exit_code() -> None:
    """P6, O6"""
    action = run()
    action.set(("size",), "5")
    done = action.ended(ended(b"Hello\n", b"a warning\n", 3))
    assert done.results == {
        "size": "5", "return-code": 3, "stdout": "Hello\n", "stderr": "a warning\n",
    }  # fmt: skip
    assert (done.exit, done.cut) == (3, {})


def test_a_stream_that_is_empty_is_not_there() -> None:
    """P6, O6: as in Juju."""
    assert run().ended(ended(b"")).results == {"return-code": 0}
    assert run().ended(HookResult("killed", "signal: killed")).results == {"return-code": 1}


@pytest.mark.parametrize("char", ["x", "é", "\u20ac", "\U0001f600"])
@pytest.mark.parametrize("before", ["", "a"])
def test_what_is_too_long_is_cut_between_characters_and_said_so(char: str, before: str) -> None:
    """P6, O6"""
    whole = (before + char * MAX_CAPTURED + "end").encode()
    done = run().ended(ended(whole, b"short"))
    kept = done.results["stdout"].encode()
    assert whole.startswith(kept) and MAX_CAPTURED - 4 < len(kept) <= MAX_CAPTURED
    assert done.cut == {"stdout": len(whole)}
    assert done.results["stderr"] == "short"


def test_exactly_what_fits_is_not_cut() -> None:
    """P6, O6"""
    done = run().ended(ended(b"x" * MAX_CAPTURED))
    assert (len(done.results["stdout"]), done.cut) == (MAX_CAPTURED, {})


def test_what_is_no_text_comes_as_base64_and_says_so() -> None:
    """P6, O6: as in Juju."""
    done = run().ended(ended(b"\xff\x00", b"ok"))
    assert done.results["stdout"] == "/wA="
    assert done.results["stdout-encoding"] == "base64"
    assert "stderr-encoding" not in done.results


def test_the_log_names_results_and_not_what_was_printed() -> None:
    """T10"""
    action = run()
    action.set(("a", "b"), "secret")
    assert told(action.ended(ended(b"hi"))) == (
        "completed, with results a.b; values are not logged"
    )
    assert told(run().ended(ended(b"hi"))) == "completed, without results"
