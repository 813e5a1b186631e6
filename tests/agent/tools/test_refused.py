"""Tools that Tenure has not, and what all of them cost an agent that nobody calls."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import tenure
from tenure.agent.tools import REFUSED, SUPPORTED, TOOLS
from tenure.agent.tools.refused import REASONS
from tenure.wire.tools import ToolReply
from tests.agent.tools.test_tools import call
from tests.support.patience import HANG
from tests.support.tool_world import BucketContext

SOURCE = Path(tenure.__file__).parent.parent


@pytest.mark.parametrize("tool", REFUSED)
async def test_what_there_is_not_fails_and_says_why(tool: str) -> None:
    """T2"""
    for args in ((), ("--now",), ("key", "--label=x"), ("--", "-y")):
        reply = await call(BucketContext(), tool, *args)
        words = f"{tool} is not supported by Tenure: {REASONS[tool]}"
        if tool == "credential-get":
            words = f"cannot access cloud credentials: {words}"
        assert reply == ToolReply(exit_code=1, stderr=f"ERROR {words}\n".encode())
        # because ops takes these for an answer about a secret or a relation
        assert b"not found" not in reply.stderr and b"permission denied" not in reply.stderr


def test_every_name_is_either_supported_or_refused_with_a_reason() -> None:
    """T1"""
    assert set(REFUSED) == set(REASONS)
    assert not set(REFUSED) & set(SUPPORTED)
    assert sorted(TOOLS) == sorted(REFUSED + SUPPORTED)


def test_a_tool_that_nobody_calls_is_not_loaded() -> None:
    """T1: however many there are, an agent starts as quickly"""
    code = (
        "import sys, tenure.agent.tools as t, tenure.agent.toolserver\n"
        "names = {name.replace('-', '_') for name in t.TOOLS} | {'refused', 'pairs', 'ports'}\n"
        "print(sorted(n for n in names if f'tenure.agent.tools.{n}' in sys.modules))\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(SOURCE)}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, timeout=HANG
    )
    assert (ran.stdout, ran.stderr) == (b"[]\n", b"")
