"""The cases that decide the bytes, each through a real process and a real socket."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from tenure.agent.toolserver import ToolServer
from tests.support.tool_world import BucketContext, Client, Contexts, Ran

LINES = Path(__file__).with_name("hook-tools.jsonl").read_text().splitlines()
CASES = [json.loads(line) for line in LINES]
AT_ONCE = 8


async def test_every_conformance_case_has_its_exact_bytes(
    client: Client, server: ToolServer, contexts: Contexts
) -> None:
    """T0, T1, T2, T4, T5, T6"""
    seats = asyncio.Semaphore(AT_ONCE)

    async def differs(number: int, case: dict[str, Any]) -> object:
        context = BucketContext(leader=case["leader"], bucket=dict(case["settings"]))
        contexts[str(number)] = context
        async with seats:
            environ = client.environ(str(number), server.path)
            ran = await client.run(case["tool"], *case["args"], environ=environ)
        wanted = Ran(case["exit"], case["stdout"].encode(), case["stderr"].encode())
        after = case.get("settings_after", case["settings"])
        return None if (ran, context.bucket) == (wanted, after) else (case, ran, context.bucket)

    results = await asyncio.gather(*(differs(*case) for case in enumerate(CASES)))
    assert [result for result in results if result] == []
    assert len(results) > 150
