"""The hook contexts of a unit: for how long a tool is served in one."""

from __future__ import annotations

from pathlib import Path

from tenure.testing.time.waiting import in_virtual_time
from tests.support.charmstage import busy, calm, charmed, said


@in_virtual_time
async def test_a_tool_is_served_no_more_while_what_its_hook_set_is_being_kept(
    tmp_path: Path,
) -> None:
    """T8, P1: or it would write into what is on its way already, and be lost"""
    stage = await charmed(tmp_path, units=1)
    [unit] = await calm(stage)
    await busy(stage, unit)
    await said(unit, "relation-set", "-r", "peers:0", "k=v")
    assert stage.store is not None
    stage.store.open.clear()
    context_id = unit.hook.command.context_id
    unit.hook.end()
    await stage.pass_time(1.0)
    assert unit.unit.contexts.is_open
    assert unit.unit.contexts.by_id(context_id) is None
    stage.store.open.set()
    await stage.until(lambda: not unit.unit.contexts.is_open, within=2.0)
