"""A machine: a real agent that can be killed, and hooks that end when a test says."""

from __future__ import annotations

import ast
import asyncio
from pathlib import Path

import tenure.testing
from tenure.testing.hooks import PlayedHook
from tenure.testing.time.waiting import in_virtual_time
from tests.support.parsing import parsed
from tests.support.stage import Stage


def test_the_front_door_is_sorted_and_everything_in_it_is_there() -> None:
    names = tenure.testing.__all__
    assert names == sorted(names)
    assert all(hasattr(tenure.testing, name) for name in names)


def test_the_kit_needs_no_test_runner() -> None:
    for path in Path(tenure.testing.__file__).parent.rglob("*.py"):
        for node in ast.walk(parsed(path)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.split(".")[0] in ("pytest", "tests")], path


@in_virtual_time
async def test_a_hook_that_is_held_runs_until_it_is_ended(tmp_path: Path) -> None:
    stage = await Stage.open(tmp_path, units=1)
    [machine] = stage.machines
    machine.runner.held.add("install")
    machine.start()
    await stage.until(lambda: machine.running == "install")
    await stage.pass_time(100.0)
    machine.hook.end()
    await stage.until(lambda: machine.count("start") == 1)


@in_virtual_time
async def test_a_script_calls_tools_as_a_charm_does(tmp_path: Path) -> None:
    said: list[tuple[int, str, str]] = []

    async def script(hook: PlayedHook) -> None:
        said.append(await hook.tool("is-leader"))
        await asyncio.sleep(1.0)
        said.append(await hook.tool("leader-set", "key=value"))
        said.append(await hook.tool("leader-get", "key"))

    stage = await Stage.open(tmp_path, units=1)
    [machine] = stage.machines
    machine.runner.scripts["leader-elected"] = script
    machine.start()
    await stage.until(lambda: machine.count("start") == 1)
    assert said == [(0, "True\n", ""), (0, "", ""), (0, "value\n", "")]


@in_virtual_time
async def test_a_script_that_fails_is_a_hook_that_fails_and_is_run_again(tmp_path: Path) -> None:
    async def script(hook: PlayedHook) -> None:
        if machine.count("install") < 2:
            hook.end("failed", "exit status 1")
            await asyncio.sleep(1.0)
            raise AssertionError("a hook that has ended goes on")

    stage = await Stage.open(tmp_path, units=1)
    [machine] = stage.machines
    machine.runner.scripts["install"] = script
    machine.start()
    await stage.until(lambda: machine.count("start") == 1)
    assert machine.count("install") == 2


@in_virtual_time
async def test_a_killed_agent_takes_no_further_step_and_its_hook_goes_with_it(
    tmp_path: Path,
) -> None:
    """H8"""
    went_on: list[str] = []

    async def script(hook: PlayedHook) -> None:
        await asyncio.sleep(10.0)
        went_on.append(hook.command.hook)

    stage = await Stage.open(tmp_path, units=1)
    [machine] = stage.machines
    machine.runner.scripts["config-changed"] = script
    machine.start()
    await stage.until(lambda: machine.running == "config-changed")
    await machine.crash()
    kept, said = machine.disk.kept, len(machine.line.said)
    assert not machine.alive
    await stage.pass_time(300.0)
    assert went_on == []
    assert (machine.disk.kept, len(machine.line.said)) == (kept, said)
    del machine.runner.scripts["config-changed"]
    machine.start()
    await stage.until(lambda: machine.count("start") == 1)
    assert machine.count("config-changed") == 2, "it was interrupted, and is owed again"


@in_virtual_time
async def test_a_stopped_agent_believes_no_longer_than_its_lease(tmp_path: Path) -> None:
    """G1, U5"""
    stage = await Stage.open(tmp_path, units=2)
    first, second = await stage.led()
    assert first.process is not None
    first.process.stop()
    await stage.until(lambda: second.leads, within=100.0)
    first.process.go_on()
    await stage.pass_time(10.0)
    assert second.leads and not first.leads
