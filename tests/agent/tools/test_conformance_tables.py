"""The tables of `conformance/`: what each tool prints in a given world, and what it changes there.

One file for each tool, one case a line: `world` (of worlds.json, or one of its own that may begin
`from` one of those), `args`, `stdin`, `files` in the caller's folder, then `exit`, `stdout`,
`stderr`, and `after`: what is different afterwards. What is not named there must not have changed.
Each case goes through a real process and a real socket.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tenure.agent.tools.base import About, RelationHere, WorkloadStatus
from tenure.agent.toolserver import ToolServer
from tenure.wire.messages import GoalUnit
from tests.support.tool_world import BucketContext, Client, Contexts, Ran, RecordedAction

FOLDER = Path(__file__).with_name("conformance")
WORLDS: dict[str, dict[str, Any]] = json.loads((FOLDER / "worlds.json").read_text())
TABLES = {path.stem: path.read_text().splitlines() for path in sorted(FOLDER.glob("*.jsonl"))}
AT_ONCE = 8
KINDS = {"unit": False, "application": True}


def facts_of(world: str | dict[str, Any]) -> dict[str, Any]:
    """A world with all that it has from others."""
    facts = WORLDS[world] if isinstance(world, str) else world
    return {**facts_of(facts["from"]), **facts} if "from" in facts else facts


def context_of(facts: dict[str, Any]) -> BucketContext:
    relations = {each["number"]: each for each in facts["relations"]}
    params = facts.get("params")
    return BucketContext(
        leader=facts["leader"],
        unreadable=facts.get("unreadable", ""),
        unknown=facts.get("unknown", ""),
        statuses={
            KINDS[k]: WorkloadStatus(*status) for k, status in facts.get("statuses", {}).items()
        },
        about=About(**facts.get("about", {})),
        action=RecordedAction(params=params) if params is not None else None,
        options=dict(facts.get("config", {})),
        peers={
            number: RelationHere(**{**each, "members": tuple(each["members"])})
            for number, each in relations.items()
        },
        bags={bag_key(key): dict(bag) for key, bag in facts["bags"].items()},
        ports=set(facts.get("ports", ())),
        kept=dict(facts.get("kept", {})),
        resources=facts.get("resources", {}),
        goals={
            name: GoalUnit(status=status, since=since)
            for name, (status, since) in facts.get("goals", {}).items()
        },
    )


def bag_key(text: str) -> tuple[int, str]:
    number, owner = text.split()
    return int(number), owner


def all_of(context: BucketContext) -> dict[str, Any]:
    """All that a tool could change."""
    action = context.action or RecordedAction()
    return {
        **{f"bag {number} {owner}": bag for (number, owner), bag in context.bags.items()},
        "ports": sorted(context.ports),
        "kept": context.kept,
        "version": context.version,
        "results": action.results,
        "failure": action.failure,
        "told": action.told,
        "logged": [list(line) for line in context.logged],
        "unit status": [*vars_of(context.status())],
        "application status": [*vars_of(context.statuses.get(True, WorkloadStatus()))],
    }


def vars_of(status: WorkloadStatus) -> tuple[str, str]:
    return status.current, status.message


async def differs(
    case: dict[str, Any], context: BucketContext, client: Client, environ: dict[str, str], cwd: Path
) -> object:
    """None if the case holds, else what came instead."""
    cwd.mkdir()
    for name, content in case.get("files", {}).items():
        (cwd / name).write_text(content)
    wanted_after = {**json.loads(json.dumps(all_of(context))), **case.get("after", {})}
    stdin = case.get("stdin", "").encode()
    ran = await client.run(case["tool"], *case["args"], environ=environ, stdin=stdin, cwd=cwd)
    stderr = case["stderr"].replace("{cwd}", str(cwd)).encode()
    wanted = Ran(case["exit"], case["stdout"].encode(), stderr)
    after = all_of(context)
    return None if (ran, after) == (wanted, wanted_after) else (case, ran, after)


@pytest.mark.parametrize("tool", TABLES)
async def test_every_case_of_the_tables_has_its_exact_bytes_and_changes(
    tool: str, client: Client, server: ToolServer, contexts: Contexts, folder: Path
) -> None:
    """T0, T1, T2: the tools beyond leadership print, refuse and change what Juju's do"""
    seats = asyncio.Semaphore(AT_ONCE)

    async def tried(number: int, line: str) -> object:
        case = json.loads(line)
        assert case["tool"] == tool
        context = context_of(facts_of(case["world"]))
        contexts[str(number)] = context
        async with seats:
            environ = client.environ(str(number), server.path)
            return await differs(case, context, client, environ, folder / str(number))

    results = await asyncio.gather(*(tried(*each) for each in enumerate(TABLES[tool])))
    assert [result for result in results if result] == []
    assert len(results) >= 5


def test_the_most_used_tools_have_a_table_of_their_own() -> None:
    """What charms call most is held to the byte"""
    assert set(TABLES) >= {
        "action-get", "action-set", "application-version-set", "config-get", "goal-state",
        "juju-log", "network-get", "open-port", "opened-ports", "relation-get", "relation-ids",
        "relation-list", "relation-set", "resource-get", "state-get", "state-set", "status-get",
        "status-set",
    }  # fmt: skip
