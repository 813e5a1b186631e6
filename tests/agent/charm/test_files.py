"""What a charm is told of a resource that has no file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tenure.agent.charm.files import CharmFiles
from tenure.testing.time.waiting import in_virtual_time
from tests.support.charmstage import busy, charmed, end, refused


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("db", "no file was given for db: hand it in with `tenure refresh APP --resource db=FILE`"),
        ("nope", 'the charm declares no resource "nope": it has db, key'),
    ],
)
@in_virtual_time
async def test_a_resource_without_a_file_says_once_what_is_missing_and_what_helps(
    tmp_path: Path, name: str, cause: str
) -> None:
    """Only what the charm declares can be handed in"""
    stage = await charmed(tmp_path, units=1)
    charm = stage.machines[0].folder / "charm"
    (charm / "metadata.yaml").write_text(
        "name: web\nresources: {key: {type: file, filename: k}, db: {type: file, filename: d}}\n"
    )
    [unit] = await stage.led()
    await busy(stage, unit)
    said = await refused(unit, "resource-get", name)
    assert said == f"could not download resource: {cause}"
    await end(unit)


def test_a_misspelled_hook_is_told_in_the_log_whenever_the_charm_is_read(tmp_path: Path) -> None:
    said: list[tuple[str, str]] = []
    files = CharmFiles(tmp_path, lambda level, text: said.append((level, text)))
    hook = tmp_path / "charm" / "hooks" / "leader-elcted"
    hook.parent.mkdir(parents=True)
    hook.touch(mode=0o755)
    files.read_again()
    [line] = files.doubts()
    assert said == [("WARNING", line)]
    assert line.startswith("hooks/leader-elcted never runs")
    hook.rename(hook.with_name("leader-elected"))
    files.read_again()
    assert files.doubts() == () and len(said) == 1
