"""What a charm is told of a resource that has no file."""

from __future__ import annotations

from pathlib import Path

import pytest

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
